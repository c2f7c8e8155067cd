//! The texts of the licences of all crates in the program, each text once.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::crates::Crate;

/// What the names of files with a licence begin with, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// A text, and the crates that have it.
struct Text {
    words: String,
    text: String,
    crates: Vec<String>,
}

/// One page: which crates there are, and then the texts.
///
/// # Errors
/// When a crate has no file with its licence.
pub fn page(crates: &[Crate]) -> Result<String> {
    let mut page = String::from(
        "minis2i contains the Rust standard library (MIT OR Apache-2.0, https://www.rust-lang.org) and these crates:\n\n",
    );
    let mut texts: Vec<Text> = Vec::new();
    for one in crates {
        let name = format!("{} {}", one.name, one.version);
        let place = one.repository.as_deref().unwrap_or("https://crates.io");
        let _ = writeln!(page, "  {name} ({}), {place}", one.licence);
        let found = licence_files(&one.folder)?;
        ensure!(!found.is_empty(), "the crate {name} has no file with its licence");
        for text in found {
            // The same licence comes with other line ends and indents.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            match texts.iter_mut().find(|known| known.words == words) {
                Some(known) => known.crates.push(name.clone()),
                None => texts.push(Text { words, text, crates: vec![name.clone()] }),
            }
        }
    }
    for text in &texts {
        let _ = write!(page, "\n{}\n{}:\n\n{}\n", "=".repeat(80), text.crates.join(", "), text.text.trim_end());
    }
    Ok(page)
}

/// The texts of the files in a crate's folder that have to do with its licence, in the order of their names.
fn licence_files(folder: &Path) -> Result<Vec<String>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    let mut paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_file() && path.file_name().is_some_and(|name| is_licence(&name.to_string_lossy())));
    paths.sort();
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    paths.iter().map(|path| Ok(String::from_utf8_lossy(&read(path)?).replace('\r', ""))).collect()
}

fn is_licence(name: &str) -> bool {
    let name = name.to_uppercase();
    NAMES.iter().any(|known| name.starts_with(known))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Crate, page};

    #[test]
    fn a_text_comes_once_and_a_crate_without_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let crates = ["a", "b", "none"].map(|name| {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            let (name, licence) = (name.to_owned(), "MIT".to_owned());
            let version = "1.0.0".to_owned();
            Crate { name, version, licence, repository: None, description: None, checksum: None, folder, uses: vec![] }
        });
        fs::write(crates[0].folder.join("LICENSE-MIT"), "Permission is\ngranted\n").unwrap();
        fs::write(crates[1].folder.join("license.txt"), "Permission is granted").unwrap();
        let made = page(&crates[..2]).unwrap();
        assert!(made.contains("\na 1.0.0, b 1.0.0:\n") && made.matches("Permission").count() == 1, "{made}");
        assert!(page(&crates).is_err());
    }
}

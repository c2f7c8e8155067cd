//! The file of the page: which one it is, and that whoever reads it gets a whole page.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::page::MARK;
use crate::error::Error;

/// So much of a file is read to tell whether it is a page.
const BEGINNING: u64 = 1024;

/// The file that `file` stands for, an absolute path without links, to be written or replaced.
///
/// # Errors
/// When it is something other than a file, or a file that is no page of this kind, or its folder cannot be used.
pub fn target(file: &Path) -> Result<PathBuf> {
    let shown = file.display();
    match fs::metadata(file) {
        Ok(meta) if meta.is_dir() => {
            let hint = "name a file in it, as in `--timings=FOLDER/minis2i-timings.html`";
            Err(Error::usage(format!("the timings cannot be written to the folder `{shown}`")).hint(hint).into())
        }
        Ok(meta) if !meta.is_file() => {
            let hint = "give the name of a file: `--timings=FILE`";
            Err(Error::usage(format!("`{shown}` is no file, so no page can be put there")).hint(hint).into())
        }
        Ok(meta) if meta.len() > 0 && !is_page(file)? => {
            let hint = "move it away, or give another name: `--timings=FILE`";
            Err(Error::usage(format!("`{shown}` exists and is no page of timings")).hint(hint).into())
        }
        Ok(_) => fs::canonicalize(file).map_err(|error| cannot_use(file, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => in_folder(file),
        Err(error) => Err(cannot_use(file, error)),
    }
}

/// Writes a page to a [`target`], which is replaced at once.
///
/// # Errors
/// When it cannot be written, such as on a full disk; what was there before stays.
pub fn write(target: &Path, page: &str) -> Result<()> {
    let temporary = temporary(target);
    // One of a process of the same number that was killed.
    let _ = fs::remove_file(&temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(page.as_bytes()))
        .and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write the timings to `{}`", target.display()))
}

/// The file beside a [`target`] in which a new page is made. Its name is one that the names of editors' files are like, so
/// that no watch takes it for a save.
pub fn temporary(target: &Path) -> PathBuf {
    target.with_file_name(format!(".minis2i-timings-{}~", std::process::id()))
}

fn in_folder(file: &Path) -> Result<PathBuf> {
    let name = file.file_name().context("a file has a name")?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|error| cannot_use(file, error))?;
    if !folder.is_dir() {
        return Err(cannot_use(file, io::ErrorKind::NotADirectory.into()));
    }
    Ok(folder.join(name))
}

fn cannot_use(file: &Path, error: io::Error) -> anyhow::Error {
    Error::usage(format!("the timings cannot be written to `{}`", file.display()))
        .because(error)
        .hint("make its folder, or give another file: `--timings=FILE`")
        .into()
}

fn is_page(file: &Path) -> Result<bool> {
    let mut beginning = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    read.map_err(|error| cannot_use(file, error))?;
    Ok(beginning.windows(MARK.len()).any(|bytes| bytes == MARK.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{target, temporary, write};
    use crate::report::message::Outcome;
    use crate::timings::page::page;
    use crate::timings::record::tests::timings;

    fn a_page() -> String {
        let (timings, now) = timings(&[Outcome::Ok], "a");
        page(&timings, now)
    }

    #[test]
    fn a_page_takes_the_place_of_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap();
        let file = folder.join("x.html");
        for _ in 0..2 {
            let target = target(&file).unwrap();
            assert_eq!(target, file);
            write(&target, &a_page()).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), a_page());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // A link leads to the page, and stays.
        symlink("x.html", folder.join("link")).unwrap();
        assert_eq!(target(&folder.join("link")).unwrap(), file);
        fs::write(folder.join("empty"), "").unwrap();
        assert!(target(&folder.join("empty")).is_ok());
    }

    #[test]
    fn what_is_no_page_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("index.html");
        fs::write(&own, "<!DOCTYPE html>").unwrap();
        for (file, why) in [
            (own.as_path(), "is no page of timings"),
            (dir.path(), "the folder"),
            (Path::new("/dev/null"), "is no file"),
            (dir.path().join("none/x.html").as_path(), "cannot be written"),
            (own.join("x.html").as_path(), "cannot be written"),
        ] {
            let error = target(file).unwrap_err();
            assert!(error.to_string().contains(why), "{error:#}");
            assert!(crate::error::hint(&error).is_some(), "{error:#}");
        }
        assert_eq!(fs::read_to_string(&own).unwrap(), "<!DOCTYPE html>");
    }

    #[test]
    fn a_page_that_cannot_be_written_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.html");
        fs::create_dir(&file).unwrap();
        // A file cannot take the place of a folder.
        assert!(write(&file, "new").is_err());
        assert!(file.is_dir() && !temporary(&file).exists());
    }
}

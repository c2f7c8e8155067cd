//! Whether the page of timings can be where the user wants it: each time that it is written must not be a save.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::source::rules::{Rules, Selection, Verdict};
use crate::timings::file;

/// The file to write for `wanted`, an absolute path, while the source below `root` is watched. Questions to git end when
/// `cancel` is triggered.
///
/// # Errors
/// When there can be no page, or one that would be sent with the source.
pub fn place(wanted: &Path, root: &Path, selection: &Selection, cancel: &Cancel) -> Result<PathBuf> {
    let target = file::target(wanted)?;
    let temporary = file::temporary(&target);
    if let (Ok(page), Ok(temporary)) = (target.strip_prefix(root), temporary.strip_prefix(root)) {
        let mut rules = Rules::new(root, selection, cancel.clone())?;
        if is_sent(&mut rules, page) || is_sent(&mut rules, temporary) {
            return Err(Error::usage(format!(
                "the timings cannot be written to `{}`: it is in the source, where each write would be a save",
                wanted.display()
            ))
            .hint(
                "give a file elsewhere (`--timings=FILE`), or one of the name minis2i-timings.html that git does not track \
                 and no rule or option includes",
            )
            .into());
        }
    }
    Ok(target)
}

/// Whether a file, which need not exist, would be sent; `path` is relative to the source.
fn is_sent(rules: &mut Rules, path: &Path) -> bool {
    let mut steps: Vec<&Path> = path.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
    steps.reverse();
    steps.into_iter().all(|step| matches!(rules.verdict(step, step != path), Verdict::Sent | Verdict::Descend))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::place;
    use crate::cancel::Cancel;
    use crate::source::rules::Selection;

    fn selection() -> Selection {
        Selection { gitignore: true, editor_files: true, ..Selection::default() }
    }

    #[test]
    fn a_page_in_the_source_is_refused_unless_it_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let root = top.join("source");
        fs::create_dir_all(root.join("docs")).unwrap();
        fs::create_dir_all(root.join("out/deep")).unwrap();
        fs::write(root.join(".s2iignore"), "/out/\nown.html\n").unwrap();
        let place = |file: &str, selection: &Selection| place(&top.join(file), &root, selection, &Cancel::default());
        let good = [
            "x.html",
            "source/minis2i-timings.html",
            "source/docs/minis2i-timings.html",
            "source/own.html",
            "source/out/deep/x.html",
        ];
        for file in good {
            assert_eq!(place(file, &selection()).unwrap(), top.join(file));
        }
        for file in ["source/x.html", "source/docs/x.html"] {
            let error = place(file, &selection()).unwrap_err();
            assert!(error.to_string().contains("each write would be a save"), "{error:#}");
        }
        let included = Selection { include: vec!["*.html".to_owned()], ..selection() };
        assert!(place("source/minis2i-timings.html", &included).is_err());
    }
}

//! Why one path is sent, or is not: the rule that decides, for people.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layer::Layer;
use super::{Folder, Hidden, Rules, Verdict, editor_files, parent};
use crate::source::rule_file::{Match, RuleLine};

/// What the rules say about a path, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: Verdict,
    pub reason: Reason,
    /// The path that decides: the one that was asked about, or a folder above it.
    pub decided_by: PathBuf,
}

/// Why a path is sent, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule is about it.
    NoRule,
    /// This rule, which begins with `!`, has it sent.
    NotHidden(RuleLine),
    /// `--include` names it.
    Included,
    /// Git tracks it, though this rule would leave it out, or its name would.
    Tracked(Option<RuleLine>),
    /// It is git's own.
    OfGit,
    /// `--exclude` names it.
    Excluded,
    /// This rule leaves it out.
    Hidden(RuleLine),
    /// Only editors give such names.
    EditorFile,
}

impl Rules {
    /// Why the path, relative to the root, is sent or not. Whether the path exists does not matter.
    pub fn explain(&mut self, path: &Path, is_folder: bool) -> Explanation {
        let mut steps: Vec<&Path> = path.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
        steps.reverse();
        let mut verdict = Verdict::Sent;
        for step in &steps {
            verdict = self.verdict(step, is_folder || *step != path);
            if matches!(verdict, Verdict::Ignored | Verdict::Unlisted) {
                break;
            }
        }
        let (reason, decided_by) = match verdict {
            Verdict::Sent => (self.why_sent(path, is_folder, &steps), path.to_owned()),
            _ => self.first_hidden(path, is_folder, &steps).unwrap_or((Reason::NoRule, path.to_owned())),
        };
        Explanation { verdict, reason, decided_by }
    }

    /// What hides the first of the steps to a path that is hidden, and that step.
    fn first_hidden(&mut self, path: &Path, is_folder: bool, steps: &[&Path]) -> Option<(Reason, PathBuf)> {
        steps.iter().find_map(|step| {
            let reason = self.why_hidden(step, is_folder || *step != path)?;
            Some((reason, (*step).to_owned()))
        })
    }

    /// Why a path would be left out, whose folders are not; `None` if it is not.
    fn why_hidden(&mut self, path: &Path, is_folder: bool) -> Option<Reason> {
        if path.file_name().is_some_and(|name| name == ".git") {
            return Some(Reason::OfGit);
        }
        let full = self.below_top(path);
        let folder = self.folder(parent(&full));
        let (hidden, rule) = self.hidden(&folder, path, &full, is_folder);
        match (hidden, rule) {
            (Hidden::No, _) => None,
            (Hidden::ByEditorName, _) => Some(Reason::EditorFile),
            (_, Some(rule)) => Some(Reason::Hidden(rule.line())),
            (Hidden::ByUser | Hidden::ByGit, None) => Some(Reason::Excluded),
        }
    }

    fn why_sent(&mut self, path: &Path, is_folder: bool, steps: &[&Path]) -> Reason {
        let full = self.below_top(path);
        let folder = self.folder(parent(&full));
        if self.hidden(&folder, path, &full, is_folder).0 != Hidden::No {
            return Reason::Included;
        }
        let rule = deciding_rule(&folder, &full, is_folder);
        if folder.hidden == Hidden::ByGit || rule.is_some_and(|rule| rule.hides()) {
            let line = rule.filter(|rule| rule.hides()).map(|rule| rule.line());
            // A folder above is left out, but for what git tracks in it.
            let above = || match self.first_hidden(path, is_folder, steps) {
                Some((Reason::Hidden(line), _)) => Some(line),
                _ => None,
            };
            return Reason::Tracked(line.or_else(above));
        }
        if let Some(rule) = rule {
            return Reason::NotHidden(rule.line());
        }
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if self.editor_files && !is_folder && editor_files::is_editor_file(name) {
            return Reason::Tracked(None);
        }
        Reason::NoRule
    }
}

/// The rule that decides about an entry of `folder`, with the path `full` relative to the top, if one is about it.
fn deciding_rule<'f>(folder: &'f Folder, full: &[u8], is_folder: bool) -> Option<Match<'f>> {
    let rule_in = |layer: &'f Option<Arc<Layer>>| layer.as_ref()?.last_match(full, is_folder, folder.fold);
    rule_in(&folder.own).or_else(|| rule_in(&folder.search)).or_else(|| rule_in(&folder.git))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use proptest::prelude::*;

    use super::{Reason, Rules, Verdict};
    use crate::cancel::Cancel;
    use crate::source::rules::Selection;

    fn selection() -> Selection {
        Selection { gitignore: true, editor_files: true, ..Selection::default() }
    }

    fn source(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (path, text) in files {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        (dir, root)
    }

    fn git(root: &Path, args: &[&str]) {
        let done = Command::new("git").current_dir(root).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    #[test]
    fn the_rule_that_decides_is_named() {
        let files = [
            (".gitignore", "*.log\n!keep.log\nout/\nkept/\n"),
            (".s2iignore", "\nsecret\n"),
            ("a/.ignore", "x\n"),
            ("kept/in", ""),
            ("t.log", ""),
        ];
        let (_dir, root) = source(&files);
        git(&root, &["init", "--quiet"]);
        git(&root, &["add", "--force", "t.log", "kept/in"]);
        let given = Selection { exclude: vec!["*.md".to_owned()], include: vec!["out/i".to_owned()], ..selection() };
        let mut rules = Rules::new(&root, &given, Cancel::default()).unwrap();
        let mut told = |path: &str| {
            let it = rules.explain(Path::new(path), root.join(path).is_dir());
            let (code, line) = match it.reason {
                Reason::NoRule => ("none", None),
                Reason::NotHidden(line) => ("not", Some(line)),
                Reason::Included => ("included", None),
                Reason::Tracked(line) => ("tracked", line),
                Reason::OfGit => ("git", None),
                Reason::Excluded => ("excluded", None),
                Reason::Hidden(line) => ("hidden", Some(line)),
                Reason::EditorFile => ("editor", None),
            };
            let at = line.map(|line| {
                let file = line.file.strip_prefix(&root).unwrap().display().to_string();
                format!(" {file}:{}", line.line)
            });
            let sent = if it.verdict == Verdict::Sent { "+" } else { "-" };
            format!("{sent}{code}{} {}", at.unwrap_or_default(), it.decided_by.display())
        };
        for (path, expected) in [
            ("app.py", "+none app.py"),
            ("b.log", "-hidden .gitignore:1 b.log"),
            ("keep.log", "+not .gitignore:2 keep.log"),
            ("t.log", "+tracked .gitignore:1 t.log"),
            ("kept/in", "+tracked .gitignore:4 kept/in"),
            ("out/o", "-hidden .gitignore:3 out"),
            ("out/i", "+included out/i"),
            ("d/secret/x", "-hidden .s2iignore:2 d/secret"),
            ("a/x", "-hidden a/.ignore:1 a/x"),
            ("README.md", "-excluded README.md"),
            (".git/config", "-git .git"),
            ("x~", "-editor x~"),
        ] {
            assert_eq!(told(path), expected, "{path}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_explanation_agrees_with_the_walk(
            rules in "([!]?[ab*/]{1,4}\n){0,4}", own in "([!]?[ab*/]{1,4}\n){0,3}",
            paths in prop::collection::btree_set("[ab](/[ab]){0,2}", 1..8),
        ) {
            let (_dir, root) = source(&[(".gitignore", &rules), (".s2iignore", &own)]);
            for path in &paths {
                // What cannot be, since a file is in the way, is left out.
                let _ = fs::create_dir_all(root.join(path).parent().unwrap());
                let _ = fs::write(root.join(path), "");
            }
            let mut matcher = Rules::new(&root, &selection(), Cancel::default()).unwrap();
            let snapshot = crate::source::walk::take_snapshot(&root, &mut matcher, &mut |_| {}).unwrap();
            for path in paths.iter().filter(|path| root.join(path).exists()) {
                let told = matcher.explain(Path::new(path), root.join(path).is_dir());
                prop_assert_eq!(told.verdict == Verdict::Sent, snapshot.find(path.as_bytes()).is_some(), "{}", path);
                let hidden = matches!(told.reason, Reason::Hidden(_));
                prop_assert_eq!(hidden, told.verdict != Verdict::Sent, "{:?}", told);
            }
        }
    }
}

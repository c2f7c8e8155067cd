//! The last file of an upload: the shell text that completes the source in the container and then runs `assemble`.

use std::collections::{BTreeSet, HashSet};

use super::shell::quote;
use crate::source::snapshot::{parent, parents};

/// What the container has to do when the upload is complete. Paths are relative to the destination, except that of
/// `assemble`.
#[derive(Clone, Debug, Default)]
pub struct FinalScript {
    /// The folder in which the upload was extracted.
    pub destination: String,
    /// Paths to remove: they were sent but are not in the source any more.
    pub remove: Vec<Vec<u8>>,
    /// Folders whose modification times the removals change, with the time to set, in seconds and nanoseconds.
    pub touch: Vec<(Vec<u8>, (i64, u32))>,
    /// Folders that were sent writable so that they could be filled, with the mode to set.
    pub modes: Vec<(Vec<u8>, u32)>,
    /// The path of `assemble`.
    pub assemble: String,
    /// Leave the source in the image.
    pub keep_source: bool,
    /// Groups of folders in a large source, relative to it, that are removed in parallel.
    pub removal_groups: Vec<Vec<Vec<u8>>>,
}

impl FinalScript {
    /// The shell text. It defines a function that the container calls, so that a text that was cut short does nothing.
    pub fn text(&self) -> Vec<u8> {
        let mut text = b"minis2i_finish() {\n".to_vec();
        let quote_below = |path: &[u8]| quote(&[self.destination.as_bytes(), b"/", path].concat());
        let paths = self.topmost_removed().map(|path| quote_below(path));
        text.extend(paths.fold(ShellCommand::new(b"rm -rf --"), ShellCommand::with).ended());
        // In their order: a folder that was closed closes what lies below it, too.
        for same in self.modes.chunk_by(|(_, a), (_, b)| a == b) {
            let program = format!("chmod {:o} --", same[0].1);
            let paths = same.iter().map(|(path, _)| quote_below(path));
            text.extend(paths.fold(ShellCommand::new(program.as_bytes()), ShellCommand::with).ended());
        }
        for (path, (seconds, nanos)) in &self.touch {
            let path = quote_below(path);
            // Some versions of `touch` do not accept fractions of a second.
            text.extend([format!("touch -m -d @{seconds}.{nanos:09} -- ").as_bytes(), &path].concat());
            text.extend([format!(" 2>/dev/null || touch -m -d @{seconds} -- ").as_bytes(), &path, b"\n"].concat());
        }
        text.extend_from_slice(&self.source_removal());
        let action = if self.keep_source { "keep" } else { "remove" };
        text.extend([b"minis2i_go ", quote(self.assemble.as_bytes()).as_slice(), b" "].concat());
        text.extend_from_slice(action.as_bytes());
        text.extend_from_slice(b"\n}\n");
        text
    }

    /// Notes the modes of folders that were sent writable. A folder that was sent before has its new mode.
    pub fn set_modes(&mut self, folders: Vec<(Vec<u8>, u32)>) {
        if !self.modes.is_empty() {
            let sent: HashSet<&[u8]> = folders.iter().map(|(path, _)| path.as_slice()).collect();
            self.modes.retain(|(path, _)| !sent.contains(path.as_slice()));
        }
        self.modes.extend(folders.into_iter().filter(|(_, mode)| mode & 0o700 != 0o700));
    }

    /// The paths to remove, without those that go with a folder above them.
    fn topmost_removed(&self) -> impl Iterator<Item = &Vec<u8>> {
        let all: HashSet<&[u8]> = self.remove.iter().map(Vec::as_slice).collect();
        self.remove.iter().filter(move |path| !parents(path).any(|folder| all.contains(folder)))
    }

    /// The shell text of the function that removes the groups of folders in a large source.
    fn source_removal(&self) -> Vec<u8> {
        let mut text = b"minis2i_clear() {\n:\n".to_vec();
        let source = [self.destination.as_bytes(), b"/src"].concat();
        for group in &self.removal_groups {
            let paths: Vec<_> = group.iter().map(|path| [&source, b"/".as_slice(), path].concat()).collect();
            // If `assemble` replaced a folder by a symlink, `rm` would remove files elsewhere.
            let parents: BTreeSet<&[u8]> = paths.iter().map(|path| parent(path)).chain([source.as_slice()]).collect();
            text.extend_from_slice(b"{ ");
            for folder in parents {
                text.extend([b"[ -L ", quote(folder).as_slice(), b" ] || "].concat());
            }
            text.extend_from_slice(b"rm -rf --");
            paths.iter().for_each(|path| text.extend([b" ", quote(path).as_slice()].concat()));
            text.extend_from_slice(b" 2>/dev/null; } &\n");
        }
        text.extend_from_slice(b"wait\n}\n");
        text
    }
}

/// So much text has a command with many paths: starting a program for each path takes longer than its work.
const COMMAND_LIMIT: usize = 32 * 1024;

/// A shell command with any number of paths, as several lines where they are many.
struct ShellCommand {
    program: Vec<u8>,
    text: Vec<u8>,
    /// Where the last line begins.
    line: usize,
}

impl ShellCommand {
    fn new(program: &[u8]) -> Self {
        Self { program: program.to_vec(), text: Vec::new(), line: 0 }
    }

    /// With one more quoted path.
    fn with(mut self, path: Vec<u8>) -> Self {
        if self.text.len() > self.line + COMMAND_LIMIT {
            self.text.push(b'\n');
            self.line = self.text.len();
        }
        if self.text.len() == self.line {
            self.text.extend_from_slice(&self.program);
        }
        self.text.push(b' ');
        self.text.extend(path);
        self
    }

    /// The text; none without a path.
    fn ended(mut self) -> Vec<u8> {
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::FinalScript;
    use std::process::Command;

    #[test]
    fn groups_are_not_removed_through_links() {
        let removal_groups = vec![vec![b"a".to_vec(), b"b/c".to_vec()]];
        let finish = FinalScript { destination: "/tmp".to_owned(), removal_groups, ..FinalScript::default() };
        let script = String::from_utf8(finish.text()).unwrap();
        let line =
            "{ [ -L '/tmp/src' ] || [ -L '/tmp/src/b' ] || rm -rf -- '/tmp/src/a' '/tmp/src/b/c' 2>/dev/null; } &";
        assert!(script.contains(line), "{script}");
    }

    #[test]
    fn names_of_removed_files_can_not_break_out() {
        let finish = FinalScript {
            destination: "/tmp".to_owned(),
            remove: vec![b"src/a'; touch b '".to_vec()],
            ..FinalScript::default()
        };
        let script = String::from_utf8(finish.text()).unwrap();
        assert!(script.contains(r"rm -rf -- '/tmp/src/a'\''; touch b '\'''"), "{script}");
    }

    #[test]
    fn what_goes_with_its_folder_is_not_removed_by_itself() {
        let remove = ["src/a", "src/a-b/c", "src/a/b", "src/a/b/c", "src/b"].map(|path| path.as_bytes().to_vec());
        let finish = FinalScript { destination: "/t".to_owned(), remove: remove.to_vec(), ..FinalScript::default() };
        let script = String::from_utf8(finish.text()).unwrap();
        assert!(script.contains("rm -rf -- '/t/src/a' '/t/src/a-b/c' '/t/src/b'\n"), "{script}");
    }

    #[test]
    fn the_last_mode_of_a_folder_counts() {
        let mode = |path: &str, mode| (path.as_bytes().to_vec(), mode);
        let mut finish = FinalScript { destination: "/t".to_owned(), ..FinalScript::default() };
        let closed = ["src/a", "src/b", "src/opened"].map(|path| mode(path, 0o500));
        finish.set_modes([&closed[..], &[mode("src/c", 0o400)]].concat());
        finish.set_modes(vec![mode("src/a", 0o555), mode("src/opened", 0o755)]);
        let script = String::from_utf8(finish.text()).unwrap();
        assert!(
            script.contains("chmod 500 -- '/t/src/b'\nchmod 400 -- '/t/src/c'\nchmod 555 -- '/t/src/a'\n"),
            "{script}"
        );
    }

    #[test]
    fn a_shell_removes_thousands_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        let names: Vec<_> = (0..5000).map(|number| format!("src/it's {number}")).collect();
        for name in &names {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let remove = names[1..].iter().map(|name| name.clone().into_bytes()).collect();
        let destination = dir.path().display().to_string();
        let text = FinalScript { destination, remove, ..FinalScript::default() }.text();
        let text = format!("minis2i_go() {{ :; }}\n{}minis2i_finish\n", String::from_utf8(text).unwrap());
        assert!(text.lines().count() < 50 && text.lines().all(|line| line.len() < 40_000));
        let script = dir.path().join("script");
        std::fs::write(&script, text).unwrap();
        assert!(Command::new("sh").arg(&script).status().unwrap().success());
        let left: Vec<_> =
            std::fs::read_dir(dir.path().join("src")).unwrap().map(|item| item.unwrap().file_name()).collect();
        assert_eq!(left, ["it's 0"]);
    }
}

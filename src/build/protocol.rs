//! What the build container says: its output, and between it lines of our own that carry a token nobody can guess.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::source::snapshot::parent;

/// The shell program of the build container, without its comments.
pub fn script() -> String {
    let lines = include_str!("container.sh").lines();
    lines.filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// Something the container said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Output of the script, in pieces.
    Output(Vec<u8>),
    /// One of our own lines, without the token.
    Mark(String),
}

/// Finds our lines in the container's output, wherever the pieces are cut.
pub struct Scanner {
    needle: Vec<u8>,
    held: Vec<u8>,
}

impl Scanner {
    pub fn new(token: &str) -> Self {
        Self { needle: format!("\x1e{token} ").into_bytes(), held: Vec::new() }
    }

    /// Takes the next piece and returns all that is clear by now.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Said> {
        self.held.extend_from_slice(piece);
        let mut said = Vec::new();
        while let Some(begin) = find(&self.held, &self.needle) {
            let after = begin + self.needle.len();
            let Some(length) = self.held[after..].iter().position(|byte| *byte == b'\n') else {
                self.emit(begin, &mut said);
                return said;
            };
            let mark = String::from_utf8_lossy(&self.held[after..after + length]).into_owned();
            self.emit(begin, &mut said);
            said.push(Said::Mark(mark));
            self.held.drain(..self.needle.len() + length + 1);
        }
        // The end may be the beginning of a mark.
        let tail = self.needle.len() - 1;
        let clear = (self.held.len().saturating_sub(tail)..self.held.len())
            .find(|begin| self.needle.starts_with(&self.held[*begin..]))
            .unwrap_or(self.held.len());
        self.emit(clear, &mut said);
        said
    }

    /// What is left when the output ends.
    pub fn rest(self) -> Vec<u8> {
        self.held
    }

    fn emit(&mut self, length: usize, said: &mut Vec<Said>) {
        if length > 0 {
            said.push(Said::Output(self.held.drain(..length).collect()));
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// Cuts output into lines. A line without an end is given out in parts when it gets very long.
#[derive(Default)]
pub struct Lines {
    held: Vec<u8>,
}

/// The longest part of a line, in bytes.
const LINE_LIMIT: usize = 64 * 1024;

impl Lines {
    /// Takes the next piece; `show` gets each whole line, without its end.
    pub fn feed(&mut self, piece: &[u8], mut show: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.held.extend_from_slice(&rest[..end]);
            show(&self.held);
            self.held.clear();
            rest = &rest[end + 1..];
        }
        self.held.extend_from_slice(rest);
        if self.held.len() > LINE_LIMIT {
            self.flush(show);
        }
    }

    /// Gives out what is left of a line without an end.
    pub fn flush(&mut self, mut show: impl FnMut(&[u8])) {
        if !self.held.is_empty() {
            show(&self.held);
            self.held.clear();
        }
    }
}

/// What the container knows before it gets anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Whether the builder has content of its own where the source, and the artifacts, go.
    pub has_source: bool,
    pub has_artifacts: bool,
    pub destination: Destination,
    pub tar: Tar,
    /// For each folder asked for: `assemble`, `run`, `save-artifacts`.
    pub folders: Vec<[Found; 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Ok,
    Missing,
    ReadOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tar {
    /// There is none, or it may not write where the builder has folders of somebody else's.
    None,
    Plain,
    /// It understands files with holes.
    Sparse,
}

/// A script, as the container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Ok,
    Missing,
    NotExecutable,
    /// Its first line names a program that is not there.
    NoInterpreter(String),
}

impl Found {
    fn parse(word: &str) -> Result<Self> {
        Ok(match (word, word.split_once(':')) {
            ("ok", _) => Found::Ok,
            ("missing", _) => Found::Missing,
            ("not-executable", _) => Found::NotExecutable,
            (_, Some(("no-interpreter", program))) => Found::NoInterpreter(program.to_owned()),
            _ => bail!("the build container says `{word}` of a script"),
        })
    }

    /// What is wrong with it, as the end of a sentence.
    pub fn fault(&self) -> Option<String> {
        match self {
            Found::Ok => None,
            Found::Missing => Some("is missing".to_owned()),
            Found::NotExecutable => Some("is not executable".to_owned()),
            Found::NoInterpreter(program) => {
                Some(format!("names an interpreter that is not in the image: `{}`", program.escape_debug()))
            }
        }
    }

    /// Reads the words after `cannot`.
    ///
    /// # Errors
    /// Words that the script does not say.
    pub fn from_mark(word: &str) -> Result<Self> {
        Self::parse(word)
    }
}

impl Hello {
    /// Reads the words after `hello`.
    ///
    /// # Errors
    /// Words that the script does not say.
    pub fn parse(words: &str) -> Result<Self> {
        let words: Vec<&str> = words.split(' ').collect();
        let [source, artifacts, destination, tar, scripts @ ..] = words.as_slice() else {
            bail!("the build container's greeting is cut short: `{}`", words.join(" "));
        };
        let destination = match *destination {
            "ok" => Destination::Ok,
            "missing" => Destination::Missing,
            _ => Destination::ReadOnly,
        };
        let tar = match *tar {
            "none" => Tar::None,
            "sparse" => Tar::Sparse,
            _ => Tar::Plain,
        };
        let (triples, []) = scripts.as_chunks::<3>() else {
            bail!("the build container's greeting is cut short: `{}`", words.join(" "));
        };
        let folders = triples
            .iter()
            .map(|[assemble, run, save]| Ok([Found::parse(assemble)?, Found::parse(run)?, Found::parse(save)?]));
        Ok(Self {
            has_source: *source == "yes",
            has_artifacts: *artifacts == "yes",
            destination,
            tar,
            folders: folders.collect::<Result<_>>()?,
        })
    }
}

/// What the last file of an upload has the container do.
#[derive(Clone, Debug, Default)]
pub struct Finish {
    /// What all paths here are below, but for that of `assemble`.
    pub destination: String,
    /// Paths to remove first: sent, but not part of the snapshot any more.
    pub remove: Vec<Vec<u8>>,
    /// Folders whose modification time the removals moved, with the time to set.
    pub touch: Vec<(Vec<u8>, (i64, u32))>,
    /// Folders that came writable so that they could be filled, with their own mode.
    pub modes: Vec<(Vec<u8>, u32)>,
    /// The path of `assemble`.
    pub assemble: String,
    pub keep_source: bool,
    /// Folders of a large source that are removed side by side: waiting for the disk is most of what removing takes.
    pub shares: Vec<Vec<Vec<u8>>>,
}

impl Finish {
    /// The shell text: one function, so that a text without its end defines nothing.
    pub fn script(&self) -> Vec<u8> {
        let mut text = b"minis2i_finish() {\n".to_vec();
        let quote_below = |path: &[u8]| quote(&[self.destination.as_bytes(), b"/", path].concat());
        for path in &self.remove {
            text.extend([b"rm -rf -- ", quote_below(path).as_slice(), b"\n"].concat());
        }
        for (path, mode) in &self.modes {
            text.extend([format!("chmod {mode:o} -- ").as_bytes(), &quote_below(path), b"\n"].concat());
        }
        for (path, (seconds, nanos)) in &self.touch {
            let path = quote_below(path);
            // Not every `touch` knows fractions.
            text.extend([format!("touch -m -d @{seconds}.{nanos:09} -- ").as_bytes(), &path].concat());
            text.extend([format!(" 2>/dev/null || touch -m -d @{seconds} -- ").as_bytes(), &path, b"\n"].concat());
        }
        text.extend_from_slice(&self.clearing());
        let what = if self.keep_source { "keep" } else { "remove" };
        text.extend([b"minis2i_go ", quote(self.assemble.as_bytes()).as_slice(), b" "].concat());
        text.extend_from_slice(what.as_bytes());
        text.extend_from_slice(b"\n}\n");
        text
    }
}

impl Finish {
    /// The shell text of the function that removes the shares of a large source.
    fn clearing(&self) -> Vec<u8> {
        let mut text = b"minis2i_clear() {\n:\n".to_vec();
        let source = [self.destination.as_bytes(), b"/src"].concat();
        for share in &self.shares {
            let below: Vec<_> = share.iter().map(|path| [&source, b"/".as_slice(), path].concat()).collect();
            // Through a link that `assemble` put there, something else would be removed.
            let parents: BTreeSet<&[u8]> = below.iter().map(|path| parent(path)).chain([source.as_slice()]).collect();
            text.extend_from_slice(b"{ ");
            for folder in parents {
                text.extend([b"[ -L ", quote(folder).as_slice(), b" ] || "].concat());
            }
            text.extend_from_slice(b"rm -rf --");
            below.iter().for_each(|path| text.extend([b" ", quote(path).as_slice()].concat()));
            text.extend_from_slice(b" 2>/dev/null; } &\n");
        }
        text.extend_from_slice(b"wait\n}\n");
        text
    }
}

/// Bytes as one word of the shell.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in bytes {
        if *byte == b'\'' { quoted.extend_from_slice(br"'\''") } else { quoted.push(*byte) }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{Finish, Found, Hello, Lines, Said, Scanner, Tar};
    use proptest::prelude::*;

    fn joined(all: Vec<Said>) -> Vec<Said> {
        let mut joined: Vec<Said> = Vec::new();
        for said in all {
            match (joined.last_mut(), said) {
                (Some(Said::Output(before)), Said::Output(more)) => before.extend(more),
                (_, said) => joined.push(said),
            }
        }
        joined
    }

    proptest! {
        #[test]
        fn marks_are_found_wherever_the_pieces_are_cut(
            texts in prop::collection::vec("[a-c\n\u{1e}]{0,12}", 1..6),
            cuts in prop::collection::vec(1_usize..7, 1..40),
        ) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                expected.push(Said::Output(text.clone().into_bytes()));
                expected.push(Said::Mark(format!("exit {index}")));
                stream.extend(format!("{text}\x1etok exit {index}\n").into_bytes());
            }
            expected.retain(|said| *said != Said::Output(Vec::new()));
            let mut scanner = Scanner::new("tok");
            let mut all = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                all.extend(scanner.feed(piece));
                rest = more;
            }
            prop_assert_eq!(joined(all), expected);
            prop_assert!(scanner.rest().is_empty());
        }

        #[test]
        fn lines_come_whole(text in "[ab\n]{0,60}", cut in 0_usize..60) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            let mut show = |line: &[u8]| seen.push(String::from_utf8(line.to_vec()).unwrap());
            lines.feed(&bytes[..cut], &mut show);
            lines.feed(&bytes[cut..], &mut show);
            lines.flush(&mut show);
            let expected: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
            let expected = if text.is_empty() { Vec::new() } else { expected };
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn output_is_not_held_back() {
        let mut scanner = Scanner::new("tok");
        assert_eq!(scanner.feed(b"50%\r"), [Said::Output(b"50%\r".to_vec())]);
    }

    #[test]
    fn a_greeting_is_read() {
        let hello = Hello::parse("no yes ok sparse ok missing no-interpreter:/bin/x").unwrap();
        assert!(!hello.has_source && hello.has_artifacts && hello.tar == Tar::Sparse);
        assert_eq!(hello.folders, [[Found::Ok, Found::Missing, Found::NoInterpreter("/bin/x".to_owned())]]);
        assert!(Hello::parse("no yes").is_err());
    }

    #[test]
    fn shares_are_not_removed_through_links() {
        let shares = vec![vec![b"a".to_vec(), b"b/c".to_vec()]];
        let finish = Finish { destination: "/tmp".to_owned(), shares, ..Finish::default() };
        let script = String::from_utf8(finish.script()).unwrap();
        let line =
            "{ [ -L '/tmp/src' ] || [ -L '/tmp/src/b' ] || rm -rf -- '/tmp/src/a' '/tmp/src/b/c' 2>/dev/null; } &";
        assert!(script.contains(line), "{script}");
    }

    #[test]
    fn names_of_removed_files_can_not_break_out() {
        let finish =
            Finish { destination: "/tmp".to_owned(), remove: vec![b"src/a'; touch b '".to_vec()], ..Finish::default() };
        let script = String::from_utf8(finish.script()).unwrap();
        assert!(script.contains(r"rm -rf -- '/tmp/src/a'\''; touch b '\'''"), "{script}");
    }
}

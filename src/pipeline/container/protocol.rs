//! What the build container says: its output, and between it lines of our own (marks) that carry a token no script can guess.

use anyhow::{Result, bail};

/// The shell program of the build container, without its comments.
pub fn script() -> String {
    let lines = include_str!("container.sh").lines();
    lines.filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// Something the container said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Output of the script, in pieces.
    Output(Vec<u8>),
    /// One of our own lines, without the token.
    Mark(String),
}

/// Finds our lines in the container's output, wherever the pieces are cut.
pub struct MarkScanner {
    needle: Vec<u8>,
    held: Vec<u8>,
}

impl MarkScanner {
    pub fn new(token: &str) -> Self {
        Self { needle: format!("\x1e{token} ").into_bytes(), held: Vec::new() }
    }

    /// Takes the next piece and returns all that is clear by now.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Chunk> {
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
            said.push(Chunk::Mark(mark));
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

    fn emit(&mut self, length: usize, said: &mut Vec<Chunk>) {
        if length > 0 {
            said.push(Chunk::Output(self.held.drain(..length).collect()));
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// What the container knows before it gets anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Whether the builder has content of its own where the source, and the artifacts, go.
    pub has_source: bool,
    pub has_artifacts: bool,
    pub destination: Destination,
    pub tar: TarSupport,
    /// For each folder asked for: `assemble`, `run`, `save-artifacts`.
    pub folders: Vec<[ScriptState; 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Ok,
    Missing,
    ReadOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TarSupport {
    /// There is none, or it may not write where the builder has folders of another user.
    None,
    Plain,
    /// It understands files with holes.
    Sparse,
}

/// A script, as the container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptState {
    Ok,
    Missing,
    NotExecutable,
    /// Its first line names a program that is not there.
    NoInterpreter(String),
}

impl ScriptState {
    /// Reads one word of a greeting, or the words after `cannot`.
    ///
    /// # Errors
    /// Words that the container's program does not say.
    pub fn parse(word: &str) -> Result<Self> {
        Ok(match (word, word.split_once(':')) {
            ("ok", _) => ScriptState::Ok,
            ("missing", _) => ScriptState::Missing,
            ("not-executable", _) => ScriptState::NotExecutable,
            (_, Some(("no-interpreter", program))) => ScriptState::NoInterpreter(program.to_owned()),
            _ => bail!("the build container says `{word}` of a script"),
        })
    }

    /// What is wrong with it, as the end of a sentence.
    pub fn fault(&self) -> Option<String> {
        match self {
            ScriptState::Ok => None,
            ScriptState::Missing => Some("is missing".to_owned()),
            ScriptState::NotExecutable => Some("is not executable".to_owned()),
            ScriptState::NoInterpreter(program) => {
                Some(format!("names an interpreter that is not in the image: `{}`", program.escape_debug()))
            }
        }
    }
}

impl Greeting {
    /// Reads the words after `hello`.
    ///
    /// # Errors
    /// Words that the container's program does not say.
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
            "none" => TarSupport::None,
            "sparse" => TarSupport::Sparse,
            _ => TarSupport::Plain,
        };
        let (triples, []) = scripts.as_chunks::<3>() else {
            bail!("the build container's greeting is cut short: `{}`", words.join(" "));
        };
        let folders = triples.iter().map(|[assemble, run, save]| {
            Ok([ScriptState::parse(assemble)?, ScriptState::parse(run)?, ScriptState::parse(save)?])
        });
        Ok(Self {
            has_source: *source == "yes",
            has_artifacts: *artifacts == "yes",
            destination,
            tar,
            folders: folders.collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Greeting, MarkScanner, ScriptState, TarSupport};
    use proptest::prelude::*;

    fn joined(all: Vec<Chunk>) -> Vec<Chunk> {
        let mut joined: Vec<Chunk> = Vec::new();
        for said in all {
            match (joined.last_mut(), said) {
                (Some(Chunk::Output(before)), Chunk::Output(more)) => before.extend(more),
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
                expected.push(Chunk::Output(text.clone().into_bytes()));
                expected.push(Chunk::Mark(format!("exit {index}")));
                stream.extend(format!("{text}\x1etok exit {index}\n").into_bytes());
            }
            expected.retain(|said| *said != Chunk::Output(Vec::new()));
            let mut scanner = MarkScanner::new("tok");
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
    }

    #[test]
    fn output_is_not_held_back() {
        let mut scanner = MarkScanner::new("tok");
        assert_eq!(scanner.feed(b"50%\r"), [Chunk::Output(b"50%\r".to_vec())]);
    }

    #[test]
    fn a_greeting_is_read() {
        let hello = Greeting::parse("no yes ok sparse ok missing no-interpreter:/bin/x").unwrap();
        assert!(!hello.has_source && hello.has_artifacts && hello.tar == TarSupport::Sparse);
        assert_eq!(
            hello.folders,
            [[ScriptState::Ok, ScriptState::Missing, ScriptState::NoInterpreter("/bin/x".to_owned())]]
        );
        assert!(Greeting::parse("no yes").is_err());
    }
}

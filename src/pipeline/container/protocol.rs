//! The protocol of the build container: its shell program, and parsing its stdout, in which lines of the shell program
//! (marks) are mixed with the output of the script. Marks carry a random token, so that no script can imitate them.

use anyhow::{Result, bail};

use super::own_variables::put_away;
use super::shell::without_comments;

/// How long the text of a mark may be, in bytes: many times as long as any that the shell program writes. What is longer is
/// output, so that a script cannot have it kept without end.
const MARK_LIMIT: usize = 64 * 1024;

/// The shell program of the build container, without its comments. It looks for the tools of these words, `NAME=PROGRAM` each.
pub fn script(tools: &str) -> String {
    let program = without_comments(include_str!("container.sh"));
    format!("minis2i_search=$3 minis2i_known='{tools}'\n{}\n{program}", put_away())
}

/// A part of the container's stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Output of the script, in pieces.
    Output(Vec<u8>),
    /// A line of the shell program, without the token.
    Mark(String),
}

/// Finds the marks in the container's stdout, even if a mark is split between pieces.
pub struct MarkScanner {
    /// The beginning of every mark.
    needle: Vec<u8>,
    /// Output that may contain an incomplete mark.
    buffer: Vec<u8>,
    /// How much of the buffer has been searched for the end of the mark at its beginning.
    searched: usize,
}

impl MarkScanner {
    /// A scanner for marks with this token.
    pub fn new(token: &str) -> Self {
        Self { needle: format!("\x1e{token} ").into_bytes(), buffer: Vec::new(), searched: 0 }
    }

    /// Adds the next piece of stdout and returns everything that is now known to be output or a mark.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Chunk> {
        self.buffer.extend_from_slice(piece);
        let mut chunks = Vec::new();
        // The buffer is cut once, not after each mark.
        let mut done = 0;
        while let Some(begin) = find(&self.buffer[done..], &self.needle).map(|begin| done + begin) {
            push_output(&self.buffer[done..begin], &mut chunks);
            let after = begin + self.needle.len();
            let search = after.max(self.searched);
            let Some(end) = memchr::memchr(b'\n', &self.buffer[search..]).map(|end| search + end) else {
                if self.buffer.len() - after > MARK_LIMIT {
                    push_output(&self.buffer[begin..after], &mut chunks);
                    (done, self.searched) = (after, 0);
                    continue;
                }
                self.buffer.drain(..begin);
                self.searched = self.buffer.len();
                return chunks;
            };
            chunks.push(Chunk::Mark(String::from_utf8_lossy(&self.buffer[after..end]).into_owned()));
            self.searched = 0;
            done = end + 1;
        }
        // The end of the buffer may be the beginning of a mark.
        let tail = self.needle.len() - 1;
        let certain = (self.buffer.len().saturating_sub(tail).max(done)..self.buffer.len())
            .find(|begin| self.needle.starts_with(&self.buffer[*begin..]))
            .unwrap_or(self.buffer.len());
        push_output(&self.buffer[done..certain], &mut chunks);
        self.buffer.drain(..certain);
        chunks
    }

    /// The output that is left when the stream has ended.
    pub fn rest(self) -> Vec<u8> {
        self.buffer
    }
}

fn push_output(bytes: &[u8], chunks: &mut Vec<Chunk>) {
    if !bytes.is_empty() {
        chunks.push(Chunk::Output(bytes.to_vec()));
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// What the container reports about the builder before it receives the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The builder has a file or folder where the source goes.
    pub has_source: bool,
    /// The builder has a file or folder where the artifacts go.
    pub has_artifacts: bool,
    pub destination: Destination,
    pub tar: TarSupport,
    /// The names of those tools that were looked for and that the builder has.
    pub tools: Vec<String>,
    /// The states of the scripts in each folder of the contract, in the order of
    /// [`Script::ALL`](crate::contract::script::Script::ALL).
    pub folders: Vec<[ScriptState; 3]>,
}

/// The folder in which the upload is to be extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Ok,
    Missing,
    /// The container's user cannot write to it.
    ReadOnly,
}

/// The `tar` of the builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TarSupport {
    /// There is none, or it cannot write to folders of the builder that belong to another user.
    None,
    /// A simple one, such as that of busybox.
    Plain,
    /// GNU tar or bsdtar, which support sparse files.
    Sparse,
}

/// The state of a script in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptState {
    Ok,
    Missing,
    NotExecutable,
    /// Its first line names a program that does not exist.
    NoInterpreter(String),
}

impl ScriptState {
    /// Parses a word of the greeting, or the text after `cannot` in a mark.
    ///
    /// # Errors
    /// If the shell program does not use this text.
    pub fn parse(word: &str) -> Result<Self> {
        Ok(match (word, word.split_once(':')) {
            ("ok", _) => ScriptState::Ok,
            ("missing", _) => ScriptState::Missing,
            ("not-executable", _) => ScriptState::NotExecutable,
            (_, Some(("no-interpreter", program))) => ScriptState::NoInterpreter(program.to_owned()),
            _ => bail!("the build container says `{word}` of a script"),
        })
    }

    /// Why the script cannot be run, as the end of a sentence; `None` if it can.
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
    /// Parses the text after `hello` in the first mark.
    ///
    /// # Errors
    /// If words are missing, or the shell program does not use one of them.
    pub fn parse(words: &str) -> Result<Self> {
        let words: Vec<&str> = words.split(' ').collect();
        let [source, artifacts, destination, tar, tools, scripts @ ..] = words.as_slice() else {
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
            tools: tools.split(',').filter(|tool| !tool.is_empty()).map(str::to_owned).collect(),
            folders: folders.collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Greeting, MARK_LIMIT, MarkScanner, ScriptState, TarSupport};
    use proptest::prelude::*;

    fn joined(all: Vec<Chunk>) -> Vec<Chunk> {
        let mut joined: Vec<Chunk> = Vec::new();
        for chunk in all {
            match (joined.last_mut(), chunk) {
                (Some(Chunk::Output(before)), Chunk::Output(more)) => before.extend(more),
                (_, chunk) => joined.push(chunk),
            }
        }
        joined
    }

    /// A part of what a container may say, which can know the token.
    fn said() -> impl Strategy<Value = Vec<u8>> {
        let words =
            prop::sample::select(vec!["hello", "yes", "no", "ok", "missing", "sparse", "exit", "cannot", "a:b", "-1"]);
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            Just(b"\x1etok ".to_vec()),
            prop::collection::vec(words, 0..14).prop_map(|words| words.join(" ").into_bytes()),
            Just(b"\n".to_vec()),
            (0..3_usize).prop_map(|times| vec![b'x'; times * MARK_LIMIT / 2 + 1]),
        ]
    }

    proptest! {
        /// Run this with PROPTEST_CASES for as long as you like.
        #[test]
        fn whatever_a_container_says_comes_out_and_is_not_kept(parts in prop::collection::vec(said(), 0..12)) {
            let mut scanner = MarkScanner::new("tok");
            let mut came = 0;
            let mut take = |chunks: Vec<Chunk>| {
                for chunk in chunks {
                    came += match chunk {
                        Chunk::Output(bytes) => bytes.len(),
                        Chunk::Mark(text) => {
                            let _ = text.strip_prefix("hello ").map(Greeting::parse);
                            let _ = text.strip_prefix("cannot ").map(ScriptState::parse);
                            // The text of a mark may have been made longer by bytes that are no text.
                            text.chars().filter(|c| *c != char::REPLACEMENT_CHARACTER).map(char::len_utf8).sum::<usize>()
                        }
                    };
                }
            };
            for part in &parts {
                take(scanner.feed(part));
                prop_assert!(scanner.buffer.len() <= 2 * MARK_LIMIT + part.len());
            }
            let rest = scanner.rest();
            take(vec![Chunk::Output(rest)]);
            prop_assert!(came <= parts.concat().len());
        }

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
            expected.retain(|chunk| *chunk != Chunk::Output(Vec::new()));
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
    fn a_mark_that_comes_byte_by_byte_is_one() {
        let mut scanner = MarkScanner::new("tok");
        let stream = b"a\x1etok misplaced some words\nb";
        let said: Vec<_> = stream.iter().flat_map(|byte| scanner.feed(&[*byte])).collect();
        let output = |text: &[u8]| Chunk::Output(text.to_vec());
        assert_eq!(joined(said), [output(b"a"), Chunk::Mark("misplaced some words".to_owned()), output(b"b")]);
    }

    #[test]
    fn output_is_not_held_back() {
        let mut scanner = MarkScanner::new("tok");
        assert_eq!(scanner.feed(b"50%\r"), [Chunk::Output(b"50%\r".to_vec())]);
    }

    #[test]
    fn a_greeting_is_read() {
        let hello = Greeting::parse("no yes ok sparse ,pip,npm ok missing no-interpreter:/bin/x").unwrap();
        assert!(!hello.has_source && hello.has_artifacts && hello.tar == TarSupport::Sparse);
        assert_eq!(hello.tools, ["pip", "npm"]);
        assert_eq!(
            hello.folders,
            [[ScriptState::Ok, ScriptState::Missing, ScriptState::NoInterpreter("/bin/x".to_owned())]]
        );
        assert!(Greeting::parse("no yes").is_err());
    }
}

//! Reading the output of a script in a container up to the line in which the shell around it reports its exit status.
//! That line arrives some 30 ms before the container and its CLI have ended.

use std::io::{self, Read};

use super::protocol::{Chunk, MarkScanner};

/// The part of a shell program that runs `"$1"`, then the commands `after`, and reports the exit status on both streams; `"$2"` is
/// the token, and the variable `minis2i_note`, which must be set, has what is reported as well. It comes after
/// [`put_away`](super::own_variables::put_away).
pub fn run_and_mark_exit(after: &str) -> String {
    format!(
        "(minis2i_restore; minis2i_restore_options; exec \"$1\") </dev/null; set -- $? \"$2\"; {after}; \
         for out in 1 2; do printf '\\036%s exit %d %s\\n' \"$2\" \"$1\" \"$minis2i_note\" >&$out; done"
    )
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptExit {
    pub status: i32,
    /// What the shell reported as well.
    pub note: String,
}

impl ScriptExit {
    fn parse(mark: &str) -> Option<Self> {
        let (status, note) = mark.strip_prefix("exit ")?.split_once(' ')?;
        Some(Self { status: status.parse().ok()?, note: note.to_owned() })
    }
}

/// A reader for one stream of that shell, which ends before the line with the exit status.
pub struct UntilExit<R> {
    stream: R,
    /// `None` once the stream or the output of the script has ended.
    scanner: Option<MarkScanner>,
    /// Output that was scanned and can be read.
    output: io::Cursor<Vec<u8>>,
    exit: Option<ScriptExit>,
}

impl<R: Read> UntilExit<R> {
    /// A reader for `stream`; `token` is the one that the shell got.
    pub fn new(stream: R, token: &str) -> Self {
        Self { stream, scanner: Some(MarkScanner::new(token)), output: io::Cursor::default(), exit: None }
    }

    /// How the script ended, once everything is read; `None` if the stream ended without that.
    pub fn ended(&self) -> Option<&ScriptExit> {
        self.exit.as_ref()
    }

    /// Reads from the stream until there is output or the end is reached.
    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; 64 * 1024];
        while let Some(mut scanner) = self.scanner.take() {
            let output = match self.stream.read(&mut piece)? {
                0 => scanner.rest(),
                length => {
                    let chunks = scanner.feed(&piece[..length]);
                    self.scanner = Some(scanner);
                    self.take_output(chunks)
                }
            };
            if !output.is_empty() {
                self.output = io::Cursor::new(output);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The output in these chunks; at a mark, records the exit status and ends the stream.
    fn take_output(&mut self, chunks: Vec<Chunk>) -> Vec<u8> {
        let mut output = Vec::new();
        for chunk in chunks {
            match chunk {
                Chunk::Output(bytes) => output.extend(bytes),
                Chunk::Mark(mark) => {
                    self.exit = ScriptExit::parse(&mark);
                    self.scanner = None;
                    break;
                }
            }
        }
        output
    }
}

impl<R: Read> Read for UntilExit<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.output.read(into)? {
                0 if self.scanner.is_some() && !into.is_empty() => self.fill()?,
                length => return Ok(length),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{UntilExit, run_and_mark_exit};
    use crate::pipeline::container::own_variables::put_away;
    use std::io::Read;
    use std::process::Command;

    fn read(stream: impl Read) -> (String, Option<(i32, String)>) {
        let mut stream = UntilExit::new(stream, "token");
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text, stream.ended().map(|exit| (exit.status, exit.note.clone())))
    }

    #[test]
    fn the_exit_status_is_found_wherever_the_stream_is_cut() {
        let stream = b"some\nbytes\x1etoken exit 3 why\nnever read".as_slice();
        for cut in 0..stream.len() {
            let (text, status) = read(stream[..cut].chain(&stream[cut..]));
            assert_eq!((text.as_str(), status), ("some\nbytes", Some((3, "why".to_owned()))), "cut at {cut}");
        }
        assert_eq!(read(b"cut short\x1etok".as_slice()), ("cut short\x1etok".to_owned(), None));
    }

    #[test]
    fn a_shell_reports_the_exit_status_on_both_streams() {
        let shell = |script: &str| {
            let program =
                format!("minis2i_note= minis2i_search=; {}\n{}", put_away(), run_and_mark_exit("minis2i_note=after"));
            let output = Command::new("sh").args(["-c", &program, "sh", script, "token"]).output().unwrap();
            (read(output.stdout.as_slice()), read(output.stderr.as_slice()))
        };
        let exit = |status| Some((status, "after".to_owned()));
        assert_eq!(shell("true"), ((String::new(), exit(0)), (String::new(), exit(0))));
        assert_eq!(shell("false").0, (String::new(), exit(1)));
        let (out, errors) = shell("/no/such/script");
        assert_eq!((out.1, errors.1), (exit(127), exit(127)));
        assert!(errors.0.contains("not found"), "{}", errors.0);
    }
}

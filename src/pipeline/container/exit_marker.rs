//! What a script in a container writes, up to the line with which the shell around it tells that it has ended. That line
//! is there some 30 ms before the engine is done with the container and its CLI ends.

use std::io::{self, Read};

use super::protocol::{Chunk, MarkScanner};

/// The part of a shell program that runs `"$1"` and tells its status, on both streams; `"$2"` is the token.
pub const RUN_AND_MARK_EXIT: &str = "\"$1\" </dev/null; set -- $? \"$2\"; \
    for out in 1 2; do printf '\\036%s exit %d\\n' \"$2\" \"$1\" >&$out; done";

/// One stream of such a shell.
pub struct UntilExit<R> {
    stream: R,
    scanner: Option<MarkScanner>,
    clear: io::Cursor<Vec<u8>>,
    status: Option<i32>,
}

impl<R: Read> UntilExit<R> {
    pub fn new(stream: R, token: &str) -> Self {
        Self { stream, scanner: Some(MarkScanner::new(token)), clear: io::Cursor::default(), status: None }
    }

    /// The script's exit status, once everything is read; `None` when the stream ended before it was told.
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// Reads on until there is something to give out, or nothing will come any more.
    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; 64 * 1024];
        while let Some(mut scanner) = self.scanner.take() {
            let clear = match self.stream.read(&mut piece)? {
                0 => scanner.rest(),
                length => {
                    let said = scanner.feed(&piece[..length]);
                    self.scanner = Some(scanner);
                    self.take(said)
                }
            };
            if !clear.is_empty() {
                self.clear = io::Cursor::new(clear);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The output in what was said; with the end in it, no more is read.
    fn take(&mut self, said: Vec<Chunk>) -> Vec<u8> {
        let mut clear = Vec::new();
        for said in said {
            match said {
                Chunk::Output(bytes) => clear.extend(bytes),
                Chunk::Mark(mark) => {
                    self.status = mark.strip_prefix("exit ").and_then(|status| status.parse().ok());
                    self.scanner = None;
                    break;
                }
            }
        }
        clear
    }
}

impl<R: Read> Read for UntilExit<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.clear.read(into)? {
                0 if self.scanner.is_some() && !into.is_empty() => self.fill()?,
                length => return Ok(length),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RUN_AND_MARK_EXIT, UntilExit};
    use std::io::Read;
    use std::process::Command;

    fn read(stream: impl Read) -> (String, Option<i32>) {
        let mut stream = UntilExit::new(stream, "token");
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text, stream.status())
    }

    #[test]
    fn the_end_is_told_wherever_the_stream_is_cut() {
        let stream = b"some\nbytes\x1etoken exit 3\nnever read".as_slice();
        for cut in 0..stream.len() {
            let (text, status) = read(stream[..cut].chain(&stream[cut..]));
            assert_eq!((text.as_str(), status), ("some\nbytes", Some(3)), "cut at {cut}");
        }
        assert_eq!(read(b"cut short\x1etok".as_slice()), ("cut short\x1etok".to_owned(), None));
    }

    #[test]
    fn a_shell_tells_it_on_both_streams() {
        let shell = |script: &str| {
            let output = Command::new("sh").args(["-c", RUN_AND_MARK_EXIT, "sh", script, "token"]).output().unwrap();
            (read(output.stdout.as_slice()), read(output.stderr.as_slice()))
        };
        assert_eq!(shell("true"), ((String::new(), Some(0)), (String::new(), Some(0))));
        assert_eq!(shell("false").0, (String::new(), Some(1)));
        let (out, errors) = shell("/no/such/script");
        assert_eq!((out.1, errors.1), (Some(127), Some(127)));
        assert!(errors.0.contains("not found"), "{}", errors.0);
    }
}

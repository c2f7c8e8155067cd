//! What `minis2i wait` and a watch say to each other over a socket: one line of JSON each way.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::reference::full_name;

/// The version of this protocol; another one is answered with [`Answer::NotUnderstood`].
pub const VERSION: u32 = 1;

/// The longest request in bytes: one takes 30.
pub const REQUEST_LIMIT: usize = 4096;

/// The longest answer in bytes: more than the words of the engine about a failure take.
pub const ANSWER_LIMIT: usize = 64 * 1024;

/// What is claimed by a watch of `tag` on the engine with this spelling or identity, by which `wait` finds the watch.
pub fn claim_key(engine: &str, tag: &str) -> String {
    format!("watch {engine} {}", full_name(tag))
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// Which image the tag is on once that is made of the source as it is now.
    Wait,
}

/// What a watch answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Answer {
    /// The tag is on this image, which is made of the source as it was when it was asked for, or later.
    UpToDate { image: String },
    /// The newest build failed.
    Failed(Failure),
    /// A build is needed, and builds are paused.
    Paused,
    /// The engine does not answer.
    EngineGone,
    /// The source cannot be looked at, for this reason.
    Unreadable { why: String },
    /// The watch ended before the tag was up to date.
    Ended,
    /// There are too many waiters.
    Busy,
    /// The request cannot be used, for this reason.
    NotUnderstood { why: String },
}

/// How a build failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exit status of `minis2i build` with the same failure.
    pub exit_status: u8,
    /// What went wrong, from the outermost to the engine's own words.
    pub causes: Vec<String>,
}

/// A line of the protocol.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// The line for a question or an answer, with its line feed.
pub fn line(content: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Line { version: VERSION, content }).expect("these types have only text keys");
    line.push(b'\n');
    line
}

/// The question in a line.
///
/// # Errors
/// The answer for a line that is no question of this version.
pub fn question(line: &[u8]) -> Result<Question, Answer> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let not_understood = |why: String| Answer::NotUnderstood { why };
    let Versioned { version } = serde_json::from_slice(line)
        .map_err(|_| not_understood("the request is no object with a version".to_owned()))?;
    if version != VERSION {
        return Err(not_understood(format!("the watch speaks version {VERSION} and was asked in version {version}")));
    }
    let line: Line<Question> =
        serde_json::from_slice(line).map_err(|_| not_understood("the watch does not know the question".to_owned()))?;
    Ok(line.content)
}

/// The answer in a line; `None` when it is none that is known here.
pub fn answer(line: &[u8]) -> Option<Answer> {
    serde_json::from_slice::<Line<Answer>>(line).ok().map(|line| line.content)
}

/// Reads a line of at most `limit` bytes, within `time` if that is given, and returns it without its line feed.
///
/// # Errors
/// [`ErrorKind::InvalidData`] for a longer line, [`ErrorKind::UnexpectedEof`] for one that has no end,
/// [`ErrorKind::TimedOut`] when it takes too long; those of the system.
pub fn read_line(stream: &mut UnixStream, limit: usize, time: Option<Duration>) -> io::Result<Vec<u8>> {
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let mut line = Vec::new();
    let mut piece = [0; 512];
    loop {
        if let Some(deadline) = deadline {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(rest))?;
        }
        let read = match stream.read(&mut piece) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => &piece[..read],
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(error) => return Err(error),
        };
        let end = memchr::memchr(b'\n', read);
        line.extend_from_slice(&read[..end.unwrap_or(read.len())]);
        if line.len() > limit {
            return Err(ErrorKind::InvalidData.into());
        }
        if end.is_some() {
            return Ok(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Answer, Failure, Question, answer, line, question, read_line};

    #[test]
    fn the_lines_of_version_1_stay_what_they_are() {
        let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
        assert_eq!(text(line(&Question::Wait)), "{\"version\":1,\"ask\":\"wait\"}\n");
        let up_to_date = Answer::UpToDate { image: "sha256:1".to_owned() };
        assert_eq!(text(line(&up_to_date)), "{\"version\":1,\"status\":\"up-to-date\",\"image\":\"sha256:1\"}\n");
        let failed = Answer::Failed(Failure { exit_status: 9, causes: vec!["x".to_owned()] });
        let expected = "{\"version\":1,\"status\":\"failed\",\"exit_status\":9,\"causes\":[\"x\"]}\n";
        assert_eq!(text(line(&failed)), expected);
        for it in [up_to_date, failed, Answer::Paused, Answer::Ended] {
            assert_eq!(answer(&line(&it)), Some(it));
        }
        assert_eq!(question(&line(&Question::Wait)), Ok(Question::Wait));
        let other = question(b"{\"version\":2,\"ask\":[]}");
        assert!(matches!(other, Err(Answer::NotUnderstood { why }) if why.contains("version 2")));
    }

    #[test]
    fn a_line_without_an_end_and_one_that_is_too_long_are_given_up() {
        let read = |bytes: &[u8], open: bool| {
            let (mut client, mut server) = UnixStream::pair().unwrap();
            client.write_all(bytes).unwrap();
            let client = open.then_some(client);
            let line = read_line(&mut server, 8, Some(Duration::from_millis(20)));
            drop(client);
            line.map_err(|error| error.kind())
        };
        assert_eq!(read(b"12345678\nrest", true), Ok(b"12345678".to_vec()));
        assert_eq!(read(b"123456789\n", true), Err(ErrorKind::InvalidData));
        assert_eq!(read(b"123", false), Err(ErrorKind::UnexpectedEof));
        assert_eq!(read(b"123", true), Err(ErrorKind::TimedOut));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let refused = matches!(question(&bytes), Err(Answer::NotUnderstood { .. }));
            prop_assert!(refused);
            prop_assert_eq!(answer(&bytes), None);
        }
    }
}

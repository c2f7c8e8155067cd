//! A request: its time limits, and what can go wrong.

use std::fmt;
use std::time::Duration;

/// How long a request may take.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "no request is made"))]
pub struct TimeLimits {
    /// Connecting to the server.
    pub connect: Duration,
    /// All of it, connecting included.
    pub total: Duration,
}

/// Why a request did not give what was asked for.
#[derive(Debug)]
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "no request is made"))]
pub enum RequestError {
    /// The server answered with this status, which is none of success.
    Status(u16),
    /// The answer has more than this many bytes.
    TooLarge(u64),
    /// There was no answer; the text says why.
    Failed(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answers with status {status}"),
            Self::TooLarge(limit) => write!(f, "it has more than {limit} bytes"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

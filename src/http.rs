//! The HTTP client: one request, its time limits and certificates. What is sent and fetched is up to the callers.
//!
//! It is left out of a program that is built without the feature `http`; what needs it says so.

#[cfg(feature = "http")]
mod client;
#[cfg(not(feature = "http"))]
mod left_out;
mod request;

use anyhow::Result;

use crate::error::Error;
#[cfg(feature = "http")]
pub use client::{get, post_json};
#[cfg(not(feature = "http"))]
pub use left_out::{get, post_json};
pub use request::{RequestError, TimeLimits};

/// Checks that this program has an HTTP client, which `what` needs; `instead` is what to do without one, as the end of a
/// hint.
///
/// # Errors
/// If it was built without one.
pub fn required_by(what: &str, instead: &str) -> Result<()> {
    if cfg!(feature = "http") { Ok(()) } else { Err(left_out_error(what, instead).into()) }
}

fn left_out_error(what: &str, instead: &str) -> Error {
    Error::usage(format!("{what} needs an HTTP client, and this minis2i was built without one"))
        .hint(format!("build it with the feature `http`, which is on by default, or {instead}"))
}

#[cfg(test)]
mod tests {
    use super::{left_out_error, required_by};
    use crate::error;

    #[test]
    fn a_program_without_the_client_says_what_to_do() {
        let left_out = left_out_error("`--callback-url`", "do it yourself");
        assert_eq!(
            left_out.to_string(),
            "`--callback-url` needs an HTTP client, and this minis2i was built without one"
        );
        let hint = "build it with the feature `http`, which is on by default, or do it yourself";
        assert_eq!(error::hint(&left_out.into()), Some(hint));
    }

    #[test]
    fn the_feature_decides() {
        assert_eq!(required_by("it", "not").is_ok(), cfg!(feature = "http"));
    }
}

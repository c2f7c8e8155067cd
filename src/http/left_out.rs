//! What stands in the place of the client where it is left out: every request fails.

use super::request::{RequestError, TimeLimits};

/// Fetches nothing.
///
/// # Errors
/// Always.
pub fn get(_url: &str, _limits: TimeLimits, _size: u64) -> Result<Vec<u8>, RequestError> {
    Err(left_out())
}

/// Posts nothing.
///
/// # Errors
/// Always.
pub fn post_json(_url: &str, _limits: TimeLimits, _body: &str) -> Result<(), RequestError> {
    Err(left_out())
}

fn left_out() -> RequestError {
    RequestError::Failed("this minis2i was built without an HTTP client".to_owned())
}

//! The limit on open files, of which each connection needs two.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are enough for 8,000 connections. No more than that: programs that are started by us inherit the limit, and
/// some walk through all numbers below it.
const ENOUGH: u64 = 16_384;

/// Raises the limit as far as is useful and the system lets us. Where it does not, connections beyond it wait.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if limit.current.is_some_and(|current| current < possible) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum: limit.maximum });
    }
}

//! What is reported about the page of timings, and what keys show again.

/// The page of timings was written.
#[derive(Clone, Debug)]
pub struct TimingsWritten {
    /// The absolute path.
    pub file: String,
    /// How many builds it is about.
    pub builds: usize,
    /// Whether a key asked for it; then a quiet run says so, too.
    pub asked: bool,
}

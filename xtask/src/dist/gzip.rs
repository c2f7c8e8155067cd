//! Compression that gives the same bytes each time.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};

/// Compresses, without a time and a name in the header.
///
/// # Errors
/// Never, in memory.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

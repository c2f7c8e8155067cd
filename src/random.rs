//! Random hexadecimal digits, for unique names and for tokens that no script can guess.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// Eight random hexadecimal digits, for unique names.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn word() -> Result<String> {
    let mut bytes = [0; 4];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("cannot read /dev/urandom")?;
    Ok(format!("{:08x}", u32::from_ne_bytes(bytes)))
}

/// Sixteen random hexadecimal digits, which a program that has not seen them cannot guess.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn token() -> Result<String> {
    Ok(word()? + &word()?)
}

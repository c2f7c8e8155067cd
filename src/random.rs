//! Random words, for names and for marks that no script can imitate.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// Eight random hexadecimal digits.
///
/// # Errors
/// When `/dev/urandom` can not be read.
pub fn word() -> Result<String> {
    let mut bytes = [0; 4];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("cannot read /dev/urandom")?;
    Ok(format!("{:08x}", u32::from_ne_bytes(bytes)))
}

/// Sixteen random hexadecimal digits, which a program that has not seen them can not guess.
///
/// # Errors
/// When `/dev/urandom` can not be read.
pub fn token() -> Result<String> {
    Ok(word()? + &word()?)
}

//! Checksums.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The name of the file with the sums, as `sha256sum --check` reads it.
pub const FILE: &str = "SHA256SUMS";

/// The lines of that file.
pub fn sums(files: &[(String, Vec<u8>)]) -> String {
    files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect()
}

/// The SHA-256 sum in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_those_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::sums(&[("a".to_owned(), Vec::new())]), format!("{empty}  a\n"));
    }
}

//! Opening a page in the user's browser.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::child;

/// The program that opens a URL as the user wants it.
pub const OPENER: &str = opener(cfg!(target_os = "macos"));

const fn opener(is_macos: bool) -> &'static str {
    if is_macos { "open" } else { "xdg-open" }
}

/// Opens a URL, without waiting for it.
///
/// # Errors
/// When the program cannot be started.
pub fn open(url: &str) -> io::Result<()> {
    let mut command = Command::new(OPENER);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = child::spawn(&mut command)?;
    // A child that is not waited for stays as a zombie.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::opener;

    #[test]
    fn each_system_opens_urls_with_a_program_of_its_own() {
        assert_eq!([true, false].map(opener), ["open", "xdg-open"]);
    }
}

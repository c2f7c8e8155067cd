//! Opening a page in the user's browser.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The program that opens a URL as the user wants it.
pub const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens a URL, without waiting for it.
///
/// # Errors
/// When the program cannot be started.
pub fn open(url: &str) -> io::Result<()> {
    let mut command = Command::new(OPENER);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    // A child that is not waited for stays as a zombie.
    std::thread::spawn(move || child.wait());
    Ok(())
}

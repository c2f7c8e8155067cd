//! Calling git as a user with a name, whatever the configuration of this machine says.

use std::path::Path;
use std::process::Command;

/// Who commits, as labels show it.
pub const AUTHOR: &str = "Ada <ada@host.example>";

/// Runs git in a folder, which must succeed, and returns what it printed.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let user = ["-c", "user.name=Ada", "-c", "user.email=ada@host.example", "-c", "commit.gpgsign=false"];
    // Collecting garbage would go on in the background while a test counts events and files.
    let quiet = ["-c", "gc.auto=0", "-c", "init.defaultBranch=trunk"];
    let output = Command::new("git").arg("-C").arg(folder).args(user).args(quiet).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

//! The engine's CLI, as the tests call it themselves, beside the calls of the binary under test.
//!
//! What is particular to images is in `image`, to containers in `containers`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// The base image that `cargo xtask test` provides.
pub const BASE: &str = "minis2i-base:latest";

/// A name that no other test uses, in this process or another.
pub fn unique_name(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("minis2i-test-{what}-{}-{number}", std::process::id())
}

/// Runs the engine's CLI, which must succeed, and returns what it printed.
pub fn docker(args: &[&str]) -> String {
    let vanished = |output: &std::process::Output| {
        args[0] == "images" && !output.status.success() && says_vanished(&String::from_utf8_lossy(&output.stderr))
    };
    let output = settled_list(|| try_docker(args), vanished);
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What `ask` returns, which lists images. With containerd's image store, and with podman, that fails when another test removes
/// one meanwhile, which `vanished` tells; then it is asked again.
pub fn settled_list<T>(mut ask: impl FnMut() -> T, vanished: impl Fn(&T) -> bool) -> T {
    let mut answer = ask();
    for _ in 0..20 {
        if !vanished(&answer) {
            break;
        }
        answer = ask();
    }
    answer
}

/// Whether the engine says that an image went away while it looked at it.
pub fn says_vanished(text: &str) -> bool {
    text.contains("content digest") || text.contains("locating image with ID")
}

pub fn try_docker(args: &[&str]) -> std::process::Output {
    Command::new("docker").args(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs the engine's CLI, which must succeed, with something to read.
pub fn docker_with_input(args: &[&str], input: &[u8]) {
    let mut child = Command::new("docker").args(args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    assert!(child.wait().unwrap().success(), "docker {args:?} failed");
}

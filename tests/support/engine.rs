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
    let mut output = try_docker(args);
    // With containerd's image store, and with podman, a list of images fails when another test removes one meanwhile.
    for _ in 0..20 {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let vanished = stderr.contains("content digest") || stderr.contains("locating image with ID");
        if output.status.success() || args[0] != "images" || !vanished {
            break;
        }
        output = try_docker(args);
    }
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
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

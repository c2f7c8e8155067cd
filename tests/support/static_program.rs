//! A program for images without a C library: one file of `tests/it/programs`, linked statically.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The program that the file `NAME.rs` is the source of.
pub fn static_program(name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/programs").join(name).with_extension("rs");
    let options = ["-C", "target-feature=+crt-static", "-C", "opt-level=s", "-C", "strip=symbols", "--edition=2024"];
    let output = Command::new("rustc").args(options).arg("-o").arg(&program).arg(source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(program).unwrap()
}

//! What a change must pass.

use anyhow::Result;

use crate::{demo, licences, process, rooms, test};

/// Format, lints, rooms, docs, licences, tests, and the demo with the program that the tests use.
pub fn ci(_: &[String]) -> Result<()> {
    process::echo_and_run(&["cargo", "fmt", "--all", "--check"])?;
    let clippy = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    process::echo_and_run(&clippy)?;
    rooms::rooms(&[])?;
    let mut docs = process::command(&["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"]);
    process::run(docs.env("RUSTDOCFLAGS", "--deny warnings"))?;
    licences::check(&[])?;
    test::test(&[])?;
    demo::demo(&[demo::DEBUG.to_owned()])
}

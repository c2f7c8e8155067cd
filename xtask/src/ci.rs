//! What a change must pass.

use anyhow::Result;

use crate::{demo, licences, process, rooms, soak, test};

/// How long the soak takes, with the program that the tests use: chosen so that all of it stays under twenty minutes.
const SOAK: [&str; 3] = ["--debug", "--minutes", "2"];

/// Format, lints, rooms, docs, licences, tests, the demo, and a short soak.
pub fn ci(_: &[String]) -> Result<()> {
    process::echo_and_run(&["cargo", "fmt", "--all", "--check"])?;
    let clippy = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    process::echo_and_run(&clippy)?;
    rooms::rooms(&[])?;
    let mut docs = process::command(&["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"]);
    process::run(docs.env("RUSTDOCFLAGS", "--deny warnings"))?;
    licences::check(&[])?;
    test::test(&[])?;
    demo::demo(&[])?;
    soak::soak(&SOAK.map(str::to_owned))
}

//! What a change must pass.

use anyhow::Result;

use crate::{demo, docs, licences, process, rooms, soak, test};

/// How long the soak goes on, with the program that the tests use: chosen so that it adds little to the tests. It takes about a
/// minute more to see whether all is removed.
const SOAK: [&str; 3] = ["--debug", "--minutes", "2"];

/// Format, lints, rooms, documentation, licences, tests, the demo and a short soak with the program that the tests use.
pub fn ci(_: &[String]) -> Result<()> {
    process::echo_and_run(&["cargo", "fmt", "--all", "--check"])?;
    let clippy = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    process::echo_and_run(&clippy)?;
    rooms::rooms(&[])?;
    let mut rustdoc = process::command(&["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"]);
    process::run(rustdoc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    docs::check()?;
    licences::check(&[])?;
    test::test(&[])?;
    demo::demo(&[demo::DEBUG.to_owned()])?;
    soak::soak(&SOAK.map(str::to_owned))
}

//! What a change must pass.

use anyhow::Result;

use crate::{demo, dependencies, docs, engines, licences, process, rooms, soak, test};

/// How long the soak goes on, with the program that the tests use: chosen so that it adds little to the tests. It takes about a
/// minute more to see whether all is removed.
const SOAK: [&str; 3] = ["--debug", "--minutes", "2"];

/// Format, lints (also without the features that are on by default), rooms, documentation, licences and origin of crates,
/// tests, those of the main path on other engines, the demo and a short soak with the program that the tests use.
///
/// What a release is made of is not: its program takes minutes to compile. `cargo xtask dist` checks the size, the glibc and
/// the paths in it, `cargo xtask dist --twice` that it is the same again, and `cargo xtask dist-check` the packages.
pub fn ci(_: &[String]) -> Result<()> {
    process::echo_and_run(&["cargo", "fmt", "--all", "--check"])?;
    let clippy = ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    process::echo_and_run(&clippy)?;
    let without = ["cargo", "clippy", "--no-default-features", "--all-targets", "--locked", "--", "--deny", "warnings"];
    process::echo_and_run(&without)?;
    rooms::rooms(&[])?;
    let mut rustdoc = process::command(&["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"]);
    process::run(rustdoc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    docs::check()?;
    licences::check(&[])?;
    dependencies::check(&[])?;
    test::test(&[])?;
    engines::test_main_path()?;
    demo::demo(&[demo::DEBUG.to_owned()])?;
    soak::soak(&SOAK.map(str::to_owned))
}

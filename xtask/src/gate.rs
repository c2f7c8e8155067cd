//! What a change must pass.

use anyhow::Result;

use crate::{base, demo, licences, run};

/// Runs all tests on the real engine; arguments go to `cargo test`.
pub fn test(args: &[String]) -> Result<()> {
    base::ensure()?;
    let mut line = vec!["cargo", "test", "--workspace"];
    line.extend(args.iter().map(String::as_str));
    run::show(&line)
}

/// Format, lints, docs, licences, tests, and the demo.
pub fn ci(_: &[String]) -> Result<()> {
    run::show(&["cargo", "fmt", "--all", "--check"])?;
    run::show(&["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])?;
    let mut docs = run::command(&["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"]);
    run::quietly(docs.env("RUSTDOCFLAGS", "--deny warnings"))?;
    licences::check(&[])?;
    test(&[])?;
    demo::demo(&[])
}

//! Cases of `minis2i build`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::context::{Bench, small_source};
use super::measured::Measured;
use crate::bench::build::measured_build;
use crate::bench::build_command;
use crate::bench::turns::TurnStart;

/// The artifacts of the build before, of which there are so many.
pub fn artifacts(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    let keep = format!("FILES_TO_KEEP={count}");
    build(bench, source.path(), &["-e", &keep])?;
    build(bench, source.path(), &["-e", "FILES_TO_KEEP="])
}

/// So many variables in a file.
pub fn variables(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    let file = source.path().join("variables");
    let lines: String = (0..count).map(|number| format!("VARIABLE_{number}=value {number}\n")).collect();
    fs::write(&file, lines)?;
    build(bench, source.path(), &["-E", text(&file)?])
}

/// So many lines of output.
pub fn lines(bench: &Bench, count: usize) -> Result<Measured> {
    build(bench, small_source()?.path(), &["--no-incremental", "-e", &format!("LINES_TO_PRINT={count}")])
}

/// One line of output with so many bytes.
pub fn long_line(bench: &Bench, bytes: usize) -> Result<Measured> {
    build(bench, small_source()?.path(), &["--no-incremental", "-e", &format!("BYTES_TO_PRINT={bytes}")])
}

/// So many rules for what is not sent.
pub fn ignore_rules(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    let rules: String = (0..count).map(|number| format!("/folder-{number}/*.log\n")).collect();
    fs::write(source.path().join(".s2iignore"), rules)?;
    build(bench, source.path(), &["--no-incremental"])
}

/// Builds this source.
pub fn build(bench: &Bench, source: &Path, options: &[&str]) -> Result<Measured> {
    let tag = bench.objects.name("scale-result");
    let mut command = build_command::command(text(source)?, &bench.builder, &tag, options, &bench.objects);
    let build = measured_build::run(&mut command, TurnStart::NOW)?;
    Ok(Measured { time: build.whole, memory: build.memory, watch: None })
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("TMPDIR is not UTF-8")
}

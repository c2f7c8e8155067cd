//! The project's own tasks: `cargo xtask` lists them. Each is one function in a file of its own.

mod base_image;
mod bench;
mod ci;
mod debian_root;
mod demo;
mod dependencies;
mod dist;
mod docs;
mod engine;
mod engine_choice;
mod engines;
mod licences;
mod private_engine;
mod process;
mod process_stats;
mod program;
mod record;
mod rooms;
mod sample_builder;
mod servers;
mod signals;
mod skipped;
mod soak;
mod test;
#[cfg(test)]
mod workflows;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// A task: its name, one line about it, and what it does with the remaining arguments.
type Task = (&'static str, &'static str, fn(&[String]) -> Result<()>);

const TASKS: &[Task] = &[
    ("demo", "build the sample pair twice and run the result", demo::demo),
    ("test", "run all tests (arguments go to `cargo test`; --engine NAME has them run on another engine)", test::test),
    ("engines", "set up the other engines that tests can run on, and say which there are", engines::engines),
    ("ci", "everything a change must pass: format, lints, rooms, docs, licences, tests, demo, a short soak", ci::ci),
    (
        "rooms",
        "check the architecture: who uses, starts, prints, exits; how long files are, what has no comment",
        rooms::rooms,
    ),
    (
        "bench",
        "measure: bench build, watch and run against the naive way, bench scale with ever more files, bench start",
        bench::task,
    ),
    ("soak", "random changes, kills and faults against watches: soak [--minutes N] [--seed N]", soak::soak),
    ("docs", "write docs/options.md, check all links, and make the book in target/book", docs::docs),
    ("record", "record a real watch as docs/watch.svg, the picture in the README", record::record),
    ("licences", "check the licences of all crates in the lock file", licences::check),
    ("dependencies", "check where crates come from, and which compiler they need", dependencies::check),
    ("dist", "make archives and packages of a release: dist [--target T] [--out FOLDER] [--twice]", dist::dist),
    ("dist-check", "the same, and install the Debian package in fresh systems (root, debootstrap)", dist::dist_check),
    ("base", "make the base image that demo, tests and bench share", base_image::task),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        println!("cargo xtask TASK\n");
        for (name, about, _) in TASKS {
            println!("  {name:<12} {about}");
        }
        return Ok(());
    };
    match TASKS.iter().find(|(task, ..)| task == name) {
        Some((_, _, task)) => task(rest),
        None => bail!("no task `{name}`; `cargo xtask` lists them"),
    }
}

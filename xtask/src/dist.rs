//! What a release consists of: archives and packages of the program, with manual pages, completions and licences.
//!
//! All of it is made offline from the locked crates, and is the same bytes again for the same commit and toolchain: times
//! are those of the commit, lists are sorted, and no path of this machine is in the program.

mod archive;
mod check;
pub mod crates;
mod deb;
mod documents;
mod elf;
mod epoch;
mod file;
mod gzip;
mod licence_texts;
pub mod options;
mod package;
mod program;
mod rpm;
mod sbom;
mod sums;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace;
use elf::GlibcVersion;
use options::Options;
use package::Package;
use program::Program;

/// The largest program that a release may have, stripped: a limit that the project set itself.
const SIZE_LIMIT: usize = 6 << 20;

/// The newest glibc that a program for it may need, so that it starts on the systems of the last four years: Debian 12,
/// Ubuntu 22.04, Fedora 36 and RHEL 10 have 2.34 or newer, and so has RHEL 9.
const GLIBC_LIMIT: GlibcVersion = GlibcVersion(2, 34);

/// The task: makes everything below `target/dist`, or another folder.
///
/// # Errors
/// When something cannot be made, or the program is too large, needs too new a glibc, or has a path of this machine in it.
pub fn dist(args: &[String]) -> Result<()> {
    make_as_asked(&Options::parse(args)?)
}

/// The task: makes everything and installs the Debian package in fresh systems.
///
/// # Errors
/// When a package does not work there, or leaves something behind.
pub fn dist_check(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    check::ensure_possible()?;
    make_as_asked(&options)?;
    check::check(&options.out)
}

/// Makes everything once, or twice where that was asked for.
fn make_as_asked(options: &Options) -> Result<()> {
    let made = make(options)?;
    if options.twice { make_again_and_compare(options, &made) } else { Ok(()) }
}

/// The files that were made: their names and their bytes.
type Made = Vec<(String, Vec<u8>)>;

fn make(options: &Options) -> Result<Made> {
    let epoch = epoch::source_date()?;
    let program = Program::build(&options.target)?;
    check_program(&program)?;
    let package = Package::new(&program, epoch)?;
    let mut made = vec![(package.archive_name(), archive::tar_gz(&package)?)];
    if let Some(glibc) = program.facts.glibc.filter(|_| program.is_linux()) {
        made.push(deb::deb(&package, glibc)?);
        made.push(rpm::rpm(&package, glibc)?);
    }
    made.push((package.sbom_name(), package.sbom.clone().into_bytes()));
    made.push((sums::FILE.to_owned(), sums::sums(&made).into_bytes()));
    write(&options.out, &made)?;
    Ok(made)
}

/// Checks what is promised about the program itself.
fn check_program(program: &Program) -> Result<()> {
    let size = program.bytes.len();
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!("minis2i: {:.2} MiB, at most {:.0} MiB", mib(size), mib(SIZE_LIMIT));
    ensure!(size <= SIZE_LIMIT, "the program has {:.2} MiB, more than {:.0}", mib(size), mib(SIZE_LIMIT));
    match program.facts.glibc {
        Some(version) => {
            println!("minis2i: needs glibc {version} or newer, and {}", program.facts.libraries.join(", "));
            ensure!(version <= GLIBC_LIMIT, "the program needs glibc {version}, newer than {GLIBC_LIMIT}");
        }
        None => println!("minis2i: needs no glibc"),
    }
    let paths = program.machine_paths();
    ensure!(paths.is_empty(), "paths of this machine are in the program: {}", paths.join(", "));
    Ok(())
}

fn write(folder: &Path, made: &Made) -> Result<()> {
    // A version that was made before must not stay among what belongs together.
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    for (name, bytes) in made {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("{}", path.strip_prefix(workspace::root()).unwrap_or(&path).display());
    }
    Ok(())
}

/// Compiles the program once more, from nothing, and makes all of it again.
fn make_again_and_compare(options: &Options, first: &Made) -> Result<()> {
    program::forget(&options.target)?;
    let second = make(options)?;
    let differing: Vec<&str> =
        first.iter().zip(&second).filter(|(a, b)| a != b).map(|((name, _), _)| name.as_str()).collect();
    ensure!(differing.is_empty() && first.len() == second.len(), "not the same bytes again: {}", differing.join(", "));
    println!("made twice: the same bytes");
    Ok(())
}

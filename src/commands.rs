//! The commands beside the build, and what they share.

pub mod create;
pub mod generate;
pub mod rebuild;
pub mod usage;

use std::io::{self, Read, Write};
use std::process::Stdio;

use anyhow::Result;

use crate::build::no_builder;
use crate::engine::image::{self, Image};
use crate::engine::{Container, Engine};
use crate::lease::Lease;

/// Prints what was asked for. A reader that went away is no failure of ours.
///
/// # Errors
/// When standard output can not be written to for another reason, such as a full disk.
pub fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The builder image of that name.
///
/// # Errors
/// When there is none, or the engine does not answer.
fn builder(engine: &Engine, name: &str) -> Result<Image> {
    let [image] = image::inspect(engine, [name])?;
    image.ok_or_else(|| no_builder(engine, name, false))
}

/// The folders that were searched, for a message.
fn places(folders: &[String]) -> String {
    if folders.is_empty() { "the image".to_owned() } else { folders.join(" or ") }
}

/// How a program in a container ended.
struct Ended {
    status: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Ended {
    /// Whether the engine could not start the program. Its own error statuses can also be the program's.
    fn not_started(&self) -> bool {
        let words = String::from_utf8_lossy(&self.stderr).to_lowercase();
        let told = ["error response from daemon", "oci ", "crun", "runc"].iter().any(|word| words.contains(word));
        (125..=127).contains(&self.status) && self.stdout.is_empty() && told
    }
}

/// Runs a program in a container of an image, without network and with nothing to read, to its end. The container is
/// removed, also when an interrupt comes.
///
/// # Errors
/// When the CLI can not be started, or work was cancelled.
fn run_in(engine: &Engine, image: &Image, options: &[&str], program: &str, args: &[&str]) -> Result<Ended> {
    let lease = Lease::take()?;
    let mut words: Vec<String> = ["--network", "none"].map(str::to_owned).to_vec();
    words.extend(options.iter().map(|option| (*option).to_owned()));
    words.extend(["--entrypoint".to_owned(), program.to_owned(), image.id.clone()]);
    words.extend(args.iter().map(|arg| (*arg).to_owned()));
    let (mut container, mut process) = Container::run(engine, lease.container_name(), &words, Stdio::null())?;
    let (mut out, mut err) = (process.stdout(), process.stderr());
    let (stdout, stderr) = std::thread::scope(|scope| {
        let errors = scope.spawn(move || all(&mut err));
        (all(&mut out), errors.join().unwrap_or_default())
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    container.is_born();
    Ok(Ended { status, stdout, stderr })
}

fn all(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    bytes
}

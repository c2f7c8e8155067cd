//! Looking into an image, for commands that do not build: by its description, or by a program in a container of it.

use std::process::Stdio;

use anyhow::Result;

use crate::child;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::image::{self, Image};
use crate::pipeline::images::no_builder;
use crate::run_lock::RunLock;
use crate::settings::folders;

/// The builder image of that name.
///
/// # Errors
/// When there is none, or the engine does not answer.
pub fn find_builder(engine: &Engine, name: &str) -> Result<Image> {
    let [image] = image::inspect(engine, [name])?;
    image.ok_or_else(|| no_builder(engine, name, false))
}

/// The folders that were searched, for a message.
pub fn in_words(folders: &[String]) -> String {
    if folders.is_empty() { "the image".to_owned() } else { folders.join(" or ") }
}

/// How a program in a container ended.
pub struct ProgramOutput {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl ProgramOutput {
    /// Whether the engine could not start the program. Its own error statuses can also be the program's.
    pub fn not_started(&self) -> bool {
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
pub fn run_in_image(
    engine: &Engine,
    image: &Image,
    options: &[&str],
    program: &str,
    args: &[&str],
) -> Result<ProgramOutput> {
    let run_lock = RunLock::take(folders::locks())?;
    let mut words: Vec<String> = ["--network", "none"].map(str::to_owned).to_vec();
    words.extend(options.iter().map(|option| (*option).to_owned()));
    words.extend(["--entrypoint".to_owned(), program.to_owned(), image.id.clone()]);
    words.extend(args.iter().map(|arg| (*arg).to_owned()));
    let (mut container, mut process) = Container::run(engine, run_lock.container_name(), &words, Stdio::null())?;
    let (mut out, mut err) = (process.stdout(), process.stderr());
    let (stdout, stderr) = std::thread::scope(|scope| {
        let errors = scope.spawn(move || child::read_all(&mut err));
        (child::read_all(&mut out), errors.join().unwrap_or_default())
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    container.mark_created();
    Ok(ProgramOutput { status, stdout, stderr })
}

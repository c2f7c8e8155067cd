//! Inspecting a builder image, for commands that do not build: its description, and the output of a program in it.

use std::process::Stdio;

use anyhow::Result;

use crate::child;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::image::{self, Image};
use crate::pipeline::cleanup;
use crate::pipeline::images::no_builder;
use crate::report::Reporter;
use crate::run_lock::RunLock;
use crate::settings::folders;

/// Inspects the builder image called `name`.
///
/// # Errors
/// If there is no such image, or the engine does not answer.
pub fn find_builder(engine: &Engine, name: &str) -> Result<Image> {
    let [image] = image::inspect(engine, [name])?;
    image.ok_or_else(|| no_builder(engine, name, false))
}

/// Lists folders that were searched, for a message.
pub fn folder_list(folders: &[String]) -> String {
    if folders.is_empty() { "the image".to_owned() } else { folders.join(" or ") }
}

/// How much of the end of a program's standard error is kept, in bytes: chosen so that it holds several screens.
const STDERR_SIZE_LIMIT: usize = 64 * 1024;

/// How a program that ran in a container ended.
pub struct ProgramOutput {
    pub status: i32,
    /// It printed something to its standard output.
    pub printed: bool,
    /// The end of its standard error.
    pub stderr: Vec<u8>,
}

impl ProgramOutput {
    /// Whether the engine could not start the program. The exit status alone does not show that, since a program may
    /// exit with the statuses that the CLI uses for its errors.
    pub fn not_started(&self) -> bool {
        let stderr = String::from_utf8_lossy(&self.stderr).to_lowercase();
        let from_engine =
            ["error response from daemon", "oci ", "crun", "runc"].iter().any(|text| stderr.contains(text));
        (125..=127).contains(&self.status) && !self.printed && from_engine
    }
}

/// Runs `program` with `args` to its end in a new container of `image`, without a network and with an empty standard
/// input. `options` are those of `docker run`; `on_stdout` gets its standard output, piece by piece. The container is removed
/// afterwards, even after an interrupt.
///
/// # Errors
/// If the CLI cannot be started, or work was cancelled. A failing program is no error here.
pub fn run_in_image(
    engine: &Engine,
    reporter: &Reporter,
    image: &Image,
    options: &[&str],
    program: &str,
    args: &[&str],
    on_stdout: impl FnMut(&[u8]),
) -> Result<ProgramOutput> {
    let run_lock = RunLock::take(folders::of_runs())?;
    let mut run_args: Vec<String> = ["--network", "none"].map(str::to_owned).to_vec();
    run_args.extend(options.iter().map(|option| (*option).to_owned()));
    run_args.extend(["--entrypoint".to_owned(), program.to_owned(), image.id.clone()]);
    run_args.extend(args.iter().map(|arg| (*arg).to_owned()));
    let output = run_container(engine, run_lock.container_name(), &run_args, on_stdout);
    cleanup::leave_rest_to_next_run(engine, &run_lock, reporter);
    output
}

/// Runs a program in a container with this name, and removes the container. `args` are those of `docker run`.
fn run_container(
    engine: &Engine,
    name: String,
    args: &[String],
    mut on_stdout: impl FnMut(&[u8]),
) -> Result<ProgramOutput> {
    let (mut container, mut process) = Container::run(engine, name, args, Stdio::null())?;
    let (mut stdout, mut stderr) = (process.stdout(), process.stderr());
    let mut printed = false;
    let stderr = std::thread::scope(|scope| {
        let stderr = scope.spawn(move || child::read_end(&mut stderr, STDERR_SIZE_LIMIT));
        child::for_each_piece(&mut stdout, |piece| {
            printed = true;
            on_stdout(piece);
        });
        stderr.join().unwrap_or_default()
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    container.mark_created();
    Ok(ProgramOutput { status, printed, stderr })
}

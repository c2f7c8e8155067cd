//! Engines that people have beside the one at hand, each set up in folders of its own, for tests: docker of the next Debian with
//! both of its image stores, and podman.

mod name;
mod ordinary_user;
mod podman;
mod skips;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::private_engine::{self, Daemon, PrivateEngine, Purpose};
use crate::{debian_root, process, signals};
pub use name::EngineName;
use podman::Podman;

/// The Debian that has the engines, and the word for its folder.
const SUITE: &str = "trixie";
const PURPOSE: &str = "engines";

/// The option of `test` that names the engine.
pub const OPTION: &str = "--engine";

/// The tests of the main path, which `ci` runs on these engines: build twice, a failing `assemble`, watch and saves, Ctrl-C, a kill and
/// the next run, secrets, rebuild, builders without tar and without a shell, and an app.
const MAIN_PATH: [&str; 19] = [
    "basic_build::",
    "commands::rebuild_builds_the_same_once_more",
    "watch::detection::every_way_of_saving_is_one_build",
    "watch::early_standby::what_is_saved_during_a_build",
    "watch::lifecycle::a_watch_that_was_killed_is_taken_over",
    "watch::lifecycle::signals_end_an_idle_watch",
    "watch::source_in::builders_that_leave_the_folder",
    "interrupts::an_interrupt_while_assemble_runs",
    "interrupts::an_interrupt_while_the_source_is_sent",
    "interrupts::the_next_run_removes_what_a_killed_one_left",
    "left_behind::the_image_of_a_run_that_was_killed",
    "secrets::a_secret_is_a_file_in_memory",
    "secrets::a_secret_is_nowhere_in_the_image",
    "secrets::a_build_variable_is_for_assemble_alone",
    "minimal_images::no_tar::the_engine_unpacks",
    "minimal_images::no_shell::a_static_assemble_builds",
    "minimal_images::no_shell::a_mounted_source_does_not_stay",
    "app::swap::a_connection_that_comes_before_the_app",
    "cache::automatic::",
];

/// The task `engines`: sets up each engine and says which version answers, or why it cannot be had here.
///
/// # Errors
/// When a signal came.
pub fn engines(_: &[String]) -> Result<()> {
    signals::catch()?;
    for name in EngineName::ALL {
        signals::check()?;
        match Running::start(name) {
            Ok(engine) => println!("{:<20} {}", name.text(), engine.version()?),
            Err(error) => println!("{:<20} cannot be had here: {error:#}", name.text()),
        }
    }
    Ok(())
}

/// Runs the tests on this engine; `args` go to `cargo test`. What the engine cannot do is left out, with the reason.
///
/// # Errors
/// When the engine cannot be had here, or a test fails.
pub fn test(name: EngineName, args: &[String]) -> Result<()> {
    signals::catch()?;
    test_on(&Running::start(name)?, name, args)
}

fn test_on(engine: &Running, name: EngineName, args: &[String]) -> Result<()> {
    eprintln!("on {}", engine.version()?);
    let skips = skips::of(name);
    for skip in &skips {
        eprintln!("left out on {}: {}: {}", name.text(), skip.test, skip.why);
    }
    eprintln!("{} kinds of tests are left out on {}", skips.len(), name.text());
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["test", crate::engine_choice::AS_IS]).args(engine.cargo_options()).args(args);
    if !args.iter().any(|arg| arg == "--") {
        command.arg("--");
    }
    command.args(skips.iter().flat_map(|skip| ["--skip", skip.test]));
    engine.set_up(&mut command);
    let status = private_engine::run_to_end(&mut command)?;
    ensure!(status.success(), "the tests failed on {}", name.text());
    Ok(())
}

/// Runs the tests of the main path on the engines that differ most from the one at hand. Where one cannot be had, or was not set
/// up before and would take longer for that than for its tests, a line says so.
///
/// # Errors
/// When a test fails.
pub fn test_main_path() -> Result<()> {
    signals::catch()?;
    let args: Vec<String> = ["--test", "it", "--"].into_iter().chain(MAIN_PATH).map(str::to_owned).collect();
    for name in [EngineName::Podman, EngineName::PodmanRootless, EngineName::Docker26Containerd] {
        if name == EngineName::Docker26Containerd && !debian_root::is_there(SUITE, PURPOSE) {
            eprintln!("not tested on {}, which takes minutes to set up: `cargo xtask engines` does that", name.text());
            continue;
        }
        match Running::start(name) {
            Ok(engine) => test_on(&engine, name, &args)?,
            Err(error) => {
                signals::check()?;
                eprintln!("not tested on {}, which cannot be had here: {error:#}", name.text());
            }
        }
    }
    Ok(())
}

/// An engine that runs. Dropping it stops it and removes all that it had.
enum Running {
    Docker(PrivateEngine),
    Podman(Podman),
}

impl Running {
    fn start(name: EngineName) -> Result<Self> {
        ensure!(private_engine::can_start()?, "it needs root on Linux, and `dockerd`");
        Ok(match name {
            EngineName::Podman | EngineName::PodmanRootless => {
                Self::Podman(Podman::start(name == EngineName::PodmanRootless)?)
            }
            EngineName::Docker26 | EngineName::Docker26Containerd => {
                let root = debian_root::bootstrapped(SUITE, PURPOSE, debian_root::ENGINES)?;
                let containerd_store = name == EngineName::Docker26Containerd;
                Self::Docker(PrivateEngine::start_with(Purpose::Tests, Daemon::Debian { root, containerd_store })?)
            }
        })
    }

    /// Has a command and all that it starts work with this engine.
    fn set_up(&self, command: &mut Command) {
        match self {
            Self::Docker(engine) => {
                command.env("DOCKER_HOST", engine.host());
            }
            Self::Podman(podman) => podman.set_up(command),
        }
    }

    /// What `cargo test` needs to run the tests as the user of this engine.
    fn cargo_options(&self) -> Vec<String> {
        match self {
            Self::Docker(_) => Vec::new(),
            Self::Podman(podman) => podman.cargo_options(),
        }
    }

    /// What the engine says of itself.
    fn version(&self) -> Result<String> {
        match self {
            Self::Docker(engine) => {
                let format = "docker {{.ServerVersion}} with {{.Driver}}";
                process::output(&["docker", "--host", &engine.host(), "info", "--format", format])
            }
            Self::Podman(podman) => podman.version(),
        }
    }
}

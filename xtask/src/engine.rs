//! Makes sure that a container engine answers, installing and starting one where that needs no question.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// How long a daemon that was just started may take until it answers. Chosen, not measured: it only ends a wait for a
/// daemon that will never answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Returns when `docker` answers. As root on a Debian-like machine, installs and starts it; elsewhere
/// fails with what to install.
pub fn ensure() -> Result<()> {
    if answers() {
        return Ok(());
    }
    if std::env::var_os("DOCKER_HOST").is_some() {
        bail!("no engine answers at DOCKER_HOST; start it there, or unset DOCKER_HOST");
    }
    if !is_root()? || !Path::new("/etc/debian_version").exists() {
        bail!(
            "no container engine answers; install docker (on Debian: `apt-get install docker.io`), start it \
             (`systemctl start docker`), and see that `docker info` works for you"
        );
    }
    if !process::succeeds(&["dockerd", "--version"]) || !process::succeeds(&["docker", "--version"]) {
        eprintln!("no container engine here: installing docker.io");
        install(&["docker.io"])?;
    }
    start()
}

/// Installs packages of Debian; the lists of packages may be missing, or older than the packages of today.
///
/// # Errors
/// When they cannot be had.
pub fn install(packages: &[&str]) -> Result<()> {
    process::echo_and_run(&["apt-get", "update", "-q"])?;
    process::echo_and_run(&[&["apt-get", "install", "-qy", "--no-install-recommends"], packages].concat())
}

/// Whether the engine runs on this machine, judged by its address.
pub fn is_here() -> bool {
    std::env::var("DOCKER_HOST").map_or(true, |host| host.starts_with("unix://"))
}

fn answers() -> bool {
    process::succeeds(&["docker", "version"])
}

/// Whether this process runs as root.
pub fn is_root() -> Result<bool> {
    Ok(process::output(&["id", "-u"])? == "0")
}

fn start() -> Result<()> {
    let log = std::env::temp_dir().join("minis2i-dockerd.log");
    eprintln!("no engine answers: starting `dockerd` (its log: {})", log.display());
    let file = File::create(&log).context("cannot write the log of dockerd")?;
    Command::new("setsid")
        .arg("dockerd")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .context("cannot start dockerd")?;
    let begin = Instant::now();
    while !answers() {
        if begin.elapsed() > START_LIMIT {
            bail!("dockerd did not answer within {} s; see {}", START_LIMIT.as_secs(), log.display());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

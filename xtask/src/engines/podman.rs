//! podman with a storage of its own, under the name `docker`, as people have it who installed it in the place of docker.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{engine, process, signals};

/// The Debian packages that it needs.
const PACKAGES: [&str; 4] = ["podman", "crun", "netavark", "catatonit"];

/// How long its service may take until it answers: it only ends a wait for one that never will.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The storage, the service for those who speak HTTP, and a folder with the CLI. Dropping it removes all of them.
pub struct Podman {
    folder: TempDir,
    service: Option<Child>,
}

impl Podman {
    /// Installs it where it is missing, and starts it.
    ///
    /// # Errors
    /// When it cannot be installed, or does not answer.
    pub fn start() -> Result<Self> {
        if !process::succeeds(&["podman", "--version"]) {
            ensure!(Path::new("/etc/debian_version").exists(), "podman is not installed");
            engine::install(&PACKAGES)?;
        }
        let folder = tempfile::Builder::new().prefix("minis2i-podman-").tempdir()?;
        let mut podman = Self { folder, service: None };
        let path = |name: &str| podman.folder.path().join(name);
        fs::create_dir(path("bin"))?;
        fs::write(path("containers.conf"), configuration())?;
        let script = format!(
            "#!/bin/sh\nunset DOCKER_HOST\nexport CONTAINERS_CONF='{}'\n\
             exec podman --root '{}' --runroot '{}' \"$@\"\n",
            path("containers.conf").display(),
            path("root").display(),
            path("run").display()
        );
        fs::write(path("bin/docker"), script)?;
        fs::set_permissions(path("bin/docker"), fs::Permissions::from_mode(0o755))?;
        let mut service = Command::new(path("bin/docker"));
        service.args(["system", "service", "--time", "0", &podman.host()]);
        service.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        podman.service = Some(service.spawn().context("cannot start podman")?);
        let begin = Instant::now();
        while !path("sock").exists() {
            signals::check()?;
            if begin.elapsed() > START_LIMIT {
                bail!("its service does not answer");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(podman)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("sock").display())
    }

    /// The script that stands for it.
    fn cli(&self) -> String {
        self.folder.path().join("bin/docker").display().to_string()
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn version(&self) -> Result<String> {
        process::output(&[
            &self.cli(),
            "info",
            "--format",
            "podman {{.Version.Version}} with {{.Store.GraphDriverName}}",
        ])
    }

    /// Has a command find it as `docker`, before any other.
    pub fn set_up(&self, command: &mut Command) {
        let mut search = OsString::from(self.folder.path().join("bin"));
        if let Some(rest) = std::env::var_os("PATH") {
            search.push(":");
            search.push(rest);
        }
        command.env("PATH", search).env("DOCKER_HOST", self.host());
    }
}

/// Settings that do without systemd, and without limits that the system may not allow.
fn configuration() -> String {
    // crun starts nothing where a system has both versions of cgroups.
    let runtime = if process::succeeds(&["runc", "--version"]) { "runc" } else { "crun" };
    format!(
        "[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
         runtime = \"{runtime}\"\n"
    )
}

impl Drop for Podman {
    fn drop(&mut self) {
        let cli = self.cli();
        let _ = process::output(&[&cli, "rm", "--all", "--force", "--time", "0"]);
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
        // What it mounted stays mounted otherwise.
        let _ = process::output(&[&cli, "system", "reset", "--force"]);
        let root = self.folder.path().join("root/overlay").display().to_string();
        let _ = process::output(&["umount", "--lazy", &root]);
    }
}

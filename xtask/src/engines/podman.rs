//! podman with a storage of its own, under the name `docker`, as people have it who installed it in the place of docker.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::ordinary_user::{self, OrdinaryUser};
use crate::{engine, process, signals};

/// The Debian packages that it needs.
const PACKAGES: [&str; 4] = ["podman", "crun", "netavark", "catatonit"];

/// How long its service may take until it answers: it only ends a wait for one that never will.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The storage, the service for those who speak HTTP, and a folder with the CLI. Dropping it removes all of them.
pub struct Podman {
    folder: TempDir,
    /// Who uses it, if that is not root.
    user: Option<OrdinaryUser>,
    service: Option<Child>,
}

impl Podman {
    /// Installs it where it is missing, and starts it; `rootless` as a user of its own.
    ///
    /// # Errors
    /// When it cannot be installed, or does not answer.
    pub fn start(rootless: bool) -> Result<Self> {
        let mut needed = vec![("podman", &PACKAGES[..])];
        needed.extend(rootless.then_some(("newuidmap", &ordinary_user::PACKAGES[..])));
        for (program, packages) in needed {
            if !process::succeeds(&["sh", "-c", &format!("command -v {program}")]) {
                ensure!(Path::new("/etc/debian_version").exists(), "{program} is not installed");
                engine::install(packages)?;
            }
        }
        let folder = tempfile::Builder::new().prefix("minis2i-podman-").tempdir()?;
        let user = rootless.then(|| OrdinaryUser::make(folder.path())).transpose()?;
        let mut podman = Self { folder, user, service: None };
        let path = |name: &str| podman.folder.path().join(name);
        fs::create_dir(path("bin"))?;
        fs::write(path("containers.conf"), configuration())?;
        fs::write(path("bin/docker"), podman.script())?;
        fs::set_permissions(path("bin/docker"), fs::Permissions::from_mode(0o755))?;
        let mut service = Command::new(path("bin/docker"));
        service.args(["system", "service", "--time", "0", &podman.host()]);
        service.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        podman.service = Some(service.spawn().context("cannot start podman")?);
        let begin = Instant::now();
        while !podman.socket().exists() {
            signals::check()?;
            if begin.elapsed() > START_LIMIT {
                bail!("its service does not answer");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(podman)
    }

    /// The text of the script that stands for it.
    fn script(&self) -> String {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let begin = format!("#!/bin/sh\nunset DOCKER_HOST\nexport CONTAINERS_CONF='{}'\n", path("containers.conf"));
        match &self.user {
            None => format!("{begin}exec podman --root '{}' --runroot '{}' \"$@\"\n", path("root"), path("run")),
            // Tests that give minis2i other folders do not move those of podman. By itself it takes a storage driver that
            // copies each layer, where it finds no reason for another one.
            Some(user) => {
                let [home, runtime] = [user.home(), user.runtime()].map(|folder| folder.display().to_string());
                format!(
                    "{begin}export HOME='{home}' XDG_RUNTIME_DIR='{runtime}'\n\
                     exec '{}' podman --storage-driver overlay --root '{home}/root' --runroot '{runtime}/root' \"$@\"\n",
                    user.enter().display(),
                )
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.user.as_ref().map_or(self.folder.path().to_owned(), OrdinaryUser::runtime).join("sock")
    }

    fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What `cargo test` needs to run the tests as its user.
    pub fn cargo_options(&self) -> Vec<String> {
        let Some(user) = &self.user else { return Vec::new() };
        vec!["--config".to_owned(), format!("target.'cfg(unix)'.runner = '{}'", user.enter().display())]
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
        if let Some(user) = &self.user {
            user.end_all();
        }
        let root = self.folder.path().join("root/overlay").display().to_string();
        let _ = process::output(&["umount", "--lazy", &root]);
    }
}

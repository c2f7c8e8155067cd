//! A fresh Debian in a folder, and commands in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{debian_root, process, workspace};

/// Where the engine's socket and its command line are in the system.
const SOCKET: &str = "/srv/docker.sock";
const CLI: &str = "/usr/local/bin/docker";

/// How long processes in the system may take to end: it only ends a wait for one that never will.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Mounts what a system needs, in a namespace of its own, so that nothing stays mounted however it ends; then runs the
/// command. Its arguments: the folder, the engine's socket, its command line, and the command.
const ENTER: &str = r#"
set -e
root=$1 socket=$2 cli=$3; shift 3
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$socket" "$root/srv/docker.sock"
mount --bind "$cli" "$root/usr/local/bin/docker"
exec chroot "$root" "$@"
"#;

/// The system; it is removed when this is dropped.
pub struct DebianRoot {
    folder: TempDir,
    /// The engine's socket and its command line on this machine.
    socket: PathBuf,
    cli: PathBuf,
}

impl DebianRoot {
    /// A copy of what `debootstrap` makes, which is kept below `target` for the next time.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn fresh(suite: &str) -> Result<Self> {
        let kept = debian_root::bootstrapped(suite, "plain", debian_root::PLAIN)?;
        let folder = tempfile::Builder::new().prefix("minis2i-debian-").tempdir_in(workspace::root().join("target"))?;
        process::output(&[
            "cp",
            "-a",
            &format!("{}/.", workspace::path_text(&kept)?),
            workspace::path_text(folder.path())?,
        ])?;
        let host = process::output(&["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])?;
        let socket =
            host.strip_prefix("unix://").with_context(|| format!("the engine at {host} has no socket here"))?;
        let socket = fs::canonicalize(socket).with_context(|| format!("there is no socket `{socket}`"))?;
        let cli = fs::canonicalize(process::output(&["which", "docker"])?)?;
        let root = Self { folder, socket, cli };
        for point in [SOCKET, CLI] {
            fs::write(root.path(point), "")?;
        }
        Ok(root)
    }

    /// A path of the system as this machine sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// A command that will run in the system, with an environment of its own.
    ///
    /// # Errors
    /// When a path is not UTF-8 text.
    pub fn command(&self, line: &[&str]) -> Result<Command> {
        let [folder, socket, cli] =
            [self.folder.path(), &self.socket, &self.cli].map(|path| workspace::path_text(path));
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", folder?, socket?, cli?]);
        command.args(line).env_clear().envs([
            ("DOCKER_HOST", format!("unix://{SOCKET}").as_str()),
            ("HISTFILE", "/dev/null"),
            ("HOME", "/root"),
            ("LANG", "C.UTF-8"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("TERM", "xterm"),
        ]);
        Ok(command)
    }

    /// The trimmed standard output of a command in the system.
    ///
    /// # Errors
    /// When it fails, with its standard error.
    pub fn output(&self, line: &[&str]) -> Result<String> {
        self.outputs(line).map(|[stdout, _]| stdout)
    }

    /// The same, and its trimmed standard error.
    ///
    /// # Errors
    /// When it fails.
    pub fn outputs(&self, line: &[&str]) -> Result<[String; 2]> {
        let output = self.command(line)?.stdin(Stdio::null()).output().context("cannot start `unshare`")?;
        ensure!(
            output.status.success(),
            "`{}` failed: {}\n{}",
            line.join(" "),
            String::from_utf8_lossy(&output.stderr).trim(),
            String::from_utf8_lossy(&output.stdout).trim()
        );
        Ok([output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// Waits until no process runs in the system any more: a build cleans up in the background.
    ///
    /// # Errors
    /// When one does not end.
    pub fn wait_until_unused(&self) -> Result<()> {
        let begin = Instant::now();
        while is_root_of_a_process(self.folder.path())? {
            if begin.elapsed() > END_LIMIT {
                bail!("a process in the system has not ended within {} s", END_LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn is_root_of_a_process(folder: &Path) -> Result<bool> {
    let folder = fs::canonicalize(folder)?;
    // Processes that end meanwhile have no root any more.
    let mut roots = fs::read_dir("/proc")?.filter_map(|entry| fs::read_link(entry.ok()?.path().join("root")).ok());
    Ok(roots.any(|root| root == folder))
}

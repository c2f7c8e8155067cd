//! An engine for one task alone: a second `dockerd` with `overlay2`, in a temporary folder.
//!
//! The task runs once more, as a process of its own, with that as its engine. So the engine is removed even when the
//! task crashes.
//!
//! Where the disk is told of every block that gets free (`discard`), removing files takes ten times as long as it does
//! elsewhere; there that engine gets a file system of its own, in a file.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::{engine, process, signals};

/// How long the engine may take until it answers. Chosen, not measured: it only ends a wait for an engine that will
/// never answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long the engine may take to end: three times the ten seconds that it waits for its containers.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The most that its own file system can hold, in bytes: ample for all rows. What is not written takes no space.
const DISK_SIZE: u64 = 32 << 30;

/// Whether an engine can be started here.
pub fn can_start() -> Result<bool> {
    Ok(cfg!(target_os = "linux") && engine::is_root()? && process::succeeds(&["dockerd", "--version"]))
}

/// Runs a command to its end. It and all that it starts get the signals that we get, and no others: a terminal's Ctrl-C
/// must not reach them twice.
pub fn run_to_end(command: &mut Command) -> Result<ExitStatus> {
    let mut child = command.process_group(0).spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut forwarded = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if signals::received() && !forwarded {
            // A child that was not waited for yet is still there to get it.
            let _ = kill_process_group(Pid::from_child(&child), Signal::TERM);
            forwarded = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signal(child: &Child, signal: Signal) {
    // A child that was not waited for yet is still there to get it.
    let _ = kill_process(Pid::from_child(child), signal);
}

/// What an engine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be measured, or to be as one that people have.
    Realistic,
    /// To cost tests as little as possible: nothing would survive a power cut, so that no call waits for the disk, and
    /// containers may call all of the kernel, so that none needs a filter to be compiled for it.
    Tests,
}

/// Where the daemon comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// This machine has it.
    Here,
    /// It is in a Debian that lies in the folder `root`, and runs in a mount namespace of its own.
    Debian { root: PathBuf, containerd_store: bool },
}

/// Mounts what a system in a folder needs, and then runs a command in it. Its arguments: the root, the folder of the engine,
/// and the command. With `chroot` in the place of `pivot_root`, `docker exec` would run on this machine, and not in its container.
const ENTER: &str = r#"
set -e
root=$1 folder=$2; shift 2
mount --rbind "$root" "$root"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /tmp "$root/tmp"
mkdir -p "$root$folder"
mount --rbind "$folder" "$root$folder"
mkdir -p "$root/.before"
cd "$root"
pivot_root . .before
umount --lazy /.before
exec "$@"
"#;

/// The engine. Dropping it stops it and removes all that it had.
pub struct PrivateEngine {
    purpose: Purpose,
    from: Daemon,
    daemon: Option<Child>,
    bridge: String,
    folder: TempDir,
}

impl PrivateEngine {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// When the system does not let us start one, or it does not answer.
    pub fn start(purpose: Purpose) -> Result<Self> {
        Self::start_with(purpose, Daemon::Here)
    }

    /// Starts the daemon that comes from there, and waits until it answers.
    ///
    /// # Errors
    /// When the system does not let us start one, or it does not answer.
    pub fn start_with(purpose: Purpose, from: Daemon) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("minis2i-engine-").tempdir()?;
        let bridge = format!("ms2i-{}", std::process::id());
        let mut engine = Self { purpose, from, daemon: None, bridge, folder };
        engine.make_bridge()?;
        if is_discarding(&fs::read_to_string("/proc/self/mountinfo")?, engine.folder.path()) {
            match engine.make_disk() {
                Ok(()) => eprintln!(
                    "its data is on a file system of its own: here the disk is told of each block that gets free"
                ),
                Err(error) => {
                    eprintln!("warning: it gets no file system of its own, so removing files is slow: {error:#}")
                }
            }
        }
        engine.daemon = Some(engine.spawn()?);
        engine.wait()?;
        Ok(engine)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path("sock"))
    }

    /// The process of the daemon.
    pub fn daemon_id(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    fn make_bridge(&self) -> Result<()> {
        let address = free_subnet(&process::output(&["ip", "-o", "-4", "address"])?).context("no subnet is free")?;
        process::output(&["ip", "link", "add", "name", &self.bridge, "type", "bridge"])?;
        process::output(&["ip", "address", "add", &address, "dev", &self.bridge])?;
        process::output(&["ip", "link", "set", &self.bridge, "up"]).map(drop)
    }

    /// Mounts a new file system where the engine's images and containers go.
    fn make_disk(&self) -> Result<()> {
        let [disk, data] = ["disk", "data"].map(|name| self.path(name));
        File::create(&disk)?.set_len(DISK_SIZE)?;
        let (features, options) = match self.purpose {
            Purpose::Realistic => (&[][..], "loop"),
            Purpose::Tests => (&["-O", "^has_journal"][..], "loop,barrier=0,noatime"),
        };
        process::output(&[&["mkfs.ext4", "-q", "-F"], features, &[&disk]].concat())?;
        fs::create_dir(&data)?;
        process::output(&["mount", "-o", options, &disk, &data]).map(drop)
    }

    fn spawn(&self) -> Result<Child> {
        let containerd_store = matches!(&self.from, Daemon::Debian { containerd_store: true, .. });
        let features = format!(r#"{{"features": {{"containerd-snapshotter": {containerd_store}}}}}"#);
        fs::write(self.path("config.json"), if containerd_store { &features } else { "{}" })?;
        let log = File::create(self.path("log"))?;
        let mut command = match &self.from {
            Daemon::Here => Command::new("dockerd"),
            Daemon::Debian { root, .. } => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
                command.arg(root).arg(self.folder.path()).arg("dockerd");
                command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
                command
            }
        };
        command.args(["--storage-driver", if containerd_store { "overlayfs" } else { "overlay2" }]);
        command.args(["--bridge", &self.bridge]);
        command.args(["--data-root", &self.path("data"), "--exec-root", &self.path("exec")]);
        command.args(["--pidfile", &self.path("pid"), "--host", &self.host()]);
        command.args(["--config-file", &self.path("config.json")]);
        if self.purpose == Purpose::Tests {
            fs::write(self.path("seccomp.json"), r#"{ "defaultAction": "SCMP_ACT_ALLOW" }"#)?;
            command.args(["--seccomp-profile", &self.path("seccomp.json")]);
        }
        // The rules of the engine that runs beside it stay as they are; nothing here needs to reach the outside.
        command.args(["--iptables=false", "--ip-forward=false", "--ip-masq=false"]);
        // Where a containerd of the system is found it is shared, and must not mix up the two engines' containers.
        let space = format!("minis2i-engine-{}", std::process::id());
        command.args(["--containerd-namespace", &space, "--containerd-plugins-namespace", &format!("{space}-plugins")]);
        // The engine starts itself anew for each copy and commit; collecting garbage then takes a tenth of its time.
        command.env("GOGC", "800");
        command.env_remove("DOCKER_HOST").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own, so that it is there until we end it.
        command.process_group(0).spawn().context("cannot start `dockerd`")
    }

    fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        let host = self.host();
        while !process::succeeds(&["docker", "--host", &host, "version"]) {
            signals::check()?;
            let ended = self.daemon.as_mut().is_some_and(|daemon| !matches!(daemon.try_wait(), Ok(None)));
            if ended || begin.elapsed() > START_LIMIT {
                bail!("dockerd does not answer; the last it said: {}", self.last_log_line());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn last_log_line(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().last().unwrap_or("nothing").to_owned()
    }

    fn stop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        // A daemon that the task had stopped, and did not continue, would not see that it is to end.
        signal(&daemon, Signal::CONT);
        signal(&daemon, Signal::TERM);
        let begin = Instant::now();
        while matches!(daemon.try_wait(), Ok(None)) && begin.elapsed() < STOP_LIMIT {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = daemon.kill();
        let _ = daemon.wait();
    }

    /// The deepest come first.
    fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        for path in mounts_below(&mounts, self.folder.path()).iter().rev() {
            let _ = process::output(&["umount", "--lazy", path]);
        }
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        self.stop();
        self.unmount();
        let _ = process::output(&["ip", "link", "delete", &self.bridge]);
        if let Err(error) = fs::remove_dir_all(self.folder.path()) {
            eprintln!("warning: the private engine leaves {}: {error}", self.folder.path().display());
        }
    }
}

/// An address for the bridge in a subnet that no link has.
fn free_subnet(addresses: &str) -> Option<String> {
    (1..255)
        .rev()
        .map(|part| format!("172.31.{part}."))
        .find(|subnet| !addresses.contains(subnet.as_str()))
        .map(|subnet| format!("{subnet}1/24"))
}

/// Whether the file system that a folder lies on tells its disk of every block that gets free.
fn is_discarding(mountinfo: &str, folder: &Path) -> bool {
    let mounts = mountinfo.lines().filter_map(|line| Some((line.split(' ').nth(4)?, line)));
    let below = mounts.filter(|(point, _)| folder.starts_with(point));
    // Of mounts at the same place the last one is seen.
    let on = below.max_by_key(|(point, _)| point.len()).map(|(_, line)| line);
    on.is_some_and(|line| line.split([' ', ',']).any(|option| option == "discard"))
}

/// Mount points below a folder, in the order they were mounted.
fn mounts_below(mountinfo: &str, folder: &Path) -> Vec<String> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points.filter(|point| Path::new(point).starts_with(folder)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{free_subnet, is_discarding, mounts_below};

    #[test]
    fn a_subnet_in_use_is_passed_over() {
        let used = "3: other    inet 172.31.254.1/24 brd 172.31.254.255 scope global other";
        assert_eq!(free_subnet(used).unwrap(), "172.31.253.1/24");
    }

    #[test]
    fn the_file_system_of_the_folder_counts() {
        let mounts = "1 2 0:3 / / rw,relatime - ext4 /dev/a rw,discard\n3 1 0:4 / /tmp rw - tmpfs tmpfs rw";
        assert!(is_discarding(mounts, Path::new("/var/tmp")) && !is_discarding(mounts, Path::new("/tmp/a")));
    }

    #[test]
    fn mounts_elsewhere_are_left_alone() {
        let mounts = "1 2 0:3 / / rw - ext4 /dev/a rw\n3 1 0:4 / /tmp/b/exec/net rw - nsfs nsfs rw\n5 1 0:4 / /tmp/bb rw - x y z";
        assert_eq!(mounts_below(mounts, Path::new("/tmp/b")), ["/tmp/b/exec/net"]);
    }
}

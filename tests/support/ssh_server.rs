//! A real ssh server on this machine, through which the engine of the tests is reached as one on another machine.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::engine_link::engine_socket;
use super::run::Run;
use super::servers;
use super::skipped::skip;
use super::wait::{POLL, wait_until};

/// Debian's package, and the program in it.
const PACKAGE: &str = "openssh-server";
const PROGRAM: &str = "usr/sbin/sshd";

/// What the server logs of each login.
const LOGIN: &str = "Accepted publickey";

/// An ssh server for this user, with keys of its own. It ends, with all its connections, when it is dropped.
pub struct SshServer {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl SshServer {
    /// Starts one; `None` and a printed reason where that is not possible.
    pub fn start() -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            skip("an ssh server needs root here");
            return None;
        }
        let Some(program) = servers::program(PACKAGE, PROGRAM) else {
            skip("there is no `sshd`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host_key", "key"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status();
            assert!(made.unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nSetEnv DOCKER_HOST=unix://{}\n",
            path("host_key"),
            path("key.pub"),
            engine_socket().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        // The server gives up its rights for a user of this name, which only this process needs to see.
        let users = fs::read_to_string("/etc/passwd").unwrap() + "sshd:x:65531:65534::/run/sshd:/usr/sbin/nologin\n";
        fs::write(path("passwd"), users).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let libraries = servers::unpacked(PACKAGE).join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
        let script = "mount --bind \"$1\" /etc/passwd && exec \"$2\" -D -E \"$3\" -f \"$4\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh", &path("passwd")]).arg(program);
        command.args([path("log"), path("sshd_config")]).env("LD_LIBRARY_PATH", libraries).process_group(0);
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        let server = Self { process, folder, port };
        server.write_client();
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until(POLL, answers, || format!("no ssh server:\n{}", server.log()));
        Some(server)
    }

    /// An `ssh` that knows the server's keys and port.
    fn write_client(&self) {
        let path = |name: &str| self.folder.path().join(name);
        let config = format!(
            "UserKnownHostsFile /dev/null\nStrictHostKeyChecking no\nLogLevel ERROR\nHostName 127.0.0.1\nPort {}\n\
             IdentityFile {}\n",
            self.port,
            path("key").display()
        );
        fs::write(path("ssh_config"), config).unwrap();
        fs::create_dir(path("bin")).unwrap();
        let client = path("bin/ssh");
        let text = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", path("ssh_config").display());
        fs::write(&client, text).unwrap();
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Has a run reach the engine through this server.
    pub fn reached_by(&self, run: Run) -> Run {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        run.env("PATH", path).env("DOCKER_HOST", "ssh://root@the-engine")
    }

    /// Adds a line to the settings of the user's ssh.
    pub fn add_setting(&self, line: &str) {
        let path = self.folder.path().join("ssh_config");
        fs::write(&path, fs::read_to_string(&path).unwrap() + line + "\n").unwrap();
    }

    /// The folder of the server, for what its clients make.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many logins there were.
    pub fn logins(&self) -> usize {
        self.log().matches(LOGIN).count()
    }

    /// Ends all connections, as a network that is lost; new ones are possible.
    pub fn end_connections(&self) {
        let listener = self.process.id().to_string();
        assert!(Command::new("pkill").args(["-KILL", "-P", &listener]).status().unwrap().success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ = Command::new("pkill").args(["-KILL", "-P", &self.process.id().to_string()]).status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

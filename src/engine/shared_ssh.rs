//! One connection over ssh for all calls to an engine, where docker's CLI logs in anew for each of its connections.
//!
//! The CLI starts the `ssh` that it finds on its search path. A folder in front of that path has one that adds the options by
//! which OpenSSH shares a connection: what it asks, how the engine is found there, and the words of errors stay as they are.
//! OpenSSH ends the connection when no call has used it for a while, and a call without one makes a new one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::Access;

use super::program::find_program;
use crate::child;
use crate::random;
use crate::run_lock::create_private;

/// For how many seconds a connection stays that no call uses: longer than a build pauses between two calls, and short, as a
/// process of OpenSSH stays as long.
const PERSIST: u32 = 10;

/// After how many seconds of silence OpenSSH asks for a sign of life; after three without an answer, the connection is lost. A
/// connection of its own gets 30 s from docker's CLI.
const ALIVE_INTERVAL: u32 = 10;

/// How long the first call waits for the connection: a signal that comes meanwhile is obeyed after that.
const LOGIN: Duration = Duration::from_secs(2);

/// The limit, in seconds, that docker's CLI has for a connection.
const CONNECT_TIMEOUT: &str = "ConnectTimeout=30";

/// The longest path of a shared connection's socket, in bytes: 103 fit into the address of a socket on all systems, and OpenSSH
/// adds 17 while it makes one.
const LONGEST_SOCKET: usize = 103 - 17;

/// The program's name, as the CLI knows it.
const SSH: &str = "ssh";

/// The name of the shared connection's socket.
const SOCKET: &str = "c";

/// The search path for calls of the CLI that shares one connection to the engine at `address`; the folder for it is made below
/// `folder`. The connection is made now, so that calls at the same time do not make one each.
///
/// `None` where nothing can be shared, or need not be: the engine is not reached over ssh, `search_path` or the user's own
/// settings share connections already, or the folder cannot be used.
pub fn search_path(address: &str, folder: &Path, search_path: &OsStr) -> Option<OsString> {
    let host = host_arguments(address)?;
    let ssh = find_program(SSH.as_ref(), search_path)?;
    // A process that cleans up has the search path of its run.
    if ssh.starts_with(folder) {
        return None;
    }
    let mut settings = ssh_command(&ssh);
    let settings = settings.arg("-G").args(&host).stdout(Stdio::piped());
    let settings = child::spawn(settings).ok()?.wait_with_output().ok().filter(|output| output.status.success())?;
    let own = Wrapper::new(&ssh, folder, address, &String::from_utf8_lossy(&settings.stdout))?;
    let program = own.write()?;
    // One that was left by a crash is made anew by the first call that finds it so.
    if !own.folder.join(SOCKET).exists() {
        connect(&program, &host);
    }
    env::join_paths(std::iter::once(own.folder).chain(env::split_paths(search_path))).ok()
}

/// Makes the connection, unless it is there. Calls that find none make one themselves, with questions where there are any, and
/// say what is wrong if they cannot; so this asks nothing, and says nothing.
fn connect(program: &Path, host: &[String]) {
    let mut command = ssh_command(program);
    let options = ["BatchMode=yes", CONNECT_TIMEOUT].into_iter().flat_map(|option| ["-o", option]);
    // In a process group of its own it does not get the terminal's Ctrl-C: what cleans up needs the connection, too.
    command.args(options).args(host).arg("exit").stdout(Stdio::null()).process_group(0);
    let Ok(mut login) = child::spawn(&mut command) else { return };
    let (send, done) = mpsc::channel();
    std::thread::spawn(move || send.send(login.wait().is_ok()));
    let _ = done.recv_timeout(LOGIN);
}

/// The words by which `ssh` is told the user, the port and the host of an address; `None` if it names no host to reach over ssh.
fn host_arguments(address: &str) -> Option<Vec<String>> {
    let authority = address.strip_prefix("ssh://")?.split('/').next().unwrap_or_default();
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ipv6, rest)) => (ipv6, rest.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    // What is encoded there the CLI decodes; such a name is left to it.
    if host.is_empty() || authority.contains('%') {
        return None;
    }
    let options = [("-l", user), ("-p", port)].into_iter().filter_map(|(option, value)| Some((option, value?)));
    let options = options.flat_map(|(option, value)| [option.to_owned(), value.to_owned()]);
    Some(options.chain(["--".to_owned(), host.to_owned()]).collect())
}

/// The options by which a connection is shared through `socket`; `None` if the user's settings, as `ssh -G` lists them, share
/// connections already.
fn sharing_options(settings: &str, socket: &str) -> Option<Vec<String>> {
    let setting = |name: &str| {
        settings
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    if setting("controlpath").is_some_and(|path| path != "none") {
        return None;
    }
    let mut options =
        vec!["ControlMaster=auto".to_owned(), format!("ControlPath={socket}"), format!("ControlPersist={PERSIST}")];
    if matches!(setting("serveraliveinterval"), None | Some("0")) {
        options.push(format!("ServerAliveInterval={ALIVE_INTERVAL}"));
    }
    Some(options)
}

/// The program that the CLI finds in the place of `ssh`.
struct Wrapper {
    folder: PathBuf,
    text: String,
}

impl Wrapper {
    /// One that calls `ssh`, for the engine at `address` and with these settings of the user's.
    fn new(ssh: &Path, folder: &Path, address: &str, settings: &str) -> Option<Self> {
        let ssh = ssh.to_str().filter(|path| path.starts_with('/') && is_plain(path))?;
        // Each address, and each way to reach it, has a connection of its own.
        let id = blake3::hash(format!("{address}\n{ssh}\n{settings}").as_bytes());
        let folder = folder.join(format!("ssh-{}", &id.to_hex()[..8]));
        let socket = folder.join(SOCKET);
        let socket = socket.to_str().filter(|path| is_plain(path) && path.len() <= LONGEST_SOCKET)?;
        let options: String = sharing_options(settings, socket)?.iter().map(|option| format!(" -o {option}")).collect();
        let text = format!("#!/bin/sh\n# For calls of the engine's CLI by minis2i.\nexec {ssh}{options} \"$@\"\n");
        Some(Self { folder, text })
    }

    /// Writes it, unless it is there, and returns its path; `None` where it cannot be written or run.
    fn write(&self) -> Option<PathBuf> {
        let path = self.folder.join(SSH);
        create_private(&self.folder).ok()?;
        if fs::read(&path).is_ok_and(|text| text == self.text.as_bytes()) && can_be_run(&path) {
            return Some(path);
        }
        // Other runs may write it, or use it, at the same time.
        let new = self.folder.join(format!("new-{}", random::word().ok()?));
        let written = fs::write(&new, &self.text)
            .and_then(|()| fs::set_permissions(&new, Permissions::from_mode(0o700)))
            .and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        (written.is_ok() && can_be_run(&path)).then_some(path)
    }
}

/// A call of an `ssh`.
fn ssh_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whether a text means itself in a shell, in the settings of OpenSSH, and between the two.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+".contains(c))
}

/// Whether this file can be run: one on a file system without programs cannot, whatever its mode.
fn can_be_run(path: &Path) -> bool {
    rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Wrapper, host_arguments, sharing_options};

    #[test]
    fn a_host_is_told_as_docker_tells_it() {
        let of = |address: &str| host_arguments(address).map(|words| words.join(" "));
        for (address, expected) in [
            ("ssh://me@host:22/run/x.sock", Some("-l me -p 22 -- host")),
            ("ssh://host", Some("-- host")),
            ("ssh://[::1]:2222", Some("-p 2222 -- ::1")),
            ("ssh://me@[fe80::1]", Some("-l me -- fe80::1")),
            ("ssh://a%40b@host", None),
            ("ssh:///x", None),
            ("tcp://host:2375", None),
            ("unix:///var/run/docker.sock", None),
        ] {
            assert_eq!(of(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn connections_that_the_user_shares_are_left_to_the_user() {
        let options = |settings: &str| sharing_options(settings, "/s").map(|options| options.join(" "));
        let all = "ControlMaster=auto ControlPath=/s ControlPersist=10 ServerAliveInterval=10";
        assert_eq!(options("controlmaster false\nserveraliveinterval 0\n").as_deref(), Some(all));
        assert_eq!(options("").as_deref(), Some(all));
        assert_eq!(options("controlmaster auto\ncontrolpath none\n").as_deref(), Some(all));
        assert_eq!(options("controlmaster false\ncontrolpath /home/me/.ssh/x\n"), None);
        // The user's own interval stays.
        let own = options("serveraliveinterval 3\n").unwrap();
        assert!(!own.contains("ServerAliveInterval"), "{own}");
    }

    #[test]
    fn what_a_shell_or_ssh_would_read_in_another_way_is_not_shared() {
        let shares = |ssh: &str, folder: &str| Wrapper::new(Path::new(ssh), Path::new(folder), "ssh://h", "").is_some();
        assert!(shares("/usr/bin/ssh", "/run/user/1000/minis2i"));
        for (ssh, folder) in [("/my programs/ssh", "/run"), ("/usr/bin/ssh", "/run/a b"), ("/usr/bin/ssh", "/run/50%")]
        {
            assert!(!shares(ssh, folder), "{ssh} {folder}");
        }
        assert!(!shares("/usr/bin/ssh", &format!("/{}", "long".repeat(20))));
    }
}

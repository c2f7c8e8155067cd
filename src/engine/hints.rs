//! Hints for the engine's errors: what the user can do, guessed from what the CLI printed.

use std::io;

use crate::error::Error;

/// A cause that the CLI's words tell, and its cure. In the cure, `{engine}` stands for the CLI.
pub(super) struct Fault {
    /// In lower case: one of these lists has all its texts in the words.
    pub words: &'static [&'static [&'static str]],
    pub cure: &'static str,
}

/// The first one that fits counts. The words are those of docker 20.10 to 29 and of podman 4 and 5.
const FAULTS: [Fault; 20] = [
    Fault {
        words: &[&["podman", "dial unix", "permission denied"]],
        cure: "you may not use this socket of podman's: `systemctl --user start podman.socket` gives you one of your own, and \
               CONTAINER_HOST or DOCKER_HOST says which is used; `{engine} info` must work",
    },
    Fault {
        words: &[&["could not be found in this wsl"]],
        cure: "start Docker Desktop, and switch on this distribution in its settings under Resources, WSL integration; \
               `{engine} info` must work",
    },
    Fault {
        words: &[&["permission denied while trying to connect"], &["dial unix", "permission denied"]],
        cure: "you may not use the engine's socket: add yourself to its group (`sudo usermod -aG docker $USER`, then log \
               in again), or point DOCKER_HOST at an engine that is yours; `{engine} info` must work",
    },
    Fault {
        words: &[
            &["command [ssh", "exit status 255"],
            &["host key verification failed"],
            &["permission denied (publickey"],
        ],
        cure: "log in to the engine's machine by hand first: `ssh HOST docker info`, with the host of DOCKER_HOST or of \
               the context, must work without questions",
    },
    Fault {
        words: &[&["client version", "is too new"]],
        cure: "the CLI is newer than the engine: unset DOCKER_API_VERSION if it is set, so that they agree on a version, \
               else update the engine",
    },
    Fault {
        words: &[&["client version", "is too old"]],
        cure: "the CLI is older than the engine accepts: unset DOCKER_API_VERSION if it is set, else update the CLI, or \
               name a newer one with `--engine PATH`",
    },
    Fault {
        words: &[
            &["api version", "is not supported by this client"],
            &["api version", "minimum supported api version is"],
            &["requires api version", "but the docker daemon api version is"],
            &["server api version is too old"],
        ],
        cure: "the engine is older than the CLI accepts: update the engine, or name an older CLI with `--engine PATH`",
    },
    Fault {
        words: &[&["unknown flag: --unsetenv"], &["unknown flag: --time"]],
        cure: "this podman is too old: 4.3 is the oldest that was tried; update it, or name another CLI with `--engine PATH`",
    },
    Fault {
        words: &[&["context not found"], &["unable to resolve docker endpoint"]],
        cure: "DOCKER_CONTEXT, DOCKER_HOST and DOCKER_CERT_PATH decide which engine is used, and `{engine} context ls` lists \
               the contexts that there are; `{engine} info` must work",
    },
    Fault {
        words: &[&["x509:"], &["tls: "], &["http response to https client"], &["http request to an https server"]],
        cure: "the engine and the CLI do not agree about TLS: DOCKER_TLS_VERIFY says whether it is used, DOCKER_CERT_PATH \
               where the certificates are; `{engine} info` must work",
    },
    Fault {
        words: &[&["containerd.sock"], &["ttrpc: closed"], &["transport is closing"]],
        cure: "containerd, by which the engine runs containers, is gone or was started anew: `sudo systemctl restart \
               containerd docker`; `{engine} info` must work",
    },
    Fault {
        words: &[
            &["error during connect", "no such host"],
            &["error during connect", "i/o timeout"],
            &["error during connect", "no route to host"],
            &["error during connect", "network is unreachable"],
            &["connect to the docker", "no such host"],
            &["connect to the docker", "i/o timeout"],
            &["connect to the docker", "no route to host"],
        ],
        cure: "the engine's machine is not reached: see that DOCKER_HOST, or the context, names it, and that the network does \
               reach it; `{engine} info` must work",
    },
    Fault {
        words: &[
            &["cannot connect to the docker daemon"],
            &["is the docker daemon running"],
            // docker's CLI since version 29.
            &["failed to connect to the docker api"],
            &["cannot connect to podman"],
            &["unable to connect to podman"],
        ],
        cure: "start the engine (`sudo systemctl start docker`, Docker Desktop, `podman machine start`), or point DOCKER_HOST \
               at one that runs; `{engine} info` must work",
    },
    Fault {
        words: &[
            &["error during connect"],
            &["connection reset by peer"],
            &["unexpected eof"],
            &["broken pipe"],
            &["error reading from server"],
        ],
        cure: "the connection to the engine ended: it may have been stopped or started anew; build again once `{engine} \
               info` works (on Linux `journalctl -u docker` says what happened)",
    },
    Fault {
        words: &[&["no space left on device"], &["disk quota exceeded"]],
        cure: "`{engine} system df` shows what takes the space, `{engine} system prune` frees unused data",
    },
    Fault {
        words: &[&["read-only file system"]],
        cure: "what the engine writes to can only be read: its disk after an error (`dmesg` says which), or a container by an \
               option such as `--read-only`",
    },
    Fault {
        words: &[&["cannot allocate memory"], &["out of memory"]],
        cure: "the engine's machine has no memory left: `free -h` shows what there is, `{engine} stats` which containers take it",
    },
    Fault {
        words: &[&["too many open files"]],
        cure: "the engine may not open more files: `{engine} ps` lists what runs; `LimitNOFILE` of its systemd unit raises \
               the limit",
    },
    Fault {
        words: &[&["insufficient uids or gids"], &["newuidmap"], &["newgidmap"]],
        cure: "the engine has too few user ids for you: `sudo usermod --add-subuids 100000-165535 --add-subgids \
               100000-165535 $USER`, then `podman system migrate`",
    },
    Fault {
        words: &[&["unknown flag"], &["unknown shorthand flag"], &["flag needs an argument"]],
        cure: "`{engine} run --help` lists the options that can come after `--`",
    },
];

/// The hint for an error that the CLI `engine` described in `stderr`.
pub fn for_stderr(stderr: &str, engine: &str) -> String {
    let cure = cure(&FAULTS, stderr).unwrap_or(
        "check that `{engine} info` works; `--verbose` shows the commands, so that you can try them by hand",
    );
    cure.replace("{engine}", engine)
}

/// The cure of the first of these faults that fits what the CLI described in `stderr`.
pub(super) fn cure(faults: &'static [Fault], stderr: &str) -> Option<&'static str> {
    let stderr = stderr.to_lowercase();
    let fits = |fault: &&Fault| fault.words.iter().any(|all| all.iter().all(|text| stderr.contains(text)));
    faults.iter().find(fits).map(|fault| fault.cure)
}

/// The error for a CLI that was stopped by the terminal, since it asked something there.
pub fn asks(engine: &str) -> anyhow::Error {
    Error::engine(format!("`{engine}` asks something on the terminal, and waits for an answer"))
        .hint(format!(
            "it must work without questions: log in first (`ssh-add` for an engine over ssh, `sudo -v` or a rule with \
             NOPASSWD for sudo, `{engine} login` for a registry); `setsid {engine} info` must work"
        ))
        .into()
}

/// The error for a CLI that could not be started.
pub fn not_started(engine: &str, error: io::Error) -> anyhow::Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let hint = if missing {
        "install docker (on Debian: `sudo apt-get install docker.io`), or name a compatible CLI with `--engine PATH`"
    } else {
        "check that it is a program that you may run, or name another one with `--engine PATH`"
    };
    Error::engine(format!("cannot start the engine's CLI `{engine}`")).because(error).hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::for_stderr;

    #[test]
    fn each_fault_has_its_own_cure() {
        for (words, cure) in [
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
                "usermod -aG docker",
            ),
            (
                "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
                "usermod -aG docker",
            ),
            (
                "error during connect: Get \"http://docker.example.com/v1.50/info\": command [ssh -T -- host docker \
                 system dial-stdio] has exited with exit status 255, make sure the URL is valid: stderr=Host key \
                 verification failed.",
                "ssh HOST docker info",
            ),
            (
                "Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.41",
                "update the engine",
            ),
            (
                "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please \
                 upgrade your client to a newer version",
                "update the CLI",
            ),
            (
                "Error response from daemon: API version 1.41 is not supported by this client: the minimum supported API \
                 version is 1.44",
                "an older CLI",
            ),
            (
                "Failed to initialize: unable to resolve docker endpoint: context \"far\": context not found: open \
                 meta.json: no such file or directory",
                "docker context ls",
            ),
            (
                "error during connect: Get \"https://127.0.0.1:2376/info\": tls: failed to verify certificate: x509: \
                 certificate signed by unknown authority",
                "DOCKER_CERT_PATH",
            ),
            (
                "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
                "start the engine",
            ),
            ("error during connect: Post \"http://%2Fsock/v1.41/commit\": EOF", "started anew"),
            ("write tcp 127.0.0.1:4->127.0.0.1:5: write: connection reset by peer", "started anew"),
            ("Error processing tar file(exit status 1): write /x: no space left on device", "system prune"),
            (
                "Error: unable to connect to Podman socket: Get \"http://d/v3.4.0/libpod/_ping\": dial unix \
                 /run/podman/podman.sock: connect: permission denied",
                "systemctl --user start podman.socket",
            ),
            (
                "The command 'docker' could not be found in this WSL 2 distro.\nWe recommend to activate the WSL integration \
                 in Docker Desktop settings.",
                "WSL integration;",
            ),
            (
                "\"--platform\" requires API version 1.49, but the Docker daemon API version is 1.48",
                "update the engine, or name an older CLI",
            ),
            (
                "Error: unable to connect to Podman socket: server API version is too old. Client \"4.0.0\" server \"3.4.4\"",
                "update the engine, or name an older CLI",
            ),
            ("Error: unknown flag: --unsetenv", "this podman is too old"),
            (
                "failed to connect to the docker API at unix:///run/nothing.sock; check if the path is correct and if the \
                 daemon is running: dial unix /run/nothing.sock: connect: no such file or directory",
                "start the engine",
            ),
            (
                "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection \
                 list`, or try `podman machine init`\nError: unable to connect to Podman socket",
                "start the engine",
            ),
            (
                "error during connect: Get \"http://nowhere:2375/v1.24/info\": dial tcp: lookup nowhere: no such host",
                "machine is not reached",
            ),
            (
                "Error response from daemon: connection error: desc = \"transport: error while dialing: dial \
                 unix:///run/containerd/containerd.sock: timeout\": unavailable",
                "restart containerd docker",
            ),
            ("Error response from daemon: ttrpc: closed: unknown", "restart containerd docker"),
            ("mkdir /var/lib/docker/overlay2/1: read-only file system", "`dmesg`"),
            ("fork/exec /proc/self/exe: cannot allocate memory", "no memory left"),
            ("open /proc/self/mountinfo: too many open files", "LimitNOFILE"),
            (
                "potentially insufficient UIDs or GIDs available in user namespace (requested 0:42 for /etc/gshadow): Check \
                 /etc/subuid and /etc/subgid: lchown /etc/gshadow: invalid argument",
                "--add-subuids",
            ),
            ("unknown flag: --nonsense", "run --help"),
            ("something else", "--verbose"),
        ] {
            assert!(for_stderr(words, "docker").contains(cure), "{words}: {}", for_stderr(words, "docker"));
        }
    }
}

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
const FAULTS: [Fault; 11] = [
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
        ],
        cure: "the engine is older than the CLI accepts: update the engine, or name an older CLI with `--engine PATH`",
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
        words: &[
            &["cannot connect to the docker daemon"],
            &["is the docker daemon running"],
            &["cannot connect to podman"],
        ],
        cure: "start the engine (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs; `{engine} info` \
               must work",
    },
    Fault {
        words: &[&["error during connect"], &["connection reset by peer"], &["unexpected eof"]],
        cure: "the connection to the engine ended: it may have been stopped or started anew; build again once `{engine} \
               info` works (on Linux `journalctl -u docker` says what happened)",
    },
    Fault {
        words: &[&["no space left on device"], &["disk quota exceeded"]],
        cure: "`{engine} system df` shows what takes the space, `{engine} system prune` frees unused data",
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
            ("unknown flag: --nonsense", "run --help"),
            ("something else", "--verbose"),
        ] {
            assert!(for_stderr(words, "docker").contains(cure), "{words}: {}", for_stderr(words, "docker"));
        }
    }
}

//! Hints for the engine's errors: what the user can do, guessed from what the CLI printed.

use std::io;

use crate::error::Error;

/// The hint for an error that the CLI `engine` described in `stderr`.
pub fn for_stderr(stderr: &str, engine: &str) -> String {
    let stderr = stderr.to_lowercase();
    let has = |text: &str| stderr.contains(text);
    if has("permission denied while trying to connect") || has("dial unix") && has("permission denied") {
        return format!(
            "you may not use the engine's socket: add yourself to its group (`sudo usermod -aG docker $USER`, then log \
             in again), or point DOCKER_HOST at an engine that is yours; `{engine} info` must work"
        );
    }
    if has("cannot connect to the docker daemon") || has("is the docker daemon running") || has("error during connect")
    {
        return format!(
            "start the engine (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs; `{engine} info` \
             must work"
        );
    }
    if has("no space left on device") {
        return format!("`{engine} system df` shows what takes the space, `{engine} system prune` frees unused data");
    }
    if has("unknown flag") || has("unknown shorthand flag") || has("flag needs an argument") {
        return format!("`{engine} run --help` lists the options that can come after `--`");
    }
    format!("check that `{engine} info` works; `--verbose` shows the commands, so that you can try them by hand")
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

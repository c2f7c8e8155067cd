//! The completion in a real bash: what a user types, with the tab key, on a terminal.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::installed_root::DebianRoot;

/// How long bash may take to answer: it only ends a wait for an answer that never comes.
const LIMIT: Duration = Duration::from_secs(20);

/// What bash says when it waits for a command. The quotes keep what is typed from looking like it.
const PROMPT: &str = "waiting> ";
const SET_PROMPT: &str = "PS1='wait''ing> '\n";

/// The beginning of a command and a tab, which makes `minis2i version` of it, and what that prints.
const TYPED: &str = "minis2i vers\t\n";
const ANSWER: &str = concat!("minis2i ", env!("CARGO_PKG_VERSION"));

/// Types the beginning of a command, the tab key and return, and sees that the whole command has run.
///
/// # Errors
/// When it does not.
pub fn check(root: &DebianRoot) -> Result<()> {
    // `script` gives bash a terminal.
    let bash = "exec bash --noprofile --rcfile /usr/share/bash-completion/bash_completion -i";
    let mut command = root.command(&["script", "--quiet", "--return", "--command", bash, "/dev/null"])?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut keys = child.stdin.take().context("there is no standard input")?;
    let shown = read_in_background(child.stdout.take().context("there is no standard output")?);
    let answered = (|| {
        keys.write_all(SET_PROMPT.as_bytes())?;
        wait_for(&shown, PROMPT)?;
        keys.write_all(TYPED.as_bytes())?;
        wait_for(&shown, ANSWER)
    })();
    // Leaving fails where bash has ended already.
    let _ = keys.write_all(b"exit\n");
    drop(keys);
    if answered.is_err() {
        let _ = child.kill();
    }
    child.wait()?;
    answered.context("bash does not complete `minis2i vers` to `minis2i version`")
}

fn read_in_background(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn wait_for(shown: &Receiver<Vec<u8>>, text: &str) -> Result<()> {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(text) {
        match shown.recv_timeout(LIMIT) {
            Ok(part) => all.extend(part),
            Err(_) => bail!("it shows `{}`", String::from_utf8_lossy(&all).escape_debug()),
        }
    }
    Ok(())
}

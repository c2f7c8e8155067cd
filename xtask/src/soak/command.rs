//! Running a command for its output, for a limited time: an engine may be stopped.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process;

/// How long a call may take. Chosen, not measured: it only ends a wait for an end that will never come.
const LIMIT: Duration = Duration::from_secs(120);

/// How often the end is looked for.
const TICK: Duration = Duration::from_millis(5);

/// The standard output of a command that must succeed.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{command:?} did not end within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(TICK);
    };
    let [out, err] = [&mut stdout, &mut stderr].map(|file| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map(|_| bytes)
    });
    let (out, err) = (out?, err?);
    let said = || String::from_utf8_lossy(if err.is_empty() { &out } else { &err }).trim().to_owned();
    ensure!(status.success(), "{command:?} failed, {status}: {}", said());
    Ok(out)
}

/// The standard output of the engine's CLI.
pub fn docker(args: &[&str]) -> Result<String> {
    let output = output(&mut process::command(&[&["docker"], args].concat()))?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

/// Its lines.
pub fn docker_lines(args: &[&str]) -> Result<Vec<String>> {
    Ok(docker(args)?.lines().map(str::to_owned).collect())
}

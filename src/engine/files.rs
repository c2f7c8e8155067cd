//! Files of containers, by the engine's archive call: it needs no program in the container, and no container that runs.

use std::io::{BufWriter, Read};
use std::process::{ChildStdin, Stdio};
use std::thread::JoinHandle;

use anyhow::Result;

use super::{Engine, Process};

/// The content of a file of a container; `None` where there is no such file.
///
/// # Errors
/// When the engine does not answer, or work was cancelled.
pub fn read(engine: &Engine, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
    let mut content = None;
    each(engine, container, path, &mut |_, entry| {
        let mut bytes = Vec::new();
        if entry.header().entry_type().is_file() && entry.read_to_end(&mut bytes).is_ok() {
            content = Some(bytes);
        }
    })?;
    Ok(content)
}

/// Whether a container has such a path.
///
/// # Errors
/// As above.
pub fn exists(engine: &Engine, container: &str, path: &str) -> Result<bool> {
    let mut process = fetch(engine, container, path)?;
    // The first byte tells; all that may lie below is not waited for.
    let found = process.stdout().read(&mut [0]).is_ok_and(|got| got > 0);
    engine.cancel().check()?;
    Ok(found)
}

/// Hands each entry at and below a path of a container over, with its path below that. No such path: no entries.
///
/// # Errors
/// As above.
pub fn each(
    engine: &Engine,
    container: &str,
    path: &str,
    entry: &mut dyn FnMut(&str, &mut tar::Entry<&mut dyn Read>),
) -> Result<()> {
    let mut process = fetch(engine, container, path)?;
    let mut stdout = process.stdout();
    let from: &mut dyn Read = &mut stdout;
    let mut archive = tar::Archive::new(from);
    for found in archive.entries()?.map_while(Result::ok) {
        let mut found = found;
        let path = String::from_utf8_lossy(&found.path_bytes()).into_owned();
        entry(path.trim_start_matches("./"), &mut found);
    }
    engine.cancel().check()
}

fn fetch(engine: &Engine, container: &str, path: &str) -> Result<Process> {
    let mut process = engine.spawn_announced(&["cp", &format!("{container}:{path}"), "-"], Stdio::null())?;
    let mut stderr = process.stderr();
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    Ok(process)
}

/// A tar stream on its way into a folder of a container. The engine heeds the owners in it.
pub struct Delivery {
    process: Process,
    words: JoinHandle<String>,
}

impl Delivery {
    /// Starts it; what is written to the stream is extracted as it comes.
    ///
    /// # Errors
    /// When the CLI can not be started.
    pub fn start(engine: &Engine, container: &str, folder: &str) -> Result<(Self, BufWriter<ChildStdin>)> {
        let mut process = engine.spawn_announced(&["cp", "-", &format!("{container}:{folder}")], Stdio::piped())?;
        let stdin = BufWriter::with_capacity(256 * 1024, process.stdin());
        let mut stderr = process.stderr();
        let words = std::thread::spawn(move || {
            let mut words = String::new();
            let _ = stderr.read_to_string(&mut words);
            words
        });
        Ok((Self { process, words }, stdin))
    }

    /// Waits until all is there, once the stream has been closed. The inner error has the engine's words.
    ///
    /// # Errors
    /// When work was cancelled.
    pub fn end(self, engine: &Engine) -> Result<Result<(), String>> {
        let status = self.process.wait()?;
        engine.cancel().check()?;
        let words = self.words.join().unwrap_or_default();
        Ok(if status == 0 { Ok(()) } else { Err(words) })
    }
}

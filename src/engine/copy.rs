//! Files of containers, by the engine's archive call: it needs no program in the container, and no container that runs.

use std::io::{self, BufWriter, Read};
use std::process::{ChildStdin, Stdio};

use anyhow::Result;

use super::cli::Engine;
use super::process::Process;
use crate::child::Collector;

/// How much of a stream is gathered before it is handed to the CLI, in bytes: several of a pipe's 64 KiB.
const BUFFER: usize = 256 * 1024;

/// The content of a file of a container; `None` where there is no such file.
///
/// # Errors
/// When the engine does not answer, or work was cancelled.
pub fn read_file(engine: &Engine, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
    let mut content = None;
    for_each_entry(engine, container, path, &mut |_, entry| {
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
/// When the engine does not answer, or work was cancelled.
pub fn exists(engine: &Engine, container: &str, path: &str) -> Result<bool> {
    let mut fetch = Fetch::start(engine, container, path)?;
    // The first byte tells; all that may lie below is not waited for.
    if fetch.process.stdout().read(&mut [0]).is_ok_and(|got| got > 0) {
        return Ok(true);
    }
    fetch.end(engine).map(|()| false)
}

/// Hands each entry at and below a path of a container over, with its path below that. No such path: no entries.
///
/// # Errors
/// When the engine does not answer, or work was cancelled.
pub fn for_each_entry(
    engine: &Engine,
    container: &str,
    path: &str,
    entry: &mut dyn FnMut(&str, &mut ::tar::Entry<&mut dyn Read>),
) -> Result<()> {
    let mut fetch = Fetch::start(engine, container, path)?;
    let mut stdout = fetch.process.stdout();
    let from: &mut dyn Read = &mut stdout;
    let mut archive = ::tar::Archive::new(from);
    for found in archive.entries()?.map_while(Result::ok) {
        let mut found = found;
        let path = String::from_utf8_lossy(&found.path_bytes()).into_owned();
        entry(path.trim_start_matches("./"), &mut found);
    }
    // What follows the end of the archive is padding; a full pipe would stop its writer.
    let _ = io::copy(&mut stdout, &mut io::sink());
    fetch.end(engine)
}

/// An archive on its way out of a container.
struct Fetch {
    args: [String; 3],
    process: Process,
    words: Collector,
}

impl Fetch {
    fn start(engine: &Engine, container: &str, path: &str) -> Result<Self> {
        let args = ["cp".to_owned(), format!("{container}:{path}"), "-".to_owned()];
        let mut process = engine.spawn_announced(&args, Stdio::null())?;
        let words = process.collect_stderr();
        Ok(Self { args, process, words })
    }

    /// That there is no such path is no error.
    fn end(self, engine: &Engine) -> Result<()> {
        let status = self.process.wait()?;
        engine.cancel().check()?;
        let words = self.words.text();
        if status == 0 || says_missing(&words) { Ok(()) } else { Err(engine.failed(&self.args, &words)) }
    }
}

/// Whether these words of the CLI say that a container has no such path, or no folder of that name.
pub fn says_missing(words: &str) -> bool {
    let words = words.to_lowercase();
    ["could not find", "no such file", "no such container:path", "must be a directory", "not a directory"]
        .iter()
        .any(|beginning| words.contains(beginning))
}

/// What became of a delivery.
pub enum Delivered {
    Whole,
    /// The engine did not take it; its words.
    Refused(String),
}

/// A tar stream on its way into a folder of a container. The engine heeds the owners in it.
pub struct Delivery {
    process: Process,
    words: Collector,
}

impl Delivery {
    /// Starts it; what is written to the stream is extracted as it comes.
    ///
    /// # Errors
    /// When the CLI can not be started.
    pub fn start(engine: &Engine, container: &str, folder: &str) -> Result<(Self, BufWriter<ChildStdin>)> {
        let mut process = engine.spawn_announced(&["cp", "-", &format!("{container}:{folder}")], Stdio::piped())?;
        let stdin = BufWriter::with_capacity(BUFFER, process.stdin());
        let words = process.collect_stderr();
        Ok((Self { process, words }, stdin))
    }

    /// Waits until all is there, once the stream has been closed.
    ///
    /// # Errors
    /// When work was cancelled.
    pub fn end(self, engine: &Engine) -> Result<Delivered> {
        let status = self.process.wait()?;
        engine.cancel().check()?;
        let words = self.words.text();
        Ok(if status == 0 { Delivered::Whole } else { Delivered::Refused(words) })
    }
}

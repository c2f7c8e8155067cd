//! Files of containers, read and written with `docker cp`, which needs no program in the container and no container that
//! runs.

use std::io::{self, BufWriter, Read};
use std::process::{ChildStdin, Stdio};

use anyhow::Result;

use super::cli::Engine;
use super::process::Process;
use crate::child::Collector;

/// How much of a stream is collected before it is written to the CLI, in bytes: chosen so that one write fills a pipe,
/// which holds 64 KiB, several times.
const BUFFER: usize = 256 * 1024;

/// The content of the file `path` of a container; `None` where there is no such file.
///
/// # Errors
/// When `docker cp` fails for another reason, or work was cancelled.
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

/// Whether a container has the path.
///
/// # Errors
/// When `docker cp` fails for another reason than a missing path, or work was cancelled.
pub fn exists(engine: &Engine, container: &str, path: &str) -> Result<bool> {
    let mut fetch = Fetch::start(engine, container, path)?;
    // The first byte is enough; what lies below the path is not read.
    if fetch.process.stdout().read(&mut [0]).is_ok_and(|got| got > 0) {
        return Ok(true);
    }
    fetch.end(engine).map(|()| false)
}

/// Calls `on_entry` with each entry at and below a path of a container, and with the entry's name in the archive. There
/// are none where there is no such path.
///
/// # Errors
/// When `docker cp` fails for another reason than a missing path, or work was cancelled.
pub fn for_each_entry(
    engine: &Engine,
    container: &str,
    path: &str,
    on_entry: &mut dyn FnMut(&str, &mut ::tar::Entry<&mut dyn Read>),
) -> Result<()> {
    let mut fetch = Fetch::start(engine, container, path)?;
    let mut stdout = fetch.process.stdout();
    let from: &mut dyn Read = &mut stdout;
    let mut archive = ::tar::Archive::new(from);
    for mut entry in archive.entries()?.map_while(Result::ok) {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        on_entry(path.trim_start_matches("./"), &mut entry);
    }
    // After the end of the archive comes padding; left unread, it would fill the pipe and stop the CLI.
    let _ = io::copy(&mut stdout, &mut io::sink());
    fetch.end(engine)
}

/// A `docker cp` that reads a path of a container.
struct Fetch {
    args: [String; 3],
    process: Process,
    stderr: Collector,
}

impl Fetch {
    fn start(engine: &Engine, container: &str, path: &str) -> Result<Self> {
        let args = ["cp".to_owned(), format!("{container}:{path}"), "-".to_owned()];
        let mut process = engine.spawn_announced(&args, Stdio::null())?;
        let stderr = process.collect_stderr();
        Ok(Self { args, process, stderr })
    }

    /// Waits for the CLI; a path that does not exist is not an error.
    fn end(self, engine: &Engine) -> Result<()> {
        let status = self.process.wait()?;
        engine.cancel().check()?;
        let stderr = self.stderr.text();
        if status == 0 || says_missing(&stderr) { Ok(()) } else { Err(engine.failed(&self.args, &stderr)) }
    }
}

/// Whether the CLI's error output says that a container has no such path, or no folder of that name.
pub fn says_missing(stderr: &str) -> bool {
    let stderr = stderr.to_lowercase();
    ["could not find", "no such file", "no such container:path", "must be a directory", "not a directory"]
        .iter()
        .any(|text| stderr.contains(text))
}

/// How a delivery ended.
pub enum Delivered {
    /// All of the stream was extracted.
    Whole,
    /// The engine did not extract it; the CLI's error output.
    Refused(String),
}

/// A tar stream that `docker cp` extracts into a folder of a container, with the owners that the stream names.
pub struct Delivery {
    process: Process,
    stderr: Collector,
}

impl Delivery {
    /// Starts the CLI; what is written to the returned stream is extracted as it comes.
    ///
    /// # Errors
    /// When the CLI cannot be started, or work was cancelled.
    pub fn start(engine: &Engine, container: &str, folder: &str) -> Result<(Self, BufWriter<ChildStdin>)> {
        let mut process = engine.spawn_announced(&["cp", "-", &format!("{container}:{folder}")], Stdio::piped())?;
        let stdin = BufWriter::with_capacity(BUFFER, process.stdin());
        let stderr = process.collect_stderr();
        Ok((Self { process, stderr }, stdin))
    }

    /// Waits until everything is extracted; the stream must have been closed.
    ///
    /// # Errors
    /// When work was cancelled, or the CLI cannot be waited for.
    pub fn end(self, engine: &Engine) -> Result<Delivered> {
        let status = self.process.wait()?;
        engine.cancel().check()?;
        let stderr = self.stderr.text();
        Ok(if status == 0 || says_empty(&stderr) { Delivered::Whole } else { Delivered::Refused(stderr) })
    }
}

/// Whether podman says that a stream is no archive, which of ours it says only of one without entries: of a mounted source, for
/// example.
fn says_empty(stderr: &str) -> bool {
    stderr.contains("must be a (compressed) tar archive when copying from stdin")
}

//! The containers and images of a bench: their names, the label they carry, and their removal, also when the bench fails.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process;

/// How long minis2i may take to remove what it leaves after a build. Chosen, not measured: it only ends a wait for a
/// removal that will never come.
const REMOVAL_LIMIT: Duration = Duration::from_secs(60);

/// How often removing is tried. minis2i removes its own at the same time, which can make one try fail; two in a row are
/// not expected.
const TRIES: u32 = 3;

/// A label on all containers of this bench, which their images inherit when they are committed. Dropping it removes all
/// that have the label.
///
/// Nothing is removed for its name or its ancestor: others could have the same.
pub struct EngineObjects {
    label: String,
    /// Builders, by name: a label would give them layers that differ from those in the cache of `docker build`.
    builders: Vec<String>,
}

impl EngineObjects {
    pub fn new() -> Self {
        Self { label: format!("minis2i-bench={}", std::process::id()), builders: Vec::new() }
    }

    /// A name that no other bench uses.
    pub fn name(&self, what: &str) -> String {
        format!("minis2i-bench-{}-{what}", std::process::id())
    }

    /// A name for a builder, which will be removed at the end.
    pub fn builder(&mut self, what: &str) -> String {
        let name = self.name(what);
        self.builders.push(name.clone());
        name
    }

    /// The argument of `docker run --label`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Waits until nothing is left but images with a tag, so that no turn pays for the cleaning up of the one before.
    pub fn wait_until_removed(&self) -> Result<()> {
        let begin = Instant::now();
        while !self.containers()?.is_empty() || !self.images(&["--filter", "dangling=true"])?.is_empty() {
            if begin.elapsed() > REMOVAL_LIMIT {
                bail!("what the build before left is still there after {} s", REMOVAL_LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        remove(&["container", "rm", "--force", "--volumes"], &self.containers()?)?;
        remove(&["image", "rm", "--force"], &self.images(&[])?)?;
        while let Some(name) = self.builders.last() {
            if process::succeeds(&["docker", "image", "inspect", name]) {
                process::output(&["docker", "image", "rm", "--force", name])?;
            }
            self.builders.pop();
        }
        Ok(())
    }

    fn containers(&self) -> Result<Vec<String>> {
        lines(&["docker", "ps", "--all", "--quiet", "--filter", &format!("label={}", self.label)])
    }

    fn images(&self, more: &[&str]) -> Result<Vec<String>> {
        let filter = format!("label={}", self.label);
        lines(&[&["docker", "images", "--quiet", "--no-trunc", "--filter", &filter], more].concat())
    }
}

impl Drop for EngineObjects {
    fn drop(&mut self) {
        // minis2i may remove something between our listing and our removal; the next listing does not have it.
        let mut result = self.remove();
        for _ in 1..TRIES {
            if result.is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
            result = self.remove();
        }
        if let Err(error) = result {
            eprintln!("warning: the bench leaves something behind: {error:#}");
        }
    }
}

fn remove(how: &[&str], what: &[String]) -> Result<()> {
    let what: Vec<&str> = what.iter().map(String::as_str).collect();
    if what.is_empty() { Ok(()) } else { process::output(&[&["docker"], how, &what].concat()).map(drop) }
}

fn lines(line: &[&str]) -> Result<Vec<String>> {
    let mut lines: Vec<String> = process::output(line)?.lines().map(str::to_owned).collect();
    // An image with several tags comes several times.
    lines.sort();
    lines.dedup();
    Ok(lines)
}

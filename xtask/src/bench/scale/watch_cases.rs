//! Cases of `minis2i watch`: a change of many files while a standby waits, up to the image that has the last of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::Result;
use tempfile::TempDir;

use super::context::{Bench, small_source};
use super::measured::{Measured, WatchTimes};
use crate::bench::watch::edit::Edit;
use crate::bench::watch::sources::add_small_files;
use crate::bench::watch::watch_process::WatchProcess;
use crate::process_stats;

/// So many files are new.
pub fn new_files(bench: &Bench, count: usize) -> Result<Measured> {
    measure(bench, &small_source()?, |source| add_small_files(&source.join("tree"), count))
}

/// So many files are removed.
pub fn deleted_files(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    add_small_files(&source.path().join("tree"), count)?;
    measure(bench, &source, |source| Ok(fs::remove_dir_all(source.join("tree"))?))
}

/// A tree of so many files gets another name.
pub fn renamed_tree(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    add_small_files(&source.path().join("tree"), count)?;
    measure(bench, &source, |source| Ok(fs::rename(source.join("tree"), source.join("renamed"))?))
}

/// So many files are new that a rule ignores.
pub fn ignored_files(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    fs::write(source.path().join(".s2iignore"), "*.log\n")?;
    measure(bench, &source, |source| {
        fs::create_dir(source.join("logs"))?;
        (0..count).try_for_each(|number| Ok(fs::write(source.join(format!("logs/{number}.log")), "line\n")?))
    })
}

/// Events that change no content.
pub fn events(bench: &Bench, count: usize) -> Result<Measured> {
    let source = small_source()?;
    let files = count.min(1000);
    (0..files).try_for_each(|number| fs::write(source.path().join(format!("file-{number}")), "content\n"))?;
    measure(bench, &source, |source| {
        let touch = |number: usize| {
            let file = File::options().write(true).open(source.join(format!("file-{}", number % files)))?;
            Ok(file.set_modified(UNIX_EPOCH + Duration::from_secs(number as u64))?)
        };
        (0..count).try_for_each(touch)
    })
}

/// A watch that is ready for a change.
pub struct Watched {
    watch: WatchProcess,
    marker: PathBuf,
}

impl Watched {
    pub fn start(bench: &Bench, source: &TempDir) -> Result<Self> {
        let marker = source.path().join("marker");
        let tag = bench.objects.name("scale-result");
        let edit = Edit::new(marker.clone(), "/marker", 0);
        let options = ["--no-gitignore"];
        let mut watch = WatchProcess::start(source.path(), &bench.builder, &tag, edit, &bench.objects, &options)?;
        watch.wait_until_ready()?;
        Ok(Self { watch, marker })
    }

    /// Makes the last change of a case, and waits for the image that has it.
    pub fn make_last_change(&mut self) -> Result<()> {
        fs::write(&self.marker, format!("{LAST_CHANGE}\n"))?;
        self.watch.wait_for_build_that_prints(LAST_CHANGE)
    }
}

/// What `assemble` prints when the source has the last change.
const LAST_CHANGE: &str = "the last change";

/// Watches the source, changes it, and waits for the image of all that changed. The time begins with the last change, since
/// a disk may take longer than minis2i for those before.
fn measure(bench: &Bench, source: &TempDir, change: impl FnOnce(&Path) -> Result<()>) -> Result<Measured> {
    let mut watched = Watched::start(bench, source)?;
    let pid = watched.watch.pid();
    let deciding = process_stats::main_thread_time(pid)?;
    change(source.path())?;
    let begin = Instant::now();
    watched.make_last_change()?;
    let time = begin.elapsed();
    let deciding = process_stats::main_thread_time(pid)? - deciding;
    let memory = process_stats::peak_memory(pid)? * 1024;
    let begin = Instant::now();
    drop(watched);
    Ok(Measured { time, memory, watch: Some(WatchTimes { deciding, end: begin.elapsed() }) })
}

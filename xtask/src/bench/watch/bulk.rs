//! Many files that change at once: from the last event to the tag, against a fresh build of the tree.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use tempfile::TempDir;

use super::context::{Measurements, WatchBench};
use super::edit::Edit;
use super::fresh_build::FreshBuild;
use super::row::Row;
use super::sources::{SamplePair, add_small_files};
use super::watch_process::WatchProcess;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::process;

/// How many new files come at once.
const BURSTS: [usize; 3] = [1_000, 10_000, 50_000];

/// The files of a repository, and how many of them a checkout changes.
const REPOSITORY: usize = 20_000;
const CHANGED: usize = 2_000;

/// A turn takes many seconds, so that few of them have to do.
const ROUNDS: usize = 3;

/// What `assemble` prints when the source has the last change.
const LAST_CHANGE: &str = "the last change";

/// So many new files under a standby, against a fresh build of the tree that they make.
pub fn bursts(bench: &mut WatchBench) -> Result<Measurements> {
    let builder = printing_builder(bench)?;
    let (mut worst, mut notes) = (None::<(Series, Series)>, Vec::new());
    for files in BURSTS {
        eprintln!("  {files} files");
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS.min(bench.rounds) {
            let source = SamplePair::source()?;
            let mut watch = watch(bench, &source, &builder, &format!("burst-{files}-{round}"))?;
            add_small_files(&source.path().join("tree"), files)?;
            a.push(last_change(&mut watch, source.path())?);
            drop(watch);
            let tag = bench.objects.name(&format!("burst-fresh-{files}-{round}"));
            b.push(FreshBuild { source: source.path(), builder: &builder, tag }.build(bench)?.whole);
        }
        let (a, b) = (Series::new(a), Series::new(b));
        notes.push(format!("{files}: {:.2}", ratio(&a, &b)));
        if worst.as_ref().is_none_or(|(before, other)| ratio(&a, &b) > ratio(before, other)) {
            worst = Some((a, b));
        }
    }
    let (a, b) = worst.expect("there are bursts");
    Ok(vec![(Row::Burst, Measurement::ratio(&a, &b, notes.join(", ")))])
}

/// `git checkout` of a branch in which many of the files differ.
pub fn checkout(bench: &mut WatchBench) -> Result<Measurements> {
    let builder = printing_builder(bench)?;
    let source = SamplePair::source()?;
    let folder = source.path();
    let git = |args: &[&str]| {
        let path = folder.to_str().expect("TMPDIR is text");
        let identity = ["git", "-C", path, "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"];
        process::output(&[&identity[..], args].concat())
    };
    add_small_files(&folder.join("tree"), REPOSITORY)?;
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message=all"])?;
    git(&["checkout", "--quiet", "-b", "other"])?;
    for number in (0..REPOSITORY).step_by(REPOSITORY / CHANGED) {
        fs::write(folder.join(format!("tree/folder-{}/file-{number}", number / 1000)), "changed on the branch\n")?;
    }
    git(&["commit", "--quiet", "--all", "--message=other"])?;
    let mut watch = watch(bench, &source, &builder, "checkout")?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..(2 * ROUNDS).min(bench.rounds.max(2)) {
        git(&["checkout", "--quiet", if round % 2 == 0 { "main" } else { "other" }])?;
        a.push(last_change(&mut watch, folder)?);
        watch.wait_for_standby()?;
        let tag = bench.objects.name(&format!("checkout-fresh-{round}"));
        b.push(FreshBuild { source: folder, builder: &builder, tag }.build(bench)?.whole);
    }
    Ok(vec![(Row::Checkout, Measurement::ratio(&Series::new(a), &Series::new(b), ""))])
}

fn ratio(a: &Series, b: &Series) -> f64 {
    a.median().as_secs_f64() / b.median().as_secs_f64()
}

/// The sample pair's builder, whose `assemble` says when it has the last change.
fn printing_builder(bench: &mut WatchBench) -> Result<String> {
    let pair = SamplePair::make(bench)?;
    let name = bench.objects.builder("watch-printing");
    let script = "/usr/libexec/s2i/assemble";
    let text = format!(
        "FROM {}\nUSER 0\nRUN echo 'cat /tmp/src/marker 2>/dev/null || :' >>{script}\nUSER 1001:0\n",
        pair.builder
    );
    crate::bench::builder_image::build(&name, &text)?;
    Ok(name)
}

fn watch(bench: &mut WatchBench, source: &TempDir, builder: &str, tag: &str) -> Result<WatchProcess> {
    let tag = bench.objects.name(tag);
    let edit = Edit::new(source.path().join("marker"), "/marker", 0);
    let _ = fs::remove_file(source.path().join("marker"));
    let mut watch = WatchProcess::start(source.path(), builder, &tag, edit, &bench.objects, &[])?;
    watch.wait_until_ready()?;
    Ok(watch)
}

/// Makes the last change, and waits for the image that has it.
fn last_change(watch: &mut WatchProcess, source: &Path) -> Result<std::time::Duration> {
    let begin = Instant::now();
    // Another content each time, or there would be no change.
    let text = format!("{LAST_CHANGE} {:?}", begin);
    fs::write(source.join("marker"), format!("{text}\n"))?;
    watch.wait_for_build_that_prints(&text)?;
    Ok(begin.elapsed())
}

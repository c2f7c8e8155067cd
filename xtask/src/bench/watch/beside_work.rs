//! Saves beside other work: of two watches at once, and right after a build.

use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::context::{Measurements, WatchBench};
use super::rounds::run_rounds;
use super::row::Row;
use super::sources::SamplePair;
use super::watch_process::WatchProcess;
use crate::base_image;
use crate::bench::builder_image;
use crate::bench::engine_api::EngineApi;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::signals;

/// Two watches of two apps that are saved at the same time, against each alone.
pub fn two_watches(bench: &mut WatchBench) -> Result<Measurements> {
    let pair = SamplePair::make(bench)?;
    let sources = [SamplePair::source()?, SamplePair::source()?];
    let mut first = pair.watch(bench, &sources[0], "two-a")?;
    let mut second = pair.watch(bench, &sources[1], "two-b")?;
    first.wait_until_ready()?;
    second.wait_until_ready()?;
    let mut other_api = EngineApi::connect()?;
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        let api = &mut bench.api;
        alone.push(pace.turn(start, || first.save_and_check(api))?.whole);
        alone.push(pace.turn(start, || second.save_and_check(api))?.whole);
        let both = pace.turn(start, || {
            std::thread::scope(|scope| {
                let beside = scope.spawn(|| second.save(&mut other_api));
                let here = first.save(api);
                let there = beside.join().expect("a save does not panic");
                Ok([here?, there?])
            })
        })?;
        first.wait_for_standby()?;
        second.wait_for_standby()?;
        together.extend(both.map(|save| save.whole));
        Ok(())
    })?;
    Ok(vec![(Row::Two, Measurement::ratio(&Series::new(together), &Series::new(alone), ""))])
}

/// A builder whose `assemble` takes as long as that of a small Python or Node.js app, which mostly waits for disk and network.
fn slow_builder(bench: &mut WatchBench, name: &str, save_artifacts: &str) -> Result<String> {
    let name = bench.objects.builder(name);
    let text = format!(
        "FROM {}\nLABEL io.openshift.s2i.scripts-url=image:///s2i\nRUN mkdir /s2i /app && chown 1001:0 /app && cd /s2i && \
         printf '#!/bin/sh\\nsleep 1\\ncp /tmp/src/input.txt /app/saved.txt\\n' >assemble && {save_artifacts} \
         printf '#!/bin/sh\\n' >run && chmod 755 *\nUSER 1001:0\n",
        base_image::NAME
    );
    builder_image::build(&name, &text)?;
    Ok(name)
}

/// A save right after a build, against one with the standby ready; `assemble` takes a second.
pub fn after_a_build(bench: &mut WatchBench) -> Result<Measurements> {
    let save = "printf '#!/bin/sh\\ntar -C /app -cf - saved.txt\\n' >save-artifacts &&";
    let builder = slow_builder(bench, "watch-slow", save)?;
    let source = SamplePair::source()?;
    let mut watch = start(bench, &source, &builder, "after")?;
    watch.wait_until_ready()?;
    let (mut soon, mut ready) = (Vec::new(), Vec::new());
    run_rounds(bench.rounds, |pace, start| {
        ready.push(pace.turn(start, || watch.save(&mut bench.api))?.whole);
        soon.push(watch.save(&mut bench.api)?.whole);
        watch.wait_for_standby()?;
        signals::sleep(Duration::from_millis(500))
    })?;
    Ok(vec![(Row::Soon, Measurement::ratio(&Series::new(soon), &Series::new(ready), ""))])
}

/// A second build of a builder whose `save-artifacts` prints nothing, against one without that script.
pub fn silent_save_artifacts(bench: &mut WatchBench) -> Result<Measurements> {
    let silent = slow_builder(bench, "once-silent", "printf '#!/bin/sh\\nexit 0\\n' >save-artifacts &&")?;
    let without = slow_builder(bench, "once-without", "")?;
    let source = SamplePair::source()?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let mut build = |builder: &str, tag: &str| {
        let tag = bench.objects.name(tag);
        super::fresh_build::FreshBuild { source: source.path(), builder, tag }.build(bench)
    };
    build(&silent, "silent-a")?;
    build(&without, "silent-b")?;
    let rounds = 9;
    run_rounds(rounds, |pace, start| {
        a.push(pace.turn(start, || build(&silent, "silent-a"))?.whole);
        b.push(pace.turn(start, || build(&without, "silent-b"))?.whole);
        Ok(())
    })?;
    ensure!(a.len() == b.len(), "turns are taken in pairs");
    Ok(vec![(Row::Silent, Measurement::ratio(&Series::new(a), &Series::new(b), ""))])
}

fn start(bench: &WatchBench, source: &TempDir, builder: &str, tag: &str) -> Result<WatchProcess> {
    let (tag, edit) = (bench.objects.name(tag), SamplePair::edit(source));
    WatchProcess::start(source.path(), builder, &tag, edit, &bench.objects, &[])
}

//! From a save to the first answer with the new content.

use std::time::Duration;

use anyhow::Result;

use super::answered_save::AnsweredSave;
use super::context::{Measurements, RunBench};
use super::restarted_app::{Build, RestartedApp, bare_run};
use super::row::Row;
use super::watched_app::WatchedApp;
use crate::bench::chart::{ChartBar, START};
use crate::bench::save::Save;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::bench::watch::rounds::run_rounds;

/// `watch --run`, the same build and restart by hand, a hook, the naive way, and a bare `docker run` take turns.
pub fn measure(bench: &mut RunBench) -> Result<Measurements> {
    const GROUP: &str = "From a save to the first answer with the new content";
    let mut ours = WatchedApp::run(bench, "run-a")?;
    let mut by_hand = RestartedApp::start(bench, "run-b", Build::Minis2i)?;
    let mut hook = WatchedApp::by_hook(bench, "run-hook")?;
    let mut naive = RestartedApp::start(bench, "run-naive", Build::Chain)?;
    let api = &mut bench.watch.api;
    let objects = &bench.watch.objects;
    // A turn each that does not count.
    let (first, _) = ours.save(api)?;
    bare_run(&first.image, ours.watch.edit.text(), objects)?;
    by_hand.save(api)?;
    hook.save(api)?;
    naive.save(api)?;
    let mut saves = Saves::default();
    run_rounds(bench.watch.rounds, |pace, start| {
        let (save, phases) = pace.turn(start, || ours.save(api))?;
        saves.ours_drawn.push(save.save(Some(phases)));
        saves.bare.push(pace.turn(start, || bare_run(&save.image, ours.watch.edit.text(), objects))?);
        saves.ours.push(save);
        saves.by_hand.push(pace.turn(start, || by_hand.save(api))?);
        let (save, phases) = pace.turn(start, || hook.save(api))?;
        saves.hook_drawn.push(save.save(Some(phases)));
        saves.hook.push(save);
        saves.naive.push(pace.turn(start, || naive.save(api))?);
        Ok(())
    })?;
    let trigger = bench.watch.trigger.name();
    bench.watch.bars.extend([
        ChartBar::new(GROUP, "minis2i watch --run", &saves.ours_drawn),
        ChartBar::new(GROUP, "minis2i watch, docker rm -f and docker run -d as its hook", &saves.hook_drawn),
        ChartBar::new(
            GROUP,
            format!("minis2i build, docker rm -f, docker run -d under {trigger}"),
            &drawn(&saves.by_hand),
        ),
        ChartBar::new(GROUP, format!("a chain of CLI calls under {trigger}"), &drawn(&saves.naive)),
        ChartBar::of_series(GROUP, "bare docker run -d -p", START, &Series::new(saves.bare.iter().copied())),
    ]);
    Ok(saves.rows())
}

/// What was measured, a save or time for each round.
#[derive(Default)]
struct Saves {
    ours: Vec<AnsweredSave>,
    ours_drawn: Vec<Save>,
    bare: Vec<Duration>,
    by_hand: Vec<AnsweredSave>,
    hook: Vec<AnsweredSave>,
    hook_drawn: Vec<Save>,
    naive: Vec<AnsweredSave>,
}

impl Saves {
    fn rows(&self) -> Vec<(Row, Measurement)> {
        let ours = answered(&self.ours);
        let swap = Series::new(self.ours.iter().map(AnsweredSave::swap));
        let bare = Series::new(self.bare.iter().copied());
        vec![
            (Row::Save, Measurement::ratio(&ours, &answered(&self.by_hand), parts(&self.ours, &self.by_hand))),
            (Row::Start, Measurement::ratio(&swap, &bare, "")),
            (Row::SameTag, Measurement::ratio(&ours, &answered(&self.hook), parts(&self.ours, &self.hook))),
            (Row::Naive, Measurement::ratio(&ours, &answered(&self.naive), parts(&self.ours, &self.naive))),
        ]
    }
}

fn answered(saves: &[AnsweredSave]) -> Series {
    Series::new(saves.iter().map(|save| save.answered))
}

/// The times up to the tag and after it, of both sides.
fn parts(a: &[AnsweredSave], b: &[AnsweredSave]) -> String {
    let median = |saves: &[AnsweredSave], time: fn(&AnsweredSave) -> Duration| {
        Series::new(saves.iter().map(time)).median().as_secs_f64()
    };
    let part = |time| format!("A {:.3} s, B {:.3} s", median(a, time), median(b, time));
    format!("to the tag {}; from it {}", part(|save| save.tagged), part(AnsweredSave::swap))
}

fn drawn(saves: &[AnsweredSave]) -> Vec<Save> {
    saves.iter().map(|save| save.save(None)).collect()
}

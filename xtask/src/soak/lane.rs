//! One source, its tag, and the watches that one after the other look after it.

mod compare;
mod rounds;
mod settle;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::ages::Ages;
use super::builders;
use super::command;
use super::context::Context;
use super::finding::{Finding, Kind};
use super::journal::Journal;
use super::leftovers::Leftovers;
use super::plan::{self, Life};
use super::random::Random;
use super::tally::Tally;
use super::watch_process::{WatchProcess, WatchSetup};
use super::wrapper::Wrapper;
use crate::process_stats::ResourceUsage;

/// What the images of a lane's two builders say in `/app/.builder`.
const WHICH: [&str; 2] = ["one", "two"];

/// The images of a lane, and the labels of its containers and images.
struct Names {
    tag: String,
    /// The tag of the build that the image is held against.
    fresh: String,
    builder: String,
    /// Images that the builder's name may be on.
    builders: [String; 2],
    /// The same builders for the fresh builds: they differ in their label.
    fresh_builders: [String; 2],
    label: String,
    /// The label of what is not the watch's.
    other_label: String,
}

/// Where a lane has its files.
struct Places {
    source: PathBuf,
    /// For temporary files and locks of the watch.
    temporary: PathBuf,
    /// The same for the fresh builds.
    fresh_temporary: PathBuf,
    logs: PathBuf,
}

/// One source, and what is done to it.
pub struct Lane<'a> {
    soak: &'a Context,
    life: Life,
    random: Random,
    names: Names,
    /// Which of the builders the builder's name is on.
    builder: usize,
    places: Places,
    wrapper: Wrapper,
    journal: Journal,
    tally: Tally,
    watch: Option<WatchProcess>,
    /// When something was last done that may keep a watch from starting, or from cleaning up.
    disturbed: Option<Instant>,
    /// What is there that should go.
    ages: Ages,
    /// Another program moved the tag, and only a save brings it back.
    must_save: bool,
    /// How many times something was written, to tell contents apart.
    writes: u64,
    /// What the watch held after its first minute.
    first_held: Option<ResourceUsage>,
    last_held: Option<ResourceUsage>,
}

impl<'a> Lane<'a> {
    /// Makes its files, names and builders.
    pub fn new(soak: &'a Context, number: u64, life: Life, folder: &Path) -> Result<Self> {
        let folder = folder.join(format!("lane-{number}"));
        let place = |name: &str| folder.join(name);
        let places = Places {
            source: place("source"),
            temporary: place("tmp"),
            fresh_temporary: place("fresh-tmp"),
            logs: place("logs"),
        };
        fs::create_dir(&folder)?;
        for place in [&places.source, &places.temporary, &places.fresh_temporary, &places.logs] {
            fs::create_dir(place)?;
            fs::set_permissions(place, fs::Permissions::from_mode(0o755))?;
        }
        fs::write(places.source.join("a"), "0\n")?;
        let name = |what: &str| format!("{}-{what}-{number}", soak.label);
        let names = Names {
            tag: name("tag"),
            fresh: name("fresh"),
            builder: name("builder"),
            builders: WHICH.map(name),
            fresh_builders: WHICH.map(|which| name(&format!("fresh-{which}"))),
            label: format!("{}={number}", soak.label),
            other_label: format!("{}={number}-other", soak.label),
        };
        for (images, label) in [(&names.builders, &names.label), (&names.fresh_builders, &names.other_label)] {
            for (image, which) in images.iter().zip(WHICH) {
                builders::build(image, which, label)?;
            }
        }
        command::docker(&["tag", &names.builders[0], &names.builder])?;
        Ok(Self {
            soak,
            life,
            random: Random::of(soak.seed, number),
            names,
            builder: 0,
            places,
            wrapper: Wrapper::make(folder.join("cli"))?,
            journal: Journal::new(format!("lane {number}"), soak.begin),
            tally: Tally::default(),
            watch: None,
            disturbed: None,
            ages: Ages::default(),
            must_save: false,
            writes: 0,
            first_held: None,
            last_held: None,
        })
    }

    /// Does rounds until the soak is over, and ends the watch. What a round counts is told at once.
    pub fn run(&mut self) -> Result<()> {
        self.start_watch()?;
        while self.soak.goes_on() {
            let round = plan::round(&mut self.random, self.life);
            self.round(&round)?;
            self.hand_in();
        }
        crate::signals::check()?;
        self.settle()?;
        self.remove_the_rest()?;
        self.end_watch(rustix::process::Signal::TERM)?;
        if self.watch().leaves_something {
            // It said that the next run removes the rest.
            self.start_watch()?;
            self.remove_the_rest()?;
            self.end_watch(rustix::process::Signal::TERM)?;
        }
        self.expect_nothing("after the end of the last watch", |left| left)?;
        self.check_fresh_builds()?;
        self.remove_names()?;
        self.hand_in();
        Ok(())
    }

    /// Nothing may be left of the builds that the images were held against.
    fn check_fresh_builds(&self) -> Result<()> {
        let left = Leftovers::look(&self.names.other_label, &self.places.fresh_temporary, false)?;
        for what in left.list() {
            self.report(Finding::new(Kind::Leftover, format!("{what} is left of `minis2i build`")));
        }
        Ok(())
    }

    fn hand_in(&mut self) {
        self.soak.count(&std::mem::take(&mut self.tally));
    }

    fn remove_names(&mut self) -> Result<()> {
        for name in [&self.names.tag, &self.names.fresh, &self.names.builder] {
            // One of them may not be there.
            let _ = command::docker(&["image", "rm", name]);
        }
        for image in &self.names.builders {
            if command::docker(&["image", "inspect", "--format", "{{.Id}}", image]).is_err() {
                self.report(Finding::new(Kind::Broken, format!("the builder {image} was removed")));
                break;
            }
        }
        Ok(())
    }

    fn start_watch(&mut self) -> Result<()> {
        let options = plan::watch_options(&mut self.random, self.life);
        let run_options = plan::run_options(&mut self.random, self.life);
        self.tally.watches += 1;
        let setup = WatchSetup {
            program: &self.soak.program,
            options,
            source: &self.places.source,
            builder: &self.names.builder,
            tag: &self.names.tag,
            run_options,
            engine: &self.wrapper.path(),
            temporary: &self.places.temporary,
            stderr: self.places.logs.join("stderr"),
        };
        let watch = WatchProcess::start(&setup)?;
        self.journal.step(format!(
            "starts a watch {} -- {}: process {}",
            options.join(" "),
            run_options.join(" "),
            watch.id()
        ));
        (self.first_held, self.last_held) = (None, None);
        self.watch = Some(watch);
        Ok(())
    }

    fn watch(&mut self) -> &mut WatchProcess {
        self.watch.as_mut().expect("a lane has a watch from its first moment on")
    }

    /// Takes in what the watch said, and the faults that its calls had. One that ended by itself is replaced.
    fn look_after_watch(&mut self) -> Result<()> {
        self.read_watch();
        if let Some(status) = self.watch().status()? {
            let (started, watching) = (self.watch().started, self.watch().pairing.watching);
            self.watch_ended(false);
            if watching || !self.is_disturbed_since(started) {
                self.report(Finding::new(Kind::Broken, format!("a watch ended by itself: {status}")));
            }
            self.start_watch()?;
        }
        Ok(())
    }

    fn read_watch(&mut self) {
        self.note_faults();
        let Self { watch, journal, .. } = self;
        let watch = watch.as_mut().expect("a lane has a watch from its first moment on");
        let findings = watch.read(&mut |line| journal.said(line));
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    fn note_faults(&mut self) {
        for fault in self.wrapper.taken() {
            self.journal.step(format!("a call goes wrong: {fault}"));
            self.tally.cli_faults += 1;
            self.disturbed = Some(Instant::now());
        }
    }

    /// Takes in the rest of what a watch said that has ended, and counts its builds.
    fn watch_ended(&mut self, was_killed: bool) {
        let Self { watch, journal, tally, .. } = self;
        let watch = watch.as_mut().expect("a lane has a watch from its first moment on");
        let mut findings = watch.read_rest(&mut |line| journal.said(line));
        let pairing = &watch.pairing;
        tally.builds += pairing.finished;
        tally.builds_ok += pairing.ok;
        tally.builds_failed += pairing.failed;
        tally.with_standby += pairing.with_standby;
        if !was_killed {
            findings.extend(pairing.missing_at_end().map(|text| Finding::new(Kind::Unpaired, text)));
        }
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    fn is_disturbed_since(&self, then: Instant) -> bool {
        let daemon = self.soak.daemon.as_ref();
        self.disturbed.is_some_and(|last| last >= then) || daemon.is_some_and(|daemon| daemon.was_stopped_since(then))
    }

    fn report(&self, finding: Finding) {
        self.soak.report(&finding, &self.journal);
    }
}

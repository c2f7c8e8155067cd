//! What all lanes of a soak share: how long it goes on, what was counted and what was found.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::daemon::Daemon;
use super::finding::{Finding, Kind};
use super::journal::Journal;
use super::tally::Tally;
use crate::{signals, workspace};

/// Where the whole story of each finding goes.
const RESULTS: &str = "target/soak";

/// After so many findings the rest says nothing new.
const FINDINGS: usize = 60;

/// So many of the last lines are printed with a finding, and so much of each.
const TAIL: (usize, usize) = (30, 180);

/// What all lanes share.
pub struct Context {
    pub seed: u64,
    /// The program that is tested.
    pub program: PathBuf,
    pub begin: Instant,
    pub time: Duration,
    /// How many operations are enough.
    pub operations: Option<u64>,
    pub daemon: Option<Daemon>,
    /// All containers and images carry this label; its value names the lane.
    pub label: String,
    tally: Mutex<Tally>,
    findings: Mutex<Vec<Kind>>,
    broken: AtomicBool,
}

impl Context {
    pub fn new(seed: u64, program: PathBuf, time: Duration, operations: Option<u64>, daemon: Option<Daemon>) -> Self {
        Self {
            seed,
            program,
            begin: Instant::now(),
            time,
            operations,
            daemon,
            label: format!("minis2i-soak-{}", std::process::id()),
            tally: Mutex::default(),
            findings: Mutex::default(),
            broken: AtomicBool::new(false),
        }
    }

    /// Whether there is to be another round.
    pub fn goes_on(&self) -> bool {
        let enough = self.operations.is_some_and(|enough| self.tally().operations >= enough);
        let over = enough || self.begin.elapsed() >= self.time || self.broken.load(Ordering::Relaxed);
        !over && !signals::received() && self.findings().len() < FINDINGS
    }

    /// Ends all lanes: one of them can not go on.
    pub fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn count(&self, more: &Tally) {
        self.tally.lock().expect("no thread panics with it").add(more);
    }

    pub fn tally(&self) -> Tally {
        self.tally.lock().expect("no thread panics with it").clone()
    }

    pub fn findings(&self) -> Vec<Kind> {
        self.findings.lock().expect("no thread panics with it").clone()
    }

    /// Prints a finding with what came before it, and writes the whole story.
    pub fn report(&self, finding: &Finding, journal: &Journal) {
        let number = {
            let mut findings = self.findings.lock().expect("no thread panics with it");
            findings.push(finding.kind);
            findings.len()
        };
        let (seed, at) = (self.seed, self.begin.elapsed().as_secs_f64());
        let file = workspace::root().join(RESULTS).join(format!("{seed}-{number}.log"));
        let head = format!("finding {number}, seed {seed}, {}, after {at:.1} s: {finding}", journal.name());
        let tail: String = journal.tail(TAIL.0, TAIL.1).iter().map(|line| format!("    {line}\n")).collect();
        let story = format!("{head}\n\n{}", journal.all());
        let written = fs::create_dir_all(workspace::root().join(RESULTS)).and_then(|()| fs::write(&file, story));
        let rest = match written {
            Ok(()) => format!("the whole story: {RESULTS}/{seed}-{number}.log"),
            Err(error) => format!("the whole story could not be written: {error}"),
        };
        eprintln!("{head}\n  what came before:\n{tail}  {rest}");
    }
}

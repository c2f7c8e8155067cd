//! What is done to a watch, from random numbers: rounds of changes and faults, and how each round ends.

use std::time::Duration;

use rustix::process::Signal;

use super::operation::Operation;
use super::random::Random;

/// What a round is made of.
#[derive(Clone, Debug)]
pub struct Round {
    pub steps: Vec<Step>,
    pub end: RoundEnd,
}

/// One thing that is done, or happens, to a watch.
#[derive(Clone, Debug)]
pub enum Step {
    Change(Operation),
    Pause(Duration),
    /// The next calls of these verbs go wrong.
    Faults(Vec<CliFault>),
    /// All calls go wrong for that time.
    Outage(Duration),
    /// Another program removes one of the containers.
    RemoveContainer,
    MoveTag(TagMove),
    /// The builder's name goes to another image.
    ChangeBuilder,
    /// The watch is stopped and continued, as a machine that sleeps would do.
    Freeze(Duration),
}

/// Another program's call of the engine that moves the tag.
#[derive(Clone, Copy, Debug)]
pub enum TagMove {
    Away,
    Removed,
}

/// One call of the CLI that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CliFault {
    /// As the wrapper names it: two words for `image` and `container`.
    pub verb: &'static str,
    pub mode: FaultMode,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMode {
    /// It fails at once with this status.
    Fail(u8),
    /// It does nothing for that time, and fails then.
    Hang(Duration),
    /// It is started, and killed after that time.
    Kill(Duration),
}

/// How a round ends.
#[derive(Clone, Debug)]
pub enum RoundEnd {
    /// Nothing more happens.
    Calm,
    /// The watch is killed after each of these times, and started again.
    Kill(Vec<Duration>),
    /// The watch gets a signal after that time, must end, and is started again.
    Signal(Signal, Duration),
}

/// Whether a watch may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It lives as long as the soak, to see whether it grows.
    Long,
    /// It is killed and ended.
    Short,
}

const VERBS: [&str; 12] = [
    "run",
    "commit",
    "tag",
    "image-inspect",
    "image-rm",
    "images",
    "ps",
    "rm",
    "version",
    "events",
    "cp",
    "container-inspect",
];

/// Options that the watches of a short life get, one of them each time.
const WATCH_OPTIONS: [&[&str]; 8] = [
    &[],
    &[],
    &["--no-standby"],
    &["--on-busy", "queue"],
    &["--on-busy", "restart"],
    &["--source-in=memory"],
    &["--source-in=layer"],
    &["--poll=0.3s"],
];

/// What follows `--`: mostly nothing.
const RUN_OPTIONS: [&[&str]; 3] = [&[], &[], &["--label", "soak.of-the-container=1"]];

/// The next round of a watch.
pub fn round(random: &mut Random, life: Life) -> Round {
    let changes = 30 + random.below(80);
    let mut steps = Vec::new();
    for _ in 0..changes {
        steps.extend(step(random));
        steps.push(Step::Change(Operation::random(random)));
        // The next change comes at once, before the watch has looked, or in the middle of a build.
        match random.below(12) {
            0 => steps.push(Step::Pause(random.millis(0, 400))),
            1..4 => steps.push(Step::Pause(random.millis(0, 20))),
            _ => {}
        }
    }
    Round { steps, end: end(random, life) }
}

/// Options for a watch that is started.
pub fn watch_options(random: &mut Random, life: Life) -> &'static [&'static str] {
    match life {
        Life::Long => &[],
        Life::Short => random.pick(&WATCH_OPTIONS),
    }
}

/// Options for the engine's `run`, after `--`: those that must not get into the image make its builds go another way.
pub fn run_options(random: &mut Random, life: Life) -> &'static [&'static str] {
    match life {
        Life::Long => &[],
        Life::Short => random.pick(&RUN_OPTIONS),
    }
}

/// What happens beside the changes of the source, now and then.
fn step(random: &mut Random) -> Option<Step> {
    Some(match random.below(1000) {
        0..25 => Step::Faults((0..=random.below(2)).map(|_| fault(random)).collect()),
        25..29 => Step::Outage(random.millis(100, 3000)),
        29..34 => Step::RemoveContainer,
        34..38 => Step::MoveTag(random.pick(&[TagMove::Away, TagMove::Removed])),
        38..41 => Step::ChangeBuilder,
        41..45 => Step::Freeze(random.millis(50, 1000)),
        _ => return None,
    })
}

fn fault(random: &mut Random) -> CliFault {
    let mode = match random.below(10) {
        0..6 => FaultMode::Fail(random.pick(&[1, 125, 2])),
        6..8 => FaultMode::Hang(random.millis(300, 4000)),
        _ => FaultMode::Kill(random.millis(1, 200)),
    };
    CliFault { verb: random.pick(&VERBS), mode }
}

fn end(random: &mut Random, life: Life) -> RoundEnd {
    let when = |random: &mut Random| if random.percent(30) { random.millis(0, 2500) } else { random.millis(0, 400) };
    match (life, random.below(100)) {
        (Life::Short, 0..65) => RoundEnd::Kill((0..=random.below(2)).map(|_| when(random)).collect()),
        (Life::Short, 65..80) => RoundEnd::Signal(random.pick(&[Signal::INT, Signal::TERM, Signal::HUP]), when(random)),
        _ => RoundEnd::Calm,
    }
}

#[cfg(test)]
mod tests {
    use super::{Life, Random, RoundEnd, Step, round};

    #[test]
    fn a_seed_stands_for_its_rounds() {
        let rounds = |seed| {
            let mut random = Random::new(seed);
            (0..5).map(|_| format!("{:?}", round(&mut random, Life::Short))).collect::<Vec<_>>()
        };
        assert_eq!(rounds(3), rounds(3));
        assert_ne!(rounds(3), rounds(4));
    }

    #[test]
    fn a_watch_of_a_long_life_is_not_ended() {
        let mut random = Random::new(1);
        assert!((0..500).all(|_| matches!(round(&mut random, Life::Long).end, RoundEnd::Calm)));
    }

    #[test]
    fn each_kind_of_fault_comes() {
        let mut random = Random::new(1);
        let steps: Vec<_> = (0..300).flat_map(|_| round(&mut random, Life::Short).steps).collect();
        let count = |is: fn(&Step) -> bool| steps.iter().filter(|step| is(step)).count();
        assert!(count(|step| matches!(step, Step::Faults(_))) > 100);
        assert!(count(|step| matches!(step, Step::Outage(_))) > 10);
        assert!(count(|step| matches!(step, Step::RemoveContainer)) > 10);
        assert!(count(|step| matches!(step, Step::MoveTag(_))) > 10);
        assert!(count(|step| matches!(step, Step::ChangeBuilder)) > 10);
        assert!(count(|step| matches!(step, Step::Freeze(_))) > 10);
    }
}

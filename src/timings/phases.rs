//! The parts that a build's bar is cut into, and how they look.

use std::time::Duration;

use super::record::Build;

/// The names of phases, in the order in which they happen, with their colours on a light and on a dark ground. Waiting is
/// grey, what goes before `assemble` blue to green, what follows it red to violet.
pub const PHASES: [(&str, &str, &str); 13] = [
    ("settle", "#b9bec6", "#6b7280"),
    ("snapshot", "#8fb8de", "#3f6f9e"),
    ("wait", "#8a8f98", "#8b93a1"),
    ("start", "#4f8fcf", "#5a9bdc"),
    ("source", "#49b08a", "#37a07a"),
    ("artifacts", "#8bc34a", "#7cb342"),
    ("upload", "#3f9d5b", "#4cbb6c"),
    ("assemble", "#f2b134", "#e0a020"),
    ("clear", "#a1887f", "#8d6e63"),
    ("runtime", "#d08770", "#c97b63"),
    ("commit", "#e0663f", "#e8774f"),
    (SWAP, "#a862b8", "#b57cc4"),
    (OTHER, "#d9d2c5", "#4b4740"),
];

/// A new app taking the place of the old one.
const SWAP: &str = "swap";

/// What no phase accounts for.
const OTHER: &str = "other";

/// What is shorter than this is not worth a part of its own.
const VISIBLE: Duration = Duration::from_millis(1);

/// The parts of a build's bar: its phases, what they leave of its time, and the swap.
pub fn parts(build: &Build) -> Vec<(&'static str, Duration)> {
    let mut parts = build.phases.clone();
    let named: Duration = parts.iter().map(|(_, took)| *took).sum();
    let rest = build.total.saturating_sub(named);
    if rest >= VISIBLE {
        parts.push((OTHER, rest));
    }
    parts.extend(build.swap.map(|took| (SWAP, took)));
    parts
}

/// The number of a phase in [`PHASES`]; that of [`OTHER`] for one without a colour of its own.
pub fn number(name: &str) -> usize {
    PHASES.iter().position(|(known, ..)| *known == name).unwrap_or(PHASES.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::{PHASES, number, parts};
    use crate::report::message::Outcome;
    use crate::timings::record::tests::{ms, timings};

    #[test]
    fn parts_account_for_all_of_the_time() {
        let (mut timings, _) = timings(&[Outcome::Ok], "a");
        timings.note_swap(1, ms(140));
        let build = &timings.builds[0];
        let parts = parts(build);
        let expected =
            [("upload", ms(1)), ("assemble", ms(50)), ("commit", ms(25)), ("other", ms(24)), ("swap", ms(40))];
        assert_eq!(parts, expected);
        assert_eq!(parts.iter().map(|(_, took)| *took).sum::<std::time::Duration>(), build.length());
    }

    #[test]
    fn an_unknown_phase_looks_like_the_rest() {
        assert_eq!((number("settle"), number("new")), (0, PHASES.len() - 1));
    }
}

//! Rounds of turns, with a pause between them.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::turns::TurnStart;
use crate::signals;

/// The least time between the end of a turn and the next save, in which minis2i and the engine remove what the turn left.
/// Chosen, not measured.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps saves apart from each other.
pub struct Pace(Instant);

impl Pace {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Takes a turn after the pause, at the part of a second at which the round is to start.
    pub fn turn<T>(&mut self, start: TurnStart, turn: impl FnOnce() -> Result<T>) -> Result<T> {
        signals::sleep(PAUSE.saturating_sub(self.0.elapsed()))?;
        start.wait();
        let result = turn();
        self.0 = Instant::now();
        result
    }
}

/// Runs so many rounds, and prints which one is running.
pub fn run_rounds(rounds: usize, mut round: impl FnMut(&mut Pace, TurnStart) -> Result<()>) -> Result<()> {
    let mut pace = Pace::new();
    for number in 0..rounds {
        eprint!("\r  round {} of {rounds}", number + 1);
        round(&mut pace, TurnStart::of(number, rounds))?;
    }
    eprintln!();
    Ok(())
}

//! Taking turns, and when each turn starts.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;

/// When a turn is to start: at this part of a second of the wall clock.
///
/// Engines whose storage driver has no diff of its own (fuse-overlayfs, vfs) end every commit by sleeping until the
/// next whole second. A turn right after the other side's commit would always start at the same
/// part of a second, and a few milliseconds more of work could cost a second or nothing. So the rounds spread their starts evenly
/// over a second, the same for both contenders.
#[derive(Clone, Copy)]
pub struct TurnStart(Option<f64>);

impl TurnStart {
    /// At once, for turns that do not count.
    pub const NOW: Self = Self(None);

    pub fn of(round: usize, rounds: usize) -> Self {
        Self(Some((round as f64 + 0.5) / rounds as f64))
    }

    /// Waits for it, and returns when the clock started.
    pub fn wait(self) -> Instant {
        if let Some(part) = self.0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let rest = (part - f64::from(now.subsec_nanos()) / 1e9).rem_euclid(1.0);
            thread::sleep(Duration::from_secs_f64(rest));
        }
        Instant::now()
    }
}

/// Lets the two take turns, A B A B, so that what else the machine does hits both alike.
pub fn take_turns<A, B>(
    rounds: usize,
    mut a: impl FnMut(TurnStart) -> Result<A>,
    mut b: impl FnMut(TurnStart) -> Result<B>,
) -> Result<(Vec<A>, Vec<B>)> {
    let (mut all_a, mut all_b) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprint!("\r  round {} of {rounds}", round + 1);
        let start = TurnStart::of(round, rounds);
        all_a.push(a(start)?);
        all_b.push(b(start)?);
    }
    eprintln!();
    Ok((all_a, all_b))
}

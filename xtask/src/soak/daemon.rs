//! The daemon stopped and continued, while all else goes on.

use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::random::Random;
use crate::signals;

/// A daemon that is the soak's own.
pub struct Daemon {
    process: Pid,
    /// When it was last continued, or that it is stopped now.
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    Stopped,
    Running(Option<Instant>),
}

impl Daemon {
    pub fn new(process: u32) -> Result<Self> {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw).context("no such process")?;
        Ok(Self { process, state: Mutex::new(State::Running(None)) })
    }

    /// Stops and continues it until a signal comes or `goes_on` says no; tells `told` of each time.
    pub fn disturb(&self, random: &mut Random, goes_on: impl Fn() -> bool, told: impl Fn()) -> Result<()> {
        let mut wait = || (random.millis(4_000, 20_000), random.pick(&[300, 1000, 2000, 5000]));
        while goes_on() {
            let (pause, stop) = wait();
            signals::sleep(pause)?;
            if !goes_on() {
                break;
            }
            told();
            self.stop_for(std::time::Duration::from_millis(stop))?;
        }
        Ok(())
    }

    fn stop_for(&self, time: std::time::Duration) -> Result<()> {
        *self.state() = State::Stopped;
        kill_process(self.process, Signal::STOP).context("cannot stop the daemon")?;
        let slept = signals::sleep(time);
        kill_process(self.process, Signal::CONT).context("cannot continue the daemon")?;
        *self.state() = State::Running(Some(Instant::now()));
        slept
    }

    /// Whether it is stopped, or was since then.
    pub fn was_stopped_since(&self, then: Instant) -> bool {
        match *self.state() {
            State::Stopped => true,
            State::Running(last) => last.is_some_and(|last| last > then),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }
}

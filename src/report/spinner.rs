//! The spinner beside the name of the current phase, on a terminal whose foreground is ours.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// How often the spinner moves: chosen so that it visibly moves.
pub const SPINNER_TICK: Duration = Duration::from_millis(100);

/// The spinner, and what it stands beside.
pub struct Spinner {
    /// It draws only when it is told to.
    bar: ProgressBar,
    /// What it stands beside; none while it is hidden.
    phase: Option<Cow<'static, str>>,
    /// It may have left a line on the terminal.
    drawn: bool,
}

impl Spinner {
    /// A spinner on standard error; it is never seen if that is no terminal, or if `wanted` is false.
    pub fn new(wanted: bool, colored: bool) -> Self {
        let shown = wanted && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = if colored { "{spinner:.cyan} {msg}" } else { "{spinner} {msg}" };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
        Self { bar, phase: None, drawn: false }
    }

    /// Whether it has to [`turn`](Self::turn) now and then.
    pub fn is_shown(&self) -> bool {
        self.phase.is_some()
    }

    /// Shows the name of a phase.
    pub fn show(&mut self, phase: Cow<'static, str>) {
        if !self.bar.is_hidden() {
            self.phase = Some(phase);
            self.turn();
        }
    }

    /// Moves it one step. In the background nothing is drawn: the terminal is that of another program.
    pub fn turn(&mut self) {
        let Some(phase) = self.phase.as_ref().filter(|_| in_foreground()) else { return };
        if self.bar.is_finished() {
            self.bar.reset();
        }
        if self.bar.message() != **phase {
            self.bar.set_message(phase.clone());
        }
        self.bar.tick();
        self.drawn = true;
    }

    /// Takes it away, until the next phase.
    pub fn hide(&mut self) {
        self.phase = None;
        if std::mem::take(&mut self.drawn) && in_foreground() {
            self.bar.finish_and_clear();
        }
    }

    /// Does something that prints while it is out of the way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.drawn && in_foreground() { self.bar.suspend(print) } else { print() }
    }
}

/// Whether the terminal of the standard error is ours to draw on: one without job control always is.
pub fn in_foreground() -> bool {
    tcgetpgrp(io::stderr()).is_ok_and(|group| group == getpgrp()) || tcgetpgrp(io::stderr()) == Err(Errno::NOTTY)
}

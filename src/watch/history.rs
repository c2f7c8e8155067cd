//! What the builds of this watch did: kept for the page of timings, and for the keys that show it. Keys are answered on
//! threads of their own, one after the other, so that no build waits for a terminal or a disk.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::timings_place::place;
use crate::cancel::Cancel;
use crate::report::Reporter;
use crate::report::message::Message;
use crate::report::message::timings::TimingsWritten;
use crate::report::recent_output::RecentOutput;
use crate::settings::Job;
use crate::settings::source::Source;
use crate::settings::timings::TimingsSettings;
use crate::source::rules::Selection;
use crate::timings::record::Timings;
use crate::timings::{file, page};

/// So many lines of a build's output are kept: more than a terminal scrolls back.
const LINE_LIMIT: usize = 10_000;

/// What was built, and how to tell of it.
pub struct History {
    /// One whose messages are not noted here.
    reporter: Reporter,
    settings: TimingsSettings,
    source: Source,
    selection: Selection,
    cancel: Cancel,
    timings: Mutex<Timings>,
    /// The output of the last build, where there are keys to show it again.
    output: Option<Mutex<LastOutput>>,
    /// Held while a key is answered. Once it is set, none is answered any more.
    ended: Mutex<bool>,
}

/// The output of the last build that began.
struct LastOutput {
    /// Its number, once there is one.
    build: Option<u64>,
    /// It has not ended.
    under_way: bool,
    lines: RecentOutput,
}

impl LastOutput {
    fn new() -> Self {
        Self { build: None, under_way: false, lines: RecentOutput::with_limit(LINE_LIMIT) }
    }

    fn note(&mut self, message: &Message) {
        match message {
            Message::BuildStarted(started) => {
                *self = Self { build: Some(started.build), under_way: true, ..Self::new() };
            }
            Message::BuildFinished(_) => self.under_way = false,
            Message::Output(line) if self.under_way => self.lines.add(line),
            _ => {}
        }
    }
}

impl History {
    /// The history of a watch that begins now; with `keys`, its output is kept as well. Questions to git end when `cancel` is
    /// triggered.
    ///
    /// # Errors
    /// When the page of timings is wanted at the end where it cannot be.
    pub fn begin(
        job: &Job,
        settings: &TimingsSettings,
        cancel: &Cancel,
        keys: bool,
        reporter: &Reporter,
    ) -> Result<Arc<Self>> {
        if settings.at_end {
            place(&settings.file, &job.source.path, &job.selection, cancel)?;
        }
        let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Ok(Arc::new(Self {
            reporter: reporter.clone(),
            settings: settings.clone(),
            source: job.source.clone(),
            selection: job.selection.clone(),
            cancel: cancel.clone(),
            timings: Mutex::new(Timings::new(Instant::now(), since)),
            output: keys.then(|| Mutex::new(LastOutput::new())),
            ended: Mutex::new(false),
        }))
    }

    /// A reporter whose messages are noted here.
    pub fn reporter(self: &Arc<Self>) -> Reporter {
        let history = self.clone();
        self.reporter.observed_by(move |message| {
            lock(&history.timings).note(message, Instant::now());
            if let Some(output) = &history.output {
                lock(output).note(message);
            }
        })
    }

    /// A standby is ready that took this long.
    pub fn note_standby(&self, took: Option<Duration>) {
        if let Some(took) = took {
            lock(&self.timings).note_standby(took);
        }
    }

    /// Shows the output of the last build again.
    pub fn show_output(self: &Arc<Self>) {
        self.answer(Self::print_output);
    }

    /// Writes the page of timings, and says where it is.
    pub fn write_timings(self: &Arc<Self>) {
        self.answer(|history| {
            if let Err(error) = history.write(true) {
                history.reporter.emit(&Message::Error(&error));
            }
        });
    }

    /// No key is answered any more. Writes the page of timings, if it is wanted at the end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&self) -> Result<()> {
        *lock(&self.ended) = true;
        if self.settings.at_end { self.write(false) } else { Ok(()) }
    }

    fn answer(self: &Arc<Self>, answer: impl FnOnce(&Self) + Send + 'static) {
        let history = self.clone();
        thread::spawn(move || {
            let ended = lock(&history.ended);
            if !*ended {
                answer(&history);
            }
        });
    }

    fn print_output(&self) {
        let Some(output) = &self.output else { return };
        let (build, under_way, lines) = {
            let output = lock(output);
            (output.build, output.under_way, output.lines.clone())
        };
        let Some(build) = build else {
            self.reporter.emit(&Message::Answer("there was no build yet"));
            return;
        };
        self.reporter.emit(&Message::Answer(&heading(build, under_way, &lines)));
        lines.lines().for_each(|line| self.reporter.emit(&Message::OutputAgain(build, line)));
        if !lines.is_empty() {
            self.reporter.emit(&Message::Answer(&format!("this was the output of build {build}")));
        }
    }

    fn write(&self, asked: bool) -> Result<()> {
        let timings = lock(&self.timings).clone();
        // A link on the way may lead elsewhere by now.
        let root = self.source.path_now().unwrap_or_else(|_| self.source.path.clone());
        let target = place(&self.settings.file, &root, &self.selection, &self.cancel)?;
        file::write(&target, &page::page(&timings, Instant::now()))?;
        let file = target.display().to_string();
        self.reporter.emit(&Message::TimingsWritten(&TimingsWritten { file, builds: timings.builds.len(), asked }));
        Ok(())
    }
}

/// What goes before the output of a build that is shown again.
fn heading(build: u64, under_way: bool, lines: &RecentOutput) -> String {
    let so_far = if under_way { " so far" } else { "" };
    match (lines.is_empty(), lines.left_out) {
        (true, _) => format!("build {build} has printed nothing{so_far}"),
        (false, 0) => format!("the output of build {build}{so_far}:"),
        (false, count) => {
            format!("the end of the output of build {build}{so_far} (lines before it that are not kept: {count}):")
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use super::{LINE_LIMIT, LastOutput, heading};
    use crate::report::message::{Message, OutputLine, Started};
    use crate::report::recent_output::RecentOutput;

    fn started(build: u64) -> Started {
        let text = String::new;
        Started { build, source: text(), builder: text(), tag: text(), previous: None, why: None }
    }

    fn line(text: &str) -> Message<'_> {
        Message::Output(OutputLine { text: text.as_bytes(), more: false, paths: &[] })
    }

    #[test]
    fn the_output_of_the_last_build_is_kept() {
        let mut output = LastOutput::new();
        output.note(&line("before all builds"));
        assert!(output.lines.is_empty());
        for (build, text) in [(1, "one"), (2, "two")] {
            output.note(&Message::BuildStarted(&started(build)));
            output.note(&line(text));
        }
        assert_eq!((output.build, output.lines.lines().count()), (Some(2), 1));
        assert_eq!(output.lines.lines().next().unwrap().text, b"two");
    }

    #[test]
    fn what_is_cut_is_said() {
        let mut lines = RecentOutput::with_limit(LINE_LIMIT);
        assert_eq!(heading(3, false, &lines), "build 3 has printed nothing");
        lines.add(&OutputLine { text: b"x", more: false, paths: &[] });
        assert_eq!(heading(3, true, &lines), "the output of build 3 so far:");
        (0..LINE_LIMIT + 1).for_each(|_| lines.add(&OutputLine { text: b"x", more: false, paths: &[] }));
        assert_eq!(
            heading(3, false, &lines),
            "the end of the output of build 3 (lines before it that are not kept: 2):"
        );
    }
}

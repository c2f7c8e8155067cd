//! Hooks that save into the source: each of their saves starts a build, which runs the hook again, and so on for ever.

use std::time::{Duration, Instant};

use super::decide::action::Saved;
use crate::hooks::{HookRun, Hooks};
use crate::report::Reporter;
use crate::report::message::Started;

/// So many builds in a row that a hook seems to have started are no chance.
const IN_A_ROW: usize = 3;

/// How much later than the save the event of it may come.
const EVENT_DELAY: Duration = Duration::from_millis(250);

/// How much the times from the start of a hook to its save may differ: a command takes about the same time each time, while
/// a person who saves during a command that takes long does not. Of longer times, it is a quarter.
const SPREAD: Duration = Duration::from_millis(300);

/// Notices hooks that save into the source.
pub struct HookSaves {
    /// How late a save is noticed.
    delay: Duration,
    /// The last builds, as far as they were started while the hook of the build before was at work.
    row: Vec<Caused>,
    /// The paths that were reported last.
    reported: Option<Vec<String>>,
}

/// A build that began because of a save while a hook was at work.
#[derive(Clone, Debug)]
struct Caused {
    /// The number of the hook.
    hook: u64,
    /// How long after its start the save was.
    after: Duration,
    changed: Vec<String>,
}

impl HookSaves {
    /// Where everything is looked at by the clock, saves are noticed up to `poll` later.
    pub fn new(poll: Option<Duration>) -> Self {
        Self { delay: EVENT_DELAY + poll.unwrap_or_default(), row: Vec::new(), reported: None }
    }

    /// Takes in that a build begins, because of `saved` if it does so because of a save. Warns of a hook that starts each build
    /// by what it saves.
    pub fn check(&mut self, saved: Option<Saved>, started: &Started, hooks: &Hooks, reporter: &Reporter) {
        let Some(hook) = hooks.last_run() else { return };
        let changed = started.why.as_ref().map_or(&[][..], |why| &why.changed);
        if let Some(paths) = self.build_begins(saved.map(|saved| saved.first), changed, &hook) {
            reporter.warn(&format!(
                "the command of `{}` changes what is built, and so starts the next build each time: {}; have it write \
                 elsewhere, or leave that out of the source (`--exclude`, `.s2iignore`)",
                hook.option,
                paths.join(", "),
            ));
        }
    }

    /// Takes in that a build begins, because of a save at `saved` if it is one, of which these are the first paths. The paths
    /// that the hook seems to change each time, if that is so and was not said before.
    fn build_begins(&mut self, saved: Option<Instant>, changed: &[String], hook: &HookRun) -> Option<Vec<String>> {
        let at_work =
            |saved: &Instant| *saved >= hook.started && hook.ended.is_none_or(|ended| *saved <= ended + self.delay);
        let Some(saved) = saved.filter(at_work) else {
            self.row.clear();
            return None;
        };
        if self.row.last().is_some_and(|last| last.hook == hook.number) {
            // The build that it started first was cancelled by what it saved next.
            return None;
        }
        self.row.push(Caused { hook: hook.number, after: saved - hook.started, changed: changed.to_vec() });
        if self.row.len() > IN_A_ROW {
            self.row.remove(0);
        }
        if self.row.len() < IN_A_ROW || !is_regular(self.row.iter().map(|it| it.after)) {
            return None;
        }
        let in_all = |path: &&String| self.row.iter().all(|it| it.changed.contains(path));
        let common: Vec<String> = changed.iter().filter(in_all).cloned().collect();
        let report = match &self.reported {
            None => true,
            // Names that are others each time are told once.
            Some(reported) => !common.is_empty() && *reported != common,
        };
        let paths = if common.is_empty() { changed.to_vec() } else { common };
        report.then(|| self.reported.insert(paths).clone())
    }
}

/// Whether these times are about the same.
fn is_regular(times: impl Iterator<Item = Duration> + Clone) -> bool {
    let (shortest, longest) = (times.clone().min().unwrap_or_default(), times.max().unwrap_or_default());
    longest - shortest <= SPREAD.max(longest / 4)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::HookSaves;
    use crate::hooks::HookRun;

    /// What happens between two builds: the hook of the first one runs, and there is a save.
    struct Round {
        /// When the hook ended, in milliseconds after its start; `None` while it runs.
        ended: Option<u64>,
        /// When the save was.
        saved: u64,
        changed: &'static [&'static str],
    }

    const STAMP: Round = Round { ended: Some(10), saved: 5, changed: &["stamp"] };

    /// What is reported in each round.
    fn reported(rounds: &[Round]) -> Vec<Option<String>> {
        let mut saves = HookSaves::new(None);
        let mut now = Instant::now();
        let mut reports = Vec::new();
        for (number, round) in (1..).zip(rounds) {
            let ended = round.ended.map(|ended| now + Duration::from_millis(ended));
            let hook = HookRun { number, option: "--on-success", started: now, ended };
            let changed: Vec<_> = round.changed.iter().map(|path| (*path).to_owned()).collect();
            let saved = now + Duration::from_millis(round.saved);
            reports.push(saves.build_begins(Some(saved), &changed, &hook).map(|paths| paths.join(" ")));
            now = saved + Duration::from_secs(60);
        }
        reports
    }

    fn first_report(rounds: &[Round]) -> Option<(usize, String)> {
        reported(rounds).into_iter().enumerate().find_map(|(round, paths)| Some((round + 1, paths?)))
    }

    #[test]
    fn the_third_build_in_a_row_is_told_with_what_all_three_have_in_common_and_once() {
        let with_more = Round { changed: &["a", "stamp"], ..STAMP };
        let reports = reported(&[STAMP, with_more, STAMP, STAMP, STAMP]);
        assert_eq!(reports, [None, None, Some("stamp".to_owned()), None, None]);
    }

    #[test]
    fn a_save_of_the_user_begins_anew() {
        let by_hand = Round { saved: 5000, ..STAMP };
        assert_eq!(first_report(&[STAMP, STAMP, by_hand, STAMP, STAMP]), None);
        // The event may come a little late.
        let late = || Round { saved: 200, ..STAMP };
        assert_eq!(first_report(&[late(), late(), late()]), Some((3, "stamp".to_owned())));
    }

    #[test]
    fn saves_of_the_user_during_a_long_hook_come_at_any_time() {
        let during = |saved| Round { ended: None, saved, changed: &["app.py"] };
        assert_eq!(first_report(&[during(4000), during(9000), during(2500), during(12_000)]), None);
        let at_the_end = |saved| Round { ended: Some(saved), saved, changed: &["report"] };
        let told = first_report(&[at_the_end(20_000), at_the_end(21_000), at_the_end(19_500)]);
        assert_eq!(told, Some((3, "report".to_owned())));
    }

    #[test]
    fn other_paths_are_told_again_but_not_names_that_are_always_others() {
        let other = || Round { changed: &["log"], ..STAMP };
        let reports = reported(&[STAMP, STAMP, STAMP, other(), other(), other()]);
        assert_eq!(reports[2..], [Some("stamp".into()), None, None, Some("log".into())]);
        let names: [&[&str]; 5] = [&["1"], &["2"], &["3"], &["4"], &["5"]];
        let rounds = names.map(|changed| Round { changed, ..STAMP });
        assert_eq!(reported(&rounds)[2..], [Some("3".to_owned()), None, None]);
    }

    #[test]
    fn a_hook_counts_once_although_it_saves_twice() {
        let mut saves = HookSaves::new(None);
        let now = Instant::now();
        let hook = HookRun { number: 1, option: "--on-success", started: now, ended: None };
        for _ in 0..5 {
            assert_eq!(saves.build_begins(Some(now), &["stamp".to_owned()], &hook), None);
        }
    }
}

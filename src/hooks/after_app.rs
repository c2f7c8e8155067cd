//! Builds whose hooks wait for the app: with one that runs the newest image, a build has succeeded once its app serves.

use super::handle::EndedBuild;
use crate::report::message::Outcome;

/// The builds that succeeded and whose app is not known to serve, the oldest first.
pub struct AfterApp {
    /// Whether there is an app to wait for.
    waits: bool,
    waiting: Vec<EndedBuild>,
}

impl AfterApp {
    pub fn new(waits: bool) -> Self {
        Self { waits, waiting: Vec::new() }
    }

    /// Takes in a build that ended; the one whose hook is due now, if that is known.
    pub fn build_ended(&mut self, build: EndedBuild) -> Option<EndedBuild> {
        if self.waits && build.outcome == Outcome::Ok {
            self.waiting.push(build);
            return None;
        }
        Some(build)
    }

    /// Takes in that the app of the build with this number serves, or that it failed; the builds whose hooks are due now. An
    /// app that was replaced while it started says nothing, so the builds before it are due as well. One whose app failed
    /// counts as failed.
    pub fn app_settled(&mut self, number: u64, serves: bool) -> Vec<EndedBuild> {
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|build| build.build <= number);
        self.waiting = later;
        if let Some(build) = due.last_mut().filter(|build| !serves && build.build == number) {
            build.outcome = Outcome::Failed;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::AfterApp;
    use crate::hooks::EndedBuild;
    use crate::report::message::Outcome::{self, Failed, Ok};

    fn build(build: u64, outcome: Outcome) -> EndedBuild {
        EndedBuild { build, outcome, took: Duration::ZERO, image: None, changed: Vec::new() }
    }

    fn told(due: Vec<EndedBuild>) -> Vec<(u64, Outcome)> {
        due.into_iter().map(|build| (build.build, build.outcome)).collect()
    }

    #[test]
    fn without_an_app_nothing_is_waited_for() {
        assert!(AfterApp::new(false).build_ended(build(1, Ok)).is_some());
    }

    #[test]
    fn a_hook_of_a_good_build_waits_until_its_app_serves_or_failed() {
        let mut after = AfterApp::new(true);
        assert!(after.build_ended(build(1, Ok)).is_none());
        assert!(after.build_ended(build(2, Failed)).is_some());
        assert!(after.build_ended(build(3, Ok)).is_none());
        assert!(after.build_ended(build(4, Ok)).is_none());
        assert_eq!(told(after.app_settled(3, false)), [(1, Ok), (3, Failed)]);
        assert_eq!(told(after.app_settled(3, true)), []);
        assert_eq!(told(after.app_settled(4, true)), [(4, Ok)]);
    }
}

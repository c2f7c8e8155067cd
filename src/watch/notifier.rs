//! What of a watch is worth a notification of the desktop: each failure, and the first success after one.

use std::sync::Mutex;

use crate::report::Reporter;
use crate::report::message::app::{AppMessage, Since};
use crate::report::message::{Finished, Message, Outcome};
use crate::report::notification::TerminalKind;

/// A reporter that also notifies the desktop, through a terminal of this kind. Where an app runs the newest image
/// (`with_app`), a good build is a success once its app serves.
pub fn notifying(reporter: &Reporter, kind: TerminalKind, with_app: bool) -> Reporter {
    if !reporter.has_terminal() {
        reporter.warn("`--notify` has no terminal; start the watch on one, or use `--on-failure` to tell you");
    }
    let notifier = Mutex::new(Notifier { with_app, ..Notifier::default() });
    let terminal = reporter.clone();
    reporter.observed_by(move |message| {
        let text = notifier.lock().expect("no thread panics while it holds this lock").note(message);
        if let Some(text) = text {
            terminal.notify(&text, kind);
        }
    })
}

/// What went wrong since the last success.
#[derive(Default)]
struct Notifier {
    with_app: bool,
    /// The error of the build under way.
    error: Option<String>,
    /// The first error in the source that its output names.
    problem: Option<String>,
    /// The build that failed last, or whose app did.
    failed: Option<u64>,
}

impl Notifier {
    /// Takes in a message; what to tell the user, if anything.
    fn note(&mut self, message: &Message) -> Option<String> {
        match message {
            Message::BuildStarted(_) => (self.error, self.problem) = (None, None),
            Message::Error(error) => self.error = Some(error.to_string()),
            Message::Problem(problem, _) => {
                let text = || format!("{}:{}: {}", problem.path, problem.line, problem.message);
                self.problem.get_or_insert_with(text);
            }
            Message::BuildFinished(finished) => return self.finished(finished),
            Message::App(AppMessage::Failed(app)) => {
                self.fails(app.build);
                return Some(format!("{}: the app failed: {}", app.tag, app.why));
            }
            // One that is started again and again is told of once.
            Message::App(AppMessage::Exited(app)) if self.failed.is_none() => {
                self.fails(app.build);
                return Some(format!("{}: the app exited with status {}", app.tag, app.status));
            }
            Message::App(AppMessage::Ready(app)) if app.since != Since::Exit => {
                return self.succeeds(app.build).then(|| format!("{}: the app serves again", app.tag));
            }
            _ => {}
        }
        None
    }

    fn finished(&mut self, finished: &Finished) -> Option<String> {
        let tag = &finished.tag;
        match finished.outcome {
            Outcome::Cancelled => None,
            Outcome::Failed => {
                self.fails(finished.build);
                let why = self.problem.take().or(self.error.take());
                Some(format!("{tag}: the build failed{}", why.map(|why| format!(": {why}")).unwrap_or_default()))
            }
            Outcome::Ok if self.with_app => None,
            Outcome::Ok => self.succeeds(finished.build).then(|| format!("{tag}: the build succeeds again")),
        }
    }

    fn fails(&mut self, build: u64) {
        self.failed = self.failed.max(Some(build));
    }

    /// Whether this is the first success after a failure. An app of an earlier build says nothing about the last failure.
    fn succeeds(&mut self, build: u64) -> bool {
        let first = self.failed.is_some_and(|failed| failed <= build);
        if first {
            self.failed = None;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::anyhow;

    use super::Notifier;
    use crate::report::message::app::{AppExited, AppFailed, AppMessage, AppReady, Since};
    use crate::report::message::{Finished, Message, Outcome, Problem, ProblemStyle, Started};

    fn finish(notifier: &mut Notifier, build: u64, outcome: Outcome) -> Option<String> {
        notifier.note(&Message::BuildFinished(&Finished {
            build,
            outcome,
            tag: "img".to_owned(),
            image: None,
            assemble_status: None,
            total: Duration::ZERO,
            standby: None,
            phases: Vec::new(),
        }))
    }

    fn ready(notifier: &mut Notifier, build: u64, since: Since) -> Option<String> {
        let (tag, image) = ("img".to_owned(), String::new());
        let ready = AppReady { tag, image, build, addresses: Vec::new(), took: Duration::ZERO, since };
        notifier.note(&Message::App(AppMessage::Ready(&ready)))
    }

    fn exited(notifier: &mut Notifier, build: u64) -> Option<String> {
        let (tag, image) = ("img".to_owned(), String::new());
        let exited = AppExited { tag, image, build, status: 3, again: None, output: Vec::new() };
        notifier.note(&Message::App(AppMessage::Exited(&exited)))
    }

    #[test]
    fn each_failed_build_counts_and_the_first_success_after_it() {
        let mut notifier = Notifier::default();
        let ends = [
            (Outcome::Ok, None),
            (Outcome::Failed, Some("img: the build failed")),
            (Outcome::Cancelled, None),
            (Outcome::Failed, Some("img: the build failed")),
            (Outcome::Ok, Some("img: the build succeeds again")),
            (Outcome::Ok, None),
            (Outcome::Cancelled, None),
        ];
        for (build, (outcome, expected)) in (1..).zip(ends) {
            assert_eq!(finish(&mut notifier, build, outcome).as_deref(), expected, "{build}");
        }
    }

    #[test]
    fn a_failure_is_told_with_the_place_in_the_source_or_else_with_the_error() {
        let mut notifier = Notifier::default();
        let text = String::new;
        let started = Started { build: 1, source: text(), builder: text(), tag: text(), previous: None, why: None };
        let problem = |line| Problem { path: "app.py".into(), line, column: None, message: "oops".into() };
        assert_eq!(notifier.note(&Message::Problem(&problem(3), &ProblemStyle::Line)), None);
        assert_eq!(notifier.note(&Message::Problem(&problem(7), &ProblemStyle::Line)), None);
        assert_eq!(notifier.note(&Message::Error(&anyhow!("it failed"))), None);
        assert_eq!(finish(&mut notifier, 1, Outcome::Failed).unwrap(), "img: the build failed: app.py:3: oops");
        notifier.note(&Message::BuildStarted(&started));
        notifier.note(&Message::Error(&anyhow!("it failed")));
        assert_eq!(finish(&mut notifier, 2, Outcome::Failed).unwrap(), "img: the build failed: it failed");
    }

    #[test]
    fn with_an_app_a_success_is_one_that_serves() {
        let mut notifier = Notifier { with_app: true, ..Notifier::default() };
        assert!(finish(&mut notifier, 1, Outcome::Failed).is_some());
        assert_eq!(finish(&mut notifier, 2, Outcome::Ok), None);
        let failed = AppFailed {
            tag: "img".into(),
            image: None,
            build: 2,
            why: "it exited with status 3".into(),
            status: Some(3),
            output: Vec::new(),
            serving: None,
            again: None,
        };
        let told = notifier.note(&Message::App(AppMessage::Failed(&failed)));
        assert_eq!(told.unwrap(), "img: the app failed: it exited with status 3");
        assert!(finish(&mut notifier, 3, Outcome::Failed).is_some());
        assert_eq!(ready(&mut notifier, 2, Since::Asked), None, "that of a build before the failure");
        assert_eq!(finish(&mut notifier, 4, Outcome::Ok), None);
        assert_eq!(ready(&mut notifier, 4, Since::Save).unwrap(), "img: the app serves again");
        assert_eq!(ready(&mut notifier, 5, Since::Save), None);
    }

    #[test]
    fn an_app_that_exits_again_and_again_is_told_of_once() {
        let mut notifier = Notifier { with_app: true, ..Notifier::default() };
        assert_eq!(exited(&mut notifier, 1).unwrap(), "img: the app exited with status 3");
        for _ in 0..3 {
            assert_eq!(ready(&mut notifier, 1, Since::Exit), None);
            assert_eq!(exited(&mut notifier, 1), None);
        }
        assert!(ready(&mut notifier, 2, Since::Save).is_some());
    }
}

//! The thread that runs hooks one after the other: it has the decider decide, and does what it says.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::after_app::AfterApp;
use super::changed_variable::ChangedVariable;
use super::decide::{Action, HookDecider, Input, TERM_LIMIT, WAITING_LIMIT};
use super::handle::{EndedBuild, Event, HookEvents};
use super::last_run::LastRun;
use super::process::{HookProcess, ProcessEvent, RunningGroup};
use crate::report::Reporter;
use crate::report::message::{Message, Outcome, OutputLine};
use crate::settings::Job;
use crate::settings::hooks::HookSettings;

/// How long the last output of a hook is waited for after its end. It is in the pipe by then.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// Runs the hooks of builds that end until the watch ends. Where an app runs the newest image (`with_app`), that of a good build
/// runs once its app serves.
pub fn run_on_request(job: &Job, settings: &HookSettings, with_app: bool, events: HookEvents, reporter: &Reporter) {
    let HookEvents { events, own_events, group, last_run } = events;
    let mut runner = Runner {
        job,
        settings,
        reporter,
        decider: HookDecider::new(settings.busy),
        after_app: AfterApp::new(with_app),
        own_events,
        group,
        last_run,
        running: None,
        started: 0,
        over: false,
    };
    while !runner.over {
        let event = match runner.decider.deadline() {
            Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let inputs = match event {
            Ok(event) => runner.inputs(event),
            Err(RecvTimeoutError::Timeout) => vec![Input::Tick],
            Err(RecvTimeoutError::Disconnected) => return,
        };
        inputs.into_iter().for_each(|input| runner.handle(input));
    }
}

/// A hook to run.
struct Hook {
    option: &'static str,
    command: String,
    build: EndedBuild,
}

impl Hook {
    /// Its name in a message.
    fn name(&self) -> String {
        format!("the command of `{}` for build {}", self.option, self.build.build)
    }

    /// What is set for it in addition to the environment.
    fn variables(&self, tag: &str) -> [(&'static str, OsString); 7] {
        let build = &self.build;
        let changed = ChangedVariable::new(&build.changed);
        let status = if build.outcome == Outcome::Ok { "ok" } else { "failed" };
        [
            ("MINIS2I_TAG", tag.into()),
            ("MINIS2I_IMAGE", build.image.clone().unwrap_or_default().into()),
            ("MINIS2I_BUILD", build.build.to_string().into()),
            ("MINIS2I_STATUS", status.into()),
            ("MINIS2I_SECONDS", format!("{:.3}", build.took.as_secs_f64()).into()),
            ("MINIS2I_CHANGED", changed.value),
            ("MINIS2I_CHANGED_MORE", changed.more.to_string().into()),
        ]
    }
}

struct Runner<'a> {
    job: &'a Job,
    settings: &'a HookSettings,
    reporter: &'a Reporter,
    decider: HookDecider<Hook>,
    after_app: AfterApp,
    own_events: Sender<Event>,
    group: RunningGroup,
    last_run: LastRun,
    /// The last hook that was started.
    running: Option<(Hook, HookProcess)>,
    /// How many were started.
    started: u64,
    over: bool,
}

impl Runner<'_> {
    /// What an event means to the decider.
    fn inputs(&mut self, event: Event) -> Vec<Input<Hook>> {
        match event {
            Event::BuildEnded(build) => {
                let due = self.after_app.build_ended(build);
                self.wanted(due)
            }
            Event::AppSettled { build, serves } => {
                let due = self.after_app.app_settled(build, serves);
                self.wanted(due)
            }
            // One that was given up may end much later.
            Event::Process(number, _) if number != self.started => Vec::new(),
            Event::Process(_, ProcessEvent::Exited) => vec![Input::Exited],
            Event::Process(_, ProcessEvent::StoppedByTerminal) => vec![Input::StoppedByTerminal],
            Event::WatchEnds => vec![Input::WatchEnds],
        }
    }

    /// The hooks of these builds.
    fn wanted(&self, due: impl IntoIterator<Item = EndedBuild>) -> Vec<Input<Hook>> {
        due.into_iter().filter_map(|build| self.hook(build)).map(Input::Wanted).collect()
    }

    /// The hook for a build that ended, if there is one.
    fn hook(&self, build: EndedBuild) -> Option<Hook> {
        let (option, command) = match build.outcome {
            Outcome::Ok => ("--on-success", &self.settings.on_success),
            Outcome::Failed => ("--on-failure", &self.settings.on_failure),
            Outcome::Cancelled => return None,
        };
        command.clone().map(|command| Hook { option, command, build })
    }

    /// Does what the decider says about this, and about what follows from it.
    fn handle(&mut self, input: Input<Hook>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let actions = self.decider.on(input, Instant::now());
            inputs.extend(actions.into_iter().filter_map(|action| self.act(action)));
        }
    }

    fn act(&mut self, action: Action<Hook>) -> Option<Input<Hook>> {
        match action {
            Action::Start(hook) => return self.start(hook),
            Action::ReportDropped(hook) => {
                self.reporter.warn(&format!("{} is not run, since {WAITING_LIMIT} others wait", hook.name()));
            }
            Action::Leave => {
                self.forget_last();
                self.over = true;
            }
            Action::Terminate | Action::Kill | Action::Probe => return self.act_on_process(&action),
            Action::ReportKilled => {
                let limit = TERM_LIMIT.as_secs();
                self.warn_of_running(&format!("was asked to end (TERM), did not within {limit} s, and was killed"));
            }
            Action::ReportStopped => {
                self.warn_of_running("wanted to use the terminal and was killed; a hook has no input");
            }
            Action::ReportExit => self.report_exit(),
        }
        None
    }

    fn act_on_process(&mut self, action: &Action<Hook>) -> Option<Input<Hook>> {
        let (_, process) = self.running.as_mut()?;
        match action {
            Action::Terminate => process.terminate(),
            Action::Kill => process.kill(),
            _ if process.is_gone() => {
                self.last_run.end();
                return Some(Input::Gone);
            }
            _ => {}
        }
        None
    }

    fn start(&mut self, hook: Hook) -> Option<Input<Hook>> {
        self.forget_last();
        self.started += 1;
        let (number, build) = (self.started, hook.build.build);
        let (reporter, events) = (self.reporter.clone(), self.own_events.clone());
        self.last_run.start(number, hook.option);
        let show = move |line: OutputLine| reporter.emit(&Message::HookOutput(build, line));
        let report = move |event| drop(events.send(Event::Process(number, event)));
        match HookProcess::start(&hook.command, hook.variables(&self.job.tag), &self.group, show, report) {
            Ok(process) => {
                self.running = Some((hook, process));
                None
            }
            Err(error) => {
                self.last_run.end();
                self.reporter.warn(&format!("{} cannot be started: {error}", hook.name()));
                Some(Input::NotStarted)
            }
        }
    }

    /// Shows the last output of the hook that ended, and nothing of it after that.
    fn forget_last(&mut self) {
        if let Some((_, process)) = self.running.take() {
            process.wait_for_output(LAST_OUTPUT);
            process.stop_showing();
        }
    }

    fn report_exit(&mut self) {
        let Some((_, process)) = &mut self.running else { return };
        process.wait_for_output(LAST_OUTPUT);
        if let Some(how) = process.status().and_then(failure) {
            self.warn_of_running(&how);
        }
    }

    fn warn_of_running(&self, what: &str) {
        if let Some((hook, _)) = &self.running {
            self.reporter.warn(&format!("{} {what}", hook.name()));
        }
    }
}

/// How a hook failed, if it did.
fn failure(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("exited with status {code}")),
        (None, Some(signal)) => Some(format!("was ended by signal {signal}")),
        (None, None) => None,
    }
}

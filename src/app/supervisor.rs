//! The thread that keeps the app running: wait, have the decider decide, act. What takes long is done on other threads.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::browser;
use super::containers::RunningContainers;
use super::context::AppContext;
use super::decide::{Action, AppId, Decider, Image, Input, Rules, Why};
use super::event::Event;
use super::forwarder::Forwarder;
use super::running::{Order, RunningApp};
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::reference::with_tag;
use crate::report::Reporter;
use crate::report::message::Message;
use crate::report::message::app::{AppExited, AppFailed, AppMessage, AppReady, url};
use crate::run_lock::RunLock;
use crate::settings::app::AppSettings;

/// The thread, with the decider and the app that it runs.
pub struct Supervisor<'a> {
    engine: Engine,
    run_lock: &'a RunLock,
    reporter: &'a Reporter,
    tag: &'a str,
    containers: RunningContainers,
    settings: &'a AppSettings,
    forwarder: Option<Arc<Forwarder>>,
    decider: Decider,
    apps: HashMap<AppId, RunningApp>,
    /// The apps that have ended by themselves and are not removed yet.
    exited: HashSet<AppId>,
    /// The names of the containers of apps that are being removed.
    ending: HashMap<AppId, String>,
    /// The stopped container of the app that served last, where the next one starts after its end: while it is there, its
    /// image is not removed, which has to run again if that of the next one fails.
    held: Option<Container>,
    /// The threads that remove such containers.
    releases: Vec<JoinHandle<()>>,
    on_settled: Box<dyn Fn(u64, bool) + Send + 'a>,
    send: Sender<Event>,
    events: Receiver<Event>,
}

impl<'a> Supervisor<'a> {
    /// Keeps an app running, of which it is told by `events`; `send` is their other end.
    pub(super) fn new(
        cx: AppContext<'a>,
        engine: Engine,
        settings: &'a AppSettings,
        forwarder: Option<Arc<Forwarder>>,
        (send, events): (Sender<Event>, Receiver<Event>),
    ) -> Self {
        let rules =
            Rules { replace: settings.replace, restart: settings.restart, ready_timeout: settings.ready_timeout };
        Self {
            engine,
            run_lock: cx.run_lock,
            reporter: cx.reporter,
            tag: cx.tag,
            containers: cx.containers,
            on_settled: cx.on_settled,
            settings,
            forwarder,
            decider: Decider::new(rules),
            apps: HashMap::new(),
            exited: HashSet::new(),
            ending: HashMap::new(),
            held: None,
            releases: Vec::new(),
            send,
            events,
        }
    }

    /// Handles events until the run ends and no app is left. `on_gone` is called whenever an app is removed, whose image may
    /// be free then.
    pub fn serve(mut self, on_gone: impl Fn()) {
        loop {
            let event = match self.decider.deadline() {
                Some(deadline) => self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let input = match event {
                Ok(event) => self.input(event, &on_gone),
                Err(RecvTimeoutError::Timeout) => Some(Input::Tick),
                Err(RecvTimeoutError::Disconnected) => Some(Input::Stop),
            };
            let Some(input) = input else { continue };
            let actions = self.decider.on(input, Instant::now());
            if actions.contains(&Action::Leave) {
                self.release();
                self.releases.into_iter().for_each(|thread| drop(thread.join()));
                return on_gone();
            }
            actions.into_iter().for_each(|action| self.act(action));
        }
    }

    /// What the decider is to know of an event.
    fn input(&mut self, event: Event, on_gone: &impl Fn()) -> Option<Input> {
        Some(match event {
            Event::Image(image, asked, since) => Input::Image(image, asked, since),
            Event::Restart => Input::Restart,
            Event::EngineBack => Input::EngineBack,
            Event::Leave => Input::Stop,
            Event::NotStarted(app, why) => Input::NotStarted(app, why),
            Event::Open => {
                self.open();
                return None;
            }
            Event::Odd(what) => {
                self.reporter.warn(&format!("the app of {}: {what}", self.tag));
                return None;
            }
            Event::Ready(app, facts) => {
                self.decider.identify(app, &facts.image);
                let running = self.apps.get_mut(&app)?;
                (running.targets, running.image_id) = (facts.targets, Some(facts.image));
                Input::Ready(app)
            }
            Event::Exited(app, status) => {
                self.apps.get(&app)?.give_up();
                self.exited.insert(app);
                Input::Exited(app, status)
            }
            Event::Gone(app, stopped) => {
                let name = self.ending.remove(&app);
                match stopped {
                    Some(container) => {
                        self.release();
                        self.held = Some(container);
                    }
                    None => {
                        name.iter().for_each(|name| self.containers.remove(name));
                        on_gone();
                    }
                }
                Input::Gone(app)
            }
            Event::Released => {
                on_gone();
                return None;
            }
        })
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start { app, image, asked, since } => {
                let name = self.run_lock.container_name();
                let what = image.id.clone().unwrap_or_else(|| with_tag(self.tag));
                let order = Order { app, image, asked, since, name };
                match RunningApp::start(&self.engine, self.reporter, self.settings, what, order, &self.send) {
                    Ok(running) => {
                        self.containers.add(&self.engine, running.name());
                        self.apps.insert(app, running);
                    }
                    Err(error) => drop(self.send.send(Event::NotStarted(app, format!("{error:#}")))),
                }
            }
            Action::Serve(app) => self.connect(app),
            Action::Disconnect => self.forwarder.iter().for_each(|forwarder| forwarder.disconnect()),
            Action::Retire { app, drain } => self.retire(app, drain),
            Action::Kill(app) => self.kill(app),
            Action::ReportFailed { app, why, serving, again } => self.report_failed(app, why, serving, again),
            Action::ReportExited { app, status, again } => self.report_exited(app, status, again),
            Action::ReportNoImage => self.reporter.emit(&Message::Note("there is no image to run yet")),
            Action::Leave => {}
        }
    }

    fn connect(&mut self, app: AppId) {
        let addresses = self.addresses();
        let Some(running) = self.apps.get_mut(&app) else { return };
        running.has_served = true;
        running.generation = self.forwarder.as_ref().map(|it| it.connect_to(running.targets.clone()));
        let ready = AppReady {
            tag: self.tag.to_owned(),
            image: running.id().unwrap_or_default(),
            build: running.image.build,
            addresses,
            took: running.asked.elapsed(),
            since: running.since,
        };
        self.reporter.emit(&Message::App(AppMessage::Ready(&ready)));
        (self.on_settled)(ready.build, true);
        self.release();
    }

    /// Has the container removed that is held for its image.
    fn release(&mut self) {
        let Some(container) = self.held.take() else { return };
        let (containers, send) = (self.containers.clone(), self.send.clone());
        self.releases.retain(|thread| !thread.is_finished());
        self.releases.push(std::thread::spawn(move || {
            let name = container.name().to_owned();
            drop(container);
            containers.remove(&name);
            drop(send.send(Event::Released));
        }));
    }

    /// Where the app can be reached.
    fn addresses(&self) -> Vec<SocketAddr> {
        match &self.forwarder {
            Some(forwarder) => forwarder.addresses().to_vec(),
            None => self.settings.ports.iter().map(|port| SocketAddr::new(port.ip, port.container)).collect(),
        }
    }

    fn retire(&mut self, app: AppId, drain: bool) {
        let exited = self.exited.remove(&app);
        let Some(mut running) = self.apps.remove(&app) else {
            drop(self.send.send(Event::Gone(app, None)));
            return;
        };
        // The end of the run needs no image any more.
        let held = self.settings.replace && running.has_served && drain;
        self.ending.insert(app, running.name().to_owned());
        let (forwarder, send) = (self.forwarder.clone(), self.send.clone());
        let drain = if drain { self.settings.drain_timeout } else { Duration::ZERO };
        let stop = self.settings.stop_timeout;
        std::thread::spawn(move || {
            running.end(forwarder.as_deref(), drain, stop, exited);
            let container = Some(running.into_container()).filter(|_| held);
            drop(send.send(Event::Gone(app, container)));
        });
    }

    fn kill(&self, app: AppId) {
        let Some(name) = self.ending.get(&app).cloned() else { return };
        let engine = self.engine.clone();
        // One that has just ended cannot be killed.
        std::thread::spawn(move || drop(engine.call(&["kill", &name])));
    }

    fn report_failed(&self, app: AppId, why: Why, serving: Option<AppId>, again: Option<Image>) {
        let running = self.apps.get(&app);
        let status = match why {
            Why::Exited(status) => Some(status),
            _ => None,
        };
        let why = match why {
            Why::NotStarted(why) => why,
            Why::Exited(125) if running.is_some_and(|it| !it.was_running()) => {
                "the engine cannot start it, or it exited with status 125".to_owned()
            }
            Why::Exited(status) => format!("it exited with status {status}"),
            Why::TimedOut => {
                let missing = running.map(RunningApp::missing).unwrap_or_default();
                format!("after {:.1} s, {missing}", self.settings.ready_timeout.as_secs_f64())
            }
        };
        let failed = AppFailed {
            tag: self.tag.to_owned(),
            image: running.and_then(RunningApp::id),
            build: running.map_or(0, |it| it.image.build),
            why,
            status,
            output: running.map(RunningApp::last_lines).unwrap_or_default(),
            serving: serving.and_then(|app| self.apps.get(&app)?.id()),
            again: again.and_then(|image| image.id),
        };
        self.reporter.emit(&Message::App(AppMessage::Failed(&failed)));
        (self.on_settled)(failed.build, false);
    }

    fn report_exited(&self, app: AppId, status: i32, again: Option<Duration>) {
        let Some(running) = self.apps.get(&app) else { return };
        let exited = AppExited {
            tag: self.tag.to_owned(),
            image: running.id().unwrap_or_default(),
            build: running.image.build,
            status,
            again,
            output: running.last_lines(),
        };
        self.reporter.emit(&Message::App(AppMessage::Exited(&exited)));
    }

    fn open(&self) {
        let Some(url) = self.addresses().first().map(url) else {
            return self.reporter.note("the app has no published port to open");
        };
        if let Err(error) = browser::open(&url) {
            let opener = browser::OPENER;
            self.reporter.warn(&format!("cannot start `{opener}` ({error}); the app is at {url}"));
        }
    }
}

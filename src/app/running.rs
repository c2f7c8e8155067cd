//! One app: its container, what it prints, and its end.

use std::collections::VecDeque;
use std::io::Read;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::decide::{AppId, Image};
use super::event::Event;
use super::forwarder::{Forwarder, Generation};
use super::readiness::Probe;
use crate::cancel::Cancel;
use crate::child::for_each_piece;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::error::ErrorKind;
use crate::pipeline::container::lines::Lines;
use crate::report::Reporter;
use crate::report::message::app::{AppMessage, AppOutput, Since};
use crate::report::message::{Message, OutputLine};
use crate::settings::app::AppSettings;

/// How many lines are kept for the message of a failure: chosen so that they hold an error and where it comes from.
const LAST_LINES: usize = 10;

/// How many bytes of each of them are kept.
const LINE_LIMIT: usize = 1000;

/// How much longer than an app may take to end the engine may take to say so.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

/// An app whose container was started.
pub struct RunningApp {
    container: Container,
    engine: Engine,
    /// Ends the calls that are made for it.
    cancel: Cancel,
    pub image: Image,
    pub asked: Instant,
    pub since: Since,
    /// The id of its image, once that is known.
    pub image_id: Option<String>,
    pub targets: Vec<SocketAddr>,
    /// Its connections, once it serves.
    pub generation: Option<Generation>,
    /// It was ready once.
    pub has_served: bool,
    last_lines: LastLines,
    given_up: Arc<AtomicBool>,
    running: Arc<AtomicBool>,
    missing: Arc<Mutex<String>>,
}

/// What an app is started for.
pub struct Order {
    pub app: AppId,
    pub image: Image,
    pub asked: Instant,
    pub since: Since,
    /// The name for its container.
    pub name: String,
}

impl RunningApp {
    /// Starts an app; events tell how it goes on. Its image is `image`, a name or an id.
    ///
    /// # Errors
    /// When the engine's CLI cannot be started.
    pub fn start(
        engine: &Engine,
        reporter: &Reporter,
        settings: &AppSettings,
        image: String,
        order: Order,
        send: &Sender<Event>,
    ) -> Result<Self> {
        let Order { app, image: made, asked, since, name } = order;
        let cancel = Cancel::default();
        let engine = engine.with_cancel(cancel.clone());
        let ports: Vec<u16> = settings.ports.iter().map(|port| port.container).collect();
        let mut options = if settings.host_network { Vec::new() } else { publish(&ports) };
        options.extend_from_slice(&settings.options);
        options.push(image);
        let (container, mut process) = Container::run(&engine, name.clone(), &options, Stdio::null())?;
        let last_lines = LastLines::default();
        let relay = |mut stream: Box<dyn Read + Send>| {
            let (reporter, last_lines, build) = (reporter.clone(), last_lines.clone(), made.build);
            std::thread::spawn(move || relay(&mut stream, build, &reporter, &last_lines))
        };
        let streams = [relay(Box::new(process.stdout())), relay(Box::new(process.stderr()))];
        let exited = send.clone();
        std::thread::spawn(move || {
            // All that it printed comes before its end.
            streams.into_iter().for_each(|stream| drop(stream.join()));
            let status = process.wait().unwrap_or(-1);
            drop(exited.send(Event::Exited(app, status)));
        });
        let (given_up, running, missing) = (Arc::default(), Arc::default(), Arc::default());
        let probe = Probe {
            engine: engine.clone(),
            name,
            ports,
            host_network: settings.host_network,
            url: settings.ready_url.clone(),
            given_up: Arc::clone(&given_up),
            running: Arc::clone(&running),
            missing: Arc::clone(&missing),
        };
        let found = send.clone();
        std::thread::spawn(move || {
            if let Some(facts) = probe.wait(|odd| drop(found.send(Event::Odd(odd)))) {
                drop(found.send(Event::Ready(app, facts)));
            }
        });
        Ok(Self {
            container,
            engine,
            cancel,
            image: made,
            asked,
            since,
            image_id: None,
            targets: Vec::new(),
            generation: None,
            has_served: false,
            last_lines,
            given_up,
            running,
            missing,
        })
    }

    /// The name of its container.
    pub fn name(&self) -> &str {
        self.container.name()
    }

    /// The id of its image, as far as it is known.
    pub fn id(&self) -> Option<String> {
        self.image_id.clone().or_else(|| self.image.id.clone())
    }

    /// The last lines that it printed.
    pub fn last_lines(&self) -> Vec<String> {
        self.last_lines.0.lock().expect("no thread panics while it holds this lock").iter().cloned().collect()
    }

    /// What it lacks to be ready, as a sentence.
    pub fn missing(&self) -> String {
        self.missing.lock().expect("no thread panics while it holds this lock").clone()
    }

    /// Whether its container was seen to run.
    pub fn was_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Nobody waits for it to be ready any more.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Its container, for the removal of it.
    pub fn into_container(self) -> Container {
        self.container
    }

    /// Lets its requests end for at most `drain`, and has it end for at most `stop`.
    pub fn end(&mut self, forwarder: Option<&Forwarder>, drain: Duration, stop: Duration, exited: bool) {
        self.give_up();
        let connections = forwarder.zip(self.generation);
        if let Some((forwarder, generation)) = connections
            && !exited
            && !drain.is_zero()
        {
            forwarder.drain(generation, drain);
        }
        if self.was_running() {
            self.container.mark_created();
            if !exited {
                // The engine rounds up to whole seconds.
                let seconds = stop.as_secs_f64().ceil().to_string();
                let args = ["stop", "--time", &seconds, self.container.name()];
                let _ = self.engine.call_for_at_most(&args, stop + ENGINE_LIMIT);
            }
        } else {
            // It may not exist yet: then it is not to be made either.
            self.cancel.trigger(ErrorKind::Superseded);
        }
        if let Some((forwarder, generation)) = connections {
            forwarder.close(generation);
        }
    }
}

/// The options that publish the ports on free ones of this machine.
fn publish(ports: &[u16]) -> Vec<String> {
    let mut distinct = ports.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.iter().map(|port| format!("--publish=127.0.0.1::{port}/tcp")).collect()
}

/// The last lines that an app printed. Clones share them.
#[derive(Clone, Default)]
struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    fn add(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(&line[..line.len().min(LINE_LIMIT)]).into_owned();
        let mut lines = self.0.lock().expect("no thread panics while it holds this lock");
        lines.push_back(text);
        if lines.len() > LAST_LINES {
            lines.pop_front();
        }
    }
}

/// Reports a stream line by line until it ends.
fn relay(stream: &mut impl Read, build: u64, reporter: &Reporter, last_lines: &LastLines) {
    let mut lines = Lines::default();
    let show = |line: OutputLine| {
        last_lines.add(line.text);
        reporter.emit(&Message::App(AppMessage::Output(AppOutput { build, text: line.text, more: line.more })));
    };
    for_each_piece(stream, |piece| lines.feed(piece, show));
    lines.flush(show);
}

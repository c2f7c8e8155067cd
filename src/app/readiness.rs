//! Finding out whether an app that was started is ready.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::event::Facts;
use super::inspect::Inspected;
use super::sockets::{self, Listener};
use crate::engine::cli::Engine;
use crate::engine::dialect::full_id;
use crate::settings::app::ready_url::ReadyUrl;

/// How long the engine takes at least to start a container; before, it is not asked.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// The pause between two questions to the engine, each of which costs 12 to 22 ms.
const ENGINE_PAUSE: Duration = Duration::from_millis(20);

/// The pause between two looks that cost next to nothing.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// The pause between two questions to the app itself.
const ASK_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection has to stay open: an engine's own forwarder accepts one before it knows whether the app does.
const STAYS_OPEN: Duration = Duration::from_millis(50);

/// How long an app without published ports has to run.
const MOMENT: Duration = Duration::from_millis(500);

/// How long the app may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a connection to a container of this machine may take.
const DIRECT_LIMIT: Duration = Duration::from_millis(200);

/// How long a health check may take that sets no limit itself; docker's own default.
const HEALTH_LIMIT: Duration = Duration::from_secs(30);

/// How long an app may listen only for itself before that is worth a warning.
const LOOPBACK_LIMIT: Duration = Duration::from_millis(500);

/// An app that was started.
pub struct Probe {
    pub engine: Engine,
    pub name: String,
    /// The ports in the container, one for each published port.
    pub ports: Vec<u16>,
    pub host_network: bool,
    pub url: Option<ReadyUrl>,
    /// Nobody waits any more.
    pub given_up: Arc<AtomicBool>,
    /// The container runs.
    pub running: Arc<AtomicBool>,
    /// What is missing, as a sentence.
    pub missing: Arc<Mutex<String>>,
}

impl Probe {
    /// Waits until the app is ready, or is given up. `warn` gets what the user should know.
    pub fn wait(&self, warn: impl Fn(String)) -> Option<Facts> {
        self.miss("its container is not started");
        sleep(FIRST_LOOK);
        let container = self.until(ENGINE_PAUSE, || {
            Inspected::of(&self.engine, &self.name).filter(|it| it.state.running && it.state.pid > 0)
        })?;
        let began = Instant::now();
        self.running.store(true, Ordering::Relaxed);
        let targets = self.targets(&container)?;
        match (&self.url, health_command(&container)) {
            (Some(url), _) => self.wait_for_url(targets[url.port], url)?,
            (None, Some(command)) => self.wait_for_health(&command, &container)?,
            (None, None) if self.ports.is_empty() => {
                self.until(LOOK_PAUSE, || (began.elapsed() >= MOMENT).then_some(()))?;
            }
            (None, None) => self.wait_for_ports(&container, &targets, warn)?,
        }
        let targets = if self.host_network { targets } else { self.direct(&container, targets) };
        Some(Facts { targets, image: full_id(&container.image) })
    }

    /// Where the ports are reached.
    fn targets(&self, container: &Inspected) -> Option<Vec<SocketAddr>> {
        if self.host_network {
            let local = |port: &u16| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), *port);
            return Some(self.ports.iter().map(local).collect());
        }
        let published = |it: &Inspected| self.ports.iter().map(|port| it.published(*port)).collect::<Option<Vec<_>>>();
        self.miss("the engine does not say where its ports are published");
        published(container).or_else(|| {
            self.until(ENGINE_PAUSE, || Inspected::of(&self.engine, &self.name).as_ref().and_then(published))
        })
    }

    /// The addresses of the container itself, where they can be reached from here, and else the published ones: the engine's own
    /// forwarder accepts connections also when the app does not, and costs time.
    fn direct(&self, container: &Inspected, published: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let (pid, id) = (container.state.pid, &container.id);
        if !sockets::has_our_users(pid) || sockets::listeners(pid, id).is_none() {
            return published;
        }
        let reached = |port: u16| {
            let mut addresses = container.ips().map(|ip| SocketAddr::new(ip, port));
            addresses.find(|address| TcpStream::connect_timeout(address, DIRECT_LIMIT).is_ok())
        };
        self.ports.iter().zip(published).map(|(port, published)| reached(*port).unwrap_or(published)).collect()
    }

    fn wait_for_health(&self, command: &[String], container: &Inspected) -> Option<()> {
        self.miss("its HEALTHCHECK does not succeed");
        let limit = container.config.healthcheck.as_ref().and_then(|check| check.limit()).unwrap_or(HEALTH_LIMIT);
        let words: Vec<&str> = ["exec", &self.name].into_iter().chain(command.iter().map(String::as_str)).collect();
        // The engine would run it for the first time after a whole interval, 30 s as a rule.
        self.until(ASK_PAUSE, || {
            let output = self.engine.call_for_at_most(&words, limit).ok()?;
            if output.success {
                return Some(());
            }
            let said = [output.stdout.trim(), output.stderr.trim()].join(" ");
            let said = said.trim().lines().next_back().map(|line| format!(": {line}")).unwrap_or_default();
            self.miss(&format!("its HEALTHCHECK does not succeed{said}"));
            None
        })
    }

    fn wait_for_url(&self, target: SocketAddr, url: &ReadyUrl) -> Option<()> {
        self.until(ASK_PAUSE, || match get(target, url) {
            Ok(status) if (200..400).contains(&status) => Some(()),
            Ok(status) => {
                self.miss(&format!("it answers {} with {status}", url.path));
                None
            }
            Err(_) => {
                self.miss(&format!("it does not answer {}", url.path));
                None
            }
        })
    }

    fn wait_for_ports(&self, container: &Inspected, targets: &[SocketAddr], warn: impl Fn(String)) -> Option<()> {
        let mut for_itself: Option<Instant> = None;
        let mut warned = false;
        self.until(LOOK_PAUSE, || {
            let Some(all) = sockets::listeners(container.state.pid, &container.id) else {
                self.miss("it accepts no connections");
                let open = targets.iter().all(|target| stays_open(*target));
                if !open {
                    sleep(ASK_PAUSE);
                }
                return open.then_some(());
            };
            let port = self.ports.iter().find(|port| sockets::listener(&all, **port) != Listener::Open);
            let Some(port) = port else { return Some(()) };
            if sockets::listener(&all, *port) == Listener::None {
                for_itself = None;
                self.miss(&format!("nothing in it listens on port {port}{}", others(&all)));
                return None;
            }
            let only = format!("it listens on port {port} only at 127.0.0.1 of its own container");
            self.miss(&format!("{only}; have it listen on 0.0.0.0"));
            if for_itself.get_or_insert_with(Instant::now).elapsed() > LOOPBACK_LIMIT && !warned {
                warned = true;
                warn(format!("{only}, where nothing outside can reach it; have it listen on 0.0.0.0"));
            }
            None
        })
    }

    /// Looks again and again until there is something; nothing if the app is given up.
    fn until<T>(&self, pause: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        while !self.given_up.load(Ordering::Relaxed) {
            if let Some(found) = look() {
                return Some(found);
            }
            sleep(pause);
        }
        None
    }

    fn miss(&self, what: &str) {
        what.clone_into(&mut self.missing.lock().expect("no thread panics while it holds this lock"));
    }
}

/// The other ports that something listens on, for people.
fn others(all: &[(std::net::IpAddr, u16)]) -> String {
    let mut ports: Vec<u16> = all.iter().map(|(_, port)| *port).collect();
    ports.sort_unstable();
    ports.dedup();
    match ports.as_slice() {
        [] => String::new(),
        ports => format!(", only on {}", ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn health_command(container: &Inspected) -> Option<Vec<String>> {
    let shell = container.config.shell.clone().unwrap_or_default();
    container.config.healthcheck.as_ref()?.command(&shell)
}

/// Whether a connection is still open after a moment, or brings something.
fn stays_open(target: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&target, ANSWER_LIMIT) else { return false };
    if stream.set_read_timeout(Some(STAYS_OPEN)).is_err() {
        return false;
    }
    match stream.read(&mut [0]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// Asks for a URL; the status of the answer.
fn get(target: SocketAddr, url: &ReadyUrl) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&target, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let agent = concat!("minis2i/", env!("CARGO_PKG_VERSION"));
    let (path, host) = (&url.path, &url.host);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let status = std::str::from_utf8(&answer).ok().filter(|text| text.starts_with("HTTP/1."));
    status.and_then(|text| text.get(9..)?.parse().ok()).ok_or_else(|| ErrorKind::InvalidData.into())
}

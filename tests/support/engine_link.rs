//! A way to the engine as to one on another machine: what goes through it takes its time, is recorded, and can be cut off.
//!
//! What was recorded, and how round trips are counted, is in [`traffic`].

// So that the benches find it, too.
#[path = "engine_link/traffic.rs"]
pub mod traffic;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use traffic::{Event, Traffic, What};

/// How many bytes are passed on at once: little enough that the rate is even.
const PIECE: usize = 16 * 1024;

/// How many pieces may be on their way in one direction of a connection.
const ON_THE_WAY: usize = 256;

/// How good the line is.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// How long a byte takes, in each direction.
    pub delay: Duration,
    /// What it carries in each direction, all connections together; `None` is no limit.
    pub bytes_per_second: Option<u32>,
}

impl Line {
    /// A line on which nothing takes time.
    pub const LOCAL: Self = Self { delay: Duration::ZERO, bytes_per_second: None };
    /// 50 ms to the engine and back, and 20 Mbit/s.
    pub const FAR: Self = Self { delay: Duration::from_millis(25), bytes_per_second: Some(2_500_000) };
}

/// Where the line is cut off, of its own accord.
#[derive(Clone, Debug)]
pub enum Cut {
    /// Before a request that has this text reaches the engine.
    Request(&'static str),
    /// When the engine has answered such a request, before the answer arrives.
    Answer(&'static str),
    /// After so many bytes more to the engine.
    Sent(usize),
}

/// A TCP port of this machine whose connections lead to the engine over a [`Line`].
pub struct EngineLink {
    shared: Arc<Shared>,
}

struct Shared {
    line: Line,
    address: SocketAddr,
    /// When the line has room again, to the engine and back.
    free: [Mutex<Instant>; 2],
    log: Mutex<Vec<Event>>,
    cut: Mutex<Option<Cut>>,
    /// Both ends of each connection; `None` while it is cut off.
    open: Mutex<Option<Vec<(TcpStream, UnixStream)>>>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl EngineLink {
    pub fn new(line: Line) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            line,
            address: listener.local_addr().unwrap(),
            free: [Mutex::new(Instant::now()), Mutex::new(Instant::now())],
            log: Mutex::default(),
            cut: Mutex::default(),
            open: Mutex::default(),
            accepting: Mutex::default(),
        });
        shared.accept_from(listener);
        Self { shared }
    }

    /// What to give as `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        format!("tcp://{}", self.shared.address)
    }

    /// Where the record is now, for [`since`](Self::since).
    pub fn position(&self) -> usize {
        self.shared.log.lock().unwrap().len()
    }

    /// What went over the line after this position.
    pub fn since(&self, position: usize) -> Traffic {
        Traffic::of(self.shared.log.lock().unwrap()[position..].to_vec())
    }

    /// What went over the line between two positions.
    pub fn between(&self, begin: usize, end: usize) -> Traffic {
        Traffic::of(self.shared.log.lock().unwrap()[begin..end].to_vec())
    }

    /// Has the line cut off when this comes.
    pub fn cut_at(&self, cut: Cut) {
        let cut = match cut {
            Cut::Sent(more) => Cut::Sent(self.shared.sent() + more),
            cut => cut,
        };
        *self.shared.cut.lock().unwrap() = Some(cut);
    }

    /// Whether the line is cut off.
    pub fn is_cut(&self) -> bool {
        self.shared.open.lock().unwrap().is_none()
    }

    /// Closes all connections and takes no new ones.
    pub fn disconnect(&self) {
        self.shared.disconnect();
    }

    /// Takes connections again.
    pub fn reconnect(&self) {
        if let Some(accepting) = self.shared.accepting.lock().unwrap().take() {
            accepting.join().unwrap();
        }
        self.shared.accept_from(TcpListener::bind(self.shared.address).unwrap());
    }
}

impl Drop for EngineLink {
    fn drop(&mut self) {
        self.shared.disconnect();
    }
}

impl Shared {
    fn accept_from(self: &Arc<Self>, listener: TcpListener) {
        *self.open.lock().unwrap() = Some(Vec::new());
        let shared = self.clone();
        let accepting = thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Some(open) = &mut *shared.open.lock().unwrap() else { return };
                let far = UnixStream::connect(engine_socket()).unwrap();
                near.set_nodelay(true).unwrap();
                shared.pass(&near, &far);
                open.push((near, far));
            }
        });
        *self.accepting.lock().unwrap() = Some(accepting);
    }

    fn disconnect(&self) {
        let open = self.open.lock().unwrap().take();
        for (near, far) in open.into_iter().flatten() {
            let _ = near.shutdown(Shutdown::Both);
            let _ = far.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts, which then ends.
        let _ = TcpStream::connect(self.address);
    }

    /// Passes a connection on in both directions.
    fn pass(self: &Arc<Self>, near: &TcpStream, far: &UnixStream) {
        let connection = self.record(None, What::Opened);
        // The client sends once it knows that the connection is there, which it knows after a round trip.
        let opened = Instant::now() + 2 * self.line.delay;
        let (send, arrive) = mpsc::sync_channel(ON_THE_WAY);
        let (shared, from) = (self.clone(), near.try_clone().unwrap());
        thread::spawn(move || shared.send(connection, from, opened, &send));
        let to = far.try_clone().unwrap();
        thread::spawn(move || deliver(&arrive, to, |to| to.shutdown(Shutdown::Write), |_| {}));
        let (answer, come_back) = mpsc::sync_channel(ON_THE_WAY);
        let (shared, from) = (self.clone(), far.try_clone().unwrap());
        thread::spawn(move || shared.answer(connection, from, &answer));
        let (shared, to) = (self.clone(), near.try_clone().unwrap());
        let received = move |count| {
            shared.record(Some(connection), What::Received(count));
        };
        thread::spawn(move || deliver(&come_back, to, |to| to.shutdown(Shutdown::Write), received));
    }

    /// Sends what the client writes on its way.
    fn send(&self, connection: usize, mut from: TcpStream, opened: Instant, way: &SyncSender<Piece>) {
        let mut piece = [0; PIECE];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            self.record(Some(connection), What::Sent(piece[..count].to_vec()));
            if self.is_cut_by(|cut| match cut {
                Cut::Request(text) => contains(&piece[..count], text),
                Cut::Sent(limit) => self.sent() >= *limit,
                Cut::Answer(_) => false,
            }) {
                return;
            }
            let at = self.wait_for_room(0, count).max(opened) + self.line.delay;
            if way.send((at, piece[..count].to_vec())).is_err() {
                return;
            }
        }
    }

    /// Sends what the engine writes on its way.
    fn answer(&self, connection: usize, mut from: UnixStream, way: &SyncSender<Piece>) {
        let mut piece = [0; PIECE];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            let answers = |text: &str| contains(&self.last_sent(connection), text);
            if self.is_cut_by(|cut| matches!(cut, Cut::Answer(text) if answers(text))) {
                return;
            }
            let at = self.wait_for_room(1, count) + self.line.delay;
            if way.send((at, piece[..count].to_vec())).is_err() {
                return;
            }
        }
    }

    /// Cuts the line off if the condition for that is fulfilled; whether it was.
    fn is_cut_by(&self, condition: impl FnOnce(&Cut) -> bool) -> bool {
        let mut cut = self.cut.lock().unwrap();
        let comes = cut.as_ref().is_some_and(condition);
        if comes {
            *cut = None;
            self.disconnect();
        }
        comes
    }

    /// Waits until the line has carried so many bytes; returns when that was.
    fn wait_for_room(&self, direction: usize, count: usize) -> Instant {
        let time = self.line.bytes_per_second.map_or(0.0, |rate| count as f64 / f64::from(rate));
        let carried = {
            let mut free = self.free[direction].lock().unwrap();
            *free = (*free).max(Instant::now()) + Duration::from_secs_f64(time);
            *free
        };
        thread::sleep(carried.saturating_duration_since(Instant::now()));
        carried
    }

    /// Records what happened on a connection, or on a new one; returns the number of the connection.
    fn record(&self, connection: Option<usize>, what: What) -> usize {
        let mut log = self.log.lock().unwrap();
        let connection = connection.unwrap_or(log.len());
        log.push(Event { connection, what });
        connection
    }

    fn sent(&self) -> usize {
        traffic::sent(&self.log.lock().unwrap())
    }

    /// What was sent on a connection since something was received there.
    fn last_sent(&self, connection: usize) -> Vec<u8> {
        let log = self.log.lock().unwrap();
        let own = log.iter().rev().filter(|event| event.connection == connection);
        let mut pieces: Vec<&[u8]> = own.map_while(|event| event.what.sent()).collect();
        pieces.reverse();
        pieces.concat()
    }
}

/// Bytes on their way, and when they arrive.
type Piece = (Instant, Vec<u8>);

/// Writes what arrives, and then the end.
fn deliver<S: Write>(
    arrive: &Receiver<Piece>,
    mut to: S,
    end: impl FnOnce(&S) -> std::io::Result<()>,
    delivered: impl Fn(usize),
) {
    for (at, bytes) in arrive {
        thread::sleep(at.saturating_duration_since(Instant::now()));
        delivered(bytes.len());
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = end(&to);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The socket of the engine that the tests use.
pub fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").into()
}

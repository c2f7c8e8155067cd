//! What is printed, on its way to the streams. A thread of its own writes it, so that a reader that waits (a pager, a stopped
//! terminal) holds up what prints more, and never the end of a run.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::spinner::{SPINNER_TICK, Spinner};
use super::stream::{Stream, Written};
use super::terminal;
use crate::error::ErrorKind;

/// How many bytes may wait to be written before what prints more waits as well: four times what a pipe holds, so that a
/// script rarely waits for a reader that is only slow.
const ROOM: usize = 256 * 1024;

/// How long the end of an interrupted run waits for a reader: chosen so that one that reads gets the last messages, and that
/// one that does not read costs little of the run's two seconds.
const READER_LIMIT: Duration = Duration::from_millis(100);

/// Something to print.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Text(Stream, Vec<u8>),
    /// The name of the phase beside the spinner.
    Phase(Cow<'static, str>),
    /// The spinner goes.
    NoPhase,
    /// For the user's terminal, whichever stream leads there.
    Terminal(Vec<u8>),
}

/// Why not all was written.
#[derive(Debug)]
pub enum Unwritten {
    /// The run was interrupted while the reader waited.
    Interrupted(ErrorKind),
    /// The system refused it.
    Error(Stream, io::Error),
}

/// Pieces that are written in their order. Clones share them.
#[derive(Clone)]
pub struct PrintQueue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<Piece>,
    /// The bytes that wait or are being written.
    bytes: usize,
    /// The thread is at a piece.
    busy: bool,
    /// Why nothing waits for the reader any more.
    interrupted: Option<ErrorKind>,
    /// The first refusal.
    error: Option<(Stream, io::Error)>,
    /// The streams that have no reader any more.
    gone: Vec<Stream>,
    on_unwritable: Option<Box<dyn FnOnce() + Send>>,
}

impl State {
    fn is_unwritten(&self) -> bool {
        self.busy || !self.pieces.is_empty()
    }
}

impl PrintQueue {
    /// Starts the thread that writes.
    pub fn start(spinner: Spinner) -> Self {
        let queue = Self(Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() }));
        let writer = queue.clone();
        thread::spawn(move || writer.write_all(spinner));
        queue
    }

    /// Waits until more may be added; whether it may. After an interrupt, it may not while there is no room.
    pub fn wait_for_room(&self) -> bool {
        let full = |state: &mut State| state.bytes >= ROOM && state.interrupted.is_none();
        let state = self.0.changed.wait_while(self.state(), full).expect("no thread panics while it holds this lock");
        state.bytes < ROOM
    }

    /// Adds a piece.
    pub fn add(&self, piece: Piece) {
        let mut state = self.state();
        match (piece, state.pieces.back_mut()) {
            (Piece::Text(stream, bytes), last) => {
                let size = bytes.len();
                match last {
                    Some(Piece::Text(same, before)) if *same == stream && before.len() + size <= ROOM => {
                        before.extend_from_slice(&bytes);
                    }
                    _ => state.pieces.push_back(Piece::Text(stream, bytes)),
                }
                state.bytes += size;
            }
            (piece, _) => state.pieces.push_back(piece),
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Nothing waits for the reader from now on.
    pub fn interrupt(&self, why: ErrorKind) {
        self.state().interrupted.get_or_insert(why);
        self.0.changed.notify_all();
    }

    /// Waits until all is written; after an interrupt, not longer than [`READER_LIMIT`].
    pub fn flush(&self) {
        let mut state = self.state();
        let mut deadline = None;
        while state.is_unwritten() {
            let limit = match state.interrupted {
                None => Duration::MAX,
                Some(_) => {
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + READER_LIMIT);
                    deadline.saturating_duration_since(Instant::now())
                }
            };
            if limit.is_zero() {
                break;
            }
            state = self.wait(state, limit);
        }
    }

    /// Waits as [`flush`](Self::flush) does.
    ///
    /// # Errors
    /// See [`Unwritten`]. A reader that is gone is none.
    pub fn finish(&self) -> Result<(), Unwritten> {
        self.flush();
        let mut state = self.state();
        if let Some((stream, error)) = state.error.take() {
            return Err(Unwritten::Error(stream, error));
        }
        match state.interrupted {
            Some(why) if state.is_unwritten() => Err(Unwritten::Interrupted(why)),
            _ => Ok(()),
        }
    }

    /// Calls the listener once when a stream has no reader any more, or cannot be written to.
    pub fn when_unwritable(&self, listener: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        state.on_unwritable = Some(Box::new(listener));
        if state.error.is_some() || !state.gone.is_empty() {
            tell(state);
        }
    }

    /// Notes that a stream has no reader any more.
    pub fn note_gone(&self, stream: Stream) {
        let mut state = self.state();
        state.gone.push(stream);
        tell(state);
    }

    /// Writes piece after piece, for as long as the process lives.
    fn write_all(&self, mut spinner: Spinner) {
        loop {
            match self.next(spinner.is_shown()) {
                None => spinner.turn(),
                Some(Piece::Phase(name)) => spinner.show(name),
                Some(Piece::NoPhase) => spinner.hide(),
                Some(Piece::Terminal(bytes)) => spinner.aside(|| terminal::write(&bytes)),
                Some(Piece::Text(stream, bytes)) => {
                    let gone = self.state().gone.contains(&stream);
                    let written = if gone { Written::All } else { spinner.aside(|| stream.write(&bytes)) };
                    self.note_written(stream, bytes.len(), written);
                }
            }
            self.state().busy = false;
            self.0.changed.notify_all();
        }
    }

    /// The next piece; `None` when it is time for the spinner to turn.
    fn next(&self, turning: bool) -> Option<Piece> {
        let mut state = self.state();
        while state.pieces.is_empty() {
            state = self.wait(state, if turning { SPINNER_TICK } else { Duration::MAX });
            if turning {
                break;
            }
        }
        state.busy = true;
        state.pieces.pop_front()
    }

    fn note_written(&self, stream: Stream, bytes: usize, written: Written) {
        let mut state = self.state();
        state.bytes -= bytes;
        match written {
            Written::All => return,
            Written::NoReader => state.gone.push(stream),
            Written::Refused(error) => drop(state.error.get_or_insert((stream, error))),
        }
        tell(state);
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.0.changed.wait_timeout(state, limit).expect("no thread panics while it holds this lock").0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no thread panics while it holds this lock")
    }
}

/// Calls the listener, if there is one.
fn tell(mut state: MutexGuard<'_, State>) {
    let listener = state.on_unwritable.take();
    drop(state);
    if let Some(listener) = listener {
        listener();
    }
}

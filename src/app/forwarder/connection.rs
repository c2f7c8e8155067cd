//! The life of one connection: it waits for an app, is passed on to it, and is closed so that the client loses nothing.

use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::current::{Current, Generation};
use super::endpoint::Endpoint;
use super::mover::Mover;
use super::passing::{Passing, Progress, is_bare_hangup};
use super::poller::{Event, Interest, Poller};
use super::sockets::{begin_connect, connected};
use super::token::Token;

/// How long an app has for taking a connection; on loopback it takes none of it.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// How long after an app could not be reached it is tried again: this, doubled each time up to the limit.
const FIRST_RETRY: Duration = Duration::from_millis(10);
const LAST_RETRY: Duration = Duration::from_millis(320);

/// How long a client that was told that no more comes has to close its end, before we do.
const CLOSING_LIMIT: Duration = Duration::from_secs(5);

/// What connections share.
pub struct Shared<'a> {
    pub poller: &'a mut Poller,
    pub mover: &'a mut Mover,
    pub current: &'a Current,
    /// How long a connection waits for an app.
    pub wait: Duration,
    pub now: Instant,
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    App,
}

/// Whether there is still something to do for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Closed,
}

/// A connection of a client.
#[derive(Debug)]
pub struct Connection {
    id: u64,
    /// The index of the listener that it came by.
    listener: usize,
    /// Since when it has been without an app that it could use.
    since: Instant,
    client: Endpoint,
    state: State,
}

#[derive(Debug)]
enum State {
    /// There is no app, or it could not be reached.
    Waiting {
        failures: u32,
        retry: Option<Instant>,
    },
    Connecting {
        app: Endpoint,
        generation: Generation,
        failures: u32,
        until: Instant,
    },
    Passing(Box<Passing>),
    /// The client was told that no more comes, and what it sends is thrown away: closing with unread bytes would break the
    /// connection before the client has read the last ones.
    Closing {
        until: Instant,
    },
    Closed,
}

impl Connection {
    /// One that came by the listener with this index.
    pub fn new(id: u64, listener: usize, stream: TcpStream, now: Instant) -> Self {
        let client = Endpoint::new(stream, Token::Client(id).encode());
        Self { id, listener, since: now, client, state: State::Waiting { failures: 0, retry: None } }
    }

    /// Begins to connect to the current app, if there is one.
    pub fn connect(&mut self, shared: &mut Shared) -> Fate {
        let failures = match &self.state {
            State::Waiting { failures, .. } | State::Connecting { failures, .. } => *failures,
            _ => 0,
        };
        self.leave_app(shared);
        let Some((generation, target)) = shared.current.target(self.listener) else {
            self.state = State::Waiting { failures, retry: None };
            return self.wait(shared);
        };
        let Ok(stream) = begin_connect(&target) else {
            return self.not_reached(failures, shared);
        };
        let app = Endpoint::new(stream, Token::App(self.id).encode());
        self.state = State::Connecting { app, generation, failures, until: shared.now + CONNECT_LIMIT };
        self.wait(shared)
    }

    /// There is another app, or none.
    pub fn current_changed(&mut self, shared: &mut Shared) -> Fate {
        let current = shared.current.target(self.listener).map(|(generation, _)| generation);
        match &self.state {
            State::Waiting { .. } if current.is_some() => self.connect(shared),
            State::Connecting { generation, .. } if current != Some(*generation) => self.connect(shared),
            _ => Fate::Open,
        }
    }

    /// The poller told something of one of the ends.
    pub fn on_event(&mut self, end: End, event: Event, shared: &mut Shared) -> Fate {
        if end == End::Client && is_bare_hangup(event, &self.client) {
            if self.client.broke() {
                return self.client_gone(shared);
            }
            self.client.silence(shared.poller);
        }
        match &mut self.state {
            State::Waiting { .. } | State::Closed => Fate::Open,
            State::Connecting { .. } if end == End::Client => Fate::Open,
            State::Connecting { .. } => self.connecting_ended(shared),
            State::Passing(passing) => {
                if end == End::App && is_bare_hangup(event, &passing.app) {
                    passing.app_hung_up(shared.poller);
                }
                self.pump(shared)
            }
            State::Closing { .. } if shared.mover.discard(self.client.stream()) => self.close(shared),
            State::Closing { .. } => Fate::Open,
        }
    }

    /// When [`Connection::on_deadline`] is to be called.
    pub fn deadline(&self, wait: Duration) -> Option<Instant> {
        let give_up = self.since + wait;
        match &self.state {
            State::Waiting { retry, .. } => Some(retry.map_or(give_up, |retry| retry.min(give_up))),
            State::Connecting { until, .. } | State::Closing { until } => Some(*until),
            State::Passing(_) | State::Closed => None,
        }
    }

    /// The deadline is over.
    pub fn on_deadline(&mut self, shared: &mut Shared) -> Fate {
        match &self.state {
            State::Waiting { .. } if shared.now >= self.since + shared.wait => self.say_goodbye(shared),
            State::Waiting { .. } => self.connect(shared),
            State::Connecting { failures, .. } => {
                let failures = *failures;
                self.not_reached(failures, shared)
            }
            State::Closing { .. } => self.close(shared),
            State::Passing(_) | State::Closed => Fate::Open,
        }
    }

    /// The app that it is passed on to.
    pub fn generation(&self) -> Option<Generation> {
        match &self.state {
            State::Passing(passing) => Some(passing.generation),
            _ => None,
        }
    }

    /// Closes it in good order if nothing passed for this long and the client waits for nothing; one on which nothing has
    /// passed at all goes to the current app instead.
    pub fn leave_at_rest(&mut self, quiet: Duration, shared: &mut Shared) -> Fate {
        if let State::Passing(passing) = &mut self.state {
            passing.end_after_answer();
        }
        // What has just arrived counts.
        if self.pump(shared) == Fate::Closed {
            return Fate::Closed;
        }
        match &self.state {
            State::Passing(passing) if passing.is_unused() => self.move_to_current(shared),
            State::Passing(passing) if passing.is_at_rest(quiet, shared.now) => self.say_goodbye(shared),
            _ => Fate::Open,
        }
    }

    /// When it is at rest if nothing passes until then.
    pub fn rests_at(&self, quiet: Duration) -> Option<Instant> {
        match &self.state {
            State::Passing(passing) => Some(passing.rests_at(quiet)),
            _ => None,
        }
    }

    /// Its app has ended: passes on what has arrived from it, then the end.
    pub fn app_ended(&mut self, shared: &mut Shared) -> Fate {
        match &mut self.state {
            State::Passing(passing) if passing.is_unused() => return self.move_to_current(shared),
            State::Passing(passing) => passing.app_ended(),
            _ => {}
        }
        self.pump(shared)
    }

    /// Leaves an app that has seen nothing of the client.
    fn move_to_current(&mut self, shared: &mut Shared) -> Fate {
        self.since = shared.now;
        self.connect(shared)
    }

    fn connecting_ended(&mut self, shared: &mut Shared) -> Fate {
        let State::Connecting { mut app, generation, failures, .. } = std::mem::replace(&mut self.state, State::Closed)
        else {
            return Fate::Open;
        };
        if connected(app.stream()).is_err() {
            app.silence(shared.poller);
            return self.not_reached(failures, shared);
        }
        self.state = State::Passing(Box::new(Passing::new(app, generation, shared.now)));
        self.pump(shared)
    }

    /// The app was not reached: the next try comes later, perhaps with another app.
    fn not_reached(&mut self, failures: u32, shared: &mut Shared) -> Fate {
        shared.current.refused.fetch_add(1, Ordering::Relaxed);
        self.leave_app(shared);
        let pause = FIRST_RETRY.saturating_mul(1 << failures.min(16)).min(LAST_RETRY);
        self.state = State::Waiting { failures: failures + 1, retry: Some(shared.now + pause) };
        self.wait(shared)
    }

    /// Moves what can be moved, and acts on what has ended.
    fn pump(&mut self, shared: &mut Shared) -> Fate {
        let State::Passing(passing) = &mut self.state else {
            return Fate::Open;
        };
        match passing.pump(&self.client, shared.mover, shared.now) {
            Progress::Open if passing.has_answered() => self.say_goodbye(shared),
            Progress::Open => self.wait(shared),
            Progress::Ended if passing.client_ended() => self.close(shared),
            Progress::Ended => self.say_goodbye(shared),
            Progress::Broke => self.reset(shared),
        }
    }

    /// Asks the poller about what is needed next.
    fn wait(&mut self, shared: &mut Shared) -> Fate {
        let poller = &mut *shared.poller;
        let asked = match &mut self.state {
            State::Waiting { .. } => self.client.wait_for(Interest::NONE, poller),
            State::Connecting { app, .. } => {
                self.client.wait_for(Interest::NONE, poller) && app.wait_for(Interest::WRITE, poller)
            }
            State::Passing(passing) => passing.wait(&mut self.client, poller),
            State::Closing { .. } => self.client.wait_for(Interest::READ, poller),
            State::Closed => true,
        };
        // Without the poller it would be forgotten.
        if asked { Fate::Open } else { self.reset(shared) }
    }

    /// Says that no more comes, and waits for the client to close its end.
    fn say_goodbye(&mut self, shared: &mut Shared) -> Fate {
        self.leave_app(shared);
        self.client.end_writing();
        if shared.mover.discard(self.client.stream()) {
            return self.close(shared);
        }
        self.state = State::Closing { until: shared.now + CLOSING_LIMIT };
        self.wait(shared)
    }

    /// Closes the connection to the app, if there is one.
    fn leave_app(&mut self, shared: &mut Shared) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Connecting { mut app, .. } => app.silence(shared.poller),
            State::Passing(mut passing) => passing.app.silence(shared.poller),
            State::Waiting { .. } | State::Closing { .. } | State::Closed => {}
        }
    }

    /// The client broke the connection.
    fn client_gone(&mut self, shared: &mut Shared) -> Fate {
        match self.state {
            State::Passing(_) => self.reset(shared),
            _ => self.close(shared),
        }
    }

    fn close(&mut self, shared: &mut Shared) -> Fate {
        self.leave_app(shared);
        self.client.silence(shared.poller);
        Fate::Closed
    }

    /// Breaks the connection at both ends.
    fn reset(&mut self, shared: &mut Shared) -> Fate {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Connecting { mut app, .. } => app.break_off(shared.poller),
            State::Passing(mut passing) => passing.app.break_off(shared.poller),
            State::Waiting { .. } | State::Closing { .. } | State::Closed => {}
        }
        self.client.break_off(shared.poller);
        Fate::Closed
    }
}

//! The thread that holds all connections: it waits until something can be done, and sleeps else.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::connection::{Connection, End, Fate, Shared};
use super::current::{Current, Generation};
use super::drain::Drain;
use super::mover::Mover;
use super::poller::{Event, Interest, Poller, WakeReceiver};
use super::sockets::prepare_client;
use super::token::Token;

/// How many connections of one listener are taken in a row, so that those already there are served in between.
const ACCEPTED_AT_ONCE: usize = 64;

/// How long no connection is taken after the system had no room for one. They wait in the system's queue.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest time that is waited for anything, so that times can be added up.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What the loop is told by other threads.
#[derive(Debug)]
pub enum Command {
    /// There is another app, or none.
    CurrentChanged,
    Drain {
        generation: Generation,
        limit: Duration,
        /// Where the number of connections left goes.
        reply: Sender<usize>,
    },
    Close(Generation),
    Stop,
}

/// The thread, with all that it holds.
#[derive(Debug)]
pub struct EventLoop {
    listeners: Vec<TcpListener>,
    /// How long a connection waits for an app.
    wait: Duration,
    poller: Poller,
    mover: Mover,
    current: Arc<Current>,
    commands: Receiver<Command>,
    woken: WakeReceiver,
    connections: HashMap<u64, Entry>,
    next_id: u64,
    /// When which connection has something to do without an event.
    deadlines: BTreeSet<(Instant, u64)>,
    drains: Vec<Drain>,
    /// When connections are taken again, while they are not.
    accept_again: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    connection: Connection,
    /// Its place in the deadlines.
    deadline: Option<Instant>,
}

impl EventLoop {
    /// # Errors
    /// If the system cannot wait for so many sockets.
    pub fn new(
        listeners: Vec<TcpListener>,
        wait: Duration,
        mover: Mover,
        current: Arc<Current>,
        commands: Receiver<Command>,
        woken: WakeReceiver,
    ) -> io::Result<Self> {
        let mut poller = Poller::new()?;
        poller.add(&woken, Token::Waker.encode(), Interest::READ)?;
        for (index, listener) in listeners.iter().enumerate() {
            poller.add(listener, Token::Listener(index).encode(), Interest::READ)?;
        }
        Ok(Self {
            listeners,
            wait: wait.min(LONGEST),
            poller,
            mover,
            current,
            commands,
            woken,
            connections: HashMap::new(),
            next_id: 0,
            deadlines: BTreeSet::new(),
            drains: Vec::new(),
            accept_again: None,
        })
    }

    /// Runs until it is told to stop; all connections are closed then.
    pub fn run(mut self) {
        let mut events = Vec::new();
        loop {
            let limit = self.next_time().map(|time| time.saturating_duration_since(Instant::now()));
            if self.poller.wait(&mut events, limit).is_err() {
                return;
            }
            let now = Instant::now();
            // Commands first: what they say holds for all that happened since.
            while let Ok(command) = self.commands.try_recv() {
                if matches!(command, Command::Stop) {
                    return;
                }
                self.obey(command, now);
            }
            for event in &events {
                self.handle(*event, now);
            }
            self.meet_deadlines(now);
            self.look_at_drains(now);
        }
    }

    /// When there is something to do without an event.
    fn next_time(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let drains = self.drains.iter().map(Drain::next_look);
        drains.chain(deadline).chain(self.accept_again).min()
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::CurrentChanged => {
                for id in self.ids(|_| true) {
                    self.with(id, now, Connection::current_changed);
                }
            }
            Command::Drain { generation, limit, reply } => {
                self.drains.push(Drain::new(generation, limit.min(LONGEST), reply, now));
            }
            Command::Close(generation) => {
                for id in self.ids_of(generation) {
                    self.with(id, now, Connection::app_ended);
                }
            }
            Command::Stop => {}
        }
    }

    fn handle(&mut self, event: Event, now: Instant) {
        match Token::decode(event.token) {
            Token::Waker => self.woken.clear(),
            Token::Listener(index) => self.accept(index, now),
            Token::Client(id) => {
                self.with(id, now, |connection, shared| connection.on_event(End::Client, event, shared))
            }
            Token::App(id) => self.with(id, now, |connection, shared| connection.on_event(End::App, event, shared)),
        }
    }

    /// Takes the connections that wait at a listener.
    fn accept(&mut self, index: usize, now: Instant) {
        for _ in 0..ACCEPTED_AT_ONCE {
            match self.listeners[index].accept() {
                Ok((stream, _)) => {
                    // One that is broken already has nobody to serve.
                    if prepare_client(&stream).is_ok() {
                        let id = self.next_id;
                        self.next_id += 1;
                        let connection = Connection::new(id, index, stream, now);
                        self.connections.insert(id, Entry { connection, deadline: None });
                        self.with(id, now, Connection::connect);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {
                }
                // Too many open files, or no memory: the listener would stay ready, and we busy.
                Err(_) => return self.pause_accepting(now),
            }
        }
    }

    fn pause_accepting(&mut self, now: Instant) {
        self.accept_again = Some(now + ACCEPT_PAUSE);
        self.ask_listeners(Interest::NONE);
    }

    fn ask_listeners(&mut self, interest: Interest) {
        for (index, listener) in self.listeners.iter().enumerate() {
            // It was added at the start.
            drop(self.poller.modify(listener, Token::Listener(index).encode(), interest));
        }
    }

    fn meet_deadlines(&mut self, now: Instant) {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            self.deadlines.pop_first();
            if let Some(entry) = self.connections.get_mut(&id) {
                entry.deadline = None;
            }
            self.with(id, now, Connection::on_deadline);
        }
        if self.accept_again.is_some_and(|time| time <= now) {
            self.accept_again = None;
            self.ask_listeners(Interest::READ);
        }
    }

    fn look_at_drains(&mut self, now: Instant) {
        let mut drains = std::mem::take(&mut self.drains);
        drains.retain_mut(|drain| drain.next_look() > now || !self.look_at_drain(drain, now));
        self.drains = drains;
    }

    /// Ends the connections that are at rest; whether the drain has come to its end.
    fn look_at_drain(&mut self, drain: &mut Drain, now: Instant) -> bool {
        let quiet = drain.quiet(now);
        for id in self.ids_of(drain.generation) {
            self.with(id, now, |connection, shared| connection.leave_at_rest(quiet, shared));
        }
        let left = self.ids_of(drain.generation);
        let rests = left.iter().filter_map(|id| self.connections[id].connection.rests_at(quiet));
        drain.looked(left.len(), rests.filter(|rest| *rest > now).min(), now)
    }

    fn ids_of(&self, generation: Generation) -> Vec<u64> {
        self.ids(|connection| connection.generation() == Some(generation))
    }

    fn ids(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<u64> {
        self.connections.iter().filter(|(_, entry)| wanted(&entry.connection)).map(|(id, _)| *id).collect()
    }

    /// Does something with a connection, if it still exists, and keeps its deadline.
    fn with(&mut self, id: u64, now: Instant, act: impl FnOnce(&mut Connection, &mut Shared) -> Fate) {
        let Some(entry) = self.connections.get_mut(&id) else {
            return;
        };
        let current = &self.current;
        let mut shared = Shared { poller: &mut self.poller, mover: &mut self.mover, current, wait: self.wait, now };
        let fate = act(&mut entry.connection, &mut shared);
        let deadline = if fate == Fate::Closed { None } else { entry.connection.deadline(self.wait) };
        if deadline != entry.deadline {
            if let Some(before) = entry.deadline {
                self.deadlines.remove(&(before, id));
            }
            if let Some(deadline) = deadline {
                self.deadlines.insert((deadline, id));
            }
            entry.deadline = deadline;
        }
        if fate == Fate::Closed {
            self.connections.remove(&id);
        }
    }
}

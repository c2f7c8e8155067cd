//! The side of a watch that `minis2i wait` talks to: it takes questions from sockets to the event loop, and answers back. When a
//! waiter may be answered is decided elsewhere. A client that is slow, silent or sends anything else holds up nothing.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::wait_protocol::{self, Answer, REQUEST_LIMIT};
use crate::report::Reporter;
use crate::run_lock::Claim;

/// How long a request may take to come: a client sends it when it has connected.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// How long an answer may take to be taken; it fits into what the system keeps for a socket, so there is no wait as a rule.
const ANSWER_TIME: Duration = Duration::from_millis(100);

/// How many clients there may be at once for a socket. Each takes a thread and two open files, of which a process may have
/// 1024 by default.
const CLIENTS: usize = 128;

/// The pause after a client that could not be accepted, as there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What happens with waiters, by the number that each has in this process.
pub enum WaiterEvent {
    Asked(u64, Reply),
    /// It waits no more, or was answered.
    Gone(u64),
}

/// The way to answer a waiter, once.
pub struct Reply(UnixStream);

impl Reply {
    fn send(mut self, answer: &Answer) {
        // A client that is gone needs no answer.
        let _ = self.0.set_write_timeout(Some(ANSWER_TIME));
        let _ = self.0.write_all(&wait_protocol::line(answer));
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The ways to answer all those that wait.
#[derive(Default)]
pub struct Replies(HashMap<u64, Reply>);

impl Replies {
    pub fn add(&mut self, waiter: u64, reply: Reply) {
        self.0.insert(waiter, reply);
    }

    pub fn remove(&mut self, waiter: u64) {
        self.0.remove(&waiter);
    }

    /// Answers those waiters that still wait.
    pub fn send(&mut self, answers: Vec<(u64, Answer)>) {
        for (waiter, answer) in answers {
            if let Some(reply) = self.0.remove(&waiter) {
                reply.send(&answer);
            }
        }
    }
}

/// Listens for waiters from now on, who are attended once [`serve`] is called. Without a socket, a watch does all but answer
/// them.
pub fn listen(claim: &Claim, reporter: &Reporter) -> Option<UnixListener> {
    match claim.listen() {
        Ok(listener) => Some(listener),
        Err(error) => {
            reporter.warn_once(&format!("`minis2i wait` cannot reach this watch: {error:#}"));
            None
        }
    }
}

/// Attends those who connect, on threads of their own, for as long as the process lives. `send` takes what happens to the event
/// loop, and tells whether that still reads.
pub fn serve(listener: UnixListener, send: impl Fn(WaiterEvent) -> bool + Clone + Send + 'static) {
    let clients = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        loop {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(ACCEPT_PAUSE);
                continue;
            };
            if clients.load(Ordering::Relaxed) >= CLIENTS {
                Reply(stream).send(&Answer::Busy);
                continue;
            }
            clients.fetch_add(1, Ordering::Relaxed);
            let (own, send) = (clients.clone(), send.clone());
            let started = thread::Builder::new().spawn(move || {
                attend(stream, &send);
                own.fetch_sub(1, Ordering::Relaxed);
            });
            if started.is_err() {
                clients.fetch_sub(1, Ordering::Relaxed);
            }
        }
    });
}

/// Takes the question of one client to the event loop, and waits until it was answered or the client is gone.
fn attend(mut stream: UnixStream, send: &impl Fn(WaiterEvent) -> bool) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let request = match wait_protocol::read_line(&mut stream, REQUEST_LIMIT, Some(REQUEST_TIME)) {
        Ok(line) => wait_protocol::question(&line),
        Err(error) => Err(Answer::NotUnderstood { why: format!("the request was not read: {error}") }),
    };
    if let Err(answer) = request {
        return Reply(stream).send(&answer);
    }
    let Ok(reply) = stream.try_clone().map(Reply) else { return };
    let waiter = NEXT.fetch_add(1, Ordering::Relaxed);
    // Where nothing reads events any more, the stream is closed, which tells the client that the watch has ended.
    if send(WaiterEvent::Asked(waiter, reply)) {
        wait_for_end(&mut stream);
        send(WaiterEvent::Gone(waiter));
    }
}

/// Waits until a stream is shut down, at either end. A client has no more to say, so whatever it says ends it as well.
fn wait_for_end(stream: &mut UnixStream) {
    if stream.set_read_timeout(None).is_err() {
        return;
    }
    while stream.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::mpsc::{self, Receiver};

    use super::{Answer, Replies, WaiterEvent, serve};
    use crate::watch::wait_protocol::{Question, answer, line};

    /// A server, with the folder that its socket is in and what it sends to the event loop.
    fn server() -> (tempfile::TempDir, Receiver<WaiterEvent>) {
        let dir = tempfile::tempdir().unwrap();
        let (send, events) = mpsc::channel();
        serve(UnixListener::bind(dir.path().join("sock")).unwrap(), move |event| send.send(event).is_ok());
        (dir, events)
    }

    fn connect(dir: &tempfile::TempDir, bytes: &[u8]) -> UnixStream {
        let mut stream = UnixStream::connect(dir.path().join("sock")).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    fn reply_of(mut stream: UnixStream) -> Option<Answer> {
        let mut text = Vec::new();
        // What the server did not read of a request is a reset after its answer.
        let _ = stream.read_to_end(&mut text);
        answer(&text)
    }

    #[test]
    fn waiters_are_answered_each_by_its_own_and_silent_clients_hold_up_none() {
        let (dir, events) = server();
        let _silent: Vec<_> = (0..5).map(|_| connect(&dir, b"")).collect();
        let waiters: Vec<_> = (0..40).map(|_| connect(&dir, &line(&Question::Wait))).collect();
        let mut replies = Replies::default();
        let mut asked = Vec::new();
        while asked.len() < waiters.len() {
            let Ok(WaiterEvent::Asked(id, reply)) = events.recv() else { panic!("they only ask") };
            replies.add(id, reply);
            asked.push(id);
        }
        replies.send(asked.iter().map(|id| (*id, Answer::Paused)).collect());
        assert!(waiters.into_iter().all(|waiter| reply_of(waiter) == Some(Answer::Paused)));
        for _ in asked {
            assert!(matches!(events.recv(), Ok(WaiterEvent::Gone(_))));
        }
    }

    #[test]
    fn what_is_no_request_is_refused_and_a_client_that_goes_is_forgotten() {
        let (dir, events) = server();
        for bytes in [&b"\n"[..], b"\xff\0{\n", &[b'x'; 5000], b"GET / HTTP/1.1\r\n\r\n", b"[[[[[[\n"] {
            let answer = reply_of(connect(&dir, bytes));
            assert!(matches!(answer, Some(Answer::NotUnderstood { .. })), "{answer:?}");
        }
        drop(connect(&dir, b"half"));
        drop(connect(&dir, &line(&Question::Wait)));
        let Ok(WaiterEvent::Asked(asked, _reply)) = events.recv() else { panic!("it asks") };
        assert!(matches!(events.recv(), Ok(WaiterEvent::Gone(gone)) if gone == asked));
    }
}

//! A connection between a client and an app.

use std::time::{Duration, Instant};

use super::current::Generation;
use super::endpoint::Endpoint;
use super::flow::{Flow, Next};
use super::http_answer::HttpAnswer;
use super::mover::Mover;
use super::poller::{Event, Interest, Poller};

/// The app's end of a connection, and what is under way in both directions.
#[derive(Debug)]
pub struct Passing {
    pub app: Endpoint,
    pub generation: Generation,
    /// From the client to the app.
    requests: Flow,
    /// From the app to the client.
    responses: Flow,
    /// Whether any bytes have passed.
    used: bool,
    /// When bytes passed last.
    last: Instant,
    /// The app had the last word, or none was spoken: nobody waits for an answer.
    answered: bool,
    /// How much of the answer to the last request has come.
    answer: HttpAnswer,
    /// The connection is closed once that is complete.
    is_to_end: bool,
    /// The connection to the app broke; what it had sent before still goes to the client.
    app_broke: bool,
}

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Open,
    /// Both directions have ended, and all bytes have arrived.
    Ended,
    /// One end broke the connection, and so should be the other.
    Broke,
}

impl Passing {
    pub fn new(app: Endpoint, generation: Generation, now: Instant) -> Self {
        Self {
            app,
            generation,
            requests: Flow::default(),
            responses: Flow::default(),
            used: false,
            last: now,
            answered: true,
            answer: HttpAnswer::new(),
            is_to_end: false,
            app_broke: false,
        }
    }

    /// Moves what can be moved now.
    pub fn pump(&mut self, client: &Endpoint, mover: &mut Mover, now: Instant) -> Progress {
        // Answers first: one that is passed on before a new request is not the answer to it.
        let app = self.app.stream();
        let (answered, next) = self.responses.pump_watched(mover, app, client.stream(), Some(&mut self.answer));
        match next {
            // A broken connection tells so once, and then looks like one that has ended.
            Next::PassEnd if self.app_broke => return Progress::Broke,
            Next::SenderBroke | Next::ReceiverBroke => return Progress::Broke,
            Next::PassEnd => client.end_writing(),
            Next::Wait => {}
        }
        let (asked, next) = self.requests.pump(mover, client.stream(), self.app.stream());
        match next {
            Next::SenderBroke => return Progress::Broke,
            Next::PassEnd => self.app.end_writing(),
            // What it had sent before can still be read.
            Next::ReceiverBroke => self.app_broke = true,
            Next::Wait => {}
        }
        if answered > 0 || asked > 0 {
            self.used = true;
            self.last = now;
            self.answered = asked == 0;
        }
        if asked > 0 {
            self.answer = HttpAnswer::new();
        }
        if self.app_broke && self.responses.is_over() {
            Progress::Broke
        } else if self.responses.is_over() && self.requests.is_over() {
            Progress::Ended
        } else {
            Progress::Open
        }
    }

    /// What the poller told of the app's end, where nothing in particular was asked.
    pub fn app_hung_up(&mut self, poller: &mut Poller) {
        if self.app.broke() {
            self.app_broke = true;
            self.requests.stop();
        }
        self.app.silence(poller);
    }

    /// Asks the poller about what is needed next; `false` where the system has no room for it.
    #[must_use]
    pub fn wait(&mut self, client: &mut Endpoint, poller: &mut Poller) -> bool {
        let of_client = Interest { read: self.requests.wants_bytes(), write: self.responses.holds_bytes() };
        let of_app = Interest { read: self.responses.wants_bytes(), write: self.requests.holds_bytes() };
        client.wait_for(of_client, poller) && self.app.wait_for(of_app, poller)
    }

    /// Whether neither end has said anything, so that another app could take the place of this one.
    pub fn is_unused(&self) -> bool {
        !self.used && self.requests.is_fresh() && self.responses.is_fresh()
    }

    /// Has the connection end with the answer that is under way.
    pub fn end_after_answer(&mut self) {
        self.is_to_end = true;
    }

    /// Whether it is to end, and the client has an answer and waits for no other one.
    pub fn has_answered(&self) -> bool {
        self.is_to_end && self.answer == HttpAnswer::Complete && self.is_at_rest(Duration::ZERO, self.last)
    }

    /// Whether the client can be told that no more comes without a loss for it: it waits for no answer, as between two
    /// HTTP requests, and nothing passed for this long.
    pub fn is_at_rest(&self, quiet: Duration, now: Instant) -> bool {
        let nothing_under_way = !self.requests.holds_bytes() && !self.responses.holds_bytes();
        // A client that has ended its direction waits for all that the app has to say.
        let between_requests = self.answered && !self.answer.is_partial() && self.requests.sends();
        nothing_under_way
            && (between_requests || self.responses.is_over())
            && now.saturating_duration_since(self.last) >= quiet
    }

    /// When it is at rest if nothing passes until then.
    pub fn rests_at(&self, quiet: Duration) -> Instant {
        self.last + quiet
    }

    /// Takes nothing any more for the app, which has ended, and from it only what has arrived.
    pub fn app_ended(&mut self) {
        self.requests.stop();
        self.app.end();
    }

    /// Whether the client has said that no more comes.
    pub fn client_ended(&self) -> bool {
        self.requests.ended()
    }
}

/// Whether an event tells only that a socket broke or ended.
pub fn is_bare_hangup(event: Event, endpoint: &Endpoint) -> bool {
    event.hangup && endpoint.waits_for_nothing()
}

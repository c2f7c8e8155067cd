//! What went over an [`EngineLink`](super::EngineLink).
//!
//! A round trip is the opening of a connection, and each time that something is sent on a connection after something was
//! received on it, or for the first time: what is sent then had to wait for an answer.

use std::collections::HashMap;

use serde_json::Value;

/// Something that happened on a connection.
#[derive(Clone, Debug)]
pub struct Event {
    pub connection: usize,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Opened,
    /// Bytes to the engine.
    Sent(Vec<u8>),
    /// How many bytes came back.
    Received(usize),
}

impl What {
    /// The bytes that were sent, if that is what happened.
    pub(super) fn sent(&self) -> Option<&[u8]> {
        if let Self::Sent(bytes) = self { Some(bytes) } else { None }
    }
}

/// How many bytes went to the engine in these events.
pub(super) fn sent(events: &[Event]) -> usize {
    events.iter().filter_map(|event| event.what.sent()).map(<[u8]>::len).sum()
}

/// What happened in a time, in its order.
#[derive(Debug)]
pub struct Traffic {
    events: Vec<Event>,
}

impl Traffic {
    pub(super) fn of(events: Vec<Event>) -> Self {
        Self { events }
    }

    /// How many bytes went to the engine.
    pub fn sent(&self) -> usize {
        sent(&self.events)
    }

    /// How many bytes came back.
    pub fn received(&self) -> usize {
        self.events.iter().map(|event| if let What::Received(count) = event.what { count } else { 0 }).sum()
    }

    /// How many connections were opened.
    pub fn opened(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.what, What::Opened)).count()
    }

    /// How often something was sent that had to wait for what was received before, or was the first on its connection.
    pub fn answers(&self) -> usize {
        self.bursts().len()
    }

    /// How many round trips there were.
    pub fn round_trips(&self) -> usize {
        self.opened() + self.answers()
    }

    /// The requests, by method and path without the version of the API, such as `POST /commit`. An id is `ID`.
    pub fn requests(&self) -> Vec<String> {
        self.bursts().iter().filter_map(|burst| request(burst)).collect()
    }

    /// The bodies of the requests with this method and path, as JSON.
    pub fn bodies(&self, wanted: &str) -> Vec<Value> {
        let bursts = self.bursts();
        let wanted = bursts.iter().filter(|burst| request(burst).is_some_and(|request| request == wanted));
        wanted.map(|burst| serde_json::from_slice(after_head(burst)).unwrap()).collect()
    }

    /// The part that ends with the first answer to such a request; all of it if there is none.
    pub fn until_answer_to(self, wanted: &str) -> Self {
        let asks = |event: &Event| event.what.sent().and_then(request).is_some_and(|request| request == wanted);
        let Some(asked) = self.events.iter().position(asks) else { return self };
        let connection = self.events[asked].connection;
        let answers = |event: &Event| event.connection == connection && matches!(event.what, What::Received(_));
        let answered = self.events[asked..].iter().position(answers).map_or(self.events.len(), |at| asked + at + 1);
        Self { events: self.events[..answered].to_vec() }
    }

    /// What was sent at once, without waiting for an answer.
    fn bursts(&self) -> Vec<Vec<u8>> {
        let mut bursts: Vec<Vec<u8>> = Vec::new();
        // The burst that is under way on each connection.
        let mut under_way = HashMap::new();
        for event in &self.events {
            match &event.what {
                What::Sent(bytes) => {
                    let burst = *under_way.entry(event.connection).or_insert_with(|| {
                        bursts.push(Vec::new());
                        bursts.len() - 1
                    });
                    bursts[burst].extend_from_slice(bytes);
                }
                What::Opened | What::Received(_) => drop(under_way.remove(&event.connection)),
            }
        }
        bursts
    }
}

/// The request at the beginning of what was sent, if there is one.
fn request(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (method, rest) = line.split_once(' ')?;
    let target = rest.strip_suffix(" HTTP/1.1")?;
    let path = target.split('?').next()?;
    let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, rest)) if version.starts_with(|c: char| c.is_ascii_digit()) => format!("/{rest}"),
        _ => path.to_owned(),
    };
    let is_id = |part: &str| part.trim_start_matches("sha256:").len() == 64;
    let parts: Vec<_> = path.split('/').map(|part| if is_id(part) { "ID" } else { part }).collect();
    Some(format!("{method} {}", parts.join("/")))
}

/// What follows the head of a request.
fn after_head(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    &bytes[end + 4..]
}

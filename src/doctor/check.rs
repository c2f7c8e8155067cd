//! What one check found.

use serde::Serialize;

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ok,
    /// Builds work, but are slower than they could be, or may fail soon.
    Slow,
    /// Something that is needed does not work.
    Missing,
}

/// The result of a check. As JSON, this is the documented schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub topic: &'static str,
    pub state: State,
    /// What was found, in one sentence.
    pub found: String,
    /// What helps, if something can be done.
    pub cure: Option<String>,
}

impl Check {
    pub fn ok(topic: &'static str, found: impl Into<String>) -> Self {
        Self { topic, state: State::Ok, found: found.into(), cure: None }
    }

    pub fn slow(topic: &'static str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { topic, state: State::Slow, found: found.into(), cure: Some(cure.into()) }
    }

    pub fn missing(topic: &'static str, found: impl Into<String>, cure: Option<String>) -> Self {
        Self { topic, state: State::Missing, found: found.into(), cure }
    }
}

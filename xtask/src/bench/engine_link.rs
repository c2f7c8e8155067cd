//! The line to an engine on another machine, as the tests have it.

#[path = "../../../tests/support/engine_link.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod link;

pub use link::{EngineLink, Line};

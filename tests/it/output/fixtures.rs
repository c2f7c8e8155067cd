//! A builder that prints, and what it printed, for the tests of output.

use crate::support::builder::Builder;
use crate::support::outcome::Outcome;

/// A builder whose `assemble` is this shell text.
pub fn assembling(text: &str) -> Builder {
    Builder::new().script("assemble", &format!("#!/bin/sh\n{text}\n")).make()
}

/// The lines between the first and the last one, where everything else is output of `assemble`.
pub fn between(outcome: &Outcome) -> Vec<&str> {
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let [first, middle @ .., last] = &lines[..] else { panic!("{outcome}") };
    assert!(first.starts_with("minis2i: build started: ") && last.starts_with("minis2i: build "), "{outcome}");
    middle.to_vec()
}

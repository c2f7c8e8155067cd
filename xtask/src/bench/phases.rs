//! What the phases of a build took, by what minis2i says of them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Names and times of what a build did.
pub type Phases = Vec<(String, Duration)>;

/// What the phases of a build took, by what it said.
pub fn phases(said: &str) -> Result<Phases> {
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("minis2i said `{line}`"))?;
        if line["reason"] == "build-finished" {
            return times(&line["phases"]);
        }
    }
    bail!("minis2i did not say `build-finished`: {said}")
}

/// An object of seconds.
pub fn times(phases: &Value) -> Result<Phases> {
    let phases = phases.as_object().context("a build came without its phases")?;
    let time = |seconds: &Value| seconds.as_f64().map(Duration::from_secs_f64).context("a phase has no time");
    phases.iter().map(|(name, seconds)| Ok((name.clone(), time(seconds)?))).collect()
}

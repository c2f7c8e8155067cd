//! The hidden bench that the baseline runs on every save.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::cli_chain::CliChain;

/// The hidden bench that is one build of the naive way.
pub const TASK: &str = "baseline-build";

/// The hidden bench: one build, and a line about it.
pub fn build(args: &[String]) -> Result<()> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let [source, builder, tag, container, label] = args else {
        bail!("`bench {TASK}` takes a source, a builder, a tag, the name of a container and a label");
    };
    let chain = CliChain { source: Path::new(source), builder, tag, container, label }.build()?;
    let phases: serde_json::Map<String, Value> =
        chain.phases.iter().map(|(name, time)| ((*name).to_owned(), json!(time.as_secs_f64()))).collect();
    println!("{}", json!({"started": started, "phases": phases}));
    Ok(())
}

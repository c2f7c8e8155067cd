//! Which engine a bench measures on: one of its own, where the one at hand can not be measured on.
//!
//! A storage driver without a diff of its own (fuse-overlayfs, vfs) ends every commit by sleeping until the next whole
//! second, which drowns what is measured.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::private_engine::{self, PrivateEngine};
use crate::{engine, process, signals};

/// Runs the bench that these arguments stand for on an engine of its own, if the one at hand needs that and we can
/// start one. Returns false when the bench is still to be run here.
pub fn run_on_private_engine(bench: &str, args: &[String]) -> Result<bool> {
    engine::ensure()?;
    let Some(reason) = commit_delay()? else { return Ok(false) };
    if !private_engine::can_start()? {
        eprintln!("warning: {reason}, and only root on Linux with `dockerd` can have an engine for the bench alone");
        return Ok(false);
    }
    eprintln!("{reason}: starting a private `dockerd` with overlay2 for the bench (`--engine-as-is` does not)");
    let engine = match PrivateEngine::start() {
        Ok(engine) => engine,
        Err(error) => {
            signals::check()?;
            eprintln!("warning: that did not work, so the engine is measured as it is: {error:#}");
            return Ok(false);
        }
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", bench, "--engine-as-is"]).args(args).env("DOCKER_HOST", engine.host());
    let status = private_engine::run_to_end(&mut command)?;
    drop(engine);
    ensure!(status.success(), "the bench failed");
    Ok(true)
}

/// Why commits can not be timed on the engine in use; `None` when they can.
fn commit_delay() -> Result<Option<String>> {
    let info = process::output(&["docker", "info", "--format", "{{json .}}"])?;
    let info: Value = serde_json::from_str(&info).context("`docker info` is no JSON")?;
    Ok((!has_native_diff(&info)).then(|| {
        let driver = info["Driver"].as_str().unwrap_or("unknown");
        format!("the engine's storage driver, {driver}, makes each commit wait for the next second")
    }))
}

fn has_native_diff(info: &Value) -> bool {
    let says = |line: &Value| line[0] == "Native Overlay Diff" && line[1] == "true";
    match info["Driver"].as_str() {
        Some("overlay2") => info["DriverStatus"].as_array().is_some_and(|lines| lines.iter().any(says)),
        // Drivers that are made of snapshots, and those of engines that keep their images elsewhere.
        Some("btrfs" | "zfs" | "overlayfs") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has_native_diff;

    #[test]
    fn only_a_native_diff_is_measured_on() {
        let overlay = |native| json!({"Driver": "overlay2", "DriverStatus": [["Native Overlay Diff", native]]});
        assert!(has_native_diff(&overlay("true")) && !has_native_diff(&overlay("false")));
        assert!(!has_native_diff(&json!({"Driver": "fuse-overlayfs"})) && !has_native_diff(&json!({"Driver": "vfs"})));
    }
}

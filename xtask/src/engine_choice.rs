//! Which engine a task uses: one of its own, where the one at hand would make it wait.
//!
//! A storage driver without a diff of its own (fuse-overlayfs, vfs) ends every commit by sleeping until the next whole
//! second, which drowns what is measured, and makes tests slow.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::private_engine::{self, PrivateEngine, Purpose};
use crate::{engine, process, signals};

/// The option that has a task use the engine at hand.
pub const AS_IS: &str = "--engine-as-is";

/// Runs a task, such as `bench build`, with these arguments on an engine of its own, if the one at hand makes commits wait
/// and we can start one. Returns false when the task is still to be run here.
///
/// # Errors
/// When the task fails.
pub fn run_on_private_engine(task: &[&str], args: &[String], purpose: Purpose) -> Result<bool> {
    engine::ensure()?;
    let Some(reason) = commit_delay()? else { return Ok(false) };
    if !private_engine::can_start()? {
        eprintln!("warning: {reason}, and only root on Linux with `dockerd` can have an engine for this alone");
        return Ok(false);
    }
    eprintln!("{reason}: starting a private `dockerd` with overlay2 (`{AS_IS}` does not)");
    let engine = match PrivateEngine::start(purpose) {
        Ok(engine) => engine,
        Err(error) => {
            signals::check()?;
            eprintln!("warning: that did not work, so the engine is used as it is: {error:#}");
            return Ok(false);
        }
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.args(task).arg(AS_IS).args(args).env("DOCKER_HOST", engine.host());
    let status = private_engine::run_to_end(&mut command)?;
    drop(engine);
    ensure!(status.success(), "`{}` failed", task.join(" "));
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

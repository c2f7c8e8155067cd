//! Removing containers by their names: those of this run, and those of dead ones.

use anyhow::Result;

use crate::engine::cli::{Engine, Output};
use crate::engine::dialect::Dialect;
use crate::run_lock::RunLock;
use crate::time_limits::REMOVAL_PAUSE;

/// How often containers of dead runs are removed that the engine cannot remove yet: with the pauses this is a second.
const REMOVAL_TRIES: usize = 20;

/// How the CLI says, in lower case, that a container does not exist.
const MISSING: &str = "no such container";

/// How it says that it cannot remove a container yet: the engine is just doing it, or, with podman, another one is in its network.
const NOT_YET: [&str; 2] = ["already in progress", "has dependent containers"];

/// What became of containers that were to be removed, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Removed {
    Gone,
    NotYet,
    Failed,
}

/// Removes the containers with these names, with their anonymous volumes. Returns whether the engine removed all of
/// them.
///
/// # Errors
/// If the engine's CLI cannot be started, or work was cancelled.
pub fn remove(engine: &Engine, names: &[String]) -> Result<bool> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // A container comes before those that join its network.
    let (outcome, _) = call_all(engine, names.into_iter().rev())?;
    Ok(outcome == Removed::Gone)
}

/// The containers of dead runs.
#[derive(Debug, PartialEq, Eq)]
pub struct DeadContainers {
    /// The names of those that were removed.
    pub removed: Vec<String>,
    /// The engine says that none of them is left.
    pub all_gone: bool,
}

/// Removes the containers of dead runs.
///
/// # Errors
/// If the engine does not answer, or work was cancelled.
pub fn remove_dead(engine: &Engine, run_lock: &RunLock) -> Result<DeadContainers> {
    let filter = format!("name=^/?{}", run_lock.prefix());
    let mut removed = Vec::new();
    for _ in 0..REMOVAL_TRIES {
        let listing = engine.demand(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"])?;
        let dead: Vec<&str> = listing.lines().filter(|name| run_lock.is_dead(name)).collect();
        if dead.is_empty() {
            return Ok(DeadContainers { removed, all_gone: true });
        }
        let (outcome, names) = call_all(engine, dead)?;
        removed.extend(names);
        match outcome {
            Removed::Gone => return Ok(DeadContainers { removed, all_gone: true }),
            Removed::NotYet => std::thread::sleep(REMOVAL_PAUSE),
            Removed::Failed => break,
        }
    }
    Ok(DeadContainers { removed, all_gone: false })
}

/// Makes all calls that remove containers; what became of them, and the names that the CLI says it removed.
fn call_all<'a>(engine: &Engine, names: impl IntoIterator<Item = &'a str>) -> Result<(Removed, Vec<String>)> {
    let (mut outcome, mut removed) = (Removed::Gone, Vec::new());
    for call in calls(engine.dialect(), names.into_iter().collect()) {
        let output = engine.call(&call)?;
        outcome = outcome.max(judge(&output));
        removed.extend(output.stdout.lines().map(str::to_owned));
    }
    Ok((outcome, removed))
}

/// The calls that remove containers. Podman removes none of several if one of them does not exist, and says that all is well.
fn calls<'a>(dialect: Dialect, names: Vec<&'a str>) -> Vec<Vec<&'a str>> {
    let call = |names: &[&'a str]| [dialect.removal(), names].concat();
    match dialect {
        _ if names.is_empty() => Vec::new(),
        Dialect::Docker => vec![call(&names)],
        Dialect::Podman => names.chunks(1).map(call).collect(),
    }
}

/// What became of the containers of a call.
fn judge(output: &Output) -> Removed {
    let stderr = output.stderr.to_lowercase();
    let complaints = stderr.lines().filter(|line| !line.trim().is_empty() && !is_remark(line));
    if output.success {
        return Removed::Gone;
    }
    let of_complaint = |line: &str| match line {
        _ if line.contains(MISSING) => Removed::Gone,
        _ if NOT_YET.iter().any(|text| line.contains(text)) => Removed::NotYet,
        _ => Removed::Failed,
    };
    complaints.map(of_complaint).max().unwrap_or(Removed::Failed)
}

/// Whether a line, in lower case, is no complaint: podman logs what it does meanwhile, and its `docker` says that it is podman.
fn is_remark(line: &str) -> bool {
    line.starts_with("time=") || line.contains("/etc/containers/nodocker")
}

#[cfg(test)]
mod tests {
    use super::{Removed, calls, judge};
    use crate::engine::cli::Output;
    use crate::engine::dialect::Dialect;

    #[test]
    fn podman_removed_nothing_when_one_of_several_was_gone() {
        let of = |dialect| calls(dialect, vec!["a", "b"]).iter().map(|call| call.join(" ")).collect::<Vec<_>>();
        assert_eq!(of(Dialect::Docker), ["rm --force --volumes a b"]);
        assert_eq!(of(Dialect::Podman), ["rm --force --time 0 --volumes a", "rm --force --time 0 --volumes b"]);
        assert!(calls(Dialect::Docker, Vec::new()).is_empty());
    }

    #[test]
    fn a_container_whose_network_is_used_is_removed_later() {
        let of = |stderr: &str| {
            let (stdout, stderr) = (String::new(), stderr.to_owned());
            judge(&Output { success: false, killed: false, stdout, stderr })
        };
        // What podman 4.3 says.
        let joined = "Error: container 560efca43e4c has dependent containers which must be removed before it: c7a85841f96a: container already exists\n";
        assert_eq!(of(joined), Removed::NotYet);
        // The `docker` of podman has a remark on each call, and the log of podman is on the same stream.
        let emulated = "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.\n";
        let logged = "time=\"2026-11-28T06:38:51Z\" level=error msg=\"Removing timer for container 6e5f81c2126b\"\n";
        assert_eq!(of(&format!("{emulated}{logged}{joined}")), Removed::NotYet);
        assert_eq!(of("Error: No such container: a\n"), Removed::Gone);
        let removing = "Error response from daemon: removal of container a is already in progress\n";
        assert_eq!(of(&format!("Error: No such container: b\n{removing}")), Removed::NotYet);
        assert_eq!((of(""), of("Error: permission denied\n")), (Removed::Failed, Removed::Failed));
    }
}

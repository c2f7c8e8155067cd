//! Limits of this machine: watches, memory, disk.

use std::fs;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::check::Check;
use super::engine_facts::EngineFacts;
use crate::run_lock::RunLock;

/// The fewest folders that a watch should be able to watch, and the fewest programs that should be able to: editors take
/// many, too.
const FEW_WATCHES: u64 = 65_536;
const FEW_INSTANCES: u64 = 128;

/// Less memory than this is used up by a build of a usual builder.
const LITTLE_MEMORY: u64 = 512 << 20;

/// Less disk space than this is used up by a few builds.
const LITTLE_DISK: u64 = 2 << 30;

/// How many folders can be watched at the same time; `None` on systems without such limits.
pub fn check_watches() -> Option<Check> {
    let limit = |name: &str| fs::read_to_string(Path::new("/proc/sys/fs/inotify").join(name)).ok()?.trim().parse().ok();
    Some(judge_watches(limit("max_user_watches")?, limit("max_user_instances")?))
}

fn judge_watches(watches: u64, instances: u64) -> Check {
    let found = format!("{watches} folders and files in {instances} programs at once");
    let mut settings = Vec::new();
    if watches < FEW_WATCHES {
        settings.push("fs.inotify.max_user_watches=524288");
    }
    if instances < FEW_INSTANCES {
        settings.push("fs.inotify.max_user_instances=512");
    }
    if settings.is_empty() {
        return Check::ok("file watches", found);
    }
    let cure = format!("`sudo sysctl {}`; in a file of /etc/sysctl.d it lasts", settings.join(" "));
    Check::slow("file watches", found, cure)
}

/// How much memory is free; `None` where the system does not tell.
pub fn check_memory() -> Option<Check> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(judge_space("memory", kibibytes << 10, LITTLE_MEMORY, "end other programs, or give the machine more"))
}

/// How much disk space the engine has; `None` if it does not say where, or that is on another machine.
pub fn check_engine_disk(facts: &EngineFacts) -> Option<Check> {
    let folder = facts.root.as_deref()?;
    let cure = "`docker system df` shows what takes the space, `docker system prune` frees unused data";
    let cure = if facts.podman { cure.replace("docker", "podman") } else { cure.to_owned() };
    Some(judge_space("engine's disk", free_space(folder)?, LITTLE_DISK, &cure))
}

/// Whether the folder of the locks can be used, and what dead runs have left.
pub fn check_locks(run_lock: &RunLock) -> Check {
    let folder: PathBuf = run_lock.path().parent().map(Path::to_owned).unwrap_or_default();
    let found = format!("in {}", folder.display());
    match run_lock.dead_runs().len() {
        0 => Check::ok("locks", format!("{found}; no run has left anything")),
        count => {
            let runs =
                if count == 1 { "a run that died has".to_owned() } else { format!("{count} runs that died have") };
            Check::ok("locks", format!("{found}; {runs} left something, which the next build removes"))
        }
    }
}

/// The bytes that a user who is not root can still write there.
fn free_space(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

fn judge_space(topic: &'static str, free: u64, little: u64, cure: &str) -> Check {
    let found = format!("{} free", ByteSize(free).display().si());
    if free < little { Check::slow(topic, found, cure) } else { Check::ok(topic, found) }
}

#[cfg(test)]
mod tests {
    use super::{LITTLE_DISK, judge_space, judge_watches};
    use crate::doctor::State;

    #[test]
    fn only_limits_that_are_too_low_are_to_be_set() {
        assert_eq!(judge_watches(524_288, 128).state, State::Ok);
        let check = judge_watches(8192, 128);
        assert_eq!(check.state, State::Slow);
        let cure = check.cure.unwrap();
        assert!(cure.contains("max_user_watches") && !cure.contains("max_user_instances"), "{cure}");
        assert!(judge_watches(8192, 16).cure.unwrap().contains("max_user_instances"));
    }

    #[test]
    fn little_space_is_told_with_what_frees_it() {
        assert_eq!(judge_space("disk", LITTLE_DISK, LITTLE_DISK, "x").state, State::Ok);
        let check = judge_space("disk", 5_000_000, LITTLE_DISK, "x");
        assert_eq!((check.found.as_str(), check.cure.as_deref()), ("5.0 MB free", Some("x")));
    }
}

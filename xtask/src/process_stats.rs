//! What the kernel counts for a process, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// What a process holds right now.
#[derive(Clone, Copy)]
pub struct ResourceUsage {
    pub threads: u64,
    pub files: u64,
    /// Resident memory, in KiB.
    pub memory: u64,
}

/// Counts what a process holds right now.
pub fn resource_usage(pid: u32) -> Result<ResourceUsage> {
    let files = fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
    Ok(ResourceUsage { threads: field(pid, "Threads")?, files, memory: field(pid, "VmRSS")? })
}

/// The most memory that the process has held so far, in KiB.
pub fn peak_memory(pid: u32) -> Result<u64> {
    field(pid, "VmHWM")
}

fn field(pid: u32, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
    number.with_context(|| format!("the kernel does not report {name}"))
}

/// Processor time used so far, in ticks of the kernel: 100 a second.
pub fn cpu_ticks(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    user_and_system_time(&text).context("the kernel does not report the processor time")
}

/// Processor time that the main thread has used so far.
pub fn main_thread_time(pid: u32) -> Result<Duration> {
    thread_time(pid, &pid.to_string())
}

/// Processor time that the threads that there are now have used so far, to the nanosecond.
pub fn processor_time(pid: u32) -> Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")?;
    let threads = threads.flatten().map(|thread| thread.file_name().to_string_lossy().into_owned());
    // A thread may end meanwhile.
    Ok(threads.filter_map(|thread| thread_time(pid, &thread).ok()).sum())
}

fn thread_time(pid: u32, thread: &str) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat")).context("the process is gone")?;
    let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
    nanos.map(Duration::from_nanos).context("the kernel does not report the time of a thread")
}

/// User and system time of a `stat` line; the name before them may hold anything.
fn user_and_system_time(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The processes that this one has started and that still exist.
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// How many folders and files the process has the kernel watch.
pub fn inotify_watches(pid: u32) -> Result<usize> {
    let mut count = 0;
    for file in fs::read_dir(format!("/proc/{pid}/fdinfo")).context("the process is gone")? {
        // A file may be closed meanwhile.
        let text = fs::read_to_string(file?.path()).unwrap_or_default();
        count += text.lines().filter(|line| line.starts_with("inotify wd:")).count();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::user_and_system_time;

    #[test]
    fn a_name_may_look_like_fields() {
        let stat = "7 (a) S 9 9) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(user_and_system_time(stat), Some(42));
    }
}

//! One `minis2i build`, and the time and memory that it takes.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::bench::phases::phases;
use crate::bench::series::Series;
use crate::bench::turns::TurnStart;
use crate::process_stats;

/// How often memory is sampled. The kernel keeps the peak, so that only a peak in the last few milliseconds is missed.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(5);

/// What one `minis2i build` took.
pub struct MeasuredBuild {
    /// From the start of the process to its end, as a user waits for it.
    pub whole: Duration,
    /// What minis2i says of that time.
    pub phases: Vec<(String, Duration)>,
    /// The most memory it held, in bytes.
    pub memory: u64,
}

impl MeasuredBuild {
    /// The phase of that name; no time when the build had none.
    pub fn phase(&self, name: &str) -> Duration {
        self.phases.iter().find(|(known, _)| known == name).map_or(Duration::ZERO, |(_, time)| *time)
    }
}

/// Runs a prepared `minis2i build --message-format json` and measures it.
pub fn run(command: &mut Command, start: TurnStart) -> Result<MeasuredBuild> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begin = start.wait();
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let (output, memory) = with_peak_memory(child, Child::wait_with_output);
    let whole = begin.elapsed();
    let output = output?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{command:?} failed: {stdout}{}", String::from_utf8_lossy(&output.stderr));
    Ok(MeasuredBuild { whole, phases: phases(&stdout)?, memory })
}

/// Does something with a process, and returns its peak memory, too, in bytes.
///
/// What the kernel reports at the end (`ru_maxrss`) is of no use here: it is the largest of the process and all
/// the children it waited for, and docker's CLI is larger than minis2i.
fn with_peak_memory<T>(child: Child, work: impl FnOnce(Child) -> T) -> (T, u64) {
    let pid = child.id();
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Each sample replaces the one before: the first may be of our own fork, before the program is loaded.
                if let Ok(kibibytes) = process_stats::peak_memory(pid) {
                    peak.store(kibibytes * 1024, Ordering::Relaxed);
                }
                thread::sleep(SAMPLE_INTERVAL);
            }
        });
        let result = work(child);
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, peak.into_inner())
}

/// Prints where the time of builds goes, by the medians of their phases.
pub fn show_phases(builds: &[MeasuredBuild]) {
    let whole = Series::new(builds.iter().map(|build| build.whole)).median();
    let phases = ["start", "source", "artifacts", "assemble", "commit"].map(|name| {
        let time = Series::new(builds.iter().map(|build| build.phase(name))).median();
        format!("{name} {:.3}", time.as_secs_f64())
    });
    println!("  A spends {:.3} s: {}", whole.as_secs_f64(), phases.join(", "));
}

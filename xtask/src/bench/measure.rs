//! Taking times and memory, and what a series of them says.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Bar, Row};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Times of the same thing.
pub struct Series(Vec<Duration>);

impl Series {
    /// From at least one time.
    pub fn new(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        assert!(!times.is_empty(), "a series has at least one time");
        times.sort();
        Self(times)
    }

    pub fn median(&self) -> Duration {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { (self.0[middle - 1] + self.0[middle]) / 2 }
    }

    /// The least and the most.
    pub fn range(&self) -> [Duration; 2] {
        [self.0[0], self.0[self.0.len() - 1]]
    }

    /// The median, and the range it lies in.
    pub fn show(&self) -> String {
        let [least, most] = self.range().map(|time| time.as_secs_f64());
        format!("{:.3} s ({least:.3} to {most:.3})", self.median().as_secs_f64())
    }
}

/// Compares the medians of two series; `at_most` is the bar for their ratio, if there is one.
pub fn compare(what: &'static str, a: &Series, b: &Series, at_most: Option<f64>) -> Row {
    let ratio = a.median().as_secs_f64() / b.median().as_secs_f64();
    let bar = at_most.map(|limit| Bar { limit: format!("at most {limit:.2}"), holds: ratio <= limit });
    Row { what, a: a.show(), b: b.show(), figure: format!("{ratio:.2}"), bar }
}

/// When a turn is to start: at this part of a second of the wall clock.
///
/// Engines whose storage driver has no diff of its own (fuse-overlayfs, vfs) end every commit by sleeping until the
/// next whole second. Whoever is measured right after another's commit would always start at the same point of that
/// beat, and a few milliseconds more of work could cost a second or nothing. So the rounds spread their starts evenly
/// over a second, the same for both contenders.
#[derive(Clone, Copy)]
pub struct Start(Option<f64>);

impl Start {
    /// At once, for turns that do not count.
    pub const ANY: Self = Self(None);

    pub fn of(round: usize, rounds: usize) -> Self {
        Self(Some((round as f64 + 0.5) / rounds as f64))
    }

    /// Waits for it, and returns when the clock started.
    pub fn wait(self) -> Instant {
        if let Some(part) = self.0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let rest = (part - f64::from(now.subsec_nanos()) / 1e9).rem_euclid(1.0);
            thread::sleep(Duration::from_secs_f64(rest));
        }
        Instant::now()
    }
}

/// Lets the two take turns, A B A B, so that what else the machine does hits both alike.
pub fn take_turns<A, B>(
    rounds: usize,
    mut a: impl FnMut(Start) -> Result<A>,
    mut b: impl FnMut(Start) -> Result<B>,
) -> Result<(Vec<A>, Vec<B>)> {
    let (mut all_a, mut all_b) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprint!("\r  round {} of {rounds}", round + 1);
        let start = Start::of(round, rounds);
        all_a.push(a(start)?);
        all_b.push(b(start)?);
    }
    eprintln!();
    Ok((all_a, all_b))
}

/// What one `minis2i build` took.
pub struct Build {
    /// From the start of the process to its end, as a user waits for it.
    pub whole: Duration,
    /// Its own account of that time.
    pub phases: Vec<(String, Duration)>,
    /// The most memory it held, in bytes.
    pub memory: u64,
}

impl Build {
    /// The phase of that name; no time when the build had none.
    pub fn phase(&self, name: &str) -> Duration {
        self.phases.iter().find(|(known, _)| known == name).map_or(Duration::ZERO, |(_, time)| *time)
    }
}

/// Runs a prepared `minis2i build --message-format json` and measures it.
pub fn minis2i(command: &mut Command, start: Start) -> Result<Build> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begin = start.wait();
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let (output, memory) = watched(child, Child::wait_with_output);
    let whole = begin.elapsed();
    let output = output?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{command:?} failed: {said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(Build { whole, phases: phases(&said)?, memory })
}

/// Does something with a process while its peak memory is watched, in bytes.
///
/// The kernel's own account at the end (`ru_maxrss`) is of no use here: it has the largest of the process and all
/// the children it waited for, and docker's CLI is larger than minis2i.
fn watched<T>(child: Child, work: impl FnOnce(Child) -> T) -> (T, u64) {
    let status = format!("/proc/{}/status", child.id());
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Each look replaces the one before: the first may still see us, before the program is loaded.
                if let Some(bytes) = high_water(&status) {
                    peak.store(bytes, Ordering::Relaxed);
                }
                thread::sleep(LOOK);
            }
        });
        let result = work(child);
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, peak.into_inner())
}

/// The most memory that the process has held so far; `None` when it has ended.
fn high_water(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// What the phases of a build took, by what it said.
pub fn phases(said: &str) -> Result<Vec<(String, Duration)>> {
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("minis2i said `{line}`"))?;
        if line["reason"] == "build-finished" {
            return times(&line["phases"]);
        }
    }
    bail!("minis2i did not say `build-finished`: {said}")
}

/// An object of seconds.
pub fn times(phases: &Value) -> Result<Vec<(String, Duration)>> {
    let phases = phases.as_object().context("a build came without its phases")?;
    let time = |seconds: &Value| seconds.as_f64().map(Duration::from_secs_f64).context("a phase has no time");
    phases.iter().map(|(name, seconds)| Ok((name.clone(), time(seconds)?))).collect()
}

/// Prints where the time of builds goes, by the medians of their phases.
pub fn show_phases(builds: &[Build]) {
    let whole = Series::new(builds.iter().map(|build| build.whole)).median();
    let phases = ["start", "source", "artifacts", "assemble", "commit"].map(|name| {
        let time = Series::new(builds.iter().map(|build| build.phase(name))).median();
        format!("{name} {:.3}", time.as_secs_f64())
    });
    println!("  A spends {:.3} s: {}", whole.as_secs_f64(), phases.join(", "));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Series, compare};

    fn series(millis: &[u64]) -> Series {
        Series::new(millis.iter().copied().map(Duration::from_millis))
    }

    #[test]
    fn one_slow_turn_does_not_move_the_median() {
        assert_eq!(series(&[9000, 100, 200]).median(), Duration::from_millis(200));
        assert_eq!(series(&[100, 9000, 300, 200]).median(), Duration::from_millis(250));
    }

    #[test]
    fn a_bar_holds_up_to_its_limit() {
        let holds =
            |millis| compare("", &series(&[millis]), &series(&[1000]), Some(0.65)).bar.is_some_and(|bar| bar.holds);
        assert!(holds(650) && !holds(651));
    }
}

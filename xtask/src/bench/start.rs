//! How large the program is, and how long it takes until it has answered what needs no engine.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::build::table::{self, Limit, Line};
use super::options::Options;
use super::series::Series;
use crate::{program, workspace};

/// How many turns count by default: many, as they are short, and odd, so that one of them is the median.
const ROUNDS: usize = 101;

/// A program that does nothing: what starting a process costs.
const NOTHING: &str = "true";

/// What is asked of the program, and how many milliseconds its answer may take: targets that the project set itself.
const QUESTIONS: [(&str, &[&str], f64); 4] = [
    ("minis2i --version", &["--version"], 5.0),
    ("minis2i --help", &["--help"], 10.0),
    ("minis2i build --help", &["build", "--help"], 10.0),
    ("minis2i watch --help", &["watch", "--help"], 10.0),
];

/// The largest program, in MiB: another such target.
const SIZE_LIMIT: f64 = 6.0;

/// Measures all, prints the table, and fails when a bar does not hold.
///
/// # Errors
/// When a bar does not hold, or a program does not run.
pub fn bench(options: &Options) -> Result<()> {
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let program = workspace::root().join(program::build(false)?);
    let program = program.to_str().context("the path of the program is not UTF-8 text")?;
    let mut lines = vec![size_line(program)?];
    for (what, args, limit) in QUESTIONS {
        let (mut asked, mut nothing) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            asked.push(time(program, args)?);
            nothing.push(time(NOTHING, &[])?);
        }
        lines.push(time_line(what, &Series::new(asked), &Series::new(nothing), limit));
    }
    table::print_and_check(&lines, "B: true")
}

fn size_line(program: &str) -> Result<Line> {
    let mib = fs::metadata(program)?.len() as f64 / f64::from(1 << 20);
    let limit = Limit { text: format!("at most {SIZE_LIMIT:.0} MiB"), holds: mib <= SIZE_LIMIT };
    let (a, b, figure) = (format!("{mib:.2} MiB"), String::new(), String::new());
    Ok(Line { what: "size of the program, stripped", a, b, figure, limit: Some(limit) })
}

fn time_line(what: &'static str, asked: &Series, nothing: &Series, at_most: f64) -> Line {
    let took = asked.median().as_secs_f64();
    let figure = format!("{:.2}", took / nothing.median().as_secs_f64());
    let limit = Limit { text: format!("at most {at_most:.0} ms"), holds: took * 1e3 <= at_most };
    Line { what, a: asked.summary_in_milliseconds(), b: nothing.summary_in_milliseconds(), figure, limit: Some(limit) }
}

/// How long a program takes from its start to its end. What it prints is dropped.
fn time(program: &str, args: &[&str]) -> Result<Duration> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{program}`"))?;
    let took = begin.elapsed();
    ensure!(status.success(), "`{program} {}` failed: {status}", args.join(" "));
    Ok(took)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Series, time_line};

    #[test]
    fn the_limit_is_for_the_median_of_the_program_alone() {
        let series = |millis: &[u64]| Series::new(millis.iter().copied().map(Duration::from_millis));
        let holds = |asked: &[u64]| {
            let line = time_line("", &series(asked), &series(&[1]), 5.0);
            line.limit.is_some_and(|limit| limit.holds)
        };
        assert!(holds(&[5, 4, 90]) && !holds(&[6, 6, 1]));
    }
}

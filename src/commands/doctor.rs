//! The command `doctor`: says what makes builds slow or impossible on this machine, and what helps.

use anyhow::Result;

use crate::cli::doctor::DoctorArgs;
use crate::doctor::{self, Check, State};
use crate::engine::cli::Engine;
use crate::error::ErrorKind;
use crate::report::Reporter;
use crate::report::escape::{self, on_one_line};
use crate::run_lock::RunLock;
use crate::settings::folders;

/// Makes all checks and prints them; returns the exit status, which is that of an engine's failure if something that is
/// needed does not work.
///
/// # Errors
/// If the folder of the locks cannot be used, there is no such image, or the run was interrupted.
pub fn doctor(args: &DoctorArgs, engine: &Engine, reporter: &Reporter) -> Result<u8> {
    let run_lock = RunLock::take(folders::of_runs())?;
    reporter.phase("measuring");
    let checks = doctor::examine(engine, args.image.as_deref(), &run_lock)?;
    if args.json {
        let mut line = escape::json(serde_json::to_vec(&checks).expect("text can be written as JSON"));
        line.push(b'\n');
        reporter.print_result(&line);
    } else {
        reporter.print_result(table(&checks).as_bytes());
    }
    let works = checks.iter().all(|check| check.state != State::Missing);
    Ok(if works { 0 } else { ErrorKind::Engine.status() })
}

/// A line for each check, and one for each cure.
fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.topic.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Check { topic, state, found, cure } in checks {
        let state = match state {
            State::Ok => "ok",
            State::Slow => "slow",
            State::Missing => "missing",
        };
        text += &format!("{state:<7}  {topic:<width$}  {}\n", on_one_line(found));
        if let Some(cure) = cure {
            text += &format!("{:7}  {:width$}  cure: {}\n", "", "", on_one_line(cure));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::doctor::Check;

    #[test]
    fn a_cure_stands_below_what_it_is_for() {
        let checks = [Check::ok("git", "2.39"), Check::slow("commit", "1.00 s", "wait")];
        assert_eq!(table(&checks), "ok       git     2.39\nslow     commit  1.00 s\n                 cure: wait\n");
    }
}

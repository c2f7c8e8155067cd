//! All tests, on a real engine.

use anyhow::Result;

use crate::engines::{self, EngineName, OPTION};
use crate::private_engine::Purpose;
use crate::{base_image, engine_choice, process, servers, signals, skipped};

/// The variable by which the test harness is told how many tests run at the same time.
const THREADS: &str = "RUST_TEST_THREADS";

/// Runs all tests on a real engine: one of their own where the one at hand is slow. Arguments go to `cargo test`.
pub fn test(args: &[String]) -> Result<()> {
    if let Some((OPTION, name, rest)) = args.split_first_chunk().map(|([option, name], rest)| (&**option, name, rest)) {
        return engines::test(EngineName::parse(name)?, rest);
    }
    let args = match args.split_first() {
        Some((first, rest)) if first == engine_choice::AS_IS => rest,
        _ => {
            // The engine is removed after Ctrl-C, too.
            signals::catch()?;
            if engine_choice::run_on_private_engine(&["test"], args, Purpose::Tests)? {
                return Ok(());
            }
            args
        }
    };
    base_image::ensure()?;
    servers::ensure();
    let skipped = skipped::new_file()?;
    let mut line = vec!["cargo", "test", "--workspace"];
    line.extend(args.iter().map(String::as_str));
    let mut command = process::command(&line);
    if std::env::var_os(THREADS).is_none() {
        // Tests wait for the engine more than they compute, so two of them share a core.
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        command.env(THREADS, (2 * cores).to_string());
    }
    command.env(skipped::VARIABLE, &skipped);
    // A failed test says where it failed; below a long trace a log that is cut would not show what it said.
    command.env("RUST_BACKTRACE", "0");
    eprintln!("$ {}", line.join(" "));
    let result = process::run(&mut command);
    skipped::report(&std::fs::read_to_string(&skipped)?);
    result
}

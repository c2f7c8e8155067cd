//! `minis2i` turns a source folder and a builder image into a runnable image.

mod app;
mod cancel;
mod child;
mod cli;
mod commands;
mod contract;
mod doctor;
mod engine;
mod error;
mod git;
mod hooks;
mod http;
mod input_file;
mod output_paths;
mod pipeline;
mod random;
mod report;
mod run_lock;
mod settings;
mod signals;
mod snippet;
mod source;
mod tar;
mod time_limits;
mod timings;
mod url;
mod watch;

use std::process::ExitCode;

use anyhow::Result;

use cancel::Ending;
use cli::commands::{Cli, Command};
use cli::engine::EngineArgs;
use cli::read_error::ReadError;
use commands::{build, cleanup, create, generate, rebuild, usage};
use engine::cli::Engine;
use report::message::{EngineCall, Message};
use report::{Reporter, answer_printed};
use settings::engine::engine_program;
use settings::engine_choice::choose;
use settings::output;

fn main() -> ExitCode {
    let (reporter, result) = match cli::read(std::env::args_os()) {
        Ok(cli) => run_command(cli),
        Err(ReadError::Answer(answer)) => {
            let status = u8::try_from(answer.exit_code()).unwrap_or(2);
            (output::default_reporter(), answer_printed(answer.print()).map(|()| status))
        }
        Err(ReadError::Error(error)) => (output::default_reporter(), Err(error)),
    };
    let status = result.unwrap_or_else(|error| fail(&reporter, &error));
    let status = match reporter.finish() {
        Err(error) if status == 0 => {
            // As text, and not where it could not be written.
            let reporter = output::default_reporter();
            let status = fail(&reporter, &error);
            drop(reporter.finish());
            status
        }
        _ => status,
    };
    ExitCode::from(status)
}

/// Reports the error that ends the run; its exit status.
fn fail(reporter: &Reporter, error: &anyhow::Error) -> u8 {
    reporter.emit(&Message::Error(error));
    error::kind(error).status()
}

/// Runs the command; returns its exit status, and the reporter that shows its error.
fn run_command(cli: Cli) -> (Reporter, Result<u8>) {
    match cli.command {
        Command::Build(args) => {
            let reporter = output::reporter(&args.output);
            cli.notes.iter().for_each(|note| reporter.note(note));
            let result = build::build(*args, &reporter);
            (reporter, result.map(|()| 0))
        }
        Command::Rebuild(args) => {
            let reporter = output::reporter(&args.output);
            let result = rebuild::as_build(*args, &reporter).and_then(|args| build::build(args, &reporter));
            (reporter, result.map(|()| 0))
        }
        Command::Watch(args) => {
            let reporter = output::reporter(&args.output);
            let result = commands::watch::watch(*args, &reporter);
            (reporter, result)
        }
        Command::Wait(args) => {
            let reporter = output::reporter(&args.output);
            let result = commands::wait::wait(&args.wait, &reporter);
            (reporter, result.map(|()| 0))
        }
        Command::Files(args) => without_engine(|reporter| commands::files::files(&args, reporter)),
        Command::Doctor(args) => {
            with_engine(&args.engine, |engine, reporter| commands::doctor::doctor(&args, engine, reporter))
        }
        Command::Cache(args) => with_engine(args.command.engine(), |engine, reporter| {
            commands::cache::cache(&args, engine, reporter).map(|()| 0)
        }),
        Command::Usage(args) => {
            with_engine(&args.engine, |engine, reporter| usage::usage(&args, engine, reporter).map(|()| 0))
        }
        Command::Generate(args) => {
            with_engine(&args.engine, |engine, reporter| generate::generate(&args, engine, reporter).map(|()| 0))
        }
        Command::Create(args) => without_engine(|reporter| create::create(&args, reporter)),
        Command::Completion(args) => without_engine(|reporter| {
            reporter.print_result(&cli::completion(args.shell));
            Ok(())
        }),
        Command::Snippet(args) => without_engine(|reporter| commands::snippet::snippet(&args, reporter)),
        Command::Version => without_engine(|reporter| {
            reporter.print_result(concat!("minis2i ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
            Ok(())
        }),
        Command::ManPages(args) => without_engine(|_| commands::man_pages::man_pages(&args)),
        Command::Cleanup(args) => without_engine(|_| cleanup::cleanup(args)),
    }
}

/// Runs a command that needs no engine, or makes one itself.
fn without_engine(command: impl FnOnce(&Reporter) -> Result<()>) -> (Reporter, Result<u8>) {
    let reporter = output::default_reporter();
    let result = command(&reporter);
    (reporter, result.map(|()| 0))
}

/// Runs a command that only queries the engine.
fn with_engine(args: &EngineArgs, command: impl FnOnce(&Engine, &Reporter) -> Result<u8>) -> (Reporter, Result<u8>) {
    let reporter = output::engine_reporter(args);
    let ending = Ending::default();
    let waiting = reporter.clone();
    let signals_handled = signals::end_on_signal(ending.clone(), move |why| waiting.stop_waiting(why));
    let call_reporter = reporter.clone();
    let result = signals_handled.and_then(|()| choose(args.engine.clone(), &reporter)).and_then(|program| {
        let on_call = move |call: &EngineCall| call_reporter.emit(&Message::Call(call));
        command(&Engine::new(engine_program(&program), ending, on_call), &reporter)
    });
    (reporter, result)
}

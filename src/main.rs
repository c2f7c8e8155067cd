//! `minis2i` turns a source folder and a builder image into a runnable image.

mod build;
mod cli;
mod contract;
mod engine;
mod failure;
mod interrupt;
mod lease;
mod report;
mod settings;
mod source;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use build::{Workshop, tidy};
use cli::{BuildArgs, Cli, Command, WatchArgs};
use engine::{Cancel, Engine};
use lease::Lease;
use report::{Message, Reporter};
use settings::Job;

fn main() -> ExitCode {
    let cli = Cli::parse_from(cli::complete(std::env::args_os()));
    let (reporter, result) = match cli.command {
        Command::Build(args) => {
            let reporter = settings::reporter(&args.output);
            let result = build_once(args, &reporter);
            (reporter, result)
        }
        Command::Watch(args) => {
            let reporter = settings::reporter(&args.output);
            match watch_on(*args, &reporter) {
                Ok(status) => return status,
                Err(error) => (reporter, Err(error)),
            }
        }
        Command::Tidy(args) => (settings::default_reporter(), tidy::run(args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.tell(&Message::Error(&error));
            ExitCode::from(failure::kind(&error).status())
        }
    }
}

fn build_once(args: BuildArgs, reporter: &Reporter) -> Result<()> {
    let job = Job::new(args.job, reporter)?;
    let cancel = Cancel::default();
    interrupt::listen(cancel.clone())?;
    let teller = reporter.clone();
    let engine = Engine::new(job.engine.clone(), cancel, move |call| teller.tell(&Message::Call(call)));
    let lease = Lease::take()?;
    build::build(&Workshop { job: &job, engine, lease: &lease, reporter })
}

fn watch_on(args: WatchArgs, reporter: &Reporter) -> Result<ExitCode> {
    let job = Job::new(args.job, reporter)?;
    let ended = watch::watch(&job, args.watch, reporter)?;
    Ok(match ended {
        watch::Ended::Asked => ExitCode::SUCCESS,
        watch::Ended::Signal(signal) => ExitCode::from(failure::Kind::Interrupted(signal).status()),
    })
}

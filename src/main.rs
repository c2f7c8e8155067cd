//! `minis2i` turns a source folder and a builder image into a runnable image.

#![allow(dead_code)]

mod build;
mod callback;
mod checkout;
mod cli;
mod contract;
mod engine;
mod failure;
mod interrupt;
mod lease;
mod report;
mod run;
mod settings;
mod source;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use build::{Workshop, tidy};
use checkout::Checkout;
use cli::{BuildArgs, Cli, Command};
use engine::{Cancel, Engine};
use lease::Lease;
use report::{Message, Reporter};
use settings::Job;
use settings::origin::Origin;

fn main() -> ExitCode {
    let cli = Cli::parse_from(cli::complete(std::env::args_os()));
    let (reporter, result) = match cli.command {
        Command::Build(args) => {
            let reporter = settings::reporter(&args.output);
            let result = build_once(*args, &reporter);
            (reporter, result)
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
    let cancel = Cancel::default();
    interrupt::listen(cancel.clone())?;
    let lease = Lease::take()?;
    let checkout = match Origin::of(&args.job)? {
        Origin::Folder(_) => None,
        Origin::Repository(repository) => {
            Some(Checkout::make(&repository, args.job.familiar.save_temp_dir, &cancel, &lease, reporter)?)
        }
    };
    let job = Job::new(args.job, checkout.as_ref(), reporter)?;
    let teller = reporter.clone();
    let engine = Engine::new(job.engine.clone(), cancel, move |call| teller.tell(&Message::Call(call)));
    let shop = Workshop { job: &job, engine, lease: &lease, reporter };
    let built = build::build(&shop);
    callback::tell(&shop, built.is_ok());
    built?;
    if args.run { run::run(&shop) } else { Ok(()) }
}

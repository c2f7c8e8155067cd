//! `minis2i` turns a source folder and a builder image into a runnable image.

mod build;
mod callback;
mod checkout;
mod cli;
mod commands;
mod contract;
mod engine;
mod failure;
mod http;
mod interrupt;
mod lease;
mod report;
mod run;
mod settings;
mod source;
mod watch;

use std::ffi::OsStr;
use std::process::ExitCode;

use anyhow::Result;

use build::{Workshop, tidy};
use checkout::Checkout;
use cli::{AsideArgs, BuildArgs, Cli, Command, Unread, WatchArgs};
use commands::{create, generate, print, rebuild, usage};
use engine::{Cancel, Engine};
use failure::Failure;
use lease::Lease;
use report::{Message, Reporter};
use settings::Job;
use settings::origin::Origin;

fn main() -> ExitCode {
    let (reporter, result) = match cli::read(std::env::args_os()) {
        Ok(Cli { command: Command::Watch(args), .. }) => {
            let reporter = settings::reporter(&args.output);
            match watch_on(*args, &reporter) {
                Ok(status) => return status,
                Err(error) => (reporter, Err(error)),
            }
        }
        Ok(cli) => run(cli),
        Err(Unread::Answer(answer)) => answer.exit(),
        Err(Unread::Failure(error)) => (settings::default_reporter(), Err(error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.tell(&Message::Error(&error));
            ExitCode::from(failure::kind(&error).status())
        }
    }
}

/// Does what was asked for; returns who can tell of an error, too.
fn run(cli: Cli) -> (Reporter, Result<()>) {
    match cli.command {
        Command::Build(args) => {
            let reporter = settings::reporter(&args.output);
            cli.notes.iter().for_each(|note| reporter.note(note));
            let result = build_once(*args, &reporter);
            (reporter, result)
        }
        Command::Rebuild(args) => {
            let reporter = settings::reporter(&args.output);
            let result = rebuild::as_build(*args, &reporter).and_then(|args| build_once(args, &reporter));
            (reporter, result)
        }
        Command::Watch(_) => unreachable!("it has an exit status of its own"),
        Command::Usage(args) => aside(&args.aside, |engine, reporter| usage::usage(&args, engine, reporter)),
        Command::Generate(args) => aside(&args.aside, |engine, reporter| generate::generate(&args, engine, reporter)),
        Command::Create(args) => plain(|reporter| create::create(&args, reporter)),
        Command::Completion(args) => plain(|_| print(&cli::completion(args.shell))),
        Command::Version => plain(|_| print(concat!("minis2i ", env!("CARGO_PKG_VERSION"), "\n").as_bytes())),
        Command::Tidy(args) => plain(|_| tidy::run(args)),
    }
}

/// A command that needs no engine.
fn plain(work: impl FnOnce(&Reporter) -> Result<()>) -> (Reporter, Result<()>) {
    let reporter = settings::default_reporter();
    let result = work(&reporter);
    (reporter, result)
}

/// A command that only asks the engine for something.
fn aside(args: &AsideArgs, work: impl FnOnce(&Engine, &Reporter) -> Result<()>) -> (Reporter, Result<()>) {
    let reporter = settings::aside_reporter(args);
    let cancel = Cancel::default();
    let listening = interrupt::listen(cancel.clone());
    let result = listening.and_then(|()| work(&engine(&args.engine, cancel, &reporter), &reporter));
    (reporter, result)
}

fn build_once(mut args: BuildArgs, reporter: &Reporter) -> Result<()> {
    let tag = args.job.tag.clone();
    if args.as_dockerfile.is_some() {
        args.job.no_incremental = true;
        // A job has a name for its image; it is not told when the user gave none.
        args.job.tag = Some(tag.clone()).filter(|tag| !tag.is_empty()).unwrap_or_else(|| "unnamed".to_owned());
    }
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
    let engine = engine(&job.engine, cancel, reporter);
    let shop = Workshop { job: &job, engine, lease: &lease, reporter };
    if let Some(path) = args.as_dockerfile {
        let tag = Some(tag).filter(|tag| !tag.is_empty());
        return generate::as_dockerfile(&path, tag.as_deref(), &shop);
    }
    let built = build::build(&shop);
    callback::tell(&shop, built.is_ok());
    built?;
    if args.run { run::run(&shop) } else { Ok(()) }
}

fn engine(program: &OsStr, cancel: Cancel, reporter: &Reporter) -> Engine {
    let teller = reporter.clone();
    Engine::new(program.to_owned(), cancel, move |call| teller.tell(&Message::Call(call)))
}

fn watch_on(args: WatchArgs, reporter: &Reporter) -> Result<ExitCode> {
    if let Origin::Repository(repository) = Origin::of(&args.job)? {
        let url = checkout::without_secrets(&repository.url);
        return Err(Failure::usage(format!(
            "`{url}` can not be watched: only a folder of this machine tells of saves"
        ))
        .hint("clone it and watch the clone, or build it once with `minis2i build`")
        .into());
    }
    let job = Job::new(args.job, None, reporter)?;
    let ended = watch::watch(&job, args.watch, reporter)?;
    Ok(match ended {
        watch::Ended::Asked => ExitCode::SUCCESS,
        watch::Ended::Signal(signal) => ExitCode::from(failure::Kind::Interrupted(signal).status()),
    })
}

//! A soak: watches on a real engine, to which everything happens at random that can happen to them. After each calm the tag
//! must hold what a fresh build holds, and at the end nothing may be left.
//!
//! `plan` says from random numbers what is done; a `lane` does it to one source and the watches of it. Several lanes run at
//! the same time on one engine, whose daemon is stopped and continued now and then.

mod ages;
mod builders;
mod calm;
mod command;
mod content;
mod context;
mod daemon;
mod finding;
mod held;
mod inventory;
mod journal;
mod lane;
mod leftovers;
mod operation;
mod options;
mod pairing;
mod plan;
mod random;
mod tally;
mod watch_process;
mod wrapper;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use crate::private_engine::{self, PrivateEngine, Purpose};
use crate::{base_image, engine, engine_choice, process, program, signals, workspace};
use context::Context;
use daemon::Daemon;
use finding::{Finding, Kind};
use inventory::Inventory;
use journal::Journal;
use lane::Lane;
use options::Options;
use plan::Life;
use random::Random;
use tally::{Line, Tally};

/// The lanes: one whose watch lives as long as the soak, and some whose watches are killed.
const LANES: [Life; 4] = [Life::Long, Life::Short, Life::Short, Life::Short];

/// How often the state is printed.
const PROGRESS: Duration = Duration::from_secs(15);

/// The task.
///
/// # Errors
/// When something was found, or the soak can not go on.
pub fn soak(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    signals::catch()?;
    engine::ensure()?;
    if options.engine_as_is {
        return run(&options);
    }
    if !private_engine::can_start()? {
        eprintln!("the daemon is not stopped: only root on Linux with `dockerd` can have an engine for the soak alone");
        return run(&options);
    }
    let engine = PrivateEngine::start(Purpose::Realistic)?;
    let mut command = Command::new(std::env::current_exe()?);
    let daemon = engine.daemon_id().context("the private engine does not run")?.to_string();
    command.args(["soak", engine_choice::AS_IS, "--daemon", &daemon]).args(args).env("DOCKER_HOST", engine.host());
    let status = private_engine::run_to_end(&mut command)?;
    drop(engine);
    ensure!(status.success(), "the soak failed");
    Ok(())
}

/// The soak on the engine that the CLI has.
fn run(options: &Options) -> Result<()> {
    base_image::ensure()?;
    let program = workspace::root().join(program::build(options.debug)?);
    let seed = options.seed.unwrap_or_else(random_seed);
    let daemon = options.daemon.map(Daemon::new).transpose()?;
    println!("the same again: cargo xtask soak --seed {seed} --minutes {}", options.minutes);
    let before = Inventory::look()?;
    let soak = Context::new(seed, program, options.time(), options.operations, daemon);
    let done = run_lanes(&soak);
    let removed = remove_all(&soak);
    signals::check()?;
    done?;
    removed?;
    if soak.daemon.is_some() {
        // On an engine of our own all that is more than before is minis2i's.
        let journal = Journal::new("the engine".to_owned(), soak.begin);
        for what in Inventory::look()?.more_than(&before) {
            soak.report(&Finding::new(Kind::Leftover, format!("{what} is there at the end")), &journal);
        }
    }
    finish(&soak, options)
}

fn random_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed.
    Random::new(now.as_nanos() as u64).below(1_000_000_000)
}

fn run_lanes(soak: &Context) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("minis2i-soak-").tempdir()?;
    std::thread::scope(|scope| {
        let run_lane = |(number, life): (u64, Life)| {
            let done = lane(soak, number, life, folder.path());
            if done.is_err() {
                soak.give_up();
            }
            done.with_context(|| format!("lane {number}"))
        };
        let lanes: Vec<_> = (0..).zip(LANES).map(|lane| scope.spawn(move || run_lane(lane))).collect();
        let disturber = soak.daemon.as_ref().map(|daemon| scope.spawn(|| disturb(soak, daemon)));
        print_progress(soak, || lanes.iter().all(|lane| lane.is_finished()));
        let results = lanes.into_iter().chain(disturber).map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("a thread of the soak panicked"),
        });
        // All of them are waited for.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}

fn lane(soak: &Context, number: u64, life: Life, folder: &Path) -> Result<()> {
    Lane::new(soak, number, life, folder)?.run()
}

fn disturb(soak: &Context, daemon: &Daemon) -> Result<()> {
    let mut random = Random::of(soak.seed, LANES.len() as u64);
    let one = Tally { daemon_stops: 1, ..Tally::default() };
    let done = daemon.disturb(&mut random, || soak.goes_on(), || soak.count(&one));
    if done.is_err() {
        soak.give_up();
    }
    done
}

fn print_progress(soak: &Context, is_over: impl Fn() -> bool) {
    let mut printed = Instant::now();
    while !is_over() {
        std::thread::sleep(Duration::from_millis(100));
        if printed.elapsed() >= PROGRESS {
            printed = Instant::now();
            let (tally, at) = (soak.tally(), soak.begin.elapsed().as_secs());
            let Tally { operations, kills, cli_faults, compared, .. } = tally;
            eprintln!(
                "{:02}:{:02}  {operations} operations, {kills} kills, {cli_faults} faults of the CLI, {compared} images \
                 compared, {} findings",
                at / 60,
                at % 60,
                soak.findings().len()
            );
        }
    }
}

/// Removes all that has our label or name, whatever happened.
fn remove_all(soak: &Context) -> Result<()> {
    let filter = format!("label={}", soak.label);
    let containers = command::docker_lines(&["ps", "--all", "--quiet", "--filter", &filter])?;
    let mut images = command::docker_lines(&["images", "--quiet", "--no-trunc", "--filter", &filter])?;
    let named = format!("reference={}-*", soak.label);
    let names = ["images", "--format", "{{.Repository}}", "--filter", &named];
    images.extend(command::docker_lines(&names)?);
    for (verb, what) in [(&["rm", "--force", "--volumes"][..], containers), (&["image", "rm", "--force"], images)] {
        for one in what {
            // Another removal may have taken it along.
            let _ = command::docker(&[verb, &[&one]].concat());
        }
    }
    Ok(())
}

/// Prints the result.
fn finish(soak: &Context, options: &Options) -> Result<()> {
    let share = tally::share(options.minutes, options.operations);
    let lines = tally::lines(&soak.tally(), &soak.findings(), share);
    let engine = process::output(&["docker", "info", "--format", "engine {{.ServerVersion}} with {{.Driver}}"])?;
    let minutes = soak.begin.elapsed().as_secs_f64() / 60.0;
    println!("seed {}, {minutes:.1} minutes, {} lanes, {engine}\n\n{}", soak.seed, LANES.len(), tally::table(&lines));
    let broken: Vec<_> = lines.iter().filter(|line| !line.holds()).map(|Line { what, .. }| *what).collect();
    ensure!(
        broken.is_empty(),
        "does not hold: {}; the same again: cargo xtask soak --seed {}",
        broken.join(", "),
        soak.seed
    );
    Ok(())
}

//! One build, from settings to tag.

mod artifacts;
pub mod commit;
mod describe;
pub mod inputs;
mod prepare;
mod protocol;
mod relay;
mod scripts;
mod session;
pub mod tidy;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::contract::{Contract, SCRIPTS_LABELS, Script, labels};
use crate::engine::Engine;
use crate::engine::image::{self, Image};
use crate::failure::{self, Failure, Kind};
use crate::lease::Lease;
use crate::report::{Finished, Message, Outcome, Reporter, Started};
use crate::settings::Job;
use crate::source::{Disk, View};
use describe::Revision;
use prepare::{Approach, Prepared};
use protocol::{Found, Lines, Said};
use session::Event;
use tidy::Leftovers;

/// What all builds of a run share.
pub struct Workshop<'a> {
    pub job: &'a Job,
    pub engine: &'a Engine,
    pub lease: &'a Lease,
    pub reporter: &'a Reporter,
}

/// What the engine knows before a build.
pub struct Ground {
    pub builder: Image,
    pub contract: Contract,
    /// The image whose artifacts are taken over.
    pub previous: Option<Image>,
    /// The image that has the tag now.
    pub tagged: Option<Image>,
}

/// What is known of a build when it ends, well or not.
#[derive(Default)]
struct Progress {
    phases: Vec<(&'static str, Duration)>,
    assemble_status: Option<i32>,
}

impl Progress {
    /// Notes that the phase that began at `since` ended now.
    fn note(&mut self, phase: &'static str, since: &mut Instant) {
        let now = Instant::now();
        self.phases.push((phase, now - *since));
        *since = now;
    }
}

/// Builds once and tells how it went. What is to be cleaned up afterwards is left to a process of its own.
///
/// # Errors
/// The error has been told neither by a message nor otherwise.
pub fn build(shop: &Workshop) -> Result<()> {
    let begin = Instant::now();
    shop.reporter.phase("looking at the images");
    let ground = Ground::look(shop)?;
    shop.reporter.tell(&Message::BuildStarted(&Started {
        build: 1,
        source: shop.job.source.typed.clone(),
        builder: shop.job.builder.clone(),
        tag: shop.job.tag.clone(),
        previous: ground.previous.as_ref().map(|image| image.id.clone()),
    }));
    let mut progress = Progress::default();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| tidy::sweep(shop.engine, shop.lease, shop.reporter));
        run(shop, &ground, begin, &mut progress)
    });
    let outcome = match result.as_ref().map_err(failure::kind) {
        Ok(_) => Outcome::Ok,
        Err(Kind::Interrupted(_)) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    shop.reporter.tell(&Message::BuildFinished(&Finished {
        build: 1,
        outcome,
        tag: shop.job.tag.clone(),
        image: result.as_ref().ok().map(|(id, _)| id.clone()),
        assemble_status: progress.assemble_status,
        total: begin.elapsed(),
        phases: progress.phases,
    }));
    let (_, leftovers) = result?;
    leftovers.leave(shop.engine, shop.lease)
}

fn run(shop: &Workshop, ground: &Ground, begin: Instant, progress: &mut Progress) -> Result<(String, Leftovers)> {
    let revision = Revision::look(&shop.job.source.path);
    let mut since = begin;
    let mut view = Disk::new(&shop.job.source.path, &shop.job.selection)?;
    let mut prepared = prepare_somehow(shop, ground, &mut view, progress, &mut since)?;
    prepared.consent()?;
    let metadata = assemble(shop, &mut prepared, progress)?;
    progress.note("assemble", &mut since);
    shop.reporter.phase("committing");
    let look = describe::look(shop.job, ground, &prepared, revision.wait(), metadata)?;
    let container = prepared.session.container().to_owned();
    let id = commit::commit(shop.engine, &container, &shop.job.tag, &look, ground.tagged.as_ref())?;
    progress.note("commit", &mut since);
    let superseded = ground.tagged.as_ref().filter(|image| image.config.labels.contains_key(labels::VERSION));
    let mut leftovers = prepared.leave();
    leftovers.images = superseded.map(|image| image.id.clone()).filter(|old| *old != id).into_iter().collect();
    Ok((id, leftovers))
}

/// Prepares a build and sends all of the source; where something stands in the way of the straight way, goes another
/// one.
fn prepare_somehow<'a>(
    shop: &Workshop<'a>,
    ground: &Ground,
    view: &mut dyn View,
    progress: &mut Progress,
    since: &mut Instant,
) -> Result<Prepared<'a>> {
    let mut approach = Approach::first(ground);
    for _ in 0..4 {
        let prepared = prepare::prepare(shop, ground, &approach, view, &mut |phase| progress.note(phase, since))?;
        let settled = match prepared {
            Ok(mut prepared) => prepared.settle(view)?.map(|()| prepared),
            Err(obstacle) => Err(obstacle),
        };
        match settled {
            Ok(prepared) => return Ok(prepared),
            Err(obstacle) => {
                progress.phases.clear();
                approach.avoid(obstacle, shop.reporter);
            }
        }
    }
    bail!("the build had to be started over too often")
}

/// Waits for `assemble`, shows what it says, and returns the text of its metadata file, if it left one.
fn assemble(shop: &Workshop, prepared: &mut Prepared, progress: &mut Progress) -> Result<Option<Vec<u8>>> {
    shop.reporter.phase("assembling");
    let session = &mut prepared.session;
    let show = |line: &[u8]| shop.reporter.tell(&Message::Output(line));
    let mut lines = Lines::default();
    let mut metadata = None;
    loop {
        match session.next() {
            Event::Said(Said::Output(bytes)) => match &mut metadata {
                Some(text) => Vec::extend(text, bytes),
                None => lines.feed(&bytes, show),
            },
            Event::Said(Said::Mark(mark)) => {
                lines.flush(show);
                match mark.split_once(' ').unwrap_or((&mark, "")) {
                    ("assembling", _) => lines.feed(&session.take_early(), show),
                    ("exit", status) => {
                        progress.assemble_status = status.parse().ok();
                        check_status(progress.assemble_status.unwrap_or(-1))?;
                    }
                    ("metadata", _) => metadata = Some(Vec::new()),
                    ("ready", _) => return Ok(metadata),
                    ("cannot", state) => {
                        let fault = Found::from_mark(state)?.fault().unwrap_or_default();
                        let own = prepared.inputs.own_scripts.iter().any(|own| own.script == Script::Assemble);
                        return Err(match own {
                            true => scripts::own_unusable(Script::Assemble, &fault),
                            false => scripts::unusable(&prepared.scripts.assemble, &fault),
                        });
                    }
                    _ => return Err(session.lost("cannot unpack the source in the build container")),
                }
            }
            Event::Words(_) => {}
            Event::End => return Err(session.lost("the build container is gone before `assemble` was done")),
        }
    }
}

fn check_status(status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let failure = Failure::new(Kind::Assemble(status), format!("`assemble` failed with exit status {status}"));
    match status {
        137 => Err(failure.hint("it was killed; out of memory? `-- --memory SIZE` gives the container more").into()),
        _ => Err(failure.into()),
    }
}

impl Ground {
    /// Asks the engine about builder and tag in one call.
    ///
    /// # Errors
    /// No such builder, or one that can not be used.
    fn look(shop: &Workshop) -> Result<Self> {
        let job = shop.job;
        let [builder, tagged] = image::inspect(shop.engine, [&job.builder, &job.tag])?;
        let builder = builder.ok_or_else(|| no_builder(shop.engine, &job.builder))?;
        let contract = Contract::of(&builder, &job.builder)?;
        let previous = match (job.incremental, &tagged) {
            (false, _) => None,
            (true, Some(image)) => Some(image.clone()),
            (true, None) => relative(shop, &builder)?,
        };
        Ok(Self { builder, contract, previous: previous.filter(is_s2i), tagged })
    }
}

/// The error for a builder that the engine does not have.
pub fn no_builder(engine: &Engine, name: &str) -> anyhow::Error {
    let cli = engine.name();
    Failure::engine(format!("there is no builder image `{name}` in the engine"))
        .hint(format!("build it (`{cli} build --tag {name} FOLDER`) or pull it (`{cli} pull {name}`)"))
        .into()
}

/// Whether `save-artifacts` may be looked for in an image.
fn is_s2i(image: &Image) -> bool {
    let labels = &image.config.labels;
    labels.contains_key(labels::VERSION) || SCRIPTS_LABELS.iter().any(|label| labels.contains_key(*label))
}

/// The newest image of the same repository that was made with the same builder: for those who give each build a tag
/// of its own.
fn relative(shop: &Workshop, builder: &Image) -> Result<Option<Image>> {
    let tag = &shop.job.tag;
    let repository = match tag.rsplit_once(':') {
        Some((repository, version)) if !version.contains('/') => repository,
        _ => tag,
    };
    let filters = [format!("reference={repository}"), format!("label={}={}", labels::BUILDER, builder.id)];
    let Some(newest) = image::list(shop.engine, &filters)?.into_iter().next() else { return Ok(None) };
    let [image] = image::inspect(shop.engine, [&newest])?;
    Ok(image)
}

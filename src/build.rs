//! One build, from settings to tag.

mod archive_call;
mod artifacts;
mod commit;
mod describe;
mod ended;
pub mod inputs;
mod owner;
pub mod permit;
mod prepare;
mod private;
pub mod protocol;
pub mod pull;
mod ready;
mod relay;
mod runtime;
mod scripts;
mod session;
mod shares;
mod standby;
pub mod tidy;
mod volumes;

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
pub use commit::Calls;
pub use describe::Revision;
pub use inputs::Inputs;
use prepare::{Approach, Obstacle};
use protocol::{Found, Lines, Said};
pub use ready::Ready;
use runtime::Runtime;
use session::{Event, Session};
pub use standby::{NoStandby, no_standby};
use tidy::Leftovers;

/// Removing what is left of the source is told apart from `assemble` when it takes longer than this.
const NOTABLE: Duration = Duration::from_millis(20);

/// How often a build is started over when something stands in its way.
const TRIES: u32 = 6;

/// What all builds of a run share.
#[derive(Clone)]
pub struct Workshop<'a> {
    pub job: &'a Job,
    pub engine: Engine,
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
    /// The image of a second stage.
    pub runtime: Option<Runtime>,
}

/// What is known of a build when it ends, well or not.
pub struct Progress {
    pub phases: Vec<(&'static str, Duration)>,
    pub assemble_status: Option<i32>,
    /// `assemble` was started.
    pub began: bool,
    since: Instant,
}

impl Progress {
    /// Of a build whose first phase begins now.
    pub fn new() -> Self {
        Self { phases: Vec::new(), assemble_status: None, began: false, since: Instant::now() }
    }

    /// Notes that a phase ended now, which began when the one before ended. One that comes again goes on.
    pub fn note(&mut self, phase: &'static str) {
        let now = Instant::now();
        match self.phases.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, took)) => *took += now - self.since,
            None => self.phases.push((phase, now - self.since)),
        }
        self.since = now;
    }

    /// Notes that `after`, which follows a phase that was noted, ended now; as a part of that phase if it is not worth a
    /// line of its own, or that phase was not noted.
    fn note_rest(&mut self, phase: &'static str, after: &'static str) {
        let noted = self.phases.iter().any(|(known, _)| *known == phase);
        self.note(if noted && self.since.elapsed() > NOTABLE { after } else { phase });
    }
}

/// What a script left behind beside the files.
pub struct Assembled {
    /// The text of its metadata file.
    metadata: Option<Vec<u8>>,
    /// Nothing but our shell is left in the container.
    alone: bool,
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
        why: None,
    }));
    let mut progress = Progress::new();
    progress.since = begin;
    let result = std::thread::scope(|scope| {
        if shop.lease.has_dead() {
            scope.spawn(|| tidy::sweep(&shop.engine, shop.lease, shop.reporter));
        }
        run(shop, &ground, &mut progress)
    });
    shop.reporter.tell(&Message::BuildFinished(&Finished {
        build: 1,
        outcome: outcome(&result),
        tag: shop.job.tag.clone(),
        image: result.as_ref().ok().map(|(id, _)| id.clone()),
        assemble_status: progress.assemble_status,
        total: begin.elapsed(),
        phases: progress.phases,
        standby: None,
    }));
    let (_, leftovers) = result?;
    leftovers.leave(&shop.engine, shop.lease)
}

/// Whether the tag is already on an image of exactly this source, builder and options.
pub fn is_current(job: &Job, ground: &Ground, ready: &Ready) -> bool {
    let known = ground.tagged.as_ref().and_then(|image| image.config.labels.get(labels::DIGEST));
    known.is_some() && known == describe::digest(job, ground, &ready.made()).as_ref()
}

/// How a build ended, in a word.
pub fn outcome<T>(result: &Result<T>) -> Outcome {
    match result.as_ref().map_err(failure::kind) {
        Ok(_) => Outcome::Ok,
        Err(Kind::Interrupted(_) | Kind::Superseded) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    }
}

fn run(shop: &Workshop, ground: &Ground, progress: &mut Progress) -> Result<(String, Leftovers)> {
    let revision = Revision::look(&shop.job.source.path);
    let mut view = Disk::new(&shop.job.source.path, &shop.job.selection)?;
    let mut ready = prepare_settled(shop, ground, &mut view, progress)?;
    let assembled = assemble(shop, ground, &mut ready, progress)?;
    let id = commit(shop, ground, &ready, revision, assembled, Calls::Two, progress)?;
    let mut leftovers = ready.leave();
    leftovers.images = ground.superseded_by(&id).into_iter().collect();
    Ok((id, leftovers))
}

/// Prepares a build with all of the source as it is now; where something stands in the way of the straight way, goes
/// another one.
///
/// # Errors
/// What ends the build.
pub fn prepare_settled<'a>(
    shop: &Workshop<'a>,
    ground: &Ground,
    view: &mut dyn View,
    progress: &mut Progress,
) -> Result<Ready<'a>> {
    let mut approach = Approach::first(ground);
    for _ in 0..TRIES {
        let mut phase = |phase| progress.note(phase);
        let ready = if approach.shell {
            match prepare::prepare(shop, ground, &approach, view, &mut phase)? {
                Ok(mut prepared) => prepared.settle(view)?.map(|()| Ready::waiting(prepared)),
                Err(obstacle) => Err(obstacle),
            }
        } else {
            let filled = archive_call::prepare(shop, ground, &approach, view, &mut phase)?;
            filled.map(Ready::filled)
        };
        match ready {
            Ok(ready) => return Ok(ready),
            Err(obstacle) => {
                progress.phases.clear();
                approach.avoid(obstacle, shop.reporter);
            }
        }
    }
    bail!("the build had to be started over too often")
}

/// Prepares a container that can wait for the last bytes of its upload.
///
/// # Errors
/// What would end a build; [`NoStandby`], where a build is possible but not such a container.
pub fn prepare<'a>(
    shop: &Workshop<'a>,
    ground: &Ground,
    view: &mut dyn View,
    progress: &mut Progress,
) -> Result<Ready<'a>> {
    if let Some(why) = no_standby(shop.job, ground) {
        return Err(why.into());
    }
    let mut approach = Approach { waits: true, ..Approach::first(ground) };
    for _ in 0..TRIES {
        match prepare::prepare(shop, ground, &approach, view, &mut |phase| progress.note(phase))? {
            Ok(prepared) => return Ok(Ready::waiting(prepared)),
            Err(Obstacle::Shell) => return Err(NoStandby::Shell.into()),
            Err(Obstacle::Tar) => return Err(NoStandby::Tar.into()),
            Err(obstacle) => {
                progress.phases.clear();
                approach.avoid(obstacle, shop.reporter);
            }
        }
    }
    bail!("the build had to be started over too often")
}

/// Runs `assemble`, then what a second stage needs, and shows what they say.
///
/// # Errors
/// When a script fails, or its container is lost.
pub fn assemble(shop: &Workshop, ground: &Ground, ready: &mut Ready, progress: &mut Progress) -> Result<Assembled> {
    let assembled = ready.assemble(shop, ground, progress)?;
    progress.note_rest("assemble", "clear");
    let Some(runtime) = &ground.runtime else { return Ok(assembled) };
    let second = ready.go_on(shop, runtime, progress)?;
    progress.note("runtime");
    Ok(Assembled { metadata: second.metadata.or(assembled.metadata), alone: second.alone })
}

/// Makes the image of what was assembled, and moves the tag to it; returns its id.
///
/// # Errors
/// When the engine can not do it, or work was cancelled.
pub fn commit(
    shop: &Workshop,
    ground: &Ground,
    ready: &Ready,
    revision: Revision,
    assembled: Assembled,
    calls: Calls,
    progress: &mut Progress,
) -> Result<String> {
    shop.reporter.phase("committing");
    let look = describe::look(shop.job, ground, &ready.made(), ready.stage(), revision.wait(), assembled.metadata)?;
    let source = commit::From { container: ready.result(), pause: !assembled.alone, calls };
    let id = commit::commit(&shop.engine, &source, &shop.job.tag, &look, ground.tagged.as_ref())?;
    progress.note("commit");
    Ok(id)
}

/// A script that a container runs for a build.
struct Act<'a> {
    script: &'static str,
    path: &'a str,
    /// Where it was found, if that is outside the image.
    own: Option<&'a str>,
    /// The error for files that could not be put in their place before.
    misplaced: fn(&str) -> anyhow::Error,
}

/// Waits for the script and shows what it says.
fn hear(shop: &Workshop, session: &mut Session, act: &Act, progress: &mut Progress) -> Result<Assembled> {
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
                    ("assembling", _) => {
                        progress.began = true;
                        lines.feed(&session.take_early(), show);
                    }
                    ("exit", status) => {
                        progress.assemble_status = status.parse().ok();
                        check_status(act.script, progress.assemble_status.unwrap_or(-1))?;
                        if act.script == Script::Assemble.name() {
                            progress.note("assemble");
                        }
                    }
                    ("metadata", _) => metadata = Some(Vec::new()),
                    ("ready", rest) => return Ok(Assembled { metadata, alone: rest == "alone" }),
                    ("misplaced", words) => return Err((act.misplaced)(words)),
                    ("cannot", state) => {
                        let fault = Found::from_mark(state)?.fault().unwrap_or_default();
                        return Err(match act.own {
                            Some(from) => scripts::own_unusable(from, &fault),
                            None => scripts::unusable(act.path, &fault),
                        });
                    }
                    _ => return Err(session.lost("cannot unpack the source in the build container")),
                }
            }
            Event::Words(_) => {}
            Event::End => {
                return Err(session.lost(&format!("the build container is gone before `{}` was done", act.script)));
            }
        }
    }
}

fn check_status(script: &str, status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let failure = Failure::new(Kind::Assemble(status), format!("`{script}` failed with exit status {status}"));
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
    pub fn look(shop: &Workshop) -> Result<Self> {
        let job = shop.job;
        let [builder, tagged] = pull::inspect(shop)?;
        let builder = builder.ok_or_else(|| no_builder(&shop.engine, &job.builder, true))?;
        let contract = Contract::of(&builder, &job.builder, &job.wishes)?;
        permit::check(job, &builder, &contract)?;
        let previous = match (job.incremental, &tagged) {
            (false, _) => None,
            (true, Some(image)) => Some(image.clone()),
            (true, None) => relative(shop, &builder)?,
        };
        let previous = previous.filter(is_s2i).filter(|image| permit::may_save(shop, image));
        let runtime = Runtime::look(shop)?;
        Ok(Self { builder, contract, previous, tagged, runtime })
    }

    /// The image that has the tag no more, if it is one of ours.
    pub fn superseded_by(&self, id: &str) -> Option<String> {
        let ours = self.tagged.as_ref().filter(|image| image.config.labels.contains_key(labels::VERSION))?;
        (ours.id != id).then(|| ours.id.clone())
    }
}

/// The error for a builder that the engine does not have; `pulls` says whether the command could ask a registry.
pub fn no_builder(engine: &Engine, name: &str, pulls: bool) -> anyhow::Error {
    let cli = engine.name();
    let more = if pulls { ", or `--pull-policy if-not-present`" } else { "" };
    Failure::engine(format!("there is no builder image `{name}` in the engine"))
        .hint(format!("build it (`{cli} build --tag {name} FOLDER`) or pull it (`{cli} pull {name}`{more})"))
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
    let Some(newest) = image::list(&shop.engine, &filters)?.into_iter().next() else { return Ok(None) };
    let [image] = image::inspect(&shop.engine, [&newest])?;
    Ok(image)
}

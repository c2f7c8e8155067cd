//! Everything before `assemble`: containers started, artifacts relayed, the source sent and found unchanged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::artifacts::{Outcome, Plan, Saver, Where};
use super::describe::Made;
use super::inputs::Inputs;
use super::protocol::{Destination, Finish, Hello, Tar};
use super::scripts::{self, Chosen};
use super::session::{Session, Silent, Start};
use super::shares::shares;
use super::tidy::Leftovers;
use super::{Ground, Workshop, owner, volumes};
use crate::contract::{Contract, OwnScript, Script, join, labels};
use crate::engine::Container;
use crate::failure::{self, Failure};
use crate::report::Reporter;
use crate::settings::{Job, Transfer};
use crate::source::archive::{self, Sent};
use crate::source::{Kind, Links, Snapshot, View, ignored, links};

/// How often the source is looked at again when it changes while it is sent.
pub const TRIES: u32 = 6;

/// How long a look at ignored files may take.
const WEIGHING: Duration = Duration::from_millis(50);

/// Which way a build is prepared.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Put a shell in the place of the builder's ENTRYPOINT.
    pub bypass: bool,
    pub incremental: bool,
    /// The builder has a shell, so that its container can be talked to.
    pub shell: bool,
    /// The container is to wait for the last bytes of its upload, for long maybe.
    pub waits: bool,
}

/// What stood in the way, and asks for another approach.
#[derive(Debug)]
pub enum Obstacle {
    /// The ENTRYPOINT does not run what it is given.
    Entrypoint,
    /// There is no shell.
    Shell,
    /// A container that is to wait can not unpack its upload itself.
    Tar,
    /// Bad artifacts got mixed with what the builder has in the same place.
    Artifacts,
    /// A file became a folder, or the other way round, while the source was sent.
    Replaced,
}

impl Approach {
    /// The straight way, as far as earlier builds showed it open.
    pub fn first(ground: &Ground) -> Self {
        let known = ground.previous.as_ref().map(|image| &image.config.labels);
        let known = known.filter(|labels| labels.get(labels::BUILDER) == Some(&ground.builder.id));
        let says =
            |label: &str, word: &str| known.and_then(|labels| labels.get(label)).is_some_and(|said| said == word);
        Self {
            bypass: says(labels::ENTRYPOINT, "bypassed"),
            incremental: ground.previous.is_some(),
            shell: !says(labels::SHELL, "missing"),
            waits: false,
        }
    }

    /// Changes to a way around the obstacle, and tells the user what he should know.
    pub fn avoid(&mut self, obstacle: Obstacle, reporter: &Reporter) {
        match obstacle {
            Obstacle::Entrypoint => {
                reporter.note("the builder's ENTRYPOINT does not run the command it is given; building without it");
                self.bypass = true;
            }
            Obstacle::Shell => self.shell = false,
            Obstacle::Tar => self.waits = false,
            Obstacle::Artifacts => self.incremental = false,
            Obstacle::Replaced => {}
        }
    }
}

/// A build whose container has all but the last bytes of its upload.
pub struct Prepared<'a> {
    pub session: Session,
    pub scripts: Chosen,
    pub inputs: Inputs,
    pub bypassed: bool,
    /// The engine unpacks the upload.
    pub by_engine: bool,
    upload: Upload<'a>,
    /// The container of `save-artifacts`, done.
    saver: Option<Container>,
}

impl Prepared<'_> {
    /// What the build is made with.
    pub fn made(&self) -> Made<'_> {
        Made {
            snapshot: &self.upload.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.upload.copied,
            shell: true,
        }
    }

    /// Sends what changed since, until what was sent is what the view sees. The inner error is a path that changed its
    /// kind, which can not be sent any more.
    ///
    /// # Errors
    /// A file that never rests, named; a container that does not take it.
    pub fn settle(&mut self, view: &mut dyn View) -> Result<Result<(), Obstacle>> {
        match self.upload.settle(&mut self.session, view) {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Ok(Err(Obstacle::Replaced)),
            Err(error) => Err(upload_error(&mut self.session, error)),
        }
    }

    /// Ends the upload: gives the consent to assemble.
    ///
    /// # Errors
    /// When the container does not take it.
    pub fn consent(&mut self) -> Result<()> {
        if !self.upload.finish.keep_source {
            self.upload.finish.shares = shares(&self.upload.snapshot);
        }
        match self.session.finish(&self.upload.finish) {
            Err(error) if !failure::is_classified(&error) => {
                Err(self.session.lost("the build container does not take the source").context(error.to_string()))
            }
            sent => sent,
        }
    }

    /// Hands over the container of `save-artifacts`, which is of no use any more.
    pub fn leave_saver(&mut self) -> Leftovers {
        Leftovers { containers: self.saver.take().map(Container::leave).into_iter().collect(), images: Vec::new() }
    }

    /// Hands over the containers, which are of no use any more.
    pub fn leave(self) -> Leftovers {
        let containers = std::iter::once(self.session.into_container()).chain(self.saver).map(Container::leave);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }
}

/// Prepares a build. `phase` hears the name of each phase when it ends.
///
/// # Errors
/// What ends the build; what another approach could get around is the inner result.
pub fn prepare<'a>(
    shop: &Workshop<'a>,
    ground: &Ground,
    approach: &Approach,
    view: &mut dyn View,
    phase: &mut dyn FnMut(&'static str),
) -> Result<Result<Prepared<'a>, Obstacle>> {
    let (job, reporter) = (shop.job, shop.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(shop, &ground.contract)?;
    let plan = ground.previous.as_ref().filter(|_| approach.incremental);
    let plan = plan.and_then(|image| plan_artifacts(job, ground, image, &inputs.own_scripts, true));
    let start = Start {
        name: shop.lease.container_name(),
        image: &ground.builder.id,
        options: [memory_options(shop, ground)?, build_options(job, &ground.contract, &inputs)].concat(),
        destination: &ground.contract.destination,
        folders: &ground.contract.folders,
        bypass: approach.bypass,
    };
    let mut session = Session::start(&shop.engine, start)?;
    let start_saver = |beside: Option<&str>| {
        let start = |plan| Saver::start(&shop.engine, shop.lease.container_name(), plan, beside, reporter);
        plan.as_ref().map(start).transpose()
    };
    // One that can share the network of the build container waits for it.
    let shares = plan.as_ref().is_some_and(Plan::can_share_network);
    let alone = if shares { None } else { start_saver(None)? };
    let snapshot = view.snapshot()?;
    if job.transfer != Transfer::Mount {
        tell_what_is_left_out(&job.source.path, &snapshot, reporter);
        tell_of_links(job.selection.links, &snapshot, reporter);
    }
    let hello = match session.greeting() {
        Ok(hello) => hello,
        Err(Silent::Entrypoint) if !approach.bypass => return Ok(Err(Obstacle::Entrypoint)),
        Err(Silent::Entrypoint) => return Err(session.lost("the builder's `/bin/sh` does not run")),
        Err(Silent::Shell) => return Ok(Err(Obstacle::Shell)),
        Err(Silent::Error(error)) => return Err(error),
    };
    if job.transfer == Transfer::Memory && hello.tar == Tar::None {
        return Err(memory_needs_tar(&job.builder));
    }
    if approach.waits && hello.tar == Tar::None {
        return Ok(Err(Obstacle::Tar));
    }
    check(&hello, &ground.contract, &job.builder)?;
    let scripts = scripts::choose(&ground.contract, &hello, &inputs.own_scripts, &job.builder)?;
    scripts.notes.iter().for_each(|note| reporter.note(note));
    volumes::tell(ground, &scripts, reporter);
    // While the engine unpacks into a container, nobody can join it.
    let beside = Some(session.container()).filter(|_| hello.tar != Tar::None);
    let saver = if shares { start_saver(beside)? } else { alone };
    phase("start");
    reporter.phase("sending the source");
    let finish = Finish {
        destination: ground.contract.destination.clone(),
        assemble: scripts.assemble.clone(),
        keep_source: keeps_source(job, ground, &hello, &scripts),
        ..Finish::default()
    };
    if let Err(error) = session.open(&inputs.private.opening()) {
        return Err(upload_error(&mut session, error.into()));
    }
    if hello.tar == Tar::None {
        let owner = owner::of(shop, ground, session.container())?;
        session.have_it_unpacked(&ground.contract.destination, owner)?;
    }
    session.upload().sparse = hello.tar != Tar::Plain;
    session.upload().follow = job.selection.links == Links::Followed;
    let mut upload =
        Upload { job, snapshot, finish, lately: BTreeSet::new(), plain_tar: hello.tar == Tar::Plain, copied: false };
    if let Err(error) = upload.send_all(&mut session, &inputs) {
        return Err(upload_error(&mut session, error));
    }
    phase("source");
    let mut done = None;
    if let Some(saver) = saver {
        reporter.phase("taking over artifacts");
        done = Some(match upload.relay(&mut session, saver, reporter) {
            Ok(container) => container,
            Err(error) => return Err(upload_error(&mut session, error)),
        });
        if !upload.artifacts_are_clean() && hello.has_artifacts {
            return Ok(Err(Obstacle::Artifacts));
        }
        phase("artifacts");
    }
    let by_engine = hello.tar == Tar::None;
    Ok(Ok(Prepared { session, scripts, inputs, bypassed: approach.bypass, by_engine, upload, saver: done }))
}

/// Options of `docker run` for the build container.
pub fn build_options(job: &Job, contract: &Contract, inputs: &Inputs) -> Vec<String> {
    let mut options = user_options(contract);
    for (name, value) in &inputs.variables {
        options.extend(["--env".to_owned(), format!("{name}={value}")]);
    }
    if job.transfer == Transfer::Mount {
        let source = csv("source", &job.source.path.to_string_lossy());
        let target = csv("target", &join(&contract.destination, "src"));
        options.extend(["--mount".to_owned(), format!("type=bind,{source},{target},readonly")]);
    }
    options.extend(inputs.private.options());
    options.extend_from_slice(&job.run_options);
    options
}

/// Options that mount memory where the source goes, if that is wanted.
///
/// # Errors
/// A user whose number is not known before the container runs: the folder could not be made his.
fn memory_options(shop: &Workshop, ground: &Ground) -> Result<Vec<String>> {
    if shop.job.transfer != Transfer::Memory {
        return Ok(Vec::new());
    }
    let user = owner::name(shop, ground);
    let Some((uid, gid)) = owner::number(user) else {
        return Err(Failure::engine(format!("`--source-in-memory` does not work with the builder's user `{user}`"))
            .hint("it needs a number: give the image one (`USER 1001:0`), or name one with `--assemble-user`")
            .into());
    };
    let place = join(&ground.contract.destination, "src");
    Ok(vec!["--tmpfs".to_owned(), format!("{place}:exec,mode=0755,uid={uid},gid={gid}")])
}

/// The error for a builder into which the engine unpacks: it would do so below what is mounted.
pub fn memory_needs_tar(builder: &str) -> anyhow::Error {
    Failure::engine(format!("`--source-in-memory` needs a shell and `tar` in the builder `{builder}`"))
        .hint("add them in the builder's Dockerfile, or leave the option out")
        .into()
}

fn user_options(contract: &Contract) -> Vec<String> {
    contract.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]).collect()
}

/// One field of a `--mount`, which is a line of comma separated values.
fn csv(name: &str, value: &str) -> String {
    if value.contains([',', '"']) {
        format!("\"{name}={}\"", value.replace('"', "\"\""))
    } else {
        format!("{name}={value}")
    }
}

/// Where artifacts come from; `None` when the previous image surely has none to give. `shell` says whether one that does
/// not tell is to be taken for having one.
pub fn plan_artifacts(
    job: &Job,
    ground: &Ground,
    previous: &crate::engine::image::Image,
    own: &[OwnScript],
    shell: bool,
) -> Option<Plan> {
    // What the previous image says of itself counts; an image that is not S2I's was sorted out before.
    let contract = Contract::of(previous, &job.tag, &job.wishes).ok()?;
    let label = |name: &str| previous.config.labels.get(name).map(String::as_str);
    let script = match own.iter().find(|own| own.script == Script::SaveArtifacts) {
        Some(own) => {
            // Where the previous build had it, so that it finds what lay beside it then.
            let destination = label(labels::DESTINATION).unwrap_or(&ground.contract.destination).to_owned();
            Where::Source { content: own.content.clone(), destination }
        }
        None => match label(labels::SAVE_ARTIFACTS) {
            Some("") => return None,
            Some(path) => Where::Image(path.to_owned()),
            None => Where::Image(join(contract.folders.first()?, Script::SaveArtifacts.name())),
        },
    };
    let mut options = user_options(&contract);
    options.extend_from_slice(&job.run_options);
    let bypass = label(labels::ENTRYPOINT) == Some("bypassed");
    let afresh = label(labels::ARTIFACTS) == Some("copied");
    let direct = label(labels::SHELL).map_or(!shell, |said| said == "missing");
    Some(Plan { image: previous.id.clone(), script, options, bypass, direct, afresh })
}

pub fn tell_what_is_left_out(root: &Path, snapshot: &Snapshot, reporter: &Reporter) {
    if !snapshot.ignored.is_empty()
        && let Some(largest) = ignored::largest(root, snapshot, WEIGHING)
    {
        let count = snapshot.ignored.len();
        let entries = if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") };
        let more = if largest.complete { "" } else { "more than " };
        let (size, path) = (indicatif::HumanBytes(largest.bytes), largest.path.display());
        reporter.note(&format!("{entries} ignored and not sent, the largest is {path} ({more}{size})"));
    }
    if let Some(first) = snapshot.special.first() {
        let count = snapshot.special.len();
        let what = if count == 1 {
            "a socket, FIFO or device is".to_owned()
        } else {
            format!("{count} sockets, FIFOs or devices are")
        };
        reporter.note(&format!("{what} left out of the source: {}", first.display()));
    }
}

/// Warns of links that may not be what they look like.
pub fn tell_of_links(links: Links, snapshot: &Snapshot, reporter: &Reporter) {
    let (odd, what): (Vec<_>, _) = match links {
        Links::Kept => (
            links::leaving(snapshot).collect(),
            "leads out of the source and means what is there in the builder; `--follow-symlinks` sends what it points \
             to here",
        ),
        Links::KeptKnowingly => return,
        Links::Followed => {
            (links::links(snapshot).collect(), "stays a link: it leads nowhere, or back to a folder that it lies in")
        }
    };
    let Some((path, target)) = odd.first() else { return };
    let [path, target] = [path, target].map(|bytes| String::from_utf8_lossy(bytes));
    let more = match odd.len() - 1 {
        0 => String::new(),
        1 => " (as does 1 more)".to_owned(),
        more => format!(" (as do {more} more)"),
    };
    reporter.warn(&format!("the link `{path}` -> `{target}` {what}{more}"));
}

/// Whether an image can take an upload.
///
/// # Errors
/// What it lacks.
pub fn check(hello: &Hello, contract: &Contract, builder: &str) -> Result<()> {
    let place = &contract.destination;
    match hello.destination {
        Destination::Ok => Ok(()),
        Destination::Missing => Err(no_destination(place, builder)),
        Destination::ReadOnly => Err(Failure::engine(format!("the builder's user may not write to `{place}`"))
            .hint(
                "make that folder the user's in the builder's Dockerfile, or name another one with `--destination DIR` \
                 or the label `io.openshift.s2i.destination`",
            )
            .into()),
    }
}

/// The error for a builder without a folder for the upload.
pub fn no_destination(place: &str, builder: &str) -> anyhow::Error {
    Failure::engine(format!("the builder `{builder}` has no folder `{place}` for the source"))
        .hint(
            "make it in the builder's Dockerfile, or name another one with `--destination DIR` or the label \
             `io.openshift.s2i.destination`",
        )
        .into()
}

/// The error for a file that is written to all the time.
pub fn never_rests(name: &Path) -> anyhow::Error {
    Failure::usage(format!("`{}` changes faster than it can be sent", name.display()))
        .hint("stop what writes to it, or leave it out: name it in .s2iignore or with `--exclude GLOB`")
        .into()
}

/// Whether what `assemble` leaves of the source belongs into the image.
fn keeps_source(job: &Job, ground: &Ground, hello: &Hello, scripts: &Chosen) -> bool {
    let source = join(&ground.contract.destination, "src");
    let inside = |path: &str| path == source || path.starts_with(&format!("{source}/"));
    job.keep_source
        || job.transfer == Transfer::Mount
        || hello.has_source
        || inside(&scripts.run)
        || inside(&ground.builder.config.working_dir)
}

/// The container went away while it was written to: why is known on the other side. The user's own files speak for
/// themselves.
fn upload_error(session: &mut Session, error: anyhow::Error) -> anyhow::Error {
    if failure::is_classified(&error) {
        return error;
    }
    session.lost("cannot send the source to the build container")
}

/// The upload under way, and what it has brought.
struct Upload<'a> {
    job: &'a Job,
    snapshot: Snapshot,
    finish: Finish,
    /// Files that were read so soon after they changed that another change may have left no trace.
    lately: BTreeSet<Box<[u8]>>,
    /// The container's `tar` sets a folder's mode and time before the folder is filled.
    plain_tar: bool,
    copied: bool,
}

impl Upload<'_> {
    /// Sends what is for `assemble` alone, scripts and source.
    fn send_all(&mut self, session: &mut Session, inputs: &Inputs) -> Result<()> {
        inputs.private.send(session.upload())?;
        let own = &inputs.own_scripts;
        let upload = session.upload();
        if !own.is_empty() {
            upload.folder(b"scripts", 0o755, (0, 0))?;
        }
        for script in own {
            upload.file(format!("scripts/{}", script.script.name()).as_bytes(), 0o755, (0, 0), &script.content)?;
        }
        if self.job.transfer == Transfer::Mount {
            return Ok(());
        }
        let all: Vec<usize> = (0..self.snapshot.entries.len()).collect();
        self.send(session, &all)
    }

    /// Sends these entries of the snapshot, then again the folders that filling them has touched.
    fn send(&mut self, session: &mut Session, indices: &[usize]) -> Result<()> {
        let root = &self.job.source.path;
        let top = std::fs::metadata(root).context("the source is gone")?;
        let mut top = crate::source::Entry::new(b"", Kind::Folder, &top);
        top.mode |= 0o700;
        let upload = session.upload();
        upload.folder(b"src", top.mode, top.mtime)?;
        for index in indices {
            let entry = &mut self.snapshot.entries[*index];
            if entry.is_folder() && entry.mode & 0o700 != 0o700 {
                let path = [b"src/", &*entry.path].concat();
                self.finish.modes.retain(|(known, _)| *known != path);
                self.finish.modes.push((path, entry.mode));
                upload.folder(&[b"src/", &*entry.path].concat(), entry.mode | 0o700, entry.mtime)?;
            } else {
                let sent = upload.entry(root, b"src", entry)?;
                if sent == Sent::Lately {
                    self.lately.insert(entry.path.clone());
                }
            }
        }
        if self.plain_tar {
            // Here a folder got its mode and time before it was filled.
            for entry in
                indices.iter().rev().map(|index| &self.snapshot.entries[*index]).filter(|entry| entry.is_folder())
            {
                upload.folder(&[b"src/", &*entry.path].concat(), entry.mode | 0o700, entry.mtime)?;
            }
            upload.folder(b"src", top.mode, top.mtime)?;
        }
        Ok(())
    }

    /// Passes artifacts on; returns the container they came from.
    fn relay(&mut self, session: &mut Session, saver: Saver, reporter: &Reporter) -> Result<Container> {
        let (outcome, container) = saver.relay(session.upload())?;
        match outcome {
            Outcome::Delivered(relayed) => self.finish.modes.extend(relayed.modes),
            Outcome::Copied(relayed) => {
                self.copied = true;
                self.finish.modes.extend(relayed.modes);
            }
            Outcome::Nothing => {}
            Outcome::Failed(why) => {
                reporter.warn(&format!("`save-artifacts` failed, building without artifacts: {why}"));
                self.finish.remove.push(b"artifacts".to_vec());
            }
        }
        Ok(container)
    }

    fn artifacts_are_clean(&self) -> bool {
        !self.finish.remove.iter().any(|path| path == b"artifacts")
    }

    /// Looks at the source again until it is what was sent. False when a path changed its kind.
    ///
    /// # Errors
    /// A file that never rests, named.
    fn settle(&mut self, session: &mut Session, view: &mut dyn View) -> Result<bool> {
        if self.job.transfer == Transfer::Mount {
            for _ in 0..TRIES {
                let Some(now) = view.news(&self.snapshot)? else { break };
                self.snapshot = now;
            }
            return Ok(true);
        }
        for try_number in 0..TRIES {
            self.spoil_what_changed_unseen();
            let Some(mut now) = view.news(&self.snapshot)? else { return Ok(true) };
            let delta = now.since(&self.snapshot);
            if !delta.replaced.is_empty() {
                return Ok(false);
            }
            now.adopt(&self.snapshot);
            self.snapshot = now;
            if try_number + 1 == TRIES {
                let name = delta.written.first().map(|index| self.snapshot.entries[*index].path().to_owned());
                let name = name.unwrap_or_default();
                return Err(never_rests(&name));
            }
            std::thread::sleep(Duration::from_millis(20 * u64::from(try_number)));
            self.apply(session, &delta.written, &delta.removed)?;
        }
        unreachable!("the last try returns")
    }

    /// Sends what changed and notes what is gone. Folders above are sent again, for their times.
    fn apply(&mut self, session: &mut Session, written: &[usize], removed: &[Box<[u8]>]) -> Result<()> {
        let written_path = |path: &[u8]| self.snapshot.find(path).is_some();
        for path in removed {
            self.finish.remove.push([b"src/", &**path].concat());
        }
        // What was removed may have come back.
        self.finish.remove.retain(|path| path.strip_prefix(b"src/").is_none_or(|path| !written_path(path)));
        let changed =
            written.iter().map(|index| &*self.snapshot.entries[*index].path).chain(removed.iter().map(|path| &**path));
        let mut above: Vec<&[u8]> = changed.flat_map(parents).collect();
        above.sort_unstable();
        above.dedup();
        let above = above.into_iter().filter_map(|path| self.snapshot.position(path));
        let mut indices: Vec<usize> = above.chain(written.iter().copied()).collect();
        indices.sort_unstable();
        indices.dedup();
        for path in removed {
            for parent in parents(path) {
                if let Some(entry) = self.snapshot.find(parent) {
                    self.finish.touch.push(([b"src/", parent].concat(), entry.mtime));
                }
            }
        }
        self.send(session, &indices)
    }

    /// A file written twice within one step of the clock looks unchanged, so those are read once more.
    fn spoil_what_changed_unseen(&mut self) {
        for path in std::mem::take(&mut self.lately) {
            let Some(index) = self.snapshot.position(&path) else { continue };
            let entry = &mut self.snapshot.entries[index];
            let again =
                archive::hash(&self.job.source.path.join(entry.path()), self.job.selection.links == Links::Followed);
            if again.is_ok_and(|hash| hash.as_ref() != entry.hash()) {
                *entry = Arc::new(entry.spoiled());
            }
        }
    }
}

/// The folders above a path, the nearest first.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

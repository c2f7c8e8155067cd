//! A build with an image that has no shell. Nobody there could unpack an upload or wait for it: the engine puts it into a
//! container that does not run yet, whose program is `assemble` itself, and the container is committed when that has
//! ended. Everything is sent anew in each build.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};

use anyhow::{Result, anyhow};

use super::artifacts::{Outcome, Saver};
use super::describe::Made;
use super::inputs::Inputs;
use super::prepare::{self, Approach, Obstacle, TRIES};
use super::protocol::{Destination, Found, Hello, Lines, Tar};
use super::scripts::{self, Chosen};
use super::tidy::Leftovers;
use super::{Ground, Workshop, owner, private, volumes};
use crate::contract::{Script, join, labels};
use crate::engine::files::{self, Delivery};
use crate::engine::{Container, Process};
use crate::failure::{self, Failure};
use crate::report::Message;
use crate::settings::Transfer;
use crate::source::archive::{self, Archive, Sent};
use crate::source::{Entry, Kind, Links, Snapshot, View};

/// What the engine's words about a program that could not be started begin with.
const REFUSAL: &[u8] = b"Error response from daemon:";

/// A container that has all of its upload and is not started yet.
pub struct Filled {
    container: Container,
    snapshot: Snapshot,
    scripts: Chosen,
    inputs: Inputs,
    bypassed: bool,
    copied: bool,
    /// The container of `save-artifacts`, done.
    saver: Option<Container>,
}

/// What can be known of an image before anything runs.
struct Sight {
    hello: Hello,
    owner: (u32, u32),
}

/// Makes the container and sends all; again from the beginning when the source changed meanwhile, since nothing can be
/// removed there. `phase` hears the name of each phase when it ends.
///
/// # Errors
/// What ends the build; what another approach could get around is the inner result.
pub fn prepare(
    shop: &Workshop,
    ground: &Ground,
    approach: &Approach,
    view: &mut dyn View,
    phase: &mut dyn FnMut(&'static str),
) -> Result<Result<Filled, Obstacle>> {
    let (job, reporter) = (shop.job, shop.reporter);
    reporter.phase("starting the build container");
    let inputs = Inputs::read(shop, &ground.contract)?;
    if !inputs.private.is_empty() {
        return Err(private::no_shell(&job.builder));
    }
    if job.transfer == Transfer::Memory {
        return Err(prepare::memory_needs_tar(&job.builder));
    }
    let sight = look(shop, ground)?;
    let scripts = scripts::choose(&ground.contract, &sight.hello, &inputs.own_scripts, &job.builder)?;
    scripts.notes.iter().for_each(|note| reporter.note(note));
    volumes::tell(ground, &scripts, reporter);
    let mut snapshot = view.snapshot()?;
    if job.transfer == Transfer::Upload {
        prepare::tell_what_is_left_out(&job.source.path, &snapshot, reporter);
        prepare::tell_of_links(job.selection.links, &snapshot, reporter);
    }
    phase("start");
    let mut changing = PathBuf::new();
    for _ in 0..TRIES {
        let filling = Filling { shop, ground, approach, owner: sight.owner, inputs: &inputs, scripts: &scripts };
        let filled = match filling.fill(&mut snapshot, phase)? {
            Ok(filled) => filled,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let restless = filled.lately.iter().filter_map(|path| snapshot.find(path)).find(|entry| {
            let again = archive::hash(&job.source.path.join(entry.path()), job.selection.links == Links::Followed);
            again.is_ok_and(|hash| hash.as_ref() != entry.hash())
        });
        let news = view.news(&snapshot)?;
        match (&news, restless) {
            (None, None) => {
                let Full { container, saver, copied, .. } = filled;
                let bypassed = approach.bypass;
                return Ok(Ok(Filled { container, snapshot, scripts, inputs, bypassed, copied, saver }));
            }
            (Some(now), _) => {
                let written = now.since(&snapshot).written;
                changing = written.first().map(|index| now.entries[*index].path().to_owned()).unwrap_or_default();
            }
            (None, Some(entry)) => changing = entry.path().to_owned(),
        }
        snapshot = view.snapshot()?;
    }
    Err(prepare::never_rests(&changing))
}

/// Looks into a container that is never started.
fn look(shop: &Workshop, ground: &Ground) -> Result<Sight> {
    let args = [ground.builder.id.clone(), "/minis2i".to_owned()];
    let container = Container::create(&shop.engine, shop.lease.container_name(), &args)?;
    let mut folders = Vec::new();
    for folder in &ground.contract.folders {
        let mut found = [Found::Missing, Found::Missing, Found::Missing];
        // With the dot the folder's content comes, also where the name is that of a link to it.
        files::each(&shop.engine, container.name(), &join(folder, "."), &mut |path, entry| {
            if let Some(place) = Script::ALL.iter().position(|script| script.name() == path) {
                found[place] = state(entry);
            }
        })?;
        folders.push(found);
    }
    let (destination, tar) = (Destination::Ok, Tar::None);
    let hello = Hello { has_source: false, has_artifacts: false, destination, tar, folders };
    Ok(Sight { hello, owner: owner::of(shop, ground, container.name())? })
}

fn state(entry: &tar::Entry<&mut dyn Read>) -> Found {
    let header = entry.header();
    let executable = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
    // Where a link leads is for the engine to find out.
    if executable || header.entry_type().is_symlink() { Found::Ok } else { Found::NotExecutable }
}

/// What is needed for one try.
struct Filling<'a> {
    shop: &'a Workshop<'a>,
    ground: &'a Ground,
    approach: &'a Approach,
    owner: (u32, u32),
    inputs: &'a Inputs,
    scripts: &'a Chosen,
}

/// The outcome of one try.
struct Full {
    container: Container,
    saver: Option<Container>,
    copied: bool,
    /// Files that were read so soon after they changed that another change may have left no trace.
    lately: Vec<Box<[u8]>>,
}

impl Filling<'_> {
    fn fill(&self, snapshot: &mut Snapshot, phase: &mut dyn FnMut(&'static str)) -> Result<Result<Full, Obstacle>> {
        let Filling { shop, ground, .. } = self;
        let plan = ground.previous.as_ref().filter(|_| self.approach.incremental);
        let own = &self.inputs.own_scripts;
        let plan = plan.and_then(|image| prepare::plan_artifacts(shop.job, ground, image, own, false));
        let saver = match &plan {
            Some(plan) => Some(Saver::start(&shop.engine, shop.lease.container_name(), plan, None, shop.reporter)?),
            None => None,
        };
        let container = Container::create(&shop.engine, shop.lease.container_name(), &self.arguments())?;
        let place = &ground.contract.destination;
        let (delivery, stream) = Delivery::start(&shop.engine, container.name(), place)?;
        let mut upload = Archive::new(stream);
        upload.follow = shop.job.selection.links == Links::Followed;
        upload.sparse = true;
        upload.owner = self.owner;
        let sent = self.send(&mut upload, snapshot, saver, phase);
        // A refused upload breaks the stream, too; the engine says why.
        let ended = upload.finish().map(drop);
        match delivery.end(&shop.engine)? {
            Err(words) if files::says_missing(&words) => Err(prepare::no_destination(place, &shop.job.builder)),
            Err(words) if !sent.as_ref().is_err_and(failure::is_classified) => {
                Err(shop.engine.trouble("cannot put the source into the build container", &words))
            }
            _ => {
                let sent = sent?;
                ended?;
                Ok(sent.map(|Brought { saver, copied, lately }| Full { container, saver, copied, lately }))
            }
        }
    }

    /// Options, image and command for `docker create`. The builder's ENTRYPOINT gets `assemble` to run.
    fn arguments(&self) -> Vec<String> {
        let Filling { shop, ground, inputs, .. } = self;
        let mut args = prepare::build_options(shop.job, &ground.contract, inputs);
        let (image, assemble) = (ground.builder.id.clone(), self.scripts.assemble.clone());
        if self.approach.bypass {
            args.extend(["--entrypoint".to_owned(), assemble, image]);
        } else {
            args.extend([image, assemble]);
        }
        args
    }

    fn send<W: Write>(
        &self,
        upload: &mut Archive<W>,
        snapshot: &mut Snapshot,
        saver: Option<Saver>,
        phase: &mut dyn FnMut(&'static str),
    ) -> Result<Result<Brought, Obstacle>> {
        let reporter = self.shop.reporter;
        reporter.phase("sending the source");
        self.send_scripts(upload)?;
        let mut brought = Brought::default();
        if self.shop.job.transfer == Transfer::Upload {
            brought.lately = self.send_source(upload, snapshot)?;
        }
        phase("source");
        let Some(saver) = saver else { return Ok(Ok(brought)) };
        reporter.phase("taking over artifacts");
        let (outcome, container) = saver.relay(upload)?;
        brought.saver = Some(container);
        match outcome {
            Outcome::Delivered(_) | Outcome::Nothing => {}
            Outcome::Copied(_) => brought.copied = true,
            Outcome::Failed(why) => {
                reporter.warn(&format!("`save-artifacts` failed, building without artifacts: {why}"));
                // What has arrived can only be got rid of with the container.
                return Ok(Err(Obstacle::Artifacts));
            }
        }
        phase("artifacts");
        Ok(Ok(brought))
    }

    fn send_scripts<W: Write>(&self, upload: &mut Archive<W>) -> Result<()> {
        let own = &self.inputs.own_scripts;
        if !own.is_empty() {
            upload.folder(b"scripts", 0o755, (0, 0))?;
        }
        for script in own {
            upload.file(format!("scripts/{}", script.script.name()).as_bytes(), 0o755, (0, 0), &script.content)?;
        }
        Ok(())
    }

    fn send_source<W: Write>(&self, upload: &mut Archive<W>, snapshot: &mut Snapshot) -> Result<Vec<Box<[u8]>>> {
        let root = &self.shop.job.source.path;
        let top = Entry::new(b"", Kind::Folder, &std::fs::metadata(root)?);
        upload.folder(b"src", top.mode | 0o700, top.mtime)?;
        let mut lately = Vec::new();
        for entry in &mut snapshot.entries {
            if upload.entry(root, b"src", entry)? == Sent::Lately {
                lately.push(entry.path.clone());
            }
        }
        Ok(lately)
    }
}

/// What came with an upload.
#[derive(Default)]
struct Brought {
    saver: Option<Container>,
    copied: bool,
    lately: Vec<Box<[u8]>>,
}

impl Filled {
    /// What the build is made with.
    pub fn made(&self) -> Made<'_> {
        Made {
            snapshot: &self.snapshot,
            scripts: &self.scripts,
            inputs: &self.inputs,
            bypassed: self.bypassed,
            copied: self.copied,
            shell: false,
        }
    }

    pub fn container(&self) -> &str {
        self.container.name()
    }

    /// Hands over the containers, which are of no use any more.
    pub fn leave(self) -> Leftovers {
        let containers = std::iter::once(self.container).chain(self.saver).map(Container::leave);
        Leftovers { containers: containers.collect(), images: Vec::new() }
    }

    /// Runs `assemble` and shows what it says; returns its exit status.
    ///
    /// # Errors
    /// When it can not be started, or its end is not known.
    pub fn assemble(&self, shop: &Workshop) -> Result<i32> {
        let process = self.container.start(&shop.engine)?;
        let heard = relay_output(process, shop)?;
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";
        let state = shop.engine.demand(&["container", "inspect", "--format", format, self.container.name()])?;
        let mut state = state.trim().splitn(3, ' ');
        match (state.next(), state.next(), state.next()) {
            (Some("exited"), Some(status), _) => match heard.of_the_runtime(&self.scripts.assemble) {
                Some(why) if status != "0" => Err(self.not_started(why)),
                _ => Ok(status.parse()?),
            },
            (Some("created"), _, Some(why)) => Err(self.not_started(why)),
            _ => Err(shop.engine.trouble("the build container is gone before `assemble` was done", &heard.words)),
        }
    }

    fn not_started(&self, why: &str) -> anyhow::Error {
        let own = self.inputs.own_scripts.iter().find(|own| own.script == Script::Assemble);
        let failure = match own {
            Some(own) => Failure::usage(format!("cannot run the script `{}`", own.from)),
            None => Failure::engine(format!("cannot run `{}`", self.scripts.assemble)),
        };
        failure
            .because(anyhow!(why.to_owned()))
            .hint("the image has no shell: there, `assemble` has to be a program that brings all it needs to run")
            .into()
    }

    /// The text of the metadata file, if `assemble` left one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn metadata(&self, shop: &Workshop) -> Result<Option<Vec<u8>>> {
        files::read(&shop.engine, self.container.name(), labels::METADATA_FILE)
    }

    /// Says so when something of the source gets into the image that nobody asked for: without a shell, only `assemble`
    /// itself can remove it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn tell_what_is_left(&self, shop: &Workshop, ground: &Ground) -> Result<()> {
        let source = join(&ground.contract.destination, "src");
        if shop.job.keep_source
            || shop.job.transfer == Transfer::Mount
            || ground.builder.volume(&source).is_some()
            || !files::exists(&shop.engine, self.container.name(), &source)?
        {
            return Ok(());
        }
        shop.reporter.note(&format!(
            "what `assemble` left of the source stays in the image, in {source}: the builder has no shell to remove it \
             with; `assemble` can, or `--mount` shows it the source without sending it"
        ));
        Ok(())
    }
}

/// What was heard from a container.
#[derive(Default)]
struct Heard {
    /// What the engine's CLI said itself.
    words: String,
    /// All of the output, if that is one line.
    line: Option<String>,
    lines: usize,
}

impl Heard {
    fn hear(&mut self, line: &[u8]) {
        self.lines += 1;
        self.line = (self.lines == 1).then(|| String::from_utf8_lossy(line).into_owned());
    }

    /// The words of a runtime that found out too late, in the container already, that a program can not be run.
    fn of_the_runtime(&self, program: &str) -> Option<&str> {
        let beginnings = [format!("exec {program}: "), "standard_init_linux.go:".to_owned()];
        self.line.as_deref().filter(|line| beginnings.iter().any(|beginning| line.starts_with(beginning)))
    }
}

/// Shows what comes from both streams, in the order it comes.
fn relay_output(mut process: Process, shop: &Workshop) -> Result<Heard> {
    let (tell, pieces) = mpsc::channel::<(usize, Vec<u8>)>();
    listen(process.stdout(), 0, tell.clone());
    listen(process.stderr(), 1, tell);
    let mut streams = [Lines::default(), Lines::default()];
    let mut heard = Heard::default();
    let mut show = |line: &[u8]| {
        if line.starts_with(REFUSAL) {
            heard.words.push_str(&String::from_utf8_lossy(line));
            heard.words.push('\n');
        } else {
            heard.hear(line);
            shop.reporter.tell(&Message::Output(line));
        }
    };
    for (stream, piece) in pieces {
        streams[stream].feed(&piece, &mut show);
    }
    streams.iter_mut().for_each(|lines| lines.flush(&mut show));
    process.wait()?;
    shop.engine.cancel().check()?;
    Ok(heard)
}

fn listen(mut from: impl Read + Send + 'static, stream: usize, tell: Sender<(usize, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            match from.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(got @ 1..) => drop(tell.send((stream, buffer[..got].to_vec()))),
                _ => return,
            }
        }
    });
}

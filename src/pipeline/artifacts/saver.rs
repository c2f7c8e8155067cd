//! What the previous image hands over: its `save-artifacts` runs in a container of its own, beside the build container.

use std::collections::HashSet;
use std::io::Write;
use std::process::Stdio;
use std::thread::JoinHandle;

use anyhow::{Result, anyhow};

use super::filter::{FilterError, Passed, pass_on};
use super::plan::{ArtifactPlan, SaverScript};
use crate::contract::image_path::join;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::process::Process;
use crate::pipeline::container::exit_marker::{RUN_AND_MARK_EXIT, UntilExit};
use crate::pipeline::container::lines::relay_lines;
use crate::random;
use crate::report::Reporter;
use crate::tar::writer::Writer;

/// Where the first minis2i had scripts copy artifacts to.
const COPY_FOLDER: &str = "/tmp/artifacts";

/// Where a script of the source goes, below the destination.
const UPLOADED: &str = "scripts/save-artifacts";

/// What `save-artifacts` handed over.
pub enum Handover {
    Delivered(Passed),
    /// By files that the script copied.
    Copied(Passed),
    /// There was nothing to hand over.
    Nothing,
    /// The build goes on without; what has arrived must be removed again.
    Failed(String),
}

/// A running `save-artifacts`.
pub struct Saver {
    engine: Engine,
    container: Container,
    process: Process,
    /// What the shell that runs it tells its end with.
    token: String,
    errors: JoinHandle<()>,
    afresh: bool,
}

impl Saver {
    /// Starts the container; its error output is shown as it comes. Its network is that of the container `beside`, which
    /// runs with the same options, if one is named.
    ///
    /// # Errors
    /// When the CLI can not be started.
    pub fn start(
        engine: &Engine,
        name: String,
        plan: &ArtifactPlan,
        beside: Option<&str>,
        reporter: &Reporter,
    ) -> Result<Self> {
        let mut plan = plan.clone();
        plan.options.extend(beside.map(|container| format!("--network=container:{container}")));
        let token = random::token()?;
        let (container, mut process) = match plan.direct {
            true => run_directly(engine, name, &plan)?,
            false => run_from_shell(engine, name, &plan, &token)?,
        };
        let mut stderr = UntilExit::new(process.stderr(), &token);
        let reporter = reporter.clone();
        let errors = std::thread::spawn(move || relay_lines(&mut stderr, &reporter));
        Ok(Self { engine: engine.clone(), container, process, token, errors, afresh: plan.afresh })
    }

    /// Passes on what the script hands over. The container is of no use afterwards.
    ///
    /// # Errors
    /// When the build container does not take it, or work was cancelled.
    pub fn pass_on<W: Write>(mut self, to: &mut Writer<W>) -> Result<(Handover, Container)> {
        let mut stdout = UntilExit::new(self.process.stdout(), &self.token);
        let passed = match pass_on(&mut stdout, to, |path| Some(path.to_vec())) {
            Ok(passed) => passed,
            Err(FilterError::Receiver(error)) => return Err(error.into()),
            Err(FilterError::Stream(why)) => {
                self.engine.cancel().check()?;
                let handover = Handover::Failed(format!("what it printed can not be used: {why}"));
                return Ok((handover, self.container));
            }
        };
        let status = match stdout.status() {
            Some(status) => status,
            None => self.process.wait()?,
        };
        self.engine.cancel().check()?;
        self.container.mark_created();
        let _ = self.errors.join();
        let handover = match status {
            0 if passed.entries > 0 => Handover::Delivered(passed),
            0 => copied_files(&self.engine, self.container.name(), self.afresh, to)?,
            // The image has none: so it was with images that are not ours.
            126 | 127 if passed.entries == 0 => Handover::Nothing,
            status => Handover::Failed(format!("it exited with status {status}")),
        };
        Ok((handover, self.container))
    }
}

fn run_from_shell(engine: &Engine, name: String, plan: &ArtifactPlan, token: &str) -> Result<(Container, Process)> {
    let (container, mut process) = Container::run(engine, name, &arguments(plan, token), Stdio::piped())?;
    let mut stdin = process.stdin();
    let content = match &plan.script {
        SaverScript::Source { content, .. } => content.clone(),
        SaverScript::Image(_) => Vec::new(),
    };
    // On a thread: the container takes it when it is up, and a script may be larger than the pipe.
    std::thread::spawn(move || stdin.write_all(&content));
    Ok((container, process))
}

/// What lies in [`COPY_FOLDER`] can not be removed first here, so a script that copies has to do that itself.
fn run_directly(engine: &Engine, name: String, plan: &ArtifactPlan) -> Result<(Container, Process)> {
    let path = match &plan.script {
        SaverScript::Image(path) => path.clone(),
        SaverScript::Source { destination, .. } => join(destination, UPLOADED),
    };
    let mut args = plan.options.clone();
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), path, plan.image.clone()]);
    } else {
        args.extend([plan.image.clone(), path]);
    }
    let SaverScript::Source { content, destination } = &plan.script else {
        return Container::run(engine, name, &args, Stdio::null());
    };
    let container = Container::create(engine, name, &args)?;
    let mut archive = Writer::new(Vec::new());
    archive.folder(b"scripts", 0o755, (0, 0))?;
    archive.file(UPLOADED.as_bytes(), 0o755, (0, 0), content)?;
    engine.feed(&["cp", "-", &format!("{}:{destination}", container.name())], &archive.finish()?)?;
    let process = container.start(engine)?;
    Ok((container, process))
}

/// The options, the image and the command for `docker run`.
fn arguments(plan: &ArtifactPlan, token: &str) -> Vec<String> {
    let mut args = vec!["--interactive".to_owned()];
    args.extend(plan.options.iter().cloned());
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), "/bin/sh".to_owned()]);
    }
    args.push(plan.image.clone());
    if !plan.bypass {
        args.push("/bin/sh".to_owned());
    }
    let clear = if plan.afresh { format!("rm -rf {COPY_FOLDER} 2>/dev/null; ") } else { String::new() };
    let prepare = format!("{clear}[ -d {COPY_FOLDER} ] || mkdir -p {COPY_FOLDER} 2>/dev/null");
    let (program, path) = match &plan.script {
        SaverScript::Image(path) => (format!("{prepare}; {RUN_AND_MARK_EXIT}"), path.clone()),
        SaverScript::Source { destination, .. } => {
            let place = "mkdir -p \"${1%/*}\" && cat >\"$1\" && chmod 755 \"$1\" || exit 1";
            (format!("{place}; {prepare}; {RUN_AND_MARK_EXIT}"), join(destination, UPLOADED))
        }
    };
    args.extend(["-c".to_owned(), program, "minis2i".to_owned(), path, token.to_owned()]);
    args
}

/// Nothing on standard output: files that the script put into [`COPY_FOLDER`] are taken instead.
fn copied_files<W: Write>(engine: &Engine, container: &str, afresh: bool, to: &mut Writer<W>) -> Result<Handover> {
    // Files copied over equal ones are no change to the engine, so only a folder that was emptied tells all.
    let fresh = if afresh { None } else { Some(changed_below(&engine.demand(&["diff", container])?, COPY_FOLDER)) };
    if fresh.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(Handover::Nothing);
    }
    let from = format!("{container}:{COPY_FOLDER}");
    let args = ["cp", &from, "-"];
    let mut process = engine.spawn_announced(&args, Stdio::null())?;
    let words = process.collect_stderr();
    let mut stdout = process.stdout();
    let result = pass_on(&mut stdout, to, |path| {
        let below = path.strip_prefix(b"artifacts")?;
        let below = below.strip_prefix(b"/").unwrap_or(below);
        let taken = match &fresh {
            // The listing garbles names that are not UTF-8, so those are taken unseen.
            Some(fresh) => std::str::from_utf8(below).map_or(true, |name| name.is_empty() || fresh.contains(name)),
            // An empty folder is nothing.
            None => !below.is_empty(),
        };
        taken.then(|| below.to_vec())
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    match result {
        Err(FilterError::Receiver(error)) => Err(error.into()),
        Err(FilterError::Stream(why)) => {
            Ok(Handover::Failed(format!("what it left in {COPY_FOLDER} can not be used: {why}")))
        }
        Ok(passed) if afresh && passed.entries == 0 => Ok(Handover::Nothing),
        Ok(_) if status != 0 => Err(engine.failed(&args, &words.text()).context(anyhow!("cannot fetch the artifacts"))),
        Ok(passed) => Ok(Handover::Copied(passed)),
    }
}

/// Paths below `folder`, relative to it, that a listing of `docker diff` has as added or changed.
fn changed_below(listing: &str, folder: &str) -> HashSet<String> {
    let mut changed: Vec<String> = Vec::new();
    for line in listing.strip_suffix('\n').unwrap_or(listing).split('\n') {
        match changed.last_mut() {
            // A path may have line ends in it.
            Some(path) if !["A /", "C /", "D /"].iter().any(|kind| line.starts_with(kind)) => path.extend(["\n", line]),
            _ => changed.push(line.to_owned()),
        }
    }
    let paths = changed.iter().filter_map(|line| line.strip_prefix("A ").or_else(|| line.strip_prefix("C ")));
    paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::changed_below;

    #[test]
    fn only_what_is_new_below_the_folder_counts() {
        let listing = "C /tmp\nC /tmp/artifacts\nA /tmp/artifacts/a\nC /tmp/artifacts/d\nD /tmp/artifacts/x\n\
                       A /tmp/artifacts/two\nlines\nA /tmp/b\n";
        let mut changed: Vec<_> = changed_below(listing, "/tmp/artifacts").into_iter().collect();
        changed.sort();
        assert_eq!(changed, ["a", "d", "two\nlines"]);
    }
}

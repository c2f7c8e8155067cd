//! Running `save-artifacts` of the previous image in a container of its own, at the same time as the build container,
//! and relaying the artifacts. Which script to run is left to [`plan`](super::plan).

use std::collections::HashSet;
use std::io::{Read, Write};
use std::process::Stdio;
use std::thread::JoinHandle;

use anyhow::{Result, anyhow};

use super::filter::{FilterError, Relayed, relay_archive};
use super::plan::{ArtifactPlan, SaverScript};
use crate::child::for_each_piece;
use crate::contract::image_path::join;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::copy;
use crate::engine::process::Process;
use crate::pipeline::container::exit_marker::{ScriptExit, UntilExit, run_and_mark_exit};
use crate::pipeline::container::lines::relay_lines;
use crate::pipeline::container::own_variables::put_away;
use crate::random;
use crate::report::Reporter;
use crate::tar::writer::Writer;

/// The folder into which `save-artifacts` copies artifacts if it writes no tar stream: the convention of the first
/// minis2i.
const COPY_FOLDER: &str = "/tmp/artifacts";

/// The exit status of the engine's CLI when the engine could not create or start a container.
const NOT_STARTED: i32 = 125;

/// The path of an external script, below the destination.
const EXTERNAL_PATH: &str = "scripts/save-artifacts";

/// The result of `save-artifacts`.
pub enum SavedArtifacts {
    /// The script wrote a tar stream.
    Streamed(Relayed),
    /// The script copied files.
    Copied(Relayed),
    /// There were no artifacts.
    Nothing,
    /// The build goes on without artifacts, and those that were already relayed must be removed. The text is the end of
    /// a sentence that says why.
    Failed(String),
}

/// A running `save-artifacts`.
pub struct Saver {
    engine: Engine,
    plan: ArtifactPlan,
    container: Container,
    process: Process,
    /// Marks the line with which the shell reports the exit status of the script.
    token: String,
    /// Shows the script's stderr.
    stderr_relay: JoinHandle<()>,
    reporter: Reporter,
    /// Another container is tried if the engine cannot start this one.
    may_retry: bool,
}

/// What the shell reports if [`COPY_FOLDER`] had files before the script ran.
const FILLED: &str = "filled";

/// What it reports if the folder had none before, and has some now.
const COPIED: &str = "copied";

/// Which of the files in [`COPY_FOLDER`] a script has copied there.
enum CopiedFiles {
    All,
    /// Those that the engine lists as changed.
    Changed,
}

impl Saver {
    /// Starts a container called `name` for the script; its stderr is shown as it arrives. The container joins the
    /// network of the container `network_of`, if that is given.
    ///
    /// # Errors
    /// If the CLI cannot be started, or the engine cannot create the container or copy an external script into it.
    pub fn start(
        engine: &Engine,
        name: String,
        plan: &ArtifactPlan,
        network_of: Option<&str>,
        reporter: &Reporter,
    ) -> Result<Self> {
        let mut with_network = plan.clone();
        with_network.options.extend(network_of.map(|container| format!("--network=container:{container}")));
        let token = random::token()?;
        let (container, mut process) = match plan.without_shell {
            true => run_without_shell(engine, name, &with_network)?,
            false => run_with_shell(engine, name, &with_network, &token, false)?,
        };
        let mut stderr = UntilExit::new(process.stderr(), &token);
        let reporter = reporter.clone();
        let stderr_relay = std::thread::spawn({
            let reporter = reporter.clone();
            move || relay_lines(&mut stderr, &reporter)
        });
        let (engine, plan) = (engine.clone(), plan.clone());
        Ok(Self { engine, plan, container, process, token, stderr_relay, reporter, may_retry: true })
    }

    /// Relays the artifacts to an upload. Returns the container as well, which can be removed then. `new_name` is for
    /// another container, which may be needed. In a folder that had files before, the ones that a script wrote again look
    /// like the others if they have the same size and time, so the script runs once more with an empty folder; it cannot
    /// have one from the beginning, as it may read the files. And a container that the engine cannot start is tried once
    /// more, with a network of its own.
    ///
    /// # Errors
    /// If the upload cannot be written to, the copied files cannot be fetched, or work was cancelled. A failing script
    /// is no error here.
    pub fn relay_to<W: Write>(
        mut self,
        to: &mut Writer<W>,
        new_name: &dyn Fn() -> String,
    ) -> Result<(SavedArtifacts, Container)> {
        let mut stdout = UntilExit::new(self.process.stdout(), &self.token);
        let relayed = match relay_archive(&mut stdout, to, |path| Some(path.to_vec())) {
            Ok(relayed) => relayed,
            Err(FilterError::Receiver(error)) => return Err(error.into()),
            Err(FilterError::Stream(why)) => {
                self.engine.cancel().check()?;
                let saved = SavedArtifacts::Failed(format!("its output cannot be used: {why}"));
                return Ok((saved, self.container));
            }
        };
        let Self { engine, plan, mut container, process, stderr_relay, reporter, may_retry, .. } = self;
        // Dropping it would end the CLI before all of the stderr is there.
        let mut process = Some(process);
        let ended = wait_for_end(&engine, &mut process, &stdout)?;
        container.mark_created();
        let _ = stderr_relay.join();
        if may_retry && ended.status == NOT_STARTED && stdout.ended().is_none() && relayed.is_empty() {
            let again = Self::start(&engine, new_name(), &plan, None, &reporter)?;
            return Self { may_retry: false, ..again }.relay_to(to, new_name);
        }
        let saved = match ended.status {
            0 if !relayed.is_empty() => SavedArtifacts::Streamed(relayed),
            0 if ended.note == FILLED => run_again_and_relay(&engine, new_name(), &plan, to)?,
            0 if plan.without_shell && !plan.copied_before => {
                relay_copied_without_shell(&engine, container.name(), to)?
            }
            // The shell saw that the folder is empty, so the engine need not be asked.
            0 if !plan.without_shell && ended.note != COPIED => SavedArtifacts::Nothing,
            0 => relay_copied_files(&engine, container.name(), &CopiedFiles::All, to)?,
            // The image has no such script, which is not known before for images that minis2i did not build.
            126 | 127 if relayed.is_empty() => SavedArtifacts::Nothing,
            status => SavedArtifacts::Failed(format!("it exited with status {status}")),
        };
        Ok((saved, container))
    }
}

/// Relays the files that a script without a shell copied.
fn relay_copied_without_shell<W: Write>(
    engine: &Engine,
    container: &str,
    to: &mut Writer<W>,
) -> Result<SavedArtifacts> {
    // To list what changed, the engine compares all of the container with its image; to look for one path is cheap.
    match copy::exists(engine, container, COPY_FOLDER)? {
        true => relay_copied_files(engine, container, &CopiedFiles::Changed, to),
        false => Ok(SavedArtifacts::Nothing),
    }
}

/// Runs the script again, in a container called `name` with an empty [`COPY_FOLDER`], and relays only the files that it
/// copies. What it prints was shown before.
fn run_again_and_relay<W: Write>(
    engine: &Engine,
    name: String,
    plan: &ArtifactPlan,
    to: &mut Writer<W>,
) -> Result<SavedArtifacts> {
    let token = random::token()?;
    let (mut container, mut process) = run_with_shell(engine, name, plan, &token, true)?;
    let mut stderr = process.stderr();
    std::thread::spawn(move || for_each_piece(&mut stderr, |_| {}));
    let mut stdout = UntilExit::new(process.stdout(), &token);
    for_each_piece(&mut stdout, |_| {});
    let ended = wait_for_end(engine, &mut Some(process), &stdout)?;
    container.mark_created();
    match ended.status {
        // The user of the image may not remove the files.
        0 if ended.note == FILLED => relay_copied_files(engine, container.name(), &CopiedFiles::Changed, to),
        0 if ended.note == COPIED => relay_copied_files(engine, container.name(), &CopiedFiles::All, to),
        0 => Ok(SavedArtifacts::Nothing),
        status => Ok(SavedArtifacts::Failed(format!("with an empty {COPY_FOLDER} it exited with status {status}"))),
    }
}

/// Waits for the end of a script whose stdout was read to its end. The CLI is waited for only if the script's shell did not
/// report how it ended.
///
/// # Errors
/// If work was cancelled, or the end of the CLI cannot be waited for.
fn wait_for_end(engine: &Engine, process: &mut Option<Process>, stdout: &UntilExit<impl Read>) -> Result<ScriptExit> {
    let ended = match stdout.ended() {
        Some(exit) => exit.clone(),
        None => ScriptExit { status: process.take().map_or(Ok(-1), Process::wait)?, note: String::new() },
    };
    engine.cancel().check()?;
    Ok(ended)
}

/// Starts the script from a shell, which writes an external script to its path first and reports the exit status.
fn run_with_shell(
    engine: &Engine,
    name: String,
    plan: &ArtifactPlan,
    token: &str,
    clear: bool,
) -> Result<(Container, Process)> {
    let (container, mut process) = Container::run(engine, name, &shell_arguments(plan, token, clear), Stdio::piped())?;
    let mut stdin = process.stdin();
    let content = match &plan.script {
        SaverScript::External { content, .. } => content.clone(),
        SaverScript::Image(_) => Vec::new(),
    };
    // Writing needs a thread: the container reads only when it runs, and a script may be larger than the buffer of a
    // pipe.
    std::thread::spawn(move || stdin.write_all(&content));
    Ok((container, process))
}

/// Starts the script as the program of the container. It has to empty [`COPY_FOLDER`] itself, since nothing else can.
fn run_without_shell(engine: &Engine, name: String, plan: &ArtifactPlan) -> Result<(Container, Process)> {
    let path = match &plan.script {
        SaverScript::Image(path) => path.clone(),
        SaverScript::External { destination, .. } => join(destination, EXTERNAL_PATH),
    };
    let mut args = plan.options.clone();
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), path, plan.image.clone()]);
    } else {
        args.extend([plan.image.clone(), path]);
    }
    let SaverScript::External { content, destination } = &plan.script else {
        return Container::run(engine, name, &args, Stdio::null());
    };
    let container = Container::create(engine, name, &args)?;
    let mut archive = Writer::new(Vec::new());
    archive.folder(b"scripts", 0o755, (0, 0))?;
    archive.file(EXTERNAL_PATH.as_bytes(), 0o755, (0, 0), content)?;
    engine.feed(&["cp", "-", &format!("{}:{destination}", container.name())], &archive.finish()?)?;
    let process = container.start(engine)?;
    Ok((container, process))
}

/// The options, the image and the command for `docker run`, for a script that a shell runs.
/// `clear` is whether [`COPY_FOLDER`] is emptied first.
fn shell_arguments(plan: &ArtifactPlan, token: &str, clear: bool) -> Vec<String> {
    let mut args = vec!["--interactive".to_owned()];
    args.extend(plan.options.iter().cloned());
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), "/bin/sh".to_owned()]);
    }
    args.push(plan.image.clone());
    if !plan.bypass {
        args.push("/bin/sh".to_owned());
    }
    let clear = if clear { format!("rm -rf {COPY_FOLDER} 2>/dev/null; ") } else { String::new() };
    let note_files = |note: &str| {
        format!(
            "for f in {COPY_FOLDER}/* {COPY_FOLDER}/.[!.]* {COPY_FOLDER}/..?*; do \
             if [ -e \"$f\" ] || [ -L \"$f\" ]; then minis2i_note={note}; break; fi; done"
        )
    };
    // A folder that the user of the image cannot list may have files.
    let run = run_and_mark_exit(&format!(
        "if [ -z \"$minis2i_note\" ]; then {}; \
         if [ -d {COPY_FOLDER} ] && ! [ -r {COPY_FOLDER} ]; then minis2i_note={COPIED}; fi; fi",
        note_files(COPIED)
    ));
    let own = format!("minis2i_search=$3; {}\n", put_away());
    let prepare = format!(
        "{clear}[ -d {COPY_FOLDER} ] || mkdir -p {COPY_FOLDER} 2>/dev/null; minis2i_note=; {}",
        note_files(FILLED)
    );
    let (program, path) = match &plan.script {
        SaverScript::Image(path) => (format!("{own}{prepare}; {run}"), path.clone()),
        SaverScript::External { destination, .. } => {
            let receive = "mkdir -p \"${1%/*}\" && cat >\"$1\" && chmod 755 \"$1\" || exit 1";
            (format!("{own}{receive}; {prepare}; {run}"), join(destination, EXTERNAL_PATH))
        }
    };
    args.extend(["-c".to_owned(), program, "minis2i".to_owned(), path, token.to_owned(), plan.search_path.clone()]);
    args
}

/// Relays the files that the script copied into [`COPY_FOLDER`].
fn relay_copied_files<W: Write>(
    engine: &Engine,
    container: &str,
    copied: &CopiedFiles,
    to: &mut Writer<W>,
) -> Result<SavedArtifacts> {
    let changed = match copied {
        CopiedFiles::All => None,
        CopiedFiles::Changed => Some(changed_below(&engine.demand(&["diff", container])?, COPY_FOLDER)),
    };
    if changed.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(SavedArtifacts::Nothing);
    }
    let from = format!("{container}:{COPY_FOLDER}");
    let args = ["cp", &from, "-"];
    let mut process = engine.spawn_announced(&args, Stdio::null())?;
    let stderr = process.collect_stderr();
    let mut stdout = process.stdout();
    let result = relay_archive(&mut stdout, to, |path| {
        let path = path.strip_prefix(b"artifacts")?;
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let included = match &changed {
            // The listing does not preserve names that are not UTF-8, so those files are always included.
            Some(changed) => std::str::from_utf8(path).map_or(true, |name| name.is_empty() || changed.contains(name)),
            // Without the entry of the folder itself, an empty folder gives no entries.
            None => !path.is_empty(),
        };
        included.then(|| path.to_vec())
    });
    let status = process.wait()?;
    engine.cancel().check()?;
    match result {
        Err(FilterError::Receiver(error)) => Err(error.into()),
        Err(FilterError::Stream(why)) => {
            Ok(SavedArtifacts::Failed(format!("what it left in {COPY_FOLDER} cannot be used: {why}")))
        }
        Ok(relayed) if changed.is_none() && relayed.is_empty() && status == 0 => Ok(SavedArtifacts::Nothing),
        Ok(_) if status != 0 => {
            let stderr = stderr.text();
            // The script may have removed the folder.
            if changed.is_none() && says_missing_path(&stderr) {
                return Ok(SavedArtifacts::Nothing);
            }
            Err(engine.failed(&args, &stderr).context(anyhow!("cannot fetch the artifacts")))
        }
        Ok(relayed) => Ok(SavedArtifacts::Copied(relayed)),
    }
}

/// Whether the engine's CLI failed to copy from a container because there is no such path in it: docker's words of old and
/// new versions, and podman's.
fn says_missing_path(stderr: &str) -> bool {
    ["Could not find the file", "no such file or directory", "No such container:path", "could not be found"]
        .iter()
        .any(|words| stderr.contains(words))
}

/// The paths below `folder`, relative to it, that the output of `docker diff` lists as added or changed.
fn changed_below(listing: &str, folder: &str) -> HashSet<String> {
    let mut changed: Vec<String> = Vec::new();
    for line in listing.strip_suffix('\n').unwrap_or(listing).split('\n') {
        match changed.last_mut() {
            // A path may contain line breaks, so a line without a kind continues the path before.
            Some(path) if !["A /", "C /", "D /"].iter().any(|kind| line.starts_with(kind)) => path.extend(["\n", line]),
            _ => changed.push(line.to_owned()),
        }
    }
    let paths = changed.iter().filter_map(|line| line.strip_prefix("A ").or_else(|| line.strip_prefix("C ")));
    paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{changed_below, says_missing_path};

    #[test]
    fn a_folder_that_the_script_removed_is_told_from_other_failures() {
        assert!(says_missing_path("Error response from daemon: Could not find the file /tmp/artifacts in container x"));
        assert!(says_missing_path("Error: No such container:path: x:/tmp/artifacts"));
        assert!(!says_missing_path("Error: No such container: x"));
    }

    #[test]
    fn only_what_is_new_below_the_folder_counts() {
        let listing = "C /tmp\nC /tmp/artifacts\nA /tmp/artifacts/a\nC /tmp/artifacts/d\nD /tmp/artifacts/x\n\
                       A /tmp/artifacts/two\nlines\nA /tmp/b\n";
        let mut changed: Vec<_> = changed_below(listing, "/tmp/artifacts").into_iter().collect();
        changed.sort();
        assert_eq!(changed, ["a", "d", "two\nlines"]);
    }
}

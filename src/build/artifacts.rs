//! What the previous image hands over: its `save-artifacts` runs in a container of its own, beside the build container.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::process::Stdio;
use std::thread::JoinHandle;

use anyhow::{Result, anyhow};

use super::ended::{RUN_AND_TELL, UpToTheEnd};
use super::protocol::Lines;
use super::relay::{Broken, Relayed, relay};
use crate::contract::join;
use crate::engine::{Container, Engine, Process};
use crate::lease;
use crate::report::{Message, Reporter};
use crate::source::archive::Archive;

/// Where the first minis2i had scripts copy artifacts to.
const DROP_FOLDER: &str = "/tmp/artifacts";

/// Where a script of the source goes, below the destination.
const UPLOADED: &str = "scripts/save-artifacts";

/// How options of `docker run` begin, after `--`, that say something of the network, or put the container where others
/// are.
const NETWORK_OPTIONS: [&str; 16] = [
    "add-host",
    "dns",
    "domainname",
    "expose",
    "hostname",
    "ip",
    "isolation",
    "link",
    "mac-address",
    "net",
    "pod",
    "publish",
    "runtime",
    "sysctl",
    "userns",
    "uts",
];

/// Which script hands artifacts over, and from which image.
#[derive(Clone, Debug)]
pub struct Plan {
    pub image: String,
    pub script: Where,
    /// Options of `docker run` before the image.
    pub options: Vec<String>,
    /// Put a shell in the place of the image's ENTRYPOINT.
    pub bypass: bool,
    /// Run the script itself: the image has no shell to run it from.
    pub direct: bool,
    /// Empty [`DROP_FOLDER`] first: the script copies, and what is there is what was copied last time.
    pub afresh: bool,
}

impl Plan {
    /// Whether the container can use the network of another one that has the same options: the engine refuses that
    /// beside options of a network's, of which an extra one taken for such does no harm.
    ///
    /// Worth it, since a network of its own is half of what starting a container takes, and two can not be made at the
    /// same time (engine 20.10: 0.17 s for one, 0.32 s for two at once, 0.26 s for two that share).
    pub fn can_share_network(&self) -> bool {
        !self.options.iter().any(|option| match option.strip_prefix("--") {
            Some(long) => NETWORK_OPTIONS.iter().any(|name| long.starts_with(name)),
            None => option.starts_with('-') && option.contains(['p', 'P', 'h']),
        })
    }
}

/// Where `save-artifacts` comes from.
#[derive(Clone, Debug)]
pub enum Where {
    /// This path in the image.
    Image(String),
    /// The source has it: this content goes below this destination first.
    Source { content: Vec<u8>, destination: String },
}

/// What became of it.
pub enum Outcome {
    Delivered(Relayed),
    /// By files that the script copied.
    Copied(Relayed),
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
        plan: &Plan,
        beside: Option<&str>,
        reporter: &Reporter,
    ) -> Result<Self> {
        let mut plan = plan.clone();
        plan.options.extend(beside.map(|container| format!("--network=container:{container}")));
        let token = lease::token()?;
        let (container, mut process) = match plan.direct {
            true => run_directly(engine, name, &plan)?,
            false => run_from_shell(engine, name, &plan, &token)?,
        };
        let mut stderr = UpToTheEnd::new(process.stderr(), &token);
        let reporter = reporter.clone();
        let errors = std::thread::spawn(move || {
            let mut lines = Lines::default();
            let mut buffer = [0; 8192];
            let show = |line: &[u8]| reporter.tell(&Message::Output(line));
            while let Ok(got @ 1..) = stderr.read(&mut buffer) {
                lines.feed(&buffer[..got], show);
            }
            lines.flush(show);
        });
        Ok(Self { engine: engine.clone(), container, process, token, errors, afresh: plan.afresh })
    }

    /// Passes on what the script hands over. The container is of no use afterwards.
    ///
    /// # Errors
    /// When the build container does not take it, or work was cancelled.
    pub fn relay<W: Write>(mut self, to: &mut Archive<W>) -> Result<(Outcome, Container)> {
        let mut stdout = UpToTheEnd::new(self.process.stdout(), &self.token);
        let relayed = match relay(&mut stdout, to, |path| Some(path.to_vec())) {
            Ok(relayed) => relayed,
            Err(Broken::Receiver(error)) => return Err(error.into()),
            Err(Broken::Stream(why)) => {
                self.engine.cancel().check()?;
                let outcome = Outcome::Failed(format!("what it printed can not be used: {why}"));
                return Ok((outcome, self.container));
            }
        };
        let status = match stdout.status() {
            Some(status) => status,
            None => self.process.wait()?,
        };
        self.engine.cancel().check()?;
        self.container.is_born();
        let _ = self.errors.join();
        let outcome = match status {
            0 if relayed.entries > 0 => Outcome::Delivered(relayed),
            0 => dropped(&self.engine, self.container.name(), self.afresh, to)?,
            // The image has none: so it was with images that are not ours.
            126 | 127 if relayed.entries == 0 => Outcome::Nothing,
            status => Outcome::Failed(format!("it exited with status {status}")),
        };
        Ok((outcome, self.container))
    }
}

fn run_from_shell(engine: &Engine, name: String, plan: &Plan, token: &str) -> Result<(Container, Process)> {
    let (container, mut process) = Container::run(engine, name, &arguments(plan, token), Stdio::piped())?;
    let mut stdin = process.stdin();
    let content = match &plan.script {
        Where::Source { content, .. } => content.clone(),
        Where::Image(_) => Vec::new(),
    };
    // On a thread: the container takes it when it is up, and a script may be larger than the pipe.
    std::thread::spawn(move || stdin.write_all(&content));
    Ok((container, process))
}

/// What lies in [`DROP_FOLDER`] can not be removed first here, so a script that copies has to do that itself.
fn run_directly(engine: &Engine, name: String, plan: &Plan) -> Result<(Container, Process)> {
    let path = match &plan.script {
        Where::Image(path) => path.clone(),
        Where::Source { destination, .. } => join(destination, UPLOADED),
    };
    let mut args = plan.options.clone();
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), path, plan.image.clone()]);
    } else {
        args.extend([plan.image.clone(), path]);
    }
    let Where::Source { content, destination } = &plan.script else {
        return Container::run(engine, name, &args, Stdio::null());
    };
    let container = Container::create(engine, name, &args)?;
    let mut archive = Archive::new(Vec::new());
    archive.folder(b"scripts", 0o755, (0, 0))?;
    archive.file(UPLOADED.as_bytes(), 0o755, (0, 0), content)?;
    engine.feed(&["cp", "-", &format!("{}:{destination}", container.name())], &archive.finish()?)?;
    let process = container.start(engine)?;
    Ok((container, process))
}

/// The options, the image and the command for `docker run`.
fn arguments(plan: &Plan, token: &str) -> Vec<String> {
    let mut args = vec!["--interactive".to_owned()];
    args.extend(plan.options.iter().cloned());
    if plan.bypass {
        args.extend(["--entrypoint".to_owned(), "/bin/sh".to_owned()]);
    }
    args.push(plan.image.clone());
    if !plan.bypass {
        args.push("/bin/sh".to_owned());
    }
    let clear = if plan.afresh { format!("rm -rf {DROP_FOLDER} 2>/dev/null; ") } else { String::new() };
    let prepare = format!("{clear}[ -d {DROP_FOLDER} ] || mkdir -p {DROP_FOLDER} 2>/dev/null");
    let (program, path) = match &plan.script {
        Where::Image(path) => (format!("{prepare}; {RUN_AND_TELL}"), path.clone()),
        Where::Source { destination, .. } => {
            let place = "mkdir -p \"${1%/*}\" && cat >\"$1\" && chmod 755 \"$1\" || exit 1";
            (format!("{place}; {prepare}; {RUN_AND_TELL}"), join(destination, UPLOADED))
        }
    };
    args.extend(["-c".to_owned(), program, "minis2i".to_owned(), path, token.to_owned()]);
    args
}

/// Nothing on standard output: files that the script put into [`DROP_FOLDER`] are taken instead.
fn dropped<W: Write>(engine: &Engine, container: &str, afresh: bool, to: &mut Archive<W>) -> Result<Outcome> {
    // Files copied over equal ones are no change to the engine, so only a folder that was emptied tells all.
    let fresh = if afresh { None } else { Some(changed_below(&engine.demand(&["diff", container])?, DROP_FOLDER)) };
    if fresh.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(Outcome::Nothing);
    }
    let from = format!("{container}:{DROP_FOLDER}");
    let args = ["cp", &from, "-"];
    let mut process = engine.spawn_announced(&args, Stdio::null())?;
    let mut stderr = process.stderr();
    let words = std::thread::spawn(move || {
        let mut words = String::new();
        let _ = stderr.read_to_string(&mut words);
        words
    });
    let mut stdout = process.stdout();
    let result = relay(&mut stdout, to, |path| {
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
        Err(Broken::Receiver(error)) => Err(error.into()),
        Err(Broken::Stream(why)) => {
            Ok(Outcome::Failed(format!("what it left in {DROP_FOLDER} can not be used: {why}")))
        }
        Ok(relayed) if afresh && relayed.entries == 0 => Ok(Outcome::Nothing),
        Ok(_) if status != 0 => {
            let words = words.join().unwrap_or_default();
            Err(engine.failed(&args, &words).context(anyhow!("cannot fetch the artifacts")))
        }
        Ok(relayed) => Ok(Outcome::Copied(relayed)),
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
    use super::{Plan, Where, changed_below};

    #[test]
    fn a_network_is_shared_unless_options_speak_of_one() {
        let shares = |options: &[&str]| {
            let script = Where::Image("/s2i/save-artifacts".to_owned());
            let options = options.iter().map(|&option| option.to_owned()).collect();
            let image = "sha256:1".to_owned();
            Plan { image, script, options, bypass: false, direct: false, afresh: false }.can_share_network()
        };
        assert!(shares(&[]) && shares(&["--user", "1001:0", "--memory", "512m", "-e", "http_proxy=x"]));
        for options in
            [&["--network", "none"][..], &["--net=host"], &["--add-host=a:1.1.1.1"], &["-p8080:80"], &["-h", "a"]]
        {
            assert!(!shares(options), "{options:?}");
        }
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

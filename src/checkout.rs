//! A repository made into a folder, with the `git` command. The folder goes when the run ends, however it ends.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};

use crate::engine::Cancel;
use crate::failure::Failure;
use crate::lease::{self, Lease};
use crate::report::Reporter;
use crate::settings::origin::Repository;

/// How long git may take to end once it was told to.
const PATIENCE: Duration = Duration::from_millis(800);

/// The commit that was checked out, for labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    /// What was asked for, or the branch that the repository's HEAD is on.
    pub reference: String,
    pub author: String,
    pub date: String,
    pub message: String,
}

/// A clone of a repository. Dropping it removes it, unless it is to be kept.
pub struct Checkout {
    folder: PathBuf,
    commit: Commit,
    keep: bool,
}

impl Checkout {
    /// Clones a repository. With `keep` the folder outlives the run.
    ///
    /// # Errors
    /// What git says; a missing git; an interrupt.
    pub fn make(
        repository: &Repository,
        keep: bool,
        cancel: &Cancel,
        lease: &Lease,
        reporter: &Reporter,
    ) -> Result<Self> {
        let folder = if keep { kept_folder()? } else { lease.checkout_folder() };
        let mut checkout = Self { folder, commit: Commit::default(), keep: false };
        reporter.phase("cloning");
        checkout.clone_from(repository, cancel)?;
        checkout.commit = checkout.look(repository, cancel)?;
        if keep {
            checkout.keep = true;
            reporter.note(&format!("the clone stays in {}", checkout.folder.display()));
        }
        Ok(checkout)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    fn clone_from(&self, repository: &Repository, cancel: &Cancel) -> Result<()> {
        let url = without_secrets(&repository.url);
        let into = self.folder.display().to_string();
        let mut clone = vec!["clone", "--quiet"];
        match repository.reference {
            Some(_) => clone.push("--no-checkout"),
            None if repository.submodules => clone.extend(["--recurse-submodules", "--shallow-submodules"]),
            None => {}
        }
        // Of a repository on this machine git takes all there is, and says that it does.
        if repository.reference.is_none() && !Path::new(&repository.url).exists() {
            clone.extend(["--depth", "1"]);
        }
        clone.extend(["--", &repository.url, &into]);
        let hint = format!("see that `git clone {url}` works");
        git(&clone, cancel).map_err(|error| failed(format!("cannot clone `{url}`"), error, &hint))?;
        let Some(reference) = &repository.reference else { return Ok(()) };
        let here = |args: &[&str]| git(&[&["-C", &into], args].concat(), cancel);
        // A branch of the repository is one of its remote here.
        let remote = format!("origin/{reference}");
        let commit = here(&["rev-parse", "--verify", "--quiet", &format!("{remote}^{{commit}}")]);
        let target = if commit.is_ok() { &remote } else { reference };
        cancel.check()?;
        let hint = format!("`git ls-remote {url}` lists branches and tags");
        here(&["checkout", "--quiet", "--detach", target])
            .map_err(|error| failed(format!("there is no commit `{reference}` in `{url}`"), error, &hint))?;
        if repository.submodules {
            here(&["submodule", "update", "--quiet", "--init", "--recursive"])
                .map_err(|error| failed("cannot fetch the submodules".to_owned(), error, "`--ignore-submodules`"))?;
        }
        Ok(())
    }

    fn look(&self, repository: &Repository, cancel: &Cancel) -> Result<Commit> {
        let folder = self.folder.display().to_string();
        let format = "--format=%H%x00%an <%ae>%x00%ad%x00%s";
        let facts = git(&["-C", &folder, "log", "-1", format], cancel).map_err(|error| {
            let what = format!("`{}` has no commit", without_secrets(&repository.url));
            failed(what, error, "commit something first, or give the folder itself")
        })?;
        let mut facts = facts.trim_end().split('\0').map(str::to_owned);
        let mut next = || facts.next().unwrap_or_default();
        let (id, author, date, message) = (next(), next(), next(), next());
        let reference = match &repository.reference {
            Some(reference) => reference.clone(),
            None => git(&["-C", &folder, "rev-parse", "--abbrev-ref", "HEAD"], cancel)?.trim().to_owned(),
        };
        Ok(Commit { id, reference, author, date, message })
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder that nobody removes.
fn kept_folder() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("minis2i-source-{}", lease::random()?));
    fs::create_dir(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    Ok(folder)
}

/// Runs git to its end and returns what it printed. It may ask for a password where there is a terminal, so it stays in
/// our group of processes and gets the terminal's Ctrl-C itself.
fn git(args: &[&str], cancel: &Cancel) -> Result<String> {
    cancel.check()?;
    let mut command = Command::new("git");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Variables that a hook of git has set would lead to another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| {
        Failure::usage("cannot start `git`, which a repository needs")
            .because(error)
            .hint("install git (on Debian: `sudo apt-get install git`), or give a folder")
    })?;
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let reading = [std::thread::spawn(move || read(&mut out)), std::thread::spawn(move || read(&mut err))];
    let mut told = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if cancel.why().is_some() {
            // Told to end, it ends its helpers and removes what it wrote; killed, it does neither.
            let since = *told.get_or_insert_with(|| {
                terminate(child.id());
                Instant::now()
            });
            if since.elapsed() > PATIENCE {
                let _ = child.kill();
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    cancel.check()?;
    let [out, err] = reading.map(|reader| reader.join().unwrap_or_default());
    if status.success() {
        return Ok(out);
    }
    Err(anyhow!(without_secrets(err.trim())))
}

fn terminate(child: u32) {
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

fn read(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The error for git's words; other errors speak for themselves.
fn failed(what: String, error: anyhow::Error, hint: &str) -> anyhow::Error {
    if crate::failure::is_classified(&error) {
        return error;
    }
    Failure::usage(what).because(error).hint(hint).into()
}

/// A text without the names and passwords that some people keep in URLs.
pub fn without_secrets(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(after.len());
        let (host, more) = after.split_at(end);
        clean.extend([before, "://", host.rsplit('@').next().unwrap_or(host)]);
        rest = more;
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_secrets("https://me:pw@host.example/a/b.git"), "https://host.example/a/b.git");
        assert_eq!(without_secrets("https://host.example/a@b"), "https://host.example/a@b");
        assert_eq!(without_secrets("git@host.example:a/b"), "git@host.example:a/b");
        let words = "fatal: unable to access 'https://me:pw@host.example/x/': no, see https://t@b";
        assert_eq!(without_secrets(words), "fatal: unable to access 'https://host.example/x/': no, see https://b");
    }
}

//! The upload to a build container that unpacks it itself: secrets, scripts, source, artifacts, and the changes of the
//! source until it is stable. Builders without a shell get their upload from [`no_shell`](super::no_shell).

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::approach::{Obstacle, PrepareError};
use super::artifacts::saver::{SavedArtifacts, Saver};
use super::container::final_script::FinalScript;
use super::container::protocol::{Greeting, TarSupport};
use super::container::session::Session;
use super::context::BuildContext;
use super::inputs::Inputs;
use crate::contract::external_scripts::ExternalScript;
use crate::engine::container::Container;
use crate::error::Error;
use crate::report::Reporter;
use crate::report::topic::Topic;
use crate::settings::{Job, Transfer};
use crate::source::entry::{Entry, Kind};
use crate::source::rules::LinkPolicy;
use crate::source::send::{SendOptions, Sent, hash_file, send_entry};
use crate::source::snapshot::{Delta, Snapshot, parents};
use crate::source::view::SourceView;
use crate::tar::writer::Writer;

/// How often one file is found changed since it was sent before the build fails because it keeps changing. With the
/// pauses in between this takes 0.2 s or more: chosen so that it is longer than an editor needs to save.
pub const MAX_ATTEMPTS: u32 = 6;

/// The pause before the second attempt to send changes; each later one is longer by the same amount. The first attempt
/// does not wait. Chosen together with [`MAX_ATTEMPTS`].
const PAUSE_STEP: Duration = Duration::from_millis(20);

/// How long other files may change one after the other: chosen so that a program can write a hundred thousand files meanwhile,
/// but a build does not follow one that never ends.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// The state of an upload: what was sent, and what the container has to do after it.
pub struct Upload<'a> {
    job: &'a Job,
    /// The source as it was sent.
    pub snapshot: Snapshot,
    pub script: FinalScript,
    /// Paths of files that were sent so soon after they changed that a further change may not show in their metadata.
    recently_changed: BTreeSet<Box<[u8]>>,
    removed: RemovedPaths,
    /// The container's `tar` sets the mode and time of a folder before it fills the folder.
    plain_tar: bool,
    /// The artifacts are files that `save-artifacts` copied.
    pub copied: bool,
    options: SendOptions,
}

impl<'a> Upload<'a> {
    /// An upload of `snapshot` to the container that sent `greeting`; nothing is sent yet.
    pub fn new(job: &'a Job, snapshot: Snapshot, greeting: &Greeting, script: FinalScript) -> Self {
        let follow = job.selection.links == LinkPolicy::Followed;
        Self {
            job,
            snapshot,
            script,
            recently_changed: BTreeSet::new(),
            removed: RemovedPaths::default(),
            plain_tar: greeting.tar == TarSupport::Plain,
            copied: false,
            options: SendOptions { sparse: greeting.tar != TarSupport::Plain, follow },
        }
    }

    /// Sends the injected files, the external scripts and the source.
    ///
    /// # Errors
    /// If a file cannot be read, or the container does not accept the upload.
    pub fn send_all(&mut self, session: &mut Session, inputs: &Inputs) -> Result<()> {
        inputs.secrets.send(session.upload())?;
        send_scripts(session.upload(), &inputs.external_scripts)?;
        if self.job.transfer == Transfer::Mount {
            return Ok(());
        }
        let all: Vec<usize> = (0..self.snapshot.entries.len()).collect();
        self.send_entries(session, &all)
    }

    /// Sends the entries of the snapshot with these indices. A plain `tar` gets their folders a second time.
    fn send_entries(&mut self, session: &mut Session, indices: &[usize]) -> Result<()> {
        let root = &self.job.source.path;
        let top = std::fs::metadata(root).context("the source is gone")?;
        let mut top = Entry::new(b"", Kind::Folder, &top);
        top.mode |= 0o700;
        let upload = session.upload();
        upload.folder(b"src", top.mode, top.mtime)?;
        let mut folders = Vec::new();
        for index in indices {
            let entry = &mut self.snapshot.entries[*index];
            if entry.is_folder() {
                let path = [b"src/", &*entry.path].concat();
                upload.folder(&path, entry.mode | 0o700, entry.mtime)?;
                folders.push((path, entry.mode));
            } else {
                let sent = send_entry(upload, root, b"src", entry, self.options)?;
                if sent == Sent::JustChanged {
                    self.recently_changed.insert(entry.path.clone());
                }
            }
        }
        if self.plain_tar {
            // Filling the folders has changed their modification times.
            for entry in
                indices.iter().rev().map(|index| &self.snapshot.entries[*index]).filter(|entry| entry.is_folder())
            {
                upload.folder(&[b"src/", &*entry.path].concat(), entry.mode | 0o700, entry.mtime)?;
            }
            upload.folder(b"src", top.mode, top.mtime)?;
        }
        self.script.set_modes(folders);
        Ok(())
    }

    /// Relays the artifacts from `saver` to the container, or warns if there are no usable ones. Returns the container
    /// of `save-artifacts`.
    ///
    /// # Errors
    /// If the build container does not accept them, the copied files cannot be fetched, or work was cancelled.
    pub fn relay_artifacts(&mut self, cx: &BuildContext, session: &mut Session, saver: Saver) -> Result<Container> {
        let (saved, container) = saver.relay_to(session.upload(), &|| cx.run_lock.container_name())?;
        warn_about_artifacts(cx.reporter, &saved);
        match saved {
            SavedArtifacts::Streamed(relayed) => self.script.modes.extend(relayed.modes),
            SavedArtifacts::Copied(relayed) => {
                self.copied = true;
                self.script.modes.extend(relayed.modes);
            }
            SavedArtifacts::Nothing => {}
            SavedArtifacts::Failed(_) => self.script.remove.push(b"artifacts".to_vec()),
        }
        Ok(container)
    }

    /// Whether no unusable artifacts were sent, which the container has to remove.
    pub fn artifacts_are_clean(&self) -> bool {
        !self.script.remove.iter().any(|path| path == b"artifacts")
    }

    /// Sends changes until the source that `view` shows is the source that was sent. A mounted source is not sent, so
    /// only the snapshot is updated.
    ///
    /// # Errors
    /// An obstacle if a path changed its kind, which cannot be sent. A fatal error if the source cannot be read or
    /// keeps changing, or the container does not accept the upload.
    pub fn settle(&mut self, session: &mut Session, view: &mut dyn SourceView) -> Result<(), PrepareError> {
        if self.job.transfer == Transfer::Mount {
            for _ in 0..MAX_ATTEMPTS {
                let Some(now) = view.changes_since(&self.snapshot)? else { break };
                self.snapshot = now;
            }
            return Ok(());
        }
        let (begin, mut changed) = (Instant::now(), HashMap::<Box<[u8]>, u32>::new());
        for pauses in 0.. {
            self.mark_unseen_changes();
            let Some(mut now) = view.changes_since(&self.snapshot)? else { return Ok(()) };
            let delta = now.since(&self.snapshot);
            if !delta.replaced.is_empty() || self.removed.are_in_the_way(&now, &delta) {
                return Err(Obstacle::Replaced.into());
            }
            self.removed.add(&self.snapshot, &delta);
            now.adopt(&self.snapshot);
            self.snapshot = now;
            let too_long = begin.elapsed() > SETTLE_LIMIT;
            // A folder changes with each of its entries.
            let files = delta.written.iter().map(|index| &self.snapshot.entries[*index]);
            for file in files.filter(|entry| !entry.is_folder()) {
                let times = changed.entry(file.path.clone()).or_default();
                *times += 1;
                if *times == MAX_ATTEMPTS || too_long {
                    return Err(keeps_changing(file.path()).into());
                }
            }
            std::thread::sleep(PAUSE_STEP * pauses.min(MAX_ATTEMPTS - 1));
            self.send_delta(session, &delta.written, &delta.removed)?;
        }
        unreachable!("only a return ends the loop")
    }

    /// Sends the entries that changed and has the final script remove the others. The folders that contain them are
    /// sent again, since their modification times have changed.
    fn send_delta(&mut self, session: &mut Session, written: &[usize], removed: &[Box<[u8]>]) -> Result<()> {
        let exists = |path: &[u8]| self.snapshot.find(path).is_some();
        for path in removed {
            self.script.remove.push([b"src/", &**path].concat());
        }
        // A path that an earlier delta removed may exist again.
        self.script.remove.retain(|path| path.strip_prefix(b"src/").is_none_or(|path| !exists(path)));
        let changed =
            written.iter().map(|index| &*self.snapshot.entries[*index].path).chain(removed.iter().map(|path| &**path));
        let mut folders: Vec<&[u8]> = changed.flat_map(parents).collect();
        folders.sort_unstable();
        folders.dedup();
        let folders = folders.into_iter().filter_map(|path| self.snapshot.position(path));
        let mut indices: Vec<usize> = folders.chain(written.iter().copied()).collect();
        indices.sort_unstable();
        indices.dedup();
        let touched: BTreeSet<&[u8]> = removed.iter().flat_map(|path| parents(path)).collect();
        for entry in touched.into_iter().filter_map(|path| self.snapshot.find(path)) {
            self.script.touch.push(([b"src/", &*entry.path].concat(), entry.mtime));
        }
        self.send_entries(session, &indices)
    }

    /// Hashes the recently changed files again and marks those with another content as changed. A file that is written
    /// twice within one step of the file system clock has the same metadata both times.
    fn mark_unseen_changes(&mut self) {
        for path in std::mem::take(&mut self.recently_changed) {
            let Some(index) = self.snapshot.position(&path) else { continue };
            let entry = &mut self.snapshot.entries[index];
            let hash = hash_file(&self.job.source.path.join(entry.path()), self.options.follow);
            if hash.is_ok_and(|hash| hash.as_ref() != entry.hash()) {
                *entry = Arc::new(entry.marked_changed());
            }
        }
    }
}

/// The paths that were sent and then removed, and whether each is a folder in the container, which has them until the end
/// of the upload.
#[derive(Default)]
struct RemovedPaths(HashMap<Box<[u8]>, bool>);

impl RemovedPaths {
    /// Adds what a change removed that followed the snapshot `before`.
    fn add(&mut self, before: &Snapshot, change: &Delta) {
        let is_folder = |path| before.find(path).is_some_and(|entry| entry.is_folder());
        self.0.extend(change.removed.iter().map(|path| (path.clone(), is_folder(path))));
    }

    /// Whether `tar` could not write an entry of `now` that changed, since a path of another kind is there.
    fn are_in_the_way(&self, now: &Snapshot, change: &Delta) -> bool {
        let mut written = change.written.iter().map(|index| &now.entries[*index]);
        written.any(|entry| self.0.get(&entry.path).is_some_and(|folder| *folder != entry.is_folder()))
    }
}

/// Sends external scripts to the folder `scripts` of the upload.
///
/// # Errors
/// If the stream cannot be written to.
pub fn send_scripts<W: Write>(upload: &mut Writer<W>, scripts: &[ExternalScript]) -> io::Result<()> {
    if !scripts.is_empty() {
        upload.folder(b"scripts", 0o755, (0, 0))?;
    }
    scripts.iter().try_for_each(|external| {
        upload.file(format!("scripts/{}", external.script.name()).as_bytes(), 0o755, (0, 0), &external.content)
    })
}

/// Warns if the build goes on without the artifacts of the previous image, or without some of them.
pub fn warn_about_artifacts(reporter: &Reporter, saved: &SavedArtifacts) {
    let (failed, left_out) = match saved {
        SavedArtifacts::Streamed(relayed) | SavedArtifacts::Copied(relayed) => (None, relayed.left_out.warning()),
        SavedArtifacts::Nothing => (None, None),
        SavedArtifacts::Failed(why) => {
            (Some(format!("`save-artifacts` failed, building without artifacts: {why}")), None)
        }
    };
    reporter.warn_about(Topic::SaveArtifacts, failed.as_deref());
    reporter.warn_about(Topic::ArtifactEntries, left_out.as_deref());
}

/// The error for a file that was changed during every attempt to send it.
pub fn keeps_changing(path: &Path) -> anyhow::Error {
    Error::usage(format!("`{}` changes faster than it can be sent", path.display()))
        .hint("stop what writes to it, or leave it out: name it in .s2iignore or with `--exclude GLOB`")
        .into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::RemovedPaths;
    use crate::source::entry::{Entry, Kind};
    use crate::source::snapshot::Snapshot;

    fn snapshot(entries: &[(&str, Kind)]) -> Snapshot {
        let meta = std::fs::metadata("/").unwrap();
        let entry = |(path, kind): &(&str, Kind)| Arc::new(Entry::new(path.as_bytes(), kind.clone(), &meta));
        Snapshot { entries: entries.iter().map(entry).collect(), ..Snapshot::default() }
    }

    #[test]
    fn a_folder_that_became_a_file_in_two_steps_broke_the_upload() {
        let none = snapshot(&[]);
        let (file, folder) = (snapshot(&[("d", Kind::File)]), snapshot(&[("d", Kind::Folder), ("d/a", Kind::File)]));
        for (sent, then, expected) in
            [(&folder, &file, true), (&file, &folder, true), (&folder, &folder, false), (&file, &file, false)]
        {
            let mut removed = RemovedPaths::default();
            removed.add(sent, &none.since(sent));
            assert_eq!(removed.are_in_the_way(then, &then.since(&none)), expected);
        }
    }
}

//! The upload to a build container that unpacks it itself: scripts, source, artifacts, and the source again until it rests.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::approach::{Obstacle, Setback};
use super::artifacts::saver::{Handover, Saver};
use super::container::final_script::FinalScript;
use super::container::protocol::{Greeting, TarSupport};
use super::container::session::Session;
use super::inputs::Inputs;
use crate::contract::external_scripts::ExternalScript;
use crate::engine::container::Container;
use crate::error::Error;
use crate::report::Reporter;
use crate::settings::{Job, Transfer};
use crate::source::entry::{Entry, Kind};
use crate::source::rules::LinkPolicy;
use crate::source::send::{SendOptions, Sent, hash_file, send_entry};
use crate::source::snapshot::Snapshot;
use crate::source::view::SourceView;
use crate::tar::writer::Writer;

/// How often the source is looked at again when it changes while it is sent. With the pauses between that is 0.3 s, longer
/// than a save takes.
pub const TRIES: u32 = 6;

/// The pause before the first repetition; the second one is twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(20);

/// The upload under way, and what it has brought.
pub struct Upload<'a> {
    job: &'a Job,
    pub snapshot: Snapshot,
    pub script: FinalScript,
    /// Files that were read so soon after they changed that another change may have left no trace.
    lately: BTreeSet<Box<[u8]>>,
    /// The container's `tar` sets a folder's mode and time before the folder is filled.
    plain_tar: bool,
    pub copied: bool,
    options: SendOptions,
}

impl<'a> Upload<'a> {
    /// An upload of this snapshot to a container that sent this greeting.
    pub fn new(job: &'a Job, snapshot: Snapshot, greeting: &Greeting, script: FinalScript) -> Self {
        let follow = job.selection.links == LinkPolicy::Followed;
        Self {
            job,
            snapshot,
            script,
            lately: BTreeSet::new(),
            plain_tar: greeting.tar == TarSupport::Plain,
            copied: false,
            options: SendOptions { sparse: greeting.tar != TarSupport::Plain, follow },
        }
    }

    /// Sends what is for `assemble` alone, scripts and source.
    pub fn send_all(&mut self, session: &mut Session, inputs: &Inputs) -> Result<()> {
        inputs.secrets.send(session.upload())?;
        send_scripts(session.upload(), &inputs.external_scripts)?;
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
        let mut top = Entry::new(b"", Kind::Folder, &top);
        top.mode |= 0o700;
        let upload = session.upload();
        upload.folder(b"src", top.mode, top.mtime)?;
        for index in indices {
            let entry = &mut self.snapshot.entries[*index];
            if entry.is_folder() && entry.mode & 0o700 != 0o700 {
                let path = [b"src/", &*entry.path].concat();
                self.script.modes.retain(|(known, _)| *known != path);
                self.script.modes.push((path, entry.mode));
                upload.folder(&[b"src/", &*entry.path].concat(), entry.mode | 0o700, entry.mtime)?;
            } else {
                let sent = send_entry(upload, root, b"src", entry, self.options)?;
                if sent == Sent::JustChanged {
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
    pub fn pass_artifacts_on(&mut self, session: &mut Session, saver: Saver, reporter: &Reporter) -> Result<Container> {
        let (handover, container) = saver.pass_on(session.upload())?;
        match handover {
            Handover::Delivered(passed) => self.script.modes.extend(passed.modes),
            Handover::Copied(passed) => {
                self.copied = true;
                self.script.modes.extend(passed.modes);
            }
            Handover::Nothing => {}
            Handover::Failed(why) => {
                warn_without_artifacts(reporter, &why);
                self.script.remove.push(b"artifacts".to_vec());
            }
        }
        Ok(container)
    }

    pub fn artifacts_are_clean(&self) -> bool {
        !self.script.remove.iter().any(|path| path == b"artifacts")
    }

    /// Looks at the source again until it is what was sent.
    ///
    /// # Errors
    /// A path that changed its kind, which can not be sent any more, is an obstacle; a file that never rests, named.
    pub fn settle(&mut self, session: &mut Session, view: &mut dyn SourceView) -> Result<(), Setback> {
        if self.job.transfer == Transfer::Mount {
            for _ in 0..TRIES {
                let Some(now) = view.changes_since(&self.snapshot)? else { break };
                self.snapshot = now;
            }
            return Ok(());
        }
        for try_number in 0..TRIES {
            self.spoil_unseen_changes();
            let Some(mut now) = view.changes_since(&self.snapshot)? else { return Ok(()) };
            let delta = now.since(&self.snapshot);
            if !delta.replaced.is_empty() {
                return Err(Obstacle::Replaced.into());
            }
            now.adopt(&self.snapshot);
            self.snapshot = now;
            if try_number + 1 == TRIES {
                let name = delta.written.first().map(|index| self.snapshot.entries[*index].path().to_owned());
                let name = name.unwrap_or_default();
                return Err(never_rests(&name).into());
            }
            std::thread::sleep(PAUSE * try_number);
            self.apply(session, &delta.written, &delta.removed)?;
        }
        unreachable!("the last try returns")
    }

    /// Sends what changed and notes what is gone. Folders above are sent again, for their times.
    fn apply(&mut self, session: &mut Session, written: &[usize], removed: &[Box<[u8]>]) -> Result<()> {
        let written_path = |path: &[u8]| self.snapshot.find(path).is_some();
        for path in removed {
            self.script.remove.push([b"src/", &**path].concat());
        }
        // What was removed may have come back.
        self.script.remove.retain(|path| path.strip_prefix(b"src/").is_none_or(|path| !written_path(path)));
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
                    self.script.touch.push(([b"src/", parent].concat(), entry.mtime));
                }
            }
        }
        self.send(session, &indices)
    }

    /// A file written twice within one step of the clock looks unchanged, so those are read once more.
    fn spoil_unseen_changes(&mut self) {
        for path in std::mem::take(&mut self.lately) {
            let Some(index) = self.snapshot.position(&path) else { continue };
            let entry = &mut self.snapshot.entries[index];
            let again = hash_file(&self.job.source.path.join(entry.path()), self.options.follow);
            if again.is_ok_and(|hash| hash.as_ref() != entry.hash()) {
                *entry = Arc::new(entry.marked_changed());
            }
        }
    }
}

/// The folders above a path, the nearest first.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

/// Sends scripts from outside the image.
///
/// # Errors
/// When the stream can not be written to.
pub fn send_scripts<W: Write>(upload: &mut Writer<W>, scripts: &[ExternalScript]) -> io::Result<()> {
    if !scripts.is_empty() {
        upload.folder(b"scripts", 0o755, (0, 0))?;
    }
    scripts.iter().try_for_each(|script| {
        upload.file(format!("scripts/{}", script.script.name()).as_bytes(), 0o755, (0, 0), &script.content)
    })
}

/// Says that a build goes on without the artifacts of the previous image.
pub fn warn_without_artifacts(reporter: &Reporter, why: &str) {
    reporter.warn(&format!("`save-artifacts` failed, building without artifacts: {why}"));
}

/// The error for a file that is written to all the time.
pub fn never_rests(name: &Path) -> anyhow::Error {
    Error::usage(format!("`{}` changes faster than it can be sent", name.display()))
        .hint("stop what writes to it, or leave it out: name it in .s2iignore or with `--exclude GLOB`")
        .into()
}

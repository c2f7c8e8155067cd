//! The thread that looks at the source, so that the event loop never waits for a file.

use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use anyhow::Result;

use super::compare;
use super::decide::input::Look;
use super::messages;
use super::tracker::{Tracker, lock};
use crate::git::work_tree::{self, IndexLock};
use crate::report::Reporter;
use crate::report::message::Why;
use crate::settings::source::Source;

/// Something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookRequest {
    Source,
    /// Whether git holds the lock of its index.
    Git,
    /// Whether SOURCE still means the same folder.
    Path,
}

/// What was seen.
pub enum LookResult {
    Source(Result<LookFindings, String>),
    Git(Option<IndexLock>),
    Path { changed: bool },
}

/// A look at the source that went well.
pub struct LookFindings {
    pub look: Look,
    /// What changed since the last build, if anything did.
    pub why: Option<Why>,
}

/// Looks whenever it is asked to, until the requests end. What is odd about the source is reported here.
pub fn look_on_request(
    source: &Source,
    tracker: &Mutex<Tracker>,
    requests: &Receiver<LookRequest>,
    reporter: &Reporter,
    send: impl Fn(LookResult),
) {
    for request in requests {
        send(match request {
            LookRequest::Git => {
                let root = lock(tracker).root().to_owned();
                LookResult::Git(work_tree::is_busy(&root))
            }
            LookRequest::Path => LookResult::Path { changed: lock(tracker).needs_another_look() },
            LookRequest::Source => {
                let found = look_and_compare(tracker).map_err(|error| format!("{error:#}"));
                report_notices(source, tracker, reporter);
                LookResult::Source(found)
            }
        });
    }
}

/// Reports what the last looks noticed.
pub fn report_notices(source: &Source, tracker: &Mutex<Tracker>, reporter: &Reporter) {
    let notices = lock(tracker).take_notices();
    notices.iter().for_each(|notice| messages::report_notice(reporter, &source.typed, notice));
}

fn look_and_compare(tracker: &Mutex<Tracker>) -> Result<LookFindings> {
    let begin = Instant::now();
    let (relevant, unread, follow, root) = {
        let mut tracker = lock(tracker);
        let relevant = tracker.look()?;
        (relevant, tracker.unread_candidates(), tracker.follows_links(), tracker.root().to_owned())
    };
    // Large files take long to read, and a build may want the tracker meanwhile.
    unread.iter().for_each(|entry| compare::read_content(&root, follow, entry));
    let mut tracker = lock(tracker);
    let (comparison, differences) = tracker.compare(relevant);
    let (polling, moved) = (tracker.is_polling(), tracker.take_moved());
    drop(tracker);
    let why = (!differences.is_empty()).then(|| messages::why_changed(&differences));
    Ok(LookFindings { look: Look { comparison, polling, moved, took: begin.elapsed() }, why })
}

//! The thread that looks at the source, so that the event loop never waits for a file.

use std::path::Path;
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
}

/// What was seen.
pub enum LookResult {
    Source(Result<LookFindings, String>),
    Git(Option<IndexLock>),
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
            LookRequest::Git => LookResult::Git(work_tree::is_busy(&source.path)),
            LookRequest::Source => {
                let found = look_and_compare(&source.path, tracker).map_err(|error| format!("{error:#}"));
                report_notices(source, tracker, reporter);
                LookResult::Source(found)
            }
        });
    }
}

/// Reports what the last looks noticed.
pub fn report_notices(source: &Source, tracker: &Mutex<Tracker>, reporter: &Reporter) {
    let notices = lock(tracker).take_notices();
    notices.iter().for_each(|notice| messages::report_notice(reporter, source, notice));
}

fn look_and_compare(root: &Path, tracker: &Mutex<Tracker>) -> Result<LookFindings> {
    let begin = Instant::now();
    let (relevant, unread, follow) = {
        let mut tracker = lock(tracker);
        let relevant = tracker.look()?;
        (relevant, tracker.unread_candidates(), tracker.follows_links())
    };
    // Large files take long to read, and a build may want the tracker meanwhile.
    unread.iter().for_each(|entry| compare::read_content(root, follow, entry));
    let mut tracker = lock(tracker);
    let (comparison, differences) = tracker.compare(relevant);
    let polling = tracker.is_polling();
    drop(tracker);
    let why = (!differences.is_empty()).then(|| messages::why_changed(&differences));
    Ok(LookFindings { look: Look { comparison, polling, took: begin.elapsed() }, why })
}

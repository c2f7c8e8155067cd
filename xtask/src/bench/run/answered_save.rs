//! A save, the tag on its image, and the first answer that shows it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::http;
use crate::bench::chart::{BUILD, SWAP};
use crate::bench::engine_api::EngineApi;
use crate::bench::phases::Phases;
use crate::bench::save::Save;
use crate::bench::watch::edit::Edit;
use crate::bench::watch::tag;

/// What a save led to. Times are from the rename of the saved file.
pub struct AnsweredSave {
    /// Until the tag was on the new image.
    pub tagged: Duration,
    /// Until an answer with the new content had come.
    pub answered: Duration,
    pub image: String,
}

impl AnsweredSave {
    /// From the tag to the answer.
    pub fn swap(&self) -> Duration {
        self.answered.saturating_sub(self.tagged)
    }

    /// For the chart; what is known of the build's phases stands for the time up to the tag.
    pub fn save(&self, phases: Option<Phases>) -> Save {
        let mut phases = phases.unwrap_or_else(|| vec![(BUILD.to_owned(), self.tagged)]);
        phases.push((SWAP.to_owned(), self.swap()));
        Save { whole: self.answered, phases, image: self.image.clone(), standby: false }
    }
}

/// Saves, and waits for the tag and the answer.
pub fn save(
    edit: &mut Edit,
    address: SocketAddr,
    tag: &str,
    api: &mut EngineApi,
    check: impl FnMut() -> Result<()>,
) -> Result<AnsweredSave> {
    let before = tag::image(api, tag)?;
    let begin = edit.save()?;
    let content = edit.text();
    let (moved, answered) = std::thread::scope(|scope| {
        let moved = scope.spawn(|| tag::wait_until_moved(api, tag, Some(&before), || Ok(())));
        let answered = http::wait_for_page(address, content, check);
        (moved.join().expect("waiting for a tag does not panic"), answered)
    });
    let ((image, moved), answered) = (moved?, answered?);
    Ok(AnsweredSave { tagged: moved - begin, answered: answered - begin, image })
}

//! The image that a tag is on, and the moment it moves.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::bench::engine_api::EngineApi;
use crate::signals;

/// How often the engine is asked. An answer was measured to cost it a third of a millisecond.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long the tag may take to move. Chosen, not measured: it only ends a wait for a tag that will never move.
const MOVE_LIMIT: Duration = Duration::from_secs(120);

/// Waits until the tag is on another image than before. Returns its id, and when that was.
pub fn wait_until_moved(
    api: &mut EngineApi,
    tag: &str,
    before: Option<&str>,
    mut check_alive: impl FnMut() -> Result<()>,
) -> Result<(String, Instant)> {
    let begin = Instant::now();
    loop {
        let image = api.image(tag)?;
        let now = Instant::now();
        if let Some(id) = image.filter(|id| Some(id.as_str()) != before) {
            return Ok((id, now));
        }
        signals::check()?;
        check_alive()?;
        if begin.elapsed() > MOVE_LIMIT {
            bail!("the tag did not move within {} s", MOVE_LIMIT.as_secs());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The image that the tag is on.
pub fn image(api: &mut EngineApi, tag: &str) -> Result<String> {
    api.image(tag)?.with_context(|| format!("there is no image `{tag}`"))
}

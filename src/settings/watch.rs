//! What a watch does beside building, from what was typed.

use std::time::Duration;

pub use crate::cli::choices::OnBusy;
use crate::cli::commands::WatchOptions;

/// How often everything is looked at where events can not be had and no interval was given: a look at 10,000 entries takes
/// 24 ms, so this costs a fortieth of a processor, and a person does not wait much longer for a save.
const DEFAULT_POLL: Duration = Duration::from_secs(1);

/// The options of `watch`.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// How long the source must be quiet after a burst of events.
    pub debounce: Duration,
    pub on_busy: OnBusy,
    /// Look at everything so often, instead of waiting for events.
    pub poll: Option<Duration>,
    /// How many images that lost the tag are kept.
    pub keep: usize,
    /// Keep a container ready for the next save.
    pub standby: bool,
    /// The most bytes of source that such a container may hold.
    pub standby_limit: u64,
    /// Clear the screen before each build.
    pub clear: bool,
    /// Where the environment says that the engine is, in a form that can be compared.
    pub engine_address: String,
}

impl WatchSettings {
    pub fn new(options: WatchOptions) -> Self {
        let address = ["DOCKER_HOST", "DOCKER_CONTEXT"].map(|name| std::env::var(name).unwrap_or_default());
        Self {
            debounce: options.debounce,
            on_busy: options.on_busy,
            poll: options.poll,
            keep: options.keep,
            standby: !options.no_standby,
            standby_limit: options.standby_limit,
            clear: options.clear,
            engine_address: format!("{address:?}"),
        }
    }

    /// How often everything is looked at where there are no events.
    pub fn poll_interval(&self) -> Duration {
        self.poll.unwrap_or(DEFAULT_POLL)
    }
}

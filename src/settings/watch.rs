//! The settings of a watch, apart from those of its builds.

use std::ffi::OsStr;
use std::time::Duration;

use super::app::AppSettings;
use super::hooks::HookSettings;
use super::notify;
use super::timings::TimingsSettings;
pub use crate::cli::choices::OnBusy;
use crate::cli::commands::WatchOptions;
use crate::cli::hooks::HookOptions;
use crate::report::notification::TerminalKind;

/// How often everything is looked at where events cannot be had and no interval was given: a look at 10,000 entries takes
/// 24 ms, so this costs a fortieth of a processor, and a person does not wait much longer for a save.
const DEFAULT_POLL: Duration = Duration::from_secs(1);

/// The options of `watch`.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// How long there must be no events before a build starts.
    pub debounce: Duration,
    /// What a save does while a build runs.
    pub on_busy: OnBusy,
    /// How often to look at the whole source, instead of waiting for events.
    pub poll: Option<Duration>,
    /// How many images that have lost the tag are kept.
    pub keep: usize,
    /// Whether a standby is prepared for the next save.
    pub standby: bool,
    /// The size in bytes of the largest source for which a standby is prepared.
    pub standby_limit: u64,
    /// Whether the screen is cleared before each build.
    pub clear: bool,
    /// What is run after a build.
    pub hooks: HookSettings,
    /// The engine's CLI and its address from the environment, in a form that is only good for comparing.
    pub engine_identity: String,
    /// The page of timings.
    pub timings: TimingsSettings,
    /// The kind of the terminal through which the desktop is notified, if it is.
    pub notify: Option<TerminalKind>,
    /// The app that is kept running, if one is.
    pub app: Option<AppSettings>,
}

impl WatchSettings {
    /// The settings for these options, with the engine's CLI `engine`, without an app.
    pub fn new(options: WatchOptions, hooks: HookOptions, engine: &OsStr) -> Self {
        Self {
            debounce: options.debounce,
            on_busy: options.on_busy,
            poll: options.poll,
            keep: options.keep,
            standby: !options.no_standby,
            standby_limit: options.standby_limit,
            clear: options.clear,
            hooks: HookSettings::new(hooks),
            engine_identity: super::engine::spelling(engine),
            timings: TimingsSettings::new(options.timings),
            notify: options.notify.then(notify::terminal_kind),
            app: None,
        }
    }

    /// How often everything is looked at where there are no events.
    pub fn poll_interval(&self) -> Duration {
        self.poll.unwrap_or(DEFAULT_POLL)
    }
}

//! The settings of the hooks of a watch.

pub use crate::cli::choices::HookBusy;
use crate::cli::hooks::HookOptions;

/// Which commands are run after a build, and how.
#[derive(Clone, Debug, Default)]
pub struct HookSettings {
    /// What a shell is given to run after a build that succeeded.
    pub on_success: Option<String>,
    /// What a shell is given to run after a build that failed.
    pub on_failure: Option<String>,
    /// What is done while another hook runs.
    pub busy: HookBusy,
}

impl HookSettings {
    pub fn new(options: HookOptions) -> Self {
        Self { on_success: options.on_success, on_failure: options.on_failure, busy: options.hook_busy }
    }
}

//! The settings of a watch, apart from those of its builds.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::cli::choices::OnBusy;
use crate::cli::commands::WatchOptions;

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
    /// The engine's CLI and its address from the environment, in a form that is only good for comparing.
    pub engine_identity: String,
}

impl WatchSettings {
    /// The settings for these options, with the engine's CLI `engine`.
    pub fn new(options: WatchOptions, engine: &OsStr) -> Self {
        let address = ["DOCKER_HOST", "DOCKER_CONTEXT"].map(|name| std::env::var_os(name).unwrap_or_default());
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            debounce: options.debounce,
            on_busy: options.on_busy,
            poll: options.poll,
            keep: options.keep,
            standby: !options.no_standby,
            standby_limit: options.standby_limit,
            clear: options.clear,
            engine_identity: format!("{:?} {address:?}", program_file(engine, &search_path)),
        }
    }

    /// How often everything is looked at where there are no events.
    pub fn poll_interval(&self) -> Duration {
        self.poll.unwrap_or(DEFAULT_POLL)
    }
}

/// The file that is run for a program, with all links resolved: its path, or the first of that name on the search path. The
/// program as it is where there is none.
fn program_file(program: &OsStr, search_path: &OsStr) -> PathBuf {
    let typed = Path::new(program);
    let found = if program.as_encoded_bytes().contains(&b'/') {
        Some(typed.to_owned())
    } else {
        std::env::split_paths(search_path).map(|folder| folder.join(typed)).find(|path| is_program(path))
    };
    found.and_then(|path| path.canonicalize().ok()).unwrap_or_else(|| typed.to_owned())
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::program_file;

    #[test]
    fn a_program_is_the_same_by_name_by_path_and_by_link() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let [first, second] = ["first", "second"].map(|name| top.join(name));
        for folder in [&first, &second] {
            fs::create_dir(folder).unwrap();
        }
        // On the search path, a file that cannot be run is passed over.
        fs::write(first.join("docker"), "").unwrap();
        let program = second.join("docker");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        symlink(&program, top.join("link")).unwrap();
        let search_path = std::env::join_paths([&first, &second]).unwrap();
        for typed in [OsStr::new("docker"), program.as_os_str(), top.join("link").as_os_str()] {
            assert_eq!(program_file(typed, &search_path), program, "{typed:?}");
        }
        assert_eq!(program_file(OsStr::new("none"), &search_path), OsStr::new("none"));
    }
}

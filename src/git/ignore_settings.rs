//! What git's configuration says about ignoring.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::command::query_git_within;
use crate::cancel::Cancel;

/// How long git may take: a thousand times what it takes (3 ms), for slow disks.
const LIMIT: Duration = Duration::from_secs(3);

/// Both settings, as a pattern for `git config --get-regexp`.
const SETTINGS: &str = "^core\\.(excludesfile|ignorecase)$";

/// The settings for one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreSettings {
    /// The value of `core.excludesFile`; the file of git's default if there is none.
    pub excludes_file: Option<PathBuf>,
    /// Whether letters match in either case (`core.ignoreCase`).
    pub ignore_case: bool,
}

impl IgnoreSettings {
    /// Asks git which settings count in `folder`. Without git, those of the user's own configuration count.
    pub fn ask(folder: &Path, cancel: &Cancel) -> Self {
        let args = ["config", "-z", "--type=path", "--get-regexp", SETTINGS];
        // Git exits non-zero if there are no such settings.
        let answer: Result<Vec<u8>> = query_git_within(folder, &args, LIMIT, cancel);
        let mut settings = Self::of(&answer.unwrap_or_default());
        settings.excludes_file = match settings.excludes_file {
            Some(file) => Some(folder.join(file)),
            None => ignore::gitignore::gitconfig_excludes_path(),
        };
        settings
    }

    /// The settings in the output of git: the name, a line end, the value and a NUL for each. The last one counts.
    fn of(output: &[u8]) -> Self {
        let mut settings = Self::default();
        for item in output.split(|byte| *byte == 0) {
            let mut parts = item.splitn(2, |byte| *byte == b'\n');
            match (parts.next(), parts.next()) {
                (Some(b"core.excludesfile"), Some(value)) => {
                    let value = PathBuf::from(OsString::from_vec(value.to_vec()));
                    settings.excludes_file = Some(value);
                }
                (Some(b"core.ignorecase"), value) => {
                    settings.ignore_case = value.is_none_or(|value| {
                        ["true", "yes", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes.as_bytes()))
                    });
                }
                _ => {}
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::IgnoreSettings;

    #[test]
    fn the_last_value_of_each_setting_counts() {
        let output = b"core.excludesfile\n/a\0core.ignorecase\ntrue\0core.excludesfile\n/b\nc\0";
        let settings = IgnoreSettings::of(output);
        assert_eq!((settings.excludes_file.unwrap().to_str(), settings.ignore_case), (Some("/b\nc"), true));
        assert_eq!(IgnoreSettings::of(b""), IgnoreSettings::default());
        assert!(IgnoreSettings::of(b"core.ignorecase\0").ignore_case);
    }
}

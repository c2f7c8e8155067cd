//! Which engine's CLI is used: the one that was named, or else what is there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Result;

use super::engine::is_called;
use crate::engine::program::find_program;
use crate::error::Error;
use crate::report::Reporter;

/// The CLIs that are used where none was named, the first that is there.
const DEFAULTS: [&str; 2] = ["docker", "podman"];

/// A CLI whose `commit` and events leave out what builds need.
const NERDCTL: &str = "nerdctl";

/// The CLI that was given as `typed`, or else one that is there. A note says so if it is not docker.
///
/// # Errors
/// If it is one that cannot work.
pub fn choose(typed: Option<OsString>, reporter: &Reporter) -> Result<OsString> {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let named = typed.filter(|typed| !typed.is_empty());
    let is_named = named.is_some();
    let chosen =
        named.unwrap_or_else(|| default_cli(|name| find_program(name.as_ref(), &search_path).is_some()).into());
    check(&chosen, &search_path)?;
    if !is_named && chosen != DEFAULTS[0] {
        reporter.note(&format!("using `{}`, since there is no `docker`", chosen.display()));
    }
    Ok(chosen)
}

/// The CLI that is used where none was named; the usual one if there is none at all, so that it is said to be missing.
fn default_cli(is_there: impl Fn(&str) -> bool) -> &'static str {
    DEFAULTS.into_iter().find(|name| is_there(name)).unwrap_or(DEFAULTS[0])
}

/// Checks that a CLI is none that cannot work.
fn check(cli: &OsStr, search_path: &OsStr) -> Result<()> {
    let found = find_program(cli, search_path);
    if !is_called(found.as_deref().unwrap_or(Path::new(cli)), NERDCTL) {
        return Ok(());
    }
    let what = format!("`{}` cannot be used: the commits of nerdctl set no labels and no user", cli.display());
    Err(Error::usage(what).hint("use docker or podman: `--engine docker`, or the variable MINIS2I_ENGINE").into())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{check, default_cli};

    #[test]
    fn podman_is_used_where_there_is_no_docker() {
        assert_eq!(default_cli(|_| true), "docker");
        assert_eq!(default_cli(|name| name == "podman"), "podman");
        assert_eq!(default_cli(|_| false), "docker");
    }

    #[test]
    fn nerdctl_is_refused_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("nerdctl");
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&program, dir.path().join("docker")).unwrap();
        let refused = |cli: &str| check(OsStr::new(cli), dir.path().as_os_str()).is_err();
        assert!(refused("nerdctl") && refused("docker") && refused("/nonexistent/nerdctl"));
        assert!(!refused("podman") && !refused("/nonexistent/docker"));
    }
}

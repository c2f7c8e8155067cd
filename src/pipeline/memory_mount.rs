//! A source in memory: a tmpfs that is mounted on the folder for the source, and when that is possible.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use super::source_in::{SourceIn, SourceInDecider};
use super::user_ids;
use crate::contract::image_path::join;
use crate::engine::dialect::Dialect;
use crate::error::Error;
use crate::settings::Transfer;

/// A source that takes no more memory than this fits on any machine that has an engine.
const FITS_ANYWHERE: u64 = 64 << 20;

/// So much of the engine's memory, as a divisor, a source may take: half of it is what a tmpfs has by default.
const PART_OF_MEMORY: u64 = 4;

/// What an entry takes in a tmpfs besides its content: its metadata, and on average half of its last page. In bytes.
const ENTRY_SIZE: u64 = 3 << 10;

/// Whether the source of a build may be in memory though the job leaves that open: if nothing in its options or in the builder
/// speaks against it.
fn is_possible(cx: &BuildContext, images: &Images) -> bool {
    let job = cx.job;
    let source = join(&images.contract.destination, "src");
    // A limit of the container's memory counts for the source, too; what is mounted in the folder would be below the tmpfs.
    let speaks_against = |option: &String| {
        option.starts_with("--memory") || option.starts_with("-m") || option.contains(source.as_str())
    };
    job.transfer == Transfer::Auto
        && job.runtime.is_none()
        && images.builder.volume(&source).is_none()
        && !job.run_options.iter().any(speaks_against)
        && owner(images.builder.dialect, user_ids::script_user(cx, images)).is_some()
}

/// Where the source of a build goes: where the job says, or if that leaves it open, where `decider` has found it to be better. `fits` is
/// asked whether it fits into memory.
pub fn choose(cx: &BuildContext, images: &Images, decider: &SourceInDecider, fits: impl FnOnce() -> bool) -> SourceIn {
    match cx.job.transfer {
        Transfer::Memory => SourceIn::Memory,
        Transfer::Auto if decider.next() == SourceIn::Memory && is_possible(cx, images) && fits() => SourceIn::Memory,
        _ => SourceIn::Layer,
    }
}

/// How much memory a source of so many entries and bytes takes, in bytes.
pub fn needed(entries: usize, bytes: u64) -> u64 {
    bytes + entries as u64 * ENTRY_SIZE
}

/// Whether a source that needs so many bytes fits. `total` asks the engine how much memory its machine has, in bytes.
pub fn fits(needed: u64, total: impl FnOnce() -> Option<u64>) -> bool {
    needed <= FITS_ANYWHERE || total().is_some_and(|total| needed <= total / PART_OF_MEMORY)
}

/// The options of `docker run` that mount the tmpfs; none if the source is not to be in memory.
///
/// # Errors
/// If the user that runs scripts is not given by number: docker's tmpfs needs a numeric owner before the container runs.
pub fn memory_options(cx: &BuildContext, images: &Images) -> Result<Vec<String>> {
    if cx.source_in != SourceIn::Memory {
        return Ok(Vec::new());
    }
    let user = user_ids::script_user(cx, images);
    let Some(owner) = owner(images.builder.dialect, user) else {
        return Err(Error::engine(format!("a source in memory does not work with the builder's user `{user}`"))
            .hint("a numeric user is needed: set one in the image (`USER 1001:0`), or name one with `--assemble-user`")
            .into());
    };
    let path = join(&images.contract.destination, "src");
    Ok(vec!["--tmpfs".to_owned(), format!("{path}:exec,mode=0755,{owner}")])
}

/// The option of the tmpfs that gives it to the user that runs scripts; `None` if that has to be a number, and is not.
fn owner(dialect: Dialect, user: &str) -> Option<String> {
    if dialect.is_podman() {
        // It refuses numbers there, and knows the user.
        return Some("U".to_owned());
    }
    user_ids::parse_numeric(user).map(|(uid, gid)| format!("uid={uid},gid={gid}"))
}

#[cfg(test)]
mod tests {
    use super::{fits, needed, owner};
    use crate::engine::dialect::Dialect;

    #[test]
    fn a_source_takes_a_quarter_of_the_memory_at_most() {
        let small = needed(10_000, 30 << 20);
        assert!(fits(small, || unreachable!("nothing is asked for a small source")));
        let large = needed(100_000, 1 << 30);
        assert!(!fits(large, || Some(4 << 30)) && fits(large, || Some(8 << 30)) && !fits(large, || None));
    }

    #[test]
    fn podman_refused_the_owner_of_a_source_in_memory() {
        assert_eq!(owner(Dialect::Podman, "1001:0").as_deref(), Some("U"));
        assert_eq!(owner(Dialect::Podman, "app").as_deref(), Some("U"));
        assert_eq!(owner(Dialect::Docker, "1001:0").as_deref(), Some("uid=1001,gid=0"));
        assert_eq!(owner(Dialect::Docker, "app"), None);
    }
}

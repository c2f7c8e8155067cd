//! The two seconds that an interrupted run has, and how they are divided.
//!
//! After the first INT, TERM or HUP a run has to end within two seconds and leave nothing behind. The CLIs of running calls
//! are killed at once, except for a commit, and for git. What has to be done before the end is limited here. These steps
//! can follow each other:
//!
//! - The clone of a source: git is asked to end, and killed after [`GIT_END`]. There is no container yet.
//! - A build: its containers, up to three (the build container, that of `save-artifacts`, that of the runtime image), are
//!   removed one after the other, each within [`CONTAINER_REMOVAL`]. Two of them may not have been there when their CLIs
//!   were killed; each is waited for up to [`CONTAINER_CREATION`].
//!   The container of a standby that is begun beside a build is removed at the same time as those, by a thread of its own; one
//!   that waits is one more of the containers, of which no other is being created then.
//! - A commit: it is given up after [`COMMIT_END`]. If it was done by then, the image or the tag is taken back in one call
//!   that has [`COMMIT_END`] again. The removal of the containers follows.
//! - A hook of a watch, at the same time as the others: it is asked to end, and killed after [`HOOK_END`].
//!
//! Each limit is chosen so that a path ends in time if one of its steps, whichever it is, takes all the time that it may
//! and the others take as long as usual. If an engine is slow in several steps, or does not answer at all, everything that
//! is not done after [`CLEANUP_END`] is given up together; the run says what it may have left, and the next run removes
//! it.

use std::time::Duration;

/// How long git may take to end after it was asked to, before it is killed.
pub const GIT_END: Duration = Duration::from_millis(800);

/// How long a hook may take to end after it was asked to, before it is killed.
pub const HOOK_END: Duration = Duration::from_millis(1200);

/// How long a running commit or tag may go on after an interrupt, and how long taking it back may take.
pub const COMMIT_END: Duration = Duration::from_millis(1200);

/// How long one attempt to remove a container may take; `docker rm --force` takes 0.13 s as a rule.
pub const CONTAINER_REMOVAL: Duration = Duration::from_millis(1500);

/// How long a container may take to appear after its CLI was killed in the middle of creating it. Creating one takes
/// 0.1 s, on a busy machine several times that.
pub const CONTAINER_CREATION: Duration = Duration::from_millis(800);

/// How long after the signal all cleaning up is given up. Chosen so that the CLIs can be killed, the message be printed
/// and the process end within the rest of the two seconds, also on a busy machine.
pub const CLEANUP_END: Duration = Duration::from_millis(1800);

/// The pause between two attempts to remove a container that is not there yet.
pub const REMOVAL_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CLEANUP_END, COMMIT_END, CONTAINER_CREATION, CONTAINER_REMOVAL, GIT_END, REMOVAL_PAUSE};

    /// What the README promises.
    const INTERRUPTED_RUN: Duration = Duration::from_secs(2);

    /// Measured, with docker CLI 28.2 and engine 20.10: a short call (22 ms at most), a commit of a small layer (90 ms at
    /// most), `docker rm --force`.
    const USUAL_CALL: Duration = Duration::from_millis(22);
    const USUAL_COMMIT: Duration = Duration::from_millis(90);
    const USUAL_REMOVAL: Duration = Duration::from_millis(130);

    /// A step before the end of the run: the longest time it may take, and the time it takes as a rule.
    #[derive(Clone, Copy)]
    struct Step {
        limit: Duration,
        usual: Duration,
    }

    const REMOVAL: Step = Step { limit: CONTAINER_REMOVAL, usual: USUAL_REMOVAL };
    const COMMIT: Step = Step { limit: COMMIT_END, usual: USUAL_COMMIT };
    const TAKING_BACK: Step = Step { limit: COMMIT_END, usual: USUAL_CALL };

    /// How long a path takes whose slowest step takes all the time it may.
    fn with_one_slow_step(path: &[Step]) -> Duration {
        let usual: Duration = path.iter().map(|step| step.usual).sum();
        path.iter().map(|step| usual - step.usual + step.limit).max().unwrap_or_default()
    }

    #[test]
    fn an_engine_that_does_not_answer_is_given_up_in_time() {
        assert!(CLEANUP_END + USUAL_REMOVAL <= INTERRUPTED_RUN);
    }

    #[test]
    fn a_clone_ends_in_time() {
        assert!(GIT_END <= INTERRUPTED_RUN);
    }

    #[test]
    fn a_build_with_three_containers_ends_in_time() {
        assert!(with_one_slow_step(&[REMOVAL; 3]) <= INTERRUPTED_RUN);
    }

    #[test]
    fn a_commit_with_three_containers_ends_in_time() {
        assert!(with_one_slow_step(&[COMMIT, TAKING_BACK, REMOVAL, REMOVAL, REMOVAL]) <= INTERRUPTED_RUN);
    }

    #[test]
    fn two_containers_that_never_appear_are_given_up_in_time() {
        let waited_for = CONTAINER_CREATION + REMOVAL_PAUSE + USUAL_CALL;
        assert!(2 * waited_for <= INTERRUPTED_RUN);
    }

    #[test]
    fn a_container_that_appears_at_the_last_moment_is_removed_in_time() {
        let appeared = CONTAINER_CREATION + REMOVAL_PAUSE + USUAL_CALL + USUAL_REMOVAL;
        assert!(appeared + USUAL_REMOVAL <= INTERRUPTED_RUN);
    }
}

//! Whether an `assemble` that failed is tried once more without its caches, and what that shows.

use crate::error::ErrorKind;

/// What an `assemble` had of caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// None.
    Nothing,
    /// Caches with nothing in them yet.
    Empty,
    /// Caches with something in them.
    Filled,
}

/// What is thought of the caches in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// A build failed without them, too, and none was interrupted while it wrote to them since then.
    proven: bool,
    /// A build succeeded only without them, though they were empty.
    unusable: bool,
}

/// What a second try without the caches showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It failed, too: the source is at fault, or something else.
    Innocent,
    /// It succeeded, so that what is in the caches is at fault.
    Corrupt,
    /// It succeeded, and the caches were empty: the builder does not get along with them.
    Unusable,
}

impl Trust {
    /// Whether the caches may be used.
    pub fn allows(self) -> bool {
        !self.unusable
    }

    /// Whether a build that ended with an error of this kind is to be tried once more without its caches. That costs the time
    /// of a build, so that a fault of the source is tried so once, and not at each save.
    pub fn wants_retry(self, failure: ErrorKind, used: Use) -> bool {
        matches!(failure, ErrorKind::Assemble(_)) && used != Use::Nothing && !self.proven
    }

    /// Takes in how that second try ended, for caches that were used so.
    pub fn judge(&mut self, succeeded: bool, used: Use) -> Verdict {
        match (succeeded, used) {
            (false, _) => {
                self.proven = true;
                Verdict::Innocent
            }
            (true, Use::Filled) => Verdict::Corrupt,
            (true, _) => {
                self.unusable = true;
                Verdict::Unusable
            }
        }
    }

    /// An `assemble` was interrupted, and may have left half a file in the caches.
    pub fn interrupted(&mut self, used: Use) {
        if used != Use::Nothing {
            self.proven = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, Use, Verdict};
    use crate::error::ErrorKind;

    const FAILED: ErrorKind = ErrorKind::Assemble(1);

    #[test]
    fn a_fault_of_the_source_is_tried_twice_once() {
        let mut trust = Trust::default();
        assert!(trust.wants_retry(FAILED, Use::Filled));
        assert_eq!(trust.judge(false, Use::Filled), Verdict::Innocent);
        assert!(!trust.wants_retry(FAILED, Use::Filled));
        assert!(trust.allows());
    }

    #[test]
    fn what_an_interrupted_build_left_is_suspect_again() {
        let mut trust = Trust::default();
        trust.judge(false, Use::Filled);
        trust.interrupted(Use::Nothing);
        assert!(!trust.wants_retry(FAILED, Use::Filled));
        trust.interrupted(Use::Filled);
        assert!(trust.wants_retry(FAILED, Use::Filled));
    }

    #[test]
    fn caches_that_break_a_build_while_they_are_empty_are_given_up() {
        let mut trust = Trust::default();
        assert_eq!(trust.judge(true, Use::Filled), Verdict::Corrupt);
        assert!(trust.allows() && trust.wants_retry(FAILED, Use::Empty));
        assert_eq!(trust.judge(true, Use::Empty), Verdict::Unusable);
        assert!(!trust.allows());
    }

    #[test]
    fn only_an_assemble_that_failed_with_caches_is_tried_again() {
        let trust = Trust::default();
        assert!(!trust.wants_retry(FAILED, Use::Nothing));
        assert!(!trust.wants_retry(ErrorKind::Engine, Use::Filled));
        assert!(!trust.wants_retry(ErrorKind::Superseded, Use::Filled));
        assert!(!trust.wants_retry(ErrorKind::Interrupted(2), Use::Filled));
    }
}

//! The cases: what grows, and how often it is tried.

use anyhow::Result;

use super::context::Bench;
use super::measured::Measured;
use super::{build_cases, watch_cases};

/// Something of which there can be more.
pub struct Case {
    pub name: &'static str,
    /// How many, each ten times the one before.
    pub sizes: &'static [usize],
    pub measure: fn(&Bench, usize) -> Result<Measured>,
}

const COUNTS: &[usize] = &[1_000, 10_000, 100_000];

/// The engine passes variables on to programs in the container, to which Linux passes two million bytes.
const VARIABLE_COUNTS: &[usize] = &[100, 1_000, 10_000];

const LINE_LENGTHS: &[usize] = &[1_000_000, 10_000_000, 100_000_000];

impl Case {
    pub const ALL: [Self; 10] = [
        Self { name: "new-files", sizes: COUNTS, measure: watch_cases::new_files },
        Self { name: "deleted-files", sizes: COUNTS, measure: watch_cases::deleted_files },
        Self { name: "renamed-tree", sizes: COUNTS, measure: watch_cases::renamed_tree },
        Self { name: "ignored-files", sizes: COUNTS, measure: watch_cases::ignored_files },
        Self { name: "events", sizes: COUNTS, measure: watch_cases::events },
        Self { name: "artifacts", sizes: COUNTS, measure: build_cases::artifacts },
        Self { name: "variables", sizes: VARIABLE_COUNTS, measure: build_cases::variables },
        Self { name: "lines", sizes: COUNTS, measure: build_cases::lines },
        Self { name: "long-line", sizes: LINE_LENGTHS, measure: build_cases::long_line },
        Self { name: "many-ignore-rules", sizes: COUNTS, measure: build_cases::ignore_rules },
    ];
}

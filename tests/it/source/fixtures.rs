//! What the tests of the source share: listing the files that arrived, and builders with other users than root.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::builder::{Builder, shared_builder};
use crate::support::outcome::Outcome;
use crate::support::project::Project;

/// An `assemble` that lists the source without its folders.
pub const LIST_FILES: &str = "find . ! -type d";

#[track_caller]
pub fn listed_files(outcome: &Outcome) -> BTreeSet<&str> {
    outcome.assemble_output().into_iter().map(|line| line.trim_start_matches("./")).collect()
}

/// Builds with these options, and checks which files arrive.
#[track_caller]
pub fn assert_sent(project: &Project, options: &[&str], expected: &[&str]) -> Outcome {
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble(LIST_FILES).args(options).success();
    assert_eq!(listed_files(&outcome), BTreeSet::from_iter(expected.iter().copied()), "{outcome}");
    outcome
}

/// A shared builder with a few accounts, and with an instruction that sets its user.
pub fn user_builder(user: &'static str) -> Arc<Builder> {
    shared_builder(user, || {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\ndefault:x:1001:0::/app:/bin/sh\nquarkus:x:1002:1003::/app:/bin/sh\n";
        let group = "root:x:0:\nquarkus:x:1003:\nothers:x:2000:\n";
        Builder::evaluating().file("etc/passwd", 0o644, passwd).file("etc/group", 0o644, group).instruction(user).make()
    })
}

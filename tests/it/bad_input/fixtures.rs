//! Running a build that must be refused, and checking the cause and the cure.

use crate::support::builder::Builder;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;

/// A builder whose `assemble` has this content and mode.
pub fn with_assemble(mode: u32, text: &str) -> Builder {
    Builder::new().file("usr/libexec/s2i/assemble", mode, text).make()
}

/// Runs a build of a project that must be refused with this status, with these words in cause and cure, and without an
/// image.
#[track_caller]
pub fn assert_refused(project: &Project, run: Run, status: i32, cause: &str, cure: &str) -> Outcome {
    let outcome = assert_fails(run, status, cause, cure);
    assert_eq!(project.id(), None, "something was built\n{outcome}");
    outcome
}

/// The same without looking for an image.
#[track_caller]
pub fn assert_fails(run: Run, status: i32, cause: &str, cure: &str) -> Outcome {
    let outcome = run.run().status(status);
    let (causes, cures) = outcome.stderr.split_once("\nhint: ").unwrap_or_else(|| panic!("no hint\n{outcome}"));
    let causes = causes.split_once("error: ").unwrap_or_else(|| panic!("no error\n{outcome}")).1;
    assert!(causes.contains(cause), "`{cause}` is not the cause\n{outcome}");
    assert!(cures.contains(cure), "`{cure}` is not the cure\n{outcome}");
    assert_eq!(outcome.stdout, "", "{outcome}");
    outcome
}

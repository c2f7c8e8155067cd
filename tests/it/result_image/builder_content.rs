//! Builders that have files where the upload goes.

use crate::support::builder::Builder;
use crate::support::project::Project;

const SHOW: &str = "cd /tmp; for f in src src/* src/d/*; do stat -c '%u:%g %n' $f; done; cat src/a src/old";

fn builder() -> Builder {
    Builder::evaluating().file("tmp/src/old", 0o644, "old\n").file("tmp/src/a", 0o644, "old\n").file(
        "tmp/src/d/e",
        0o644,
        "",
    )
}

#[test]
fn content_below_the_destination_is_merged_with_the_source_and_stays() {
    let builder = builder().make();
    let project = Project::new().file("a", "new\n").file("d/f", "");
    let outcome = project.build(&builder).assemble(SHOW).success();
    let expected = ["0:0 src", "0:0 src/a", "0:0 src/d", "0:0 src/old", "0:0 src/d/e", "0:0 src/d/f", "new", "old"];
    assert_eq!(outcome.assemble_output(), expected);
    assert!(project.image().has("/tmp/src/old"));
}

#[test]
fn a_mounted_source_is_no_content_of_the_builder() {
    let builder = Builder::evaluating().user("1234:55", 1234, 55).make();
    let project = Project::new().file("a", "new\n").file(".s2i/bin/run", "#!/bin/sh\necho mine\n");
    let outcome = project.build(&builder).args(&["--mount", "--verbose"]).assemble("cat a").success();
    assert_eq!(outcome.never_says("docker cp").assemble_output(), ["new"]);
    assert_eq!(project.image().run(&[]), "mine");
}

#[test]
fn content_may_belong_to_another_user() {
    let builder = builder().file("tmp/scripts/other", 0o644, "").user("1234:55", 1234, 55).make();
    let project = Project::new().file("a", "new\n").file("d/f", "").file(".s2i/bin/run", "#!/bin/sh\necho mine\n");
    let outcome = project.build(&builder).arg("--verbose").assemble(SHOW).success().says("docker cp - ");
    let expected = [
        "1234:55 src",
        "1234:55 src/a",
        "1234:55 src/d",
        "0:0 src/old",
        "0:0 src/d/e",
        "1234:55 src/d/f",
        "new",
        "old",
    ];
    assert_eq!(outcome.assemble_output(), expected);
    assert_eq!(project.image().run(&[]), "mine");
}

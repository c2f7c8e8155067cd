//! Builders with a VOLUME where something of the build goes.

use crate::support::builder::Builder;
use crate::support::project::Project;

#[test]
fn one_over_the_destination_keeps_the_source_out_and_loses_scripts() {
    let builder = Builder::copying().instruction("VOLUME /tmp").file("opt/in/.keep", 0o644, "").make();
    let project = Project::new().file("out", "1\n");
    project.build(&builder).success().never_says("note:").never_says("warning:");
    assert_eq!(project.image().run(&[]), "1");
    assert!(!project.image().has("/tmp/src"));
    project.write(".s2i/bin/run", "#!/bin/sh\necho mine\n");
    let outcome = project.build(&builder).success();
    outcome.says("note: `/tmp/scripts/run` does not get into the image, since /tmp is a VOLUME of the builder");
    assert!(!project.image().has("/tmp/scripts/run"));
}

#[test]
fn one_over_the_workdir_is_warned_of() {
    let builder = Builder::copying().instruction("VOLUME /app").make();
    let project = Project::new().file("out", "1\n");
    let outcome = project.build(&builder).success();
    outcome.says("warning: what `assemble` leaves in /app does not get into the image, since /app is a VOLUME");
    assert!(!project.image().has("/app/out"));
}

//! What stays of the source in the image after it was sent, mounted or kept in memory.

use std::fs;

use super::fixtures::user_builder;
use crate::support::builder::Builder;
use crate::support::project::Project;

#[test]
fn a_mounted_source_is_read_only_and_leaves_nothing_in_the_image() {
    let project = Project::new().file("a", "x").file(".gitignore", "b\n").file("b", "");
    let builder = Builder::shared_evaluating();
    let try_all = "cat a; echo; ls; touch new 2>/dev/null || echo read-only; cp a /app/out";
    let outcome = project.build(&builder).arg("--mount").assemble(try_all).success();
    assert_eq!(outcome.assemble_output(), ["x", "a", "b", "read-only"]);
    assert_eq!(project.image().run(&[]), "x");
    assert_eq!(project.image().files("/tmp/src").len(), 1);
}

#[test]
fn a_source_in_memory_belongs_to_the_user_and_leaves_but_a_folder() {
    let builder = user_builder("USER 1001");
    let project = Project::new().file("sub/a", "1");
    let look = "stat -c %u:%g /tmp/src /tmp/src/sub; stat -f -c %T /tmp/src; mv /tmp/src/sub /tmp/moved; cat /tmp/moved/a; echo; rm -r /tmp/moved";
    for build in ["no artifacts", "again"] {
        let outcome = project.build(&builder).arg("--source-in-memory").assemble(look).success();
        assert_eq!(outcome.assemble_output(), ["1001:0", "1001:0", "tmpfs", "1"], "{build}");
    }
    assert_eq!(project.image().files("/tmp/src").len(), 1);
    project.build(&builder).args(&["--source-in-memory", "--mount"]).run().status(2);
    let named = user_builder("USER default");
    project.build(&named).arg("--source-in-memory").run().status(125).says("`USER 1001:0`");
}

#[test]
fn a_source_with_commas_and_quotes_can_be_mounted() {
    let above = tempfile::tempdir().unwrap();
    let source = above.path().join("a,\"b\" c");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), "x").unwrap();
    let project = Project::new();
    let builder = Builder::shared_evaluating();
    let run = project.build(&builder).source(source.to_str().unwrap()).arg("--mount").assemble("cat a; echo");
    assert_eq!(run.success().assemble_output(), ["x"]);
}

#[test]
fn what_is_left_of_the_source_is_not_in_the_image() {
    let project = Project::new().file("a", "x").file("sub/b", "x");
    let builder = Builder::shared_evaluating();
    project.build(&builder).assemble("rm a").success();
    assert!(!project.image().has("/tmp/src"));
}

#[test]
fn keep_source_keeps_what_assemble_left() {
    let project = Project::new().file("a", "x").file("b", "x");
    let builder = Builder::shared_evaluating();
    project.build(&builder).arg("--keep-source").assemble("rm a").success();
    let files = project.image().files("/tmp/src");
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [b"".to_vec(), b"b".to_vec()]);
}

#[test]
fn a_source_that_holds_the_workdir_is_kept() {
    let builder = Builder::evaluating().instruction("WORKDIR /tmp/src/app").make();
    let project = Project::new().file("app/a", "x");
    project.build(&builder).success();
    assert!(project.image().has("/tmp/src/app/a"));
}

#[test]
fn a_source_that_holds_the_run_script_is_kept() {
    let builder = Builder::new()
        .script("assemble", "#!/bin/sh\n")
        .instruction("LABEL io.openshift.s2i.scripts-url=image:///tmp/src/bin")
        .file("tmp/src/bin/assemble", 0o755, "#!/bin/sh\n")
        .file("tmp/src/bin/run", 0o755, "#!/bin/sh\necho ran\n")
        .make();
    let project = Project::new().file("a", "x");
    project.build(&builder).success();
    assert_eq!(project.image().run(&[]), "ran");
}

#[test]
fn content_that_the_builder_has_in_the_place_of_the_source_is_kept() {
    let builder = Builder::evaluating().file("tmp/src/baked", 0o644, "old").file("tmp/src/same", 0o644, "old").make();
    let project = Project::new().file("same", "new").file("own", "new");
    project.build(&builder).success();
    let files = project.image().files("/tmp/src");
    let text = |name: &str| String::from_utf8_lossy(&files[name.as_bytes()].content).into_owned();
    assert_eq!([text("baked"), text("same"), text("own")], ["old", "new", "new"]);
}

#[test]
fn nothing_but_the_source_and_scripts_is_left_in_the_destination() {
    let project = Project::new().file("a", "x");
    let builder = Builder::shared_evaluating();
    project.build(&builder).assemble("ls -A /tmp").success();
    assert_eq!(project.image().files("/tmp").len(), 1);
}

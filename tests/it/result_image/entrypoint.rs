//! Builders with an ENTRYPOINT, which is used if it runs what it is given.

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::project::Project;

#[test]
fn one_that_runs_its_arguments_stays_in_force() {
    let builder = Builder::evaluating()
        .file("entry", 0o755, "#!/bin/sh\nexport FROM_ENTRY=yes\necho welcome\nexec \"$@\"\n")
        .instruction(r#"ENTRYPOINT ["/entry"]"#)
        .make();
    let project = Project::new();
    let save = "mkdir /tmp/k; echo $FROM_ENTRY >/tmp/k/a; tar -C /tmp/k -cf - . 2>/dev/null";
    let outcome = project.build(&builder).assemble("echo $FROM_ENTRY").save(save).success();
    assert_eq!(outcome.assemble_output(), ["yes"]);
    outcome.says("welcome\n").never_says("note:");
    assert_eq!(project.image().config()["Entrypoint"], json!(["/entry"]));
}

#[test]
fn one_with_arguments_stays_in_force_for_both_scripts() {
    let builder = Builder::evaluating().instruction(r#"ENTRYPOINT ["/usr/bin/env", "W=1"]"#).make();
    let project = Project::new();
    let save = "mkdir /tmp/k; echo saved $W >/tmp/k/a; tar -C /tmp/k -cf - .";
    project.build(&builder).save(save).success();
    let outcome = project.build(&builder).assemble("echo assembled $W; cat /tmp/artifacts/a").success();
    assert_eq!(outcome.assemble_output(), ["assembled 1", "saved 1"]);
}

/// Builds twice with a builder whose ENTRYPOINT does not run what it is given.
fn assert_bypassed(builder: &Builder) {
    let entrypoint = builder.image().config()["Entrypoint"].clone();
    let project = Project::new().file("a", "x\n");
    let save = "mkdir /tmp/k; echo saved >/tmp/k/a; tar -C /tmp/k -cf - .";
    let outcome = project.build(builder).assemble("cat a").save(save).success();
    assert_eq!(outcome.assemble_output(), ["x"]);
    outcome.says("note: the builder's ENTRYPOINT does not run the command it is given; building without it\n");
    assert_eq!(project.image().config()["Entrypoint"], entrypoint);
    assert_eq!(project.image().config()["Cmd"], json!(["/usr/libexec/s2i/run"]));
    // The second build knows it from the first one, so the note does not come again.
    let outcome = project.build(builder).assemble("cat /tmp/artifacts/a").success().never_says("note:");
    assert_eq!(outcome.assemble_output(), ["saved"]);
    assert_eq!(project.image().config()["Entrypoint"], entrypoint);
}

#[test]
fn one_that_eats_its_arguments_is_bypassed_and_kept() {
    assert_bypassed(&Builder::evaluating().instruction(r#"ENTRYPOINT ["/bin/echo"]"#).make());
}

#[test]
fn one_that_fails_is_bypassed_and_kept() {
    assert_bypassed(&Builder::evaluating().instruction(r#"ENTRYPOINT ["/bin/false"]"#).make());
}

#[test]
fn one_in_shell_form_is_bypassed_and_kept() {
    assert_bypassed(&Builder::evaluating().make().build_on("ENTRYPOINT echo hello"));
}

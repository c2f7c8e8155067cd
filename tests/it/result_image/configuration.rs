//! The configuration of the image, which is that of the builder except for the command.

use serde_json::{Value, json};

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::wait::wait_for;

#[test]
fn the_builders_settings_are_kept_and_the_command_is_run() {
    let builder = Builder::evaluating()
        .file("entry", 0o755, "#!/bin/sh\nexec \"$@\"\n")
        .instruction(r#"ENTRYPOINT ["/entry"]"#)
        .instruction("USER 1234:2000")
        .instruction("EXPOSE 8080 9090/udp")
        .instruction("VOLUME /data")
        .instruction("LABEL own=label")
        .instruction("ENV OWN=variable")
        .instruction(r#"CMD ["usage"]"#)
        .make()
        .build_on(
            "HEALTHCHECK --interval=7s CMD [\"true\"]\nSTOPSIGNAL SIGQUIT\nSHELL [\"/bin/sh\", \"-ec\"]\n\
             MAINTAINER someone",
        );
    let project = Project::new().file("a", "");
    let label = format!("label=io.github.minis2i.builder={}", builder.id());
    let images = || docker(&["images", "--all", "--quiet", "--filter", &label]).lines().count();
    let mut steps = None;
    for round in ["clean", "incremental"] {
        project.build(&builder).success();
        // Settings that a commit does not take are added by the engine's own build, whose intermediate images must go,
        // too.
        let made = *steps.get_or_insert_with(images);
        wait_for("the superseded image is gone with its steps", || images() == made);
        let (before, after) = (builder.image().config(), project.image().config());
        for field in
            ["Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Healthcheck", "StopSignal", "Shell"]
        {
            assert!(!before[field].is_null(), "{field}");
            assert_eq!(after[field], before[field], "{field} of the {round} build");
        }
        assert_eq!(after["Cmd"], json!(["/usr/libexec/s2i/run"]));
        assert_eq!(after["Labels"]["own"], "label");
        assert_eq!(after["OnBuild"], Value::Null);
        assert_eq!(project.image().environment()["OWN"], "variable");
        for setting in ["Tty", "OpenStdin", "StdinOnce"] {
            assert_ne!(after[setting], true, "{setting} of the {round} build");
        }
        assert_eq!(docker(&["image", "inspect", "--format", "{{.Author}}", &project.tag]), "someone");
    }
}

#[test]
fn a_builder_without_settings_gets_none() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).success();
    let (before, after) = (builder.image().config(), project.image().config());
    for field in ["Entrypoint", "User", "ExposedPorts", "Volumes", "Healthcheck", "StopSignal", "Shell"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

#[test]
fn the_assemble_user_is_not_the_user_of_the_image() {
    let builder = Builder::evaluating().instruction("LABEL io.openshift.s2i.assemble-user=1500").make();
    let project = Project::new();
    let outcome = project.build(&builder).assemble("id -u 2>/dev/null || stat -c %u .").success();
    assert_eq!(outcome.assemble_output(), ["1500"]);
    assert!(["", "0", "root"].contains(&project.image().config()["User"].as_str().unwrap()));
}

#[test]
fn options_for_the_engine_do_not_get_into_the_image() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let options = ["--user", "1234", "--network", "none", "--hostname", "here", "--memory", "256m", "-w", "/tmp"];
    let before = builder.image().config();
    let outcome = project.build(&builder).assemble("stat -c %u .").engine_options(&options).success();
    assert_eq!(outcome.assemble_output(), ["1234"]);
    let after = project.image().config();
    assert!(["", "0", "root"].contains(&after["User"].as_str().unwrap()));
    assert_ne!(after["Hostname"], "here");
    assert_eq!(after["WorkingDir"], before["WorkingDir"]);
}

#[test]
fn images_do_not_grow_a_layer_with_each_build() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let layers = |image: &str| docker(&["image", "inspect", "--format", "{{len .RootFS.Layers}}", image]);
    project.build(&builder).assemble("echo 1 >/app/x").success();
    let first = layers(&project.tag);
    project.build(&builder).assemble("echo 2 >/app/x").success();
    assert_eq!(layers(&project.tag), first);
}

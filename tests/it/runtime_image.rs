//! `--runtime-image`: images based on another image than the builder, with what the builder made.

use std::fs;

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::wait_for;

/// A builder whose `assemble` compiles the source to `/app/made`.
fn compiling_builder() -> Builder {
    let assemble = "#!/bin/sh\nset -e\nmkdir -p /app/made/deep\ncp /tmp/src/out /app/made/program\n\
                    ln -s ../program /app/made/deep/link\nchmod 700 /app/made/deep\n\
                    mkdir -p /tmp/.s2i; echo '{\"labels\":[{\"of\":\"assemble\"}]}' >/tmp/.s2i/image_metadata.json\n";
    Builder::new().script("assemble", assemble).file("app/compiler", 0o644, "large").make()
}

/// An image to run things in, as user 1001 in `/srv`.
fn runtime() -> Builder {
    Builder::without_scripts()
        .instruction("LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i")
        .instruction("WORKDIR /srv")
        .instruction("ENV FROM=runtime")
        .folder("srv", 1001, 1001)
        .instruction("USER 1001")
        .script(
            "assemble-runtime",
            "#!/bin/sh\nset -e\necho \"as $(id -u) in $PWD with $FROM $SET\"\necho done >ready\n",
        )
        .script("run", "#!/bin/sh\ncat /srv/*/program /srv/ready\n")
}

#[test]
fn the_result_is_the_runtime_image_with_the_artifacts() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program");
    let options = ["--runtime-image", runtime.name(), "--runtime-artifact", "/app/made", "--env", "SET=it"];
    let outcome = project.build(&builder).args(&options).success();
    outcome.says("as 1001 in /srv with runtime it\n").says("runtime ").never_says("warning:");
    let image = project.image();
    assert_eq!(image.run(&[]), "programdone");
    let files = image.files("/srv");
    let link = &files[b"made/deep/link".as_slice()];
    assert_eq!((link.kind, link.link.as_slice(), link.owner), ('l', b"../program".as_slice(), (1001, 0)));
    assert_eq!(files[b"made/deep".as_slice()].mode, 0o700);
    assert!(!image.has("/app/compiler") && !image.has("/tmp/artifacts") && !image.has("/tmp/src"));
    let config = image.config();
    assert_eq!(config["Cmd"], json!(["/usr/libexec/s2i/run"]));
    assert_eq!((&config["User"], &config["WorkingDir"]), (&json!("1001"), &json!("/srv")));
    let full = |name: &str| format!("docker.io/library/{name}:latest");
    assert_eq!(image.label("io.openshift.s2i.build.image").unwrap(), full(builder.name()));
    assert_eq!(image.label("org.opencontainers.image.base.name").unwrap(), full(runtime.name()));
    assert_eq!(image.label("of").unwrap(), "assemble");
    for image in [&builder, &runtime] {
        wait_for("all containers are removed", || image.containers().is_empty());
    }
    // The result has no `save-artifacts` of the builder, so the next build is a clean one.
    project.build(&builder).args(&options).success().says("(clean)");
}

#[test]
fn artifacts_go_where_they_are_wanted() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program");
    let options = ["--runtime-image", runtime.name(), "-a", "/app/made/program:a/b", "-a", "/app/made/deep/.:/srv/c"];
    project.build(&builder).args(&options).engine_options(&["--env", "OTHER=1", "-w", "/srv"]).success();
    let config = project.image().config();
    assert_eq!(
        (&config["Env"], &config["WorkingDir"], &config["User"]),
        (&json!(["FROM=runtime"]), &json!("/srv"), &json!("1001"))
    );
    let files = project.image().files("/srv");
    let names: Vec<_> = files.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    assert_eq!(names, ["", "a", "a/b", "a/b/program", "c", "c/link", "ready"]);
}

#[test]
fn labels_of_the_runtime_image_say_what_and_as_whom() {
    let builder = compiling_builder();
    let runtime = runtime()
        .instruction("LABEL io.openshift.s2i.assemble-input-files=/app/made/program:from-label")
        .instruction("LABEL io.openshift.s2i.assemble-runtime-user=0")
        .make();
    let project = Project::new().file("out", "program");
    let build = || project.build(&builder).args(&["--runtime-image", runtime.name()]);
    build().success().says("as 0 in /srv");
    assert!(project.image().has("/srv/from-label/program"));
    assert_eq!(project.image().config()["User"], "1001");
    build().args(&["--assemble-runtime-user", "1001", "-a", "/app/made:x"]).success().says("as 1001 in /srv");
    assert!(!project.image().has("/srv/from-label") && project.image().has("/srv/x/made/program"));
}

#[test]
fn scripts_of_the_source_win_in_the_second_stage() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program").file(".s2i/bin/run", "#!/bin/sh\necho own run\n");
    project.write(".s2i/bin/assemble-runtime", "#!/bin/sh\necho own $0\n");
    let options = ["--runtime-image", runtime.name(), "-a", "/app/made"];
    project.build(&builder).args(&options).success().says("own /tmp/scripts/assemble-runtime\n");
    assert_eq!(project.image().run(&[]), "own run");
    assert!(!project.image().has("/srv/ready"));
}

#[test]
fn a_runtime_image_without_run_keeps_its_own_command() {
    let builder = compiling_builder();
    let runtime = Builder::without_scripts()
        .script("assemble-runtime", "#!/bin/sh\n")
        .instruction("WORKDIR /srv")
        .instruction("CMD [\"cat\", \"/srv/program\"]")
        .make();
    let project = Project::new().file("out", "program");
    let options = ["--runtime-image", runtime.name(), "-a", "/app/made/program"];
    project.build(&builder).args(&options).success().says("note: neither the source nor the runtime image has a `run`");
    assert_eq!(project.image().run(&[]), "program");
}

#[test]
fn a_failed_second_stage_moves_no_tag() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program");
    let build = |artifact: &str| project.build(&builder).args(&["--runtime-image", runtime.name(), "-a", artifact]);
    let outcome = build("/app/none").run().status(125).says("error: cannot copy the artifact `/app/none`");
    outcome.says("hint: ");
    let outcome = build("/app/made:/usr/x").run().status(125).says("error: cannot copy the artifacts to their places");
    outcome.says("ermission denied").says("hint: ");
    project.write(".s2i/bin/assemble-runtime", "#!/bin/sh\nexit 9\n");
    build("/app/made").run().status(9).says("`assemble-runtime` failed with exit status 9");
    assert_eq!(project.id(), None);
    fs::remove_file(project.path().join(".s2i/bin/assemble-runtime")).unwrap();
    let bare = Builder::without_scripts().make();
    let run = project.build(&builder).args(&["--runtime-image", bare.name(), "-a", "/app/made"]);
    run.run().status(125).says("assemble-runtime`: it is missing");
    for image in [&builder, &runtime, &bare] {
        assert_eq!(image.containers(), [""; 0]);
    }
}

#[test]
fn what_a_second_stage_needs_is_asked_for_before_anything_is_built() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program");
    let run = project.build(&builder).args(&["--runtime-image", "minis2i-none"]);
    run.run().status(125).says("there is no runtime image `minis2i-none`").says("--runtime-pull-policy if-not-present");
    let run = project.build(&builder).args(&["--runtime-image", runtime.name()]);
    run.run()
        .status(2)
        .says("no artifacts are given for the runtime image")
        .says("hint: name them with `--runtime-artifact");
    for alone in [["-a", "/x"], ["--assemble-runtime-user", "1"]] {
        project.build(&builder).args(&alone).run().status(2).says("--runtime-image");
    }
    let run = project.build(&builder).args(&["--incremental", "--runtime-image", runtime.name()]);
    run.run().status(2).says("cannot be used with");
}

#[test]
fn the_runtime_image_is_pulled_as_the_policy_says() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let log = StandInCli::new(&format!(
        "if [ \"$1\" = pull ]; then echo pull >>\"$here/log\"; exec docker tag {} \"$2\"; fi\nexec docker \"$@\"",
        runtime.name()
    ));
    let project = Project::new().file("out", "program");
    let name = format!("{}-pulled", runtime.name());
    let build = |policy: &str| {
        let run = project.build(&builder).args(&["--runtime-image", &name, "-a", "/app/made", "--engine", &log.path()]);
        run.args(&["--runtime-pull-policy", policy]).success()
    };
    build("if-not-present");
    build("if-not-present");
    build("never");
    assert_eq!(log.read("log"), "pull\n");
    build("always");
    assert_eq!(log.read("log"), "pull\npull\n");
    docker(&["image", "rm", &name]);
}

#[test]
fn an_interrupt_in_the_second_stage_leaves_no_container() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "program");
    project.write(".s2i/bin/assemble-runtime", "#!/bin/sh\necho waiting\nexec sleep 1000\n");
    let run = project.build(&builder).args(&["--runtime-image", runtime.name(), "-a", "/app/made"]).start();
    run.wait_for_stderr("waiting\n");
    run.signal("INT");
    run.end().status(130);
    for image in [&builder, &runtime] {
        assert_eq!(image.containers(), [""; 0]);
    }
    assert_eq!(project.id(), None);
}

#[test]
fn a_watch_makes_the_second_stage_of_every_save() {
    let (builder, runtime) = (compiling_builder(), runtime().make());
    let project = Project::new().file("out", "one");
    let options = ["--runtime-image", runtime.name(), "--runtime-artifact", "/app/made"];
    let running = project.watch_as_text(&builder).args(&options).start();
    running.wait_for_stderr("build ok");
    project.write("out", "two");
    running.wait_for_stderr("; no standby: a runtime image is used)");
    assert_eq!(project.image().run(&[]), "twodone");
    running.signal("INT");
    running.end().status(130);
    for image in [&builder, &runtime] {
        assert_eq!(image.containers_of_builds(), [""; 0]);
    }
}

//! The configuration of the image, which is that of the builder except for the command.

use std::fs;

use serde_json::{Value, json};

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::evaluating_builder::assemble_after;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
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
        // Settings that a commit does not take make a second image, and the first one must go.
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
fn the_health_check_is_the_images_and_does_not_run_in_a_build() {
    let log = StandInCli::logging();
    let checks = [
        "HEALTHCHECK --interval=100ms --timeout=1m --start-period=2s --retries=4 CMD [\"touch\", \"/app/a \\\"b\\\"\"]",
        "HEALTHCHECK --interval=100ms CMD [ -f /app/a ] || touch /app/a && echo \"$HOME\" \\$A",
        "HEALTHCHECK NONE",
    ];
    for check in checks {
        let builder = Builder::evaluating().instruction(check).make();
        let project = Project::new();
        let run = || project.build(&builder).arg(format!("--engine={}", log.path()));
        run().assemble("sleep 1").success();
        run().assemble("sleep 0").success();
        let image = project.image();
        let (before, after) = (builder.image().config(), image.config());
        assert!(!before["Healthcheck"].is_null());
        assert_eq!(after["Healthcheck"], before["Healthcheck"]);
        assert_eq!(image.files("/app").len(), 1, "{check}");
    }
    let calls = log.read("log");
    let runs: Vec<_> = calls.lines().filter(|line| line.starts_with("run ")).collect();
    let without = |line: &&&str| line.contains(" --no-healthcheck ");
    // Both builds start a build container, and the second one starts `save-artifacts`.
    assert_eq!((runs.len(), runs.iter().filter(without).count()), (9, 6), "{calls}");
}

/// The fields of a configuration that come from the builder.
const INHERITED: [&str; 12] = [
    "Env",
    "User",
    "WorkingDir",
    "ExposedPorts",
    "Volumes",
    "Healthcheck",
    "StopSignal",
    "StopTimeout",
    "Shell",
    "Entrypoint",
    "Hostname",
    "Domainname",
];

/// Checks that an image has the configuration of the base, but for its command and the labels of S2I and ours.
#[track_caller]
fn assert_configured_like(after: &Value, before: &Value) {
    for field in INHERITED {
        let default = [json!(""), json!([]), Value::Null];
        let both_empty = default.contains(&after[field]) && default.contains(&before[field]);
        assert!(both_empty || after[field] == before[field], "{field}: {} is not {}", after[field], before[field]);
    }
    let ours = ["io.k8s.", "io.openshift.s2i.build.", "io.github.minis2i.", "org.opencontainers.image."];
    let mut labels = after["Labels"].as_object().unwrap().clone();
    labels.retain(|name, _| !ours.iter().any(|prefix| name.starts_with(prefix)));
    assert_eq!(json!(labels), before["Labels"]);
}

/// Options of `docker run` that configure a container, as far as none of them is in the way of another.
const CONFIGURING: [&[&str]; 14] = [
    &["--env", "A=xyzzy-4711-plugh"],
    &["--env-file", "variables"],
    &["-w", "/tmp"],
    &["-p", "127.0.0.1::81"],
    &["--expose=99"],
    &["-v", "/anonymous"],
    &["--label", "l=1"],
    &["--label-file", "variables"],
    &["--stop-signal", "SIGINT"],
    &["--stop-timeout", "7"],
    &["--health-cmd", "false"],
    &["--hostname", "here"],
    &["--domainname=there"],
    &["--user", "4321"],
];

#[test]
fn options_for_the_engine_do_not_get_into_the_image() {
    let project = Project::new().file("a", "");
    fs::write(project.temp_dir().join("variables"), "B=from-a-file\n").unwrap();
    let build = |builder: &Builder, options: &[&str]| {
        let look = "cd /tmp; echo $A $B $OLDPWD; stat -c %u src; cat /proc/sys/kernel/hostname; [ ! -d /anonymous ] || echo mounted";
        let run = project.build(builder).current_dir(project.temp_dir()).assemble(look);
        let outcome = run.engine_options(options).success();
        assert!(!project.image().has_bytes("xyzzy-4711-plugh"), "{outcome}");
        let mut before = builder.image().config();
        let mut after = project.image().config();
        let variables = after["Env"].as_array_mut().unwrap();
        variables.retain(|pair| !pair.as_str().unwrap().starts_with("ASSEMBLE="));
        if variables.is_empty() {
            before["Env"].take();
            after["Env"].take();
        }
        assert_configured_like(&after, &before);
        outcome
    };
    let plain = Builder::new().script("assemble", &assemble_after(":")).make();
    let rich = Builder::new()
        .script("assemble", &assemble_after(":"))
        .instruction("USER 1234:2000")
        .instruction("EXPOSE 8080 9090/udp")
        .instruction("VOLUME /data")
        .instruction("LABEL l=builder")
        .instruction("ENV A=builder OTHER=builder")
        .make()
        .build_on(
            "HEALTHCHECK --interval=7s CMD [\"true\"]\nSTOPSIGNAL SIGQUIT\nSHELL [\"/bin/sh\", \"-ec\"]\n\
             MAINTAINER someone",
        );
    let options = CONFIGURING.concat();
    for builder in [&plain, &rich] {
        let outcome = build(builder, &options);
        let seen = ["xyzzy-4711-plugh from-a-file /tmp", "4321", "here", "mounted"];
        assert_eq!(outcome.assemble_output(), seen, "{outcome}");
    }
    assert_eq!(docker(&["image", "inspect", "--format", "{{.Author}}", &project.tag]), "someone");
    build(&rich, &["--no-healthcheck", "--memory", "256m", "--label=l=1"]);
    // The layers and their history are those of the commit.
    let history = docker(&["history", "--no-trunc", "--quiet", &project.tag]).lines().count();
    assert_eq!(history, docker(&["history", "--no-trunc", "--quiet", rich.name()]).lines().count() + 1);
    let label = format!("label=io.github.minis2i.builder={}", rich.id());
    wait_for("the committed images are gone", || {
        docker(&["images", "--quiet", "--filter", &label]).lines().count() == 1
    });
}

#[test]
fn a_proxy_of_the_engines_cli_does_not_get_into_the_image() {
    let project = Project::new().file("a", "");
    let config = project.temp_dir().join("client");
    fs::create_dir(&config).unwrap();
    let proxies = r#"{"proxies": {"default": {"httpProxy": "http://user:xyzzy-4711-plugh@proxy:1"}}}"#;
    fs::write(config.join("config.json"), proxies).unwrap();
    let builder = Builder::shared_evaluating();
    let run = project.build(&builder).env("DOCKER_CONFIG", &config).arg("--env=MINE=1");
    let outcome = run.assemble("echo $http_proxy").save("echo saved with $http_proxy >&2").success();
    assert_eq!(outcome.assemble_output(), ["http://user:xyzzy-4711-plugh@proxy:1"], "{outcome}");
    let image = project.image();
    assert!(!image.has_bytes("xyzzy-4711-plugh"));
    let variables = image.environment();
    let names: Vec<&str> = variables.keys().map(String::as_str).collect();
    assert_eq!(names, ["ASSEMBLE", "MINE", "SAVE"]);
    let run = project.build(&builder).env("DOCKER_CONFIG", &config).assemble("true");
    run.success().says("saved with http://user:xyzzy-4711-plugh@proxy:1\n");
}

#[test]
fn an_engine_that_wants_all_layers_gets_them() {
    // The image store of containerd refuses an image whose layers are not in the archive.
    let engine = StandInCli::new(
        "if [ \"$1\" = load ] && ! [ -e \"$here/refused\" ]; then\n\
         : >\"$here/refused\"; cat >/dev/null; echo no such blob >&2; exit 1\nfi\nexec docker \"$@\"",
    );
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("out", "made");
    let run = project.build(&builder).arg(format!("--engine={}", engine.path())).assemble("cp out /app/; echo $A");
    let outcome = run.engine_options(&["--env", "A=xyzzy-4711-plugh"]).success();
    assert_eq!(outcome.assemble_output(), ["xyzzy-4711-plugh"], "{outcome}");
    assert!(engine.has("refused"));
    assert_eq!(project.image().run(&[]), "made");
    assert!(!project.image().has_bytes("xyzzy-4711-plugh"));
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

#[test]
fn a_builder_with_a_shell_failed_where_a_build_takes_an_id_for_a_name() {
    let stand_in =
        StandInCli::new("[ \"$1\" != build ] || { echo 'pull access denied' >&2; exit 1; }\nexec docker \"$@\"");
    let builder = Builder::copying().make().build_on("SHELL [\"/bin/sh\", \"-ec\"]\nMAINTAINER someone");
    let project = Project::new().file("a", "");
    project.build(&builder).arg("--engine").arg(stand_in.path()).success();
    assert_eq!(project.image().config()["Shell"], json!(["/bin/sh", "-ec"]));
    assert_eq!(docker(&["image", "inspect", "--format", "{{.Author}}", &project.tag]), "someone");
}

#[test]
fn a_commit_failed_where_the_cli_has_a_new_name_for_its_option() {
    let stand_in = StandInCli::new(
        "echo \"$*\" >>\"$here/log\"\nif [ \"$1\" = commit ]; then\n  for word; do\n    shift\n    case $word in\n      \
         --pause*) echo 'unknown flag: --pause' >&2; exit 125;;\n      --no-pause) set -- \"$@\" --pause=false;;\n      \
         *) set -- \"$@\" \"$word\";;\n    esac\n  done\nfi\nexec docker \"$@\"",
    );
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--engine").arg(stand_in.path()).start_watch();
    watch.wait_for_build(1);
    watch.build_after(|| project.write("a", "2"));
    assert_eq!(project.image_file("a"), "2");
    watch.stop("INT");
    let log = stand_in.read("log");
    let commits = |option: &str| log.lines().filter(|line| line.starts_with("commit") && line.contains(option)).count();
    assert_eq!((commits("--pause=false"), commits("--no-pause")), (1, 2), "it is learned once\n{log}");
}

//! What the image looks like that comes out: its configuration, its environment, its labels.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::project::Project;
use crate::support::wait::wait_for;

fn config(image: &str) -> Value {
    serde_json::from_str(&docker(&["image", "inspect", "--format", "{{json .Config}}", image])).unwrap()
}

/// The variables of an image, none of which may be there twice.
#[track_caller]
fn environment(image: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for pair in config(image)["Env"].as_array().into_iter().flatten() {
        let (name, value) = pair.as_str().unwrap().split_once('=').unwrap();
        assert_eq!(found.insert(name.to_owned(), value.to_owned()), None, "`{name}` is there twice");
    }
    found
}

fn git(folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"];
    let output = Command::new("git").arg("-C").arg(folder).args(who).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

mod configuration {
    use super::*;

    #[test]
    fn the_builders_settings_are_kept_and_the_command_is_run() {
        let builder = Builder::obeying()
            .file("entry", 0o755, "#!/bin/sh\nexec \"$@\"\n")
            .change(r#"ENTRYPOINT ["/entry"]"#)
            .change("USER 1234:2000")
            .change("EXPOSE 8080 9090/udp")
            .change("VOLUME /data")
            .change("LABEL own=label")
            .change("ENV OWN=variable")
            .change(r#"CMD ["usage"]"#)
            .make()
            .build_on(
                "HEALTHCHECK --interval=7s CMD [\"true\"]\nSTOPSIGNAL SIGQUIT\nSHELL [\"/bin/sh\", \"-ec\"]\n\
                 MAINTAINER somebody",
            );
        let project = Project::new().file("a", "");
        let label = format!("label=io.github.minis2i.builder={}", builder.id());
        let images = || docker(&["images", "--all", "--quiet", "--filter", &label]).lines().count();
        let mut steps = None;
        for round in ["clean", "incremental"] {
            project.build(&builder).success();
            // The engine's own build, which takes what a commit does not, leaves nothing of superseded images either.
            let made = *steps.get_or_insert_with(images);
            wait_for("the superseded image is gone with its steps", || images() == made);
            let (before, after) = (config(builder.name()), project.image().config());
            for field in
                ["Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Healthcheck", "StopSignal", "Shell"]
            {
                assert!(!before[field].is_null(), "{field}");
                assert_eq!(after[field], before[field], "{field} of the {round} build");
            }
            assert_eq!(after["Cmd"], json!(["/usr/libexec/s2i/run"]));
            assert_eq!(after["Labels"]["own"], "label");
            assert_eq!(after["OnBuild"], Value::Null);
            assert_eq!(environment(&project.tag)["OWN"], "variable");
            for setting in ["Tty", "OpenStdin", "StdinOnce"] {
                assert_ne!(after[setting], true, "{setting} of the {round} build");
            }
            assert_eq!(docker(&["image", "inspect", "--format", "{{.Author}}", &project.tag]), "somebody");
        }
    }

    #[test]
    fn a_builder_without_settings_gets_none() {
        let builder = Builder::obedient();
        let project = Project::new();
        project.build(&builder).success();
        let (before, after) = (config(builder.name()), project.image().config());
        for field in ["Entrypoint", "User", "ExposedPorts", "Volumes", "Healthcheck", "StopSignal", "Shell"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }

    #[test]
    fn the_assemble_user_is_not_the_user_of_the_image() {
        let builder = Builder::obeying().change("LABEL io.openshift.s2i.assemble-user=1500").make();
        let project = Project::new();
        let outcome = project.build(&builder).assemble("id -u 2>/dev/null || stat -c %u .").success();
        assert_eq!(outcome.said(), ["1500"]);
        assert!(["", "0", "root"].contains(&project.image().config()["User"].as_str().unwrap()));
    }

    #[test]
    fn options_for_the_engine_do_not_get_into_the_image() {
        let builder = Builder::obedient();
        let project = Project::new();
        let options = ["--user", "1234", "--network", "none", "--hostname", "here", "--memory", "256m"];
        let outcome = project.build(&builder).assemble("stat -c %u .").rest(&options).success();
        assert_eq!(outcome.said(), ["1234"]);
        let after = project.image().config();
        assert!(["", "0", "root"].contains(&after["User"].as_str().unwrap()));
        assert_ne!(after["Hostname"], "here");
    }

    #[test]
    fn images_do_not_grow_a_layer_with_each_build() {
        let builder = Builder::obedient();
        let project = Project::new();
        let layers = |image: &str| docker(&["image", "inspect", "--format", "{{len .RootFS.Layers}}", image]);
        project.build(&builder).assemble("echo 1 >/app/x").success();
        let first = layers(&project.tag);
        project.build(&builder).assemble("echo 2 >/app/x").success();
        assert_eq!(layers(&project.tag), first);
    }
}

mod variables {
    use super::*;

    #[test]
    fn later_sources_of_a_variable_win_and_none_is_there_twice() {
        let builder = Builder::obeying().change("ENV A=builder B=builder C=builder D=builder").make();
        let names = "B=source\nC=source\nD=source\nE=source\n# no=comment\n  F = spaces \nexport G=exported\n";
        let project = Project::new().file(".s2i/environment", names);
        project.write("../file", "C=file\nD=file\nH=file\n");
        let file = project.path().join("../file").display().to_string();
        let run = project.build(&builder).args(&["-e", "D=first", "-e", "D=typed", "-E", &file, "-e", "I=typed"]);
        let outcome = run.assemble("echo $A $B $C $D $E $F $G $H $I").success();
        assert_eq!(outcome.said(), ["builder source file typed source spaces exported file typed"]);
        let image = environment(&project.tag);
        let values = ["A", "B", "C", "D", "E", "F", "G", "H", "I"].map(|name| image[name].as_str());
        assert_eq!(values, ["builder", "source", "file", "typed", "source", "spaces", "exported", "file", "typed"]);
    }

    #[test]
    fn a_variable_that_is_not_given_again_is_gone() {
        let builder = Builder::obedient();
        let project = Project::new();
        project.build(&builder).args(&["-e", "ONCE=1"]).success();
        assert_eq!(environment(&project.tag)["ONCE"], "1");
        project.build(&builder).success();
        assert!(!environment(&project.tag).contains_key("ONCE"));
    }

    #[test]
    fn values_are_literal() {
        let builder = Builder::obedient();
        let project = Project::new();
        let value = "a \"b\" 'c' $HOME ${X} `d` \\n #e, =f \u{fc}";
        let outcome =
            project.build(&builder).args(&["-e", &format!("X={value}")]).assemble("printf '%s\\n' \"$X\"").success();
        assert_eq!(outcome.said(), [value]);
        assert_eq!(environment(&project.tag)["X"], value);
    }

    #[test]
    fn a_name_alone_takes_its_value_from_here() {
        let builder = Builder::obedient();
        let project = Project::new();
        let run = project.build(&builder).env("FROM_HERE", "two words").args(&["-e", "FROM_HERE"]);
        run.success();
        assert_eq!(environment(&project.tag)["FROM_HERE"], "two words");
    }
}

mod labels {
    use super::*;

    #[test]
    fn labels_say_what_the_image_was_made_of() {
        let builder = Builder::obedient();
        let project = Project::new().file("a", "");
        project.build(&builder).success();
        let image = project.image();
        let label = |name: &str| image.label(name).unwrap_or_else(|| panic!("no label {name}"));
        let full = format!("docker.io/library/{}:latest", builder.name());
        assert_eq!(label("io.k8s.display-name"), project.tag);
        assert_eq!(label("io.openshift.s2i.build.image"), full);
        assert_eq!(label("io.openshift.s2i.build.source-location"), project.path().display().to_string());
        assert_eq!(label("io.openshift.s2i.scripts-url"), "image:///usr/libexec/s2i");
        assert_eq!(label("io.github.minis2i.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("io.github.minis2i.builder"), builder.id());
        assert_eq!(label("org.opencontainers.image.base.name"), full);
        assert_eq!(label("org.opencontainers.image.base.digest"), builder.id());
        let created = label("org.opencontainers.image.created");
        assert!(created.len() == 20 && created.ends_with('Z') && created.as_bytes()[10] == b'T', "{created}");
        assert_eq!(image.label("org.opencontainers.image.revision"), None);
    }

    #[test]
    fn a_builder_given_by_id_is_named_by_it() {
        let builder = Builder::obedient();
        let project = Project::new();
        let id = builder.id();
        let run = project.build(&builder).builder(&id);
        run.success();
        assert_eq!(project.image().label("io.openshift.s2i.build.image"), Some(id));
    }

    #[test]
    fn a_builder_with_a_name_of_digits_is_named_in_full() {
        let builder = Builder::obedient();
        let project = Project::new();
        let name = builder.id()[20..50].to_owned();
        docker(&["tag", builder.name(), &name]);
        let run = project.build(&builder).builder(&name).run();
        docker(&["image", "rm", &name]);
        run.status(0);
        let full = format!("docker.io/library/{name}:latest");
        assert_eq!(project.image().label("io.openshift.s2i.build.image"), Some(full));
    }

    #[test]
    fn the_source_location_is_as_typed() {
        let builder = Builder::obedient();
        let project = Project::new().file("a", "");
        project.build(&builder).source("source/").current_dir(&project.path().join("..")).success();
        assert_eq!(project.image().label("io.openshift.s2i.build.source-location").unwrap(), "source/");
        let odd = project.path().with_file_name("a \"b\" $HOME ${X} \\x 'c' #d");
        symlink("source", &odd).unwrap();
        let odd = odd.display().to_string();
        project.build(&builder).source(&odd).success();
        assert_eq!(project.image().label("io.openshift.s2i.build.source-location"), Some(odd));
    }

    #[test]
    fn the_revision_and_origin_are_those_of_the_work_tree() {
        let builder = Builder::obedient();
        let project = Project::new().file("app/a", "");
        git(&project.path(), &["init", "--quiet"]);
        git(&project.path(), &["add", "."]);
        git(&project.path(), &["commit", "--quiet", "--message", "first"]);
        git(&project.path(), &["remote", "add", "origin", "https://me:secret@git.example/me/app.git"]);
        let app = project.path().join("app").display().to_string();
        project.build(&builder).source(&app).success();
        let revision = git(&project.path(), &["rev-parse", "HEAD"]);
        assert_eq!(project.image().label("org.opencontainers.image.revision"), Some(revision));
        let origin = project.image().label("org.opencontainers.image.source").unwrap();
        assert_eq!(origin, "https://git.example/me/app.git");
    }

    #[test]
    fn equal_builds_have_equal_digests() {
        let builder = Builder::obedient();
        let project = Project::new().file("a", "1");
        let digest = |options: &[&str]| {
            project.build(&builder).args(options).success();
            project.image().label("io.github.minis2i.digest").unwrap()
        };
        let first = digest(&[]);
        assert_eq!(digest(&[]), first);
        assert_ne!(digest(&["-e", "X=1"]), first);
        project.write("a", "2");
        assert_ne!(digest(&[]), first);
    }

    #[test]
    fn a_builder_that_is_a_result_of_ours_passes_no_stale_labels_on() {
        let first = Builder::obedient();
        let project = Project::new().file("a", "");
        git(&project.path(), &["init", "--quiet"]);
        git(&project.path(), &["commit", "--quiet", "--allow-empty", "--message", "first"]);
        project.build(&first).success();
        let second = Project::new();
        second.build(&first).builder(&project.tag).arg("--mount").success();
        let image = second.image();
        assert_eq!(image.label("io.github.minis2i.digest").filter(|digest| !digest.is_empty()), None);
        assert_eq!(image.label("org.opencontainers.image.revision").filter(|revision| !revision.is_empty()), None);
        assert_eq!(image.label("io.k8s.display-name"), Some(second.tag.clone()));
    }

    #[test]
    fn assemble_can_leave_labels() {
        let builder = Builder::obedient();
        let project = Project::new();
        project.write("labels", r#"{"labels":[{"a":"1"},{"b":"two \"words\" $X","io.k8s.display-name":"own"}]}"#);
        let assemble = "mkdir -p /tmp/.s2i; cp labels /tmp/.s2i/image_metadata.json";
        project.build(&builder).assemble(assemble).success();
        let image = project.image();
        assert_eq!(image.label("a").as_deref(), Some("1"));
        assert_eq!(image.label("b").as_deref(), Some("two \"words\" $X"));
        assert_eq!(image.label("io.k8s.display-name").as_deref(), Some("own"));
    }

    #[test]
    fn malformed_labels_are_an_error_and_the_tag_stays() {
        let builder = Builder::obedient();
        let project = Project::new();
        let assemble = "mkdir -p /tmp/.s2i; cp labels /tmp/.s2i/image_metadata.json";
        project.write("labels", r#"{"labels":[]}"#);
        project.build(&builder).assemble(assemble).success();
        let good = project.id();
        for bad in ["", "no json", r#"{"labels":[{"a":1}]}"#] {
            project.write("labels", bad);
            let outcome = project.build(&builder).assemble(assemble).run().status(125);
            outcome.says("error: cannot use the labels that `assemble` left in /tmp/.s2i/image_metadata.json");
            assert_eq!(project.id(), good);
        }
    }
}

mod entrypoint {
    use super::*;

    #[test]
    fn one_that_runs_its_arguments_stays_in_force() {
        let builder = Builder::obeying()
            .file("entry", 0o755, "#!/bin/sh\nexport FROM_ENTRY=yes\necho welcome\nexec \"$@\"\n")
            .change(r#"ENTRYPOINT ["/entry"]"#)
            .make();
        let project = Project::new();
        let save = "mkdir /tmp/k; echo $FROM_ENTRY >/tmp/k/a; tar -C /tmp/k -cf - . 2>/dev/null";
        let outcome = project.build(&builder).assemble("echo $FROM_ENTRY").save(save).success();
        assert_eq!(outcome.said(), ["yes"]);
        outcome.says("welcome\n").never_says("note:");
        assert_eq!(project.image().config()["Entrypoint"], json!(["/entry"]));
    }

    #[test]
    fn one_with_arguments_stays_in_force_for_both_scripts() {
        let builder = Builder::obeying().change(r#"ENTRYPOINT ["/usr/bin/env", "W=1"]"#).make();
        let project = Project::new();
        let save = "mkdir /tmp/k; echo saved $W >/tmp/k/a; tar -C /tmp/k -cf - .";
        project.build(&builder).save(save).success();
        let outcome = project.build(&builder).assemble("echo assembled $W; cat /tmp/artifacts/a").success();
        assert_eq!(outcome.said(), ["assembled 1", "saved 1"]);
    }

    /// Builds twice with a builder whose ENTRYPOINT does not run what it is given.
    fn is_bypassed(builder: &Builder) {
        let entrypoint = config(builder.name())["Entrypoint"].clone();
        let project = Project::new().file("a", "x\n");
        let save = "mkdir /tmp/k; echo saved >/tmp/k/a; tar -C /tmp/k -cf - .";
        let outcome = project.build(builder).assemble("cat a").save(save).success();
        assert_eq!(outcome.said(), ["x"]);
        outcome.says("note: the builder's ENTRYPOINT does not run the command it is given; building without it\n");
        assert_eq!(project.image().config()["Entrypoint"], entrypoint);
        assert_eq!(project.image().config()["Cmd"], json!(["/usr/libexec/s2i/run"]));
        // What is known need not be found out, and said, again.
        let outcome = project.build(builder).assemble("cat /tmp/artifacts/a").success().never_says("note:");
        assert_eq!(outcome.said(), ["saved"]);
        assert_eq!(project.image().config()["Entrypoint"], entrypoint);
    }

    #[test]
    fn one_that_eats_its_arguments_is_bypassed_and_kept() {
        is_bypassed(&Builder::obeying().change(r#"ENTRYPOINT ["/bin/echo"]"#).make());
    }

    #[test]
    fn one_that_fails_is_bypassed_and_kept() {
        is_bypassed(&Builder::obeying().change(r#"ENTRYPOINT ["/bin/false"]"#).make());
    }

    #[test]
    fn one_in_shell_form_is_bypassed_and_kept() {
        is_bypassed(&Builder::obeying().make().build_on("ENTRYPOINT echo hello"));
    }
}

mod volumes {
    use super::*;

    #[test]
    fn one_over_the_destination_keeps_the_source_out_and_loses_scripts() {
        let builder = Builder::copying().change("VOLUME /tmp").file("opt/in/.keep", 0o644, "").make();
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
        let builder = Builder::copying().change("VOLUME /app").make();
        let project = Project::new().file("out", "1\n");
        let outcome = project.build(&builder).success();
        outcome.says("warning: what `assemble` leaves in /app does not get into the image, since /app is a VOLUME");
        assert!(!project.image().has("/app/out"));
    }
}

mod content_of_the_builder {
    use super::*;

    const SHOW: &str = "cd /tmp; for f in src src/* src/d/*; do stat -c '%u:%g %n' $f; done; cat src/a src/old";

    fn builder() -> Builder {
        Builder::obeying().file("tmp/src/old", 0o644, "old\n").file("tmp/src/a", 0o644, "old\n").file(
            "tmp/src/d/e",
            0o644,
            "",
        )
    }

    #[test]
    fn below_the_destination_it_is_merged_with_the_source_and_stays() {
        let builder = builder().make();
        let project = Project::new().file("a", "new\n").file("d/f", "");
        let outcome = project.build(&builder).assemble(SHOW).success();
        let expected = ["0:0 src", "0:0 src/a", "0:0 src/d", "0:0 src/old", "0:0 src/d/e", "0:0 src/d/f", "new", "old"];
        assert_eq!(outcome.said(), expected);
        assert!(project.image().has("/tmp/src/old"));
    }

    #[test]
    fn a_mounted_source_is_no_content_of_the_builder() {
        let builder = Builder::obeying().user("1234:55", 1234, 55).make();
        let project = Project::new().file("a", "new\n").file(".s2i/bin/run", "#!/bin/sh\necho mine\n");
        let outcome = project.build(&builder).args(&["--mount", "--verbose"]).assemble("cat a").success();
        assert_eq!(outcome.never_says("docker cp").said(), ["new"]);
        assert_eq!(project.image().run(&[]), "mine");
    }

    #[test]
    fn it_may_be_somebody_elses() {
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
        assert_eq!(outcome.said(), expected);
        assert_eq!(project.image().run(&[]), "mine");
    }
}

//! Where scripts are found without an option: by label, in the usual folders, in the source.

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::project::Project;

const SAY: &str = "#!/bin/sh\nset -e\necho \"assembled by $0\"\n";

/// Builds with a builder that has its scripts in this folder, and perhaps an instruction that names the folder.
fn build_with_scripts_in(folder: &str, instruction: Option<&str>) -> crate::support::outcome::Outcome {
    let mut builder = Builder::without_scripts().instruction("WORKDIR /app").file("usr/local/s2i/decoy", 0o644, "");
    for script in ["assemble", "run"] {
        builder = builder.file(&format!("{folder}/{script}"), 0o755, SAY);
    }
    if let Some(instruction) = instruction {
        builder = builder.instruction(instruction);
    }
    let builder = builder.make();
    let project = Project::new().file("a", "");
    let outcome = project.build(&builder).success();
    assert_eq!(project.image().config()["Cmd"], json!([format!("/{folder}/run")]), "{outcome}");
    outcome.says(&format!("assembled by /{folder}/assemble\n"))
}

#[test]
fn the_label_names_the_scripts() {
    build_with_scripts_in("opt/scripts", Some("LABEL io.openshift.s2i.scripts-url=image:///opt/scripts"))
        .never_says("note:");
}

#[test]
fn a_slash_at_the_end_of_the_label_does_not_double() {
    build_with_scripts_in("opt/scripts", Some("LABEL io.openshift.s2i.scripts-url=image:///opt/scripts/"));
}

#[test]
fn the_old_label_names_the_scripts() {
    build_with_scripts_in("opt/scripts", Some("LABEL io.s2i.scripts-url=image:///opt/scripts"));
}

#[test]
fn the_old_variable_names_the_scripts() {
    build_with_scripts_in("opt/scripts", Some("ENV STI_SCRIPTS_URL=image:///opt/scripts"));
}

#[test]
fn without_a_label_scripts_are_found_in_the_usual_folder_with_a_note() {
    build_with_scripts_in("usr/libexec/s2i", None)
        .says("note: the builder has no label `io.openshift.s2i.scripts-url`");
}

#[test]
fn without_a_label_scripts_are_found_in_the_other_usual_folder() {
    build_with_scripts_in("usr/local/s2i", None).says("note: ");
}

#[test]
fn labels_and_a_variable_name_the_destination() {
    for instruction in
        ["LABEL io.openshift.s2i.destination=/opt/in", "LABEL io.s2i.destination=/opt/in/", "ENV STI_LOCATION=/opt/in"]
    {
        let assemble = "#!/bin/sh\nset -e\ncat /opt/in/src/a\n[ ! -e /tmp/src ]\n\
                        [ ! -e /opt/in/artifacts ] || cat /opt/in/artifacts/b\necho artifact >/app/b\n";
        let builder = Builder::new()
            .script("assemble", assemble)
            .script("save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - b\n")
            .file("opt/in/.keep", 0o644, "")
            .instruction(instruction)
            .make();
        let project = Project::new().file("a", "source\n").file(".s2i/bin/run", "#!/bin/sh\necho ran\n");
        project.build(&builder).success().says("source\n");
        project.build(&builder).success().says("source\nartifact\n");
        assert_eq!(project.image().config()["Cmd"], json!(["/opt/in/scripts/run"]), "{instruction}");
        assert_eq!(project.image().run(&[]), "ran");
        assert!(!project.image().has("/opt/in/src"), "{instruction}");
    }
}

#[test]
fn scripts_of_the_source_win_executable_or_not() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho the builder\n").make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\necho the source in $0\n");
    project.write(".s2i/bin/run", "#!/bin/sh\necho run of the source\n");
    for mode in [0o644, 0o755] {
        project.chmod(".s2i/bin/assemble", mode);
        project.chmod(".s2i/bin/run", mode);
        let outcome = project.build(&builder).success();
        outcome.says("the source in /tmp/scripts/assemble\n").never_says("the builder\n");
        assert_eq!(project.image().config()["Cmd"], json!(["/tmp/scripts/run"]));
        assert_eq!(project.image().run(&[]), "run of the source");
    }
}

#[test]
fn a_script_of_the_source_that_git_ignores_still_counts() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho the builder\n").make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\necho the source\n").file(".gitignore", "bin/\n");
    project.build(&builder).success().says("the source\n");
}

#[test]
fn only_the_scripts_that_the_source_has_are_replaced() {
    let builder = Builder::new().script("assemble", "#!/bin/sh\necho the builder\n").make();
    let project = Project::new().file(".s2i/bin/run", "#!/bin/sh\necho run of the source\n");
    project.build(&builder).success().says("the builder\n");
    assert_eq!(project.image().run(&[]), "run of the source");
}

#[test]
fn an_image_without_scripts_takes_those_of_the_source() {
    let builder = Builder::without_scripts().make();
    let project = Project::new().file(".s2i/bin/assemble", "#!/bin/sh\necho the source\n");
    project.write(".s2i/bin/run", "#!/bin/sh\necho ran\n");
    project.build(&builder).success().says("the source\n");
    assert_eq!(project.image().run(&[]), "ran");
}

#[test]
fn a_script_runs_by_its_own_first_line_in_the_workdir_with_nothing_to_read() {
    let assemble = "#!/usr/bin/env -S FIRST=line sh\necho \"$FIRST in $PWD\"\nwc -c\n[ $# = 0 ] && echo no arguments\n";
    let builder = Builder::new().script("assemble", assemble).make();
    Project::new().file("a", "").build(&builder).success().says("line in /app\n0\nno arguments\n");
}

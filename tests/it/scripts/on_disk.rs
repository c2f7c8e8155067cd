//! `--scripts-url` with a folder of this machine.

use std::fs;

use super::fixtures::{assert_image_runs, builder, folder_with, script_named};
use crate::support::builder::Builder;
use crate::support::exit_status::{ENGINE, USAGE};
use crate::support::project::Project;

#[test]
fn the_old_name_of_the_sources_folder_counts_behind_the_new_one() {
    let builder = builder();
    let project =
        Project::new().file(".sti/bin/assemble", &script_named("old")).file(".sti/bin/run", &script_named("old run"));
    project.write(".s2i/bin/run", &script_named("new run"));
    project.build(&builder).success().says("old in /tmp/scripts/assemble\n");
    assert_image_runs(&project, "/tmp/scripts/run", "new run in /tmp/scripts/run");
}

#[test]
fn one_with_a_single_script_leaves_the_others_in_the_image() {
    let builder = builder();
    let folder = folder_with(&[("run", &script_named("my run"))]);
    let path = folder.path().display().to_string();
    for url in [format!("file://{path}"), path] {
        let project = Project::new();
        project.build(&builder).args(&["-s", &url]).success().says("label assemble in /opt/label/assemble\n");
        assert_image_runs(&project, "/tmp/scripts/run", "my run in /tmp/scripts/run");
    }
}

#[test]
fn it_wins_over_the_source_which_wins_over_the_label() {
    let builder = builder();
    let folder = folder_with(&[("assemble", &script_named("my assemble"))]);
    let project = Project::new().file(".s2i/bin/assemble", &script_named("source assemble"));
    project.write(".s2i/bin/run", &script_named("source run"));
    let run = project.build(&builder).args(&["-s", folder.path().to_str().unwrap()]);
    run.success().says("my assemble in /tmp/scripts/assemble\n").never_says("source assemble");
    assert_image_runs(&project, "/tmp/scripts/run", "source run in /tmp/scripts/run");
}

#[test]
fn relative_ones_are_meant_from_here() {
    let builder = builder();
    let project = Project::new().file("../mine/assemble", &script_named("my assemble"));
    let here = project.path().join("..");
    for url in ["file://mine", "mine", "./mine/"] {
        let outcome = project.build(&builder).current_dir(&here).args(&["-s", url]).success();
        outcome.says("my assemble in /tmp/scripts/assemble\n");
    }
}

#[test]
fn a_save_artifacts_is_used_at_once() {
    let builder = builder();
    let project = Project::new();
    let assemble = "#!/bin/sh\ncat /tmp/artifacts/kept 2>/dev/null || echo nothing\n";
    let mine = folder_with(&[("assemble", assemble)]);
    let url = mine.path().display().to_string();
    project.build(&builder).args(&["-s", &url]).success().says("nothing\n");
    let save = "#!/bin/sh\necho \"kept by $0\" >/tmp/kept\nexec tar -C /tmp -cf - kept\n";
    fs::write(mine.path().join("save-artifacts"), save).unwrap();
    project.build(&builder).args(&["-s", &url]).success().says("kept by /tmp/scripts/save-artifacts\n");
}

#[test]
fn variables_reach_them() {
    let builder = builder();
    let mine = folder_with(&[("assemble", "#!/bin/sh\necho \"$NAME in $PWD\"\n"), ("run", "#!/bin/sh\necho $NAME\n")]);
    let project = Project::new();
    let run = project.build(&builder).args(&["-s", mine.path().to_str().unwrap(), "-e", "NAME=value"]);
    run.success().says("value in /work\n");
    assert_eq!(project.image().run(&[]), "value");
}

#[test]
fn places_without_scripts_are_refused() {
    let builder = builder();
    let empty = folder_with(&[]);
    let path = empty.path().display().to_string();
    for (url, cause) in [
        (path.as_str(), "names a place without scripts"),
        ("/none/such", "there is no such folder on this machine"),
        ("file:///none/such", "there is no such folder on this machine"),
        ("ftp://host.example/s2i", "begins with `ftp://`, which is not understood"),
        ("image:/usr/libexec/s2i", "has no `//` after `image:`"),
    ] {
        let project = Project::new();
        let outcome = project.build(&builder).args(&["-s", url]).run().status(USAGE);
        outcome.says(cause).says("\nhint: ");
        assert_eq!(project.id(), None, "{url}");
    }
}

#[test]
fn a_bad_first_line_names_the_file() {
    let builder = builder();
    let mine = folder_with(&[("assemble", "#!/none/sh\n")]);
    let project = Project::new();
    let run = project.build(&builder).args(&["-s", mine.path().to_str().unwrap()]);
    let outcome = run.run().status(USAGE);
    outcome.says(&format!("cannot run the script `{}/assemble`", mine.path().display())).says("`/none/sh`");
}

#[test]
fn a_label_may_name_one() {
    let mine = folder_with(&[("assemble", &script_named("labelled")), ("run", &script_named("labelled run"))]);
    let label = format!("LABEL io.openshift.s2i.scripts-url=file://{}", mine.path().display());
    let builder = Builder::without_scripts().instruction(&label).make();
    let project = Project::new();
    project.build(&builder).success().says("labelled in /tmp/scripts/assemble\n");
    assert_image_runs(&project, "/tmp/scripts/run", "labelled run in /tmp/scripts/run");
    // The image inherits the label, and is asked for artifacts all the same.
    project.build(&builder).success().says("incremental");
    fs::remove_file(mine.path().join("assemble")).unwrap();
    let outcome = project.build(&builder).run().status(ENGINE);
    outcome.says(&format!("there is none in `{}`", mine.path().display()));
}

//! Files survive from the `save-artifacts` of one image to the `assemble` of the next as they are.

use std::sync::Arc;

use super::fixtures::{AS_TAR, assemble_script};
use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;

const BY_COPY: &str = "cp -a /tmp/kept/. /tmp/artifacts/";

/// Makes artifacts in one build, and checks what the next two show of them, which get them in one way each.
#[track_caller]
fn assert_survives(builder: &Builder, make: &str, show: &str, expected: &[&str]) {
    let project = Project::new().file("a", "");
    let assemble = assemble_script(make, show);
    let first = project.build(builder).assemble(&assemble).save(AS_TAR).success();
    assert!(first.assemble_output().is_empty(), "{first}");
    for (way, next) in [("as a tar", BY_COPY), ("by copy", "")] {
        let outcome = project.build(builder).assemble(&assemble).save(next).success().never_says("warning:");
        assert_eq!(outcome.assemble_output(), expected, "{way}\n{outcome}");
    }
}

fn unprivileged() -> Arc<Builder> {
    shared_builder("unprivileged", || Builder::evaluating().instruction("USER 1234:2000").make())
}

#[test]
fn files_and_folders_survive() {
    let make = "mkdir -p deep/er empty; echo one >deep/er/file; : >nothing";
    assert_survives(
        &Builder::shared_evaluating(),
        make,
        "find . | LC_ALL=C sort; cat deep/er/file",
        &[".", "./deep", "./deep/er", "./deep/er/file", "./empty", "./nothing", "one"],
    );
}

#[test]
fn hard_links_survive() {
    let make = "mkdir d; echo one >a; ln a d/b";
    assert_links_survive(make, "[ a -ef d/b ] && stat -c %h d/b; cat d/b", &["2", "one"]);
}

#[test]
fn hard_links_to_symlinks_survive() {
    assert_links_survive("ln -s target a; ln -P a b", "readlink a b", &["target", "target"]);
}

/// Not every engine keeps hard links of one container for the next, so they are made while saving.
#[track_caller]
fn assert_links_survive(make: &str, show: &str, expected: &[&str]) {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).save(&format!("mkdir /tmp/k; cd /tmp/k; {make}; tar -cf - .")).success();
    let outcome = project.build(&builder).assemble(&format!("cd /tmp/artifacts; {show}")).success();
    assert_eq!(outcome.assemble_output(), expected, "{outcome}");
}

#[test]
fn symlinks_survive_absolute_and_dangling_ones_too() {
    let make = "ln -s /usr/bin/env absolute; ln -s no/where dangling; mkdir d; ln -s ../.. d/up; ln -s d folder";
    let show = "readlink absolute dangling d/up folder";
    assert_survives(&Builder::shared_evaluating(), make, show, &["/usr/bin/env", "no/where", "../..", "d"]);
}

#[test]
fn long_and_odd_names_survive() {
    let long = format!("{0}/{0}/{0}", "n".repeat(120));
    let make = format!(
        "mkdir -p \"${{p=$(dirname {long})}}\"; echo x >{long}; echo y >\"two words 'q' \\\"\"; ln -s {long} link; printf z >'-n'"
    );
    let show = format!("cat {long} two*; readlink link; cat ./-n; echo");
    assert_survives(&Builder::shared_evaluating(), &make, &show, &["x", "y", &long, "z"]);
}

#[test]
fn a_name_with_a_line_end_survives() {
    let make = "echo x >\"two\nlines\"; echo y >plain";
    assert_survives(&Builder::shared_evaluating(), make, "cat \"two\nlines\" plain", &["x", "y"]);
}

#[test]
fn modes_survive() {
    let make = ": >a; : >b; : >c; chmod 600 a; chmod 4755 b; chmod 444 c; mkdir d e f; chmod 700 d; chmod 1777 e
        echo x >f/x; chmod 555 f";
    let show = "stat -c '%n %a' *; cat f/x";
    assert_survives(&unprivileged(), make, show, &["a 600", "b 4755", "c 444", "d 700", "e 1777", "f 555", "x"]);
}

#[test]
fn mtimes_survive() {
    let make =
        "mkdir d; : >d/f; ln -s f d/l; touch -h -d @1000000001 d/l; touch -d @1000000002 d/f; touch -d @1000000003 d";
    assert_survives(&unprivileged(), make, "stat -c %Y d/l d/f d", &["1000000001", "1000000002", "1000000003"]);
}

#[test]
fn all_of_it_belongs_to_the_assemble_user() {
    let make = "mkdir d; : >d/f; ln -s f d/l";
    assert_survives(&unprivileged(), make, "stat -c %u:%g . d d/f d/l; rm -r d", &["1234:2000"; 4]);
}

#[test]
fn fractions_of_a_second_survive() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    // Images keep whole seconds only, so the time has to be set while saving.
    let save = "mkdir -p /tmp/k; touch -d @1000000000.123456789 /tmp/k/f; touch -d @-1000.25 /tmp/k/g
        tar --format=pax -C /tmp/k -cf - f g";
    project.build(&builder).save(save).success();
    let outcome = project.build(&builder).assemble("cd /tmp/artifacts; find f g -printf '%T@\n'").success();
    let said: Vec<_> = outcome.assemble_output().iter().map(|line| line.trim_end_matches('0').to_owned()).collect();
    assert_eq!(said[0], "1000000000.123456789");
    assert!(["-1000.25", "-1001.75"].contains(&&*said[1]), "{outcome}");
}

#[test]
fn sparse_files_survive_in_all_formats() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let look = "[ -e /tmp/artifacts ] || exit 0; cd /tmp/artifacts; stat -c %s s; tail -c 3 s; echo
        dd if=s bs=1M skip=70 count=1 2>/dev/null | head -c 3; echo; [ $(du -m s | cut -f1) -lt 10 ] && echo sparse
        cat after; rm -r /tmp/artifacts";
    let look = look.replace("|| exit 0", "|| { echo none; echo '--- end'; exit 0; }");
    let formats = ["gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1", "pax --sparse-version=1.0"];
    let mut before = None;
    for format in formats.map(Some).into_iter().chain([None]) {
        let save = format!(
            "mkdir /tmp/k; cd /tmp/k; truncate -s 300M s
            for n in $(seq 1 40); do printf mid | dd of=s bs=1M seek=$((7 * n)) conv=notrunc 2>/dev/null; done
            printf end >>s; echo after >after; tar --format={} -S -cf - s after",
            format.unwrap_or("gnu"),
        );
        let outcome = project.build(&builder).assemble(&look).save(&save).success();
        match before {
            None => assert_eq!(outcome.assemble_output(), ["none"]),
            Some(before) => {
                assert_eq!(
                    outcome.assemble_output(),
                    ["314572803", "end", "mid", "sparse", "after"],
                    "{before}\n{outcome}"
                );
            }
        }
        before = format;
    }
}

#[test]
fn what_assemble_leaves_in_the_folder_is_in_the_image() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).assemble("mkdir -p /tmp/artifacts/m2; echo x >/tmp/artifacts/m2/jar").success();
    assert_eq!(project.image().run(&["cat", "/tmp/artifacts/m2/jar"]), "x");
}

#[test]
fn the_folder_itself_can_be_saved_from_build_to_build() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let assemble = "mkdir -p /tmp/artifacts/m2; echo x >>/tmp/artifacts/m2/log; cat /tmp/artifacts/m2/log";
    for expected in [&["x"][..], &["x", "x"], &["x", "x", "x"]] {
        let run = project.build(&builder).assemble(assemble).save("tar -C /tmp/artifacts -cf - .");
        assert_eq!(run.success().assemble_output(), expected);
    }
}

#[test]
fn files_copied_over_their_equals_are_handed_over() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let assemble = "mkdir -p /app/d; echo x >/app/d/f; touch -d @1 /app/d/f /app/d
        if [ -e /tmp/artifacts ]; then cat /tmp/artifacts/d/f; fi";
    for round in 0..4 {
        let outcome = project.build(&builder).assemble(assemble).save("cp -a /app/d /tmp/artifacts/").success();
        let expected: &[&str] = if round == 0 { &[] } else { &["x"] };
        assert_eq!(outcome.assemble_output(), expected, "round {round}\n{outcome}");
    }
    // What is not copied this time is not passed on either.
    project.build(&builder).assemble("ls /tmp/artifacts").save(":").success();
    let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
    assert_eq!(outcome.assemble_output(), ["none"]);
}

#[test]
fn copied_files_are_told_from_those_that_were_there() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let assemble = "mkdir -p /tmp/artifacts; echo old >/tmp/artifacts/old; echo new >/app/new";
    project.build(&builder).assemble(assemble).save("cp /app/new /tmp/artifacts/").success();
    assert_eq!(project.build(&builder).assemble("ls /tmp/artifacts").success().assemble_output(), ["new"]);
}

#[test]
fn artifacts_that_the_engine_did_not_copy_were_missing_without_a_word() {
    let engine = StandInCli::new(
        "if [ \"$1\" = cp ] && [ \"$3\" = - ]; then echo 'Error response from daemon: it is busy' >&2; exit 1; fi\n\
         exec docker \"$@\"",
    );
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let save = "echo a >/tmp/artifacts/a";
    project.build(&builder).save(save).success();
    let outcome = project.build(&builder).save(save).arg("--engine").arg(engine.path()).run();
    outcome.says("cannot fetch the artifacts").says("it is busy");
}

#[test]
fn artifacts_were_lost_when_the_engine_failed_to_start_a_container_once() {
    let engine = StandInCli::new(
        "case \"$*\" in run*--network=container:*)\n\
         if mkdir $here/failed 2>/dev/null; then echo 'docker: Error response from daemon: it is busy' >&2; exit 125; fi;; esac\n\
         exec docker \"$@\"",
    );
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.build(&builder).assemble(&assemble_script("echo x >a", ":")).save(AS_TAR).success();
    let run = project.build(&builder).assemble("cat /tmp/artifacts/a").arg("--engine").arg(engine.path());
    let outcome = run.on_the_default_network().success().never_says("warning:");
    assert!(engine.has("failed"), "{outcome}");
    assert_eq!(outcome.assemble_output(), ["x"]);
}

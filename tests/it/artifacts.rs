//! Artifacts: what `save-artifacts` of one image hands to the `assemble` of the next, and what it may not.

use std::sync::Arc;

use crate::support::builder::{Builder, shared};
use crate::support::engine::{BASE, docker};
use crate::support::outcome::Outcome;
use crate::support::project::Project;

/// The two ways to hand over what lies in `/tmp/kept`.
const AS_TAR: &str = "tar -C /tmp/kept -cf - .";
const BY_COPY: &str = "cp -a /tmp/kept/. /tmp/artifacts/";

/// An `assemble` that makes something in `/tmp/kept`, and shows what it finds in `/tmp/artifacts`.
fn making(make: &str, show: &str) -> String {
    format!(
        "mkdir -p /tmp/kept\ncd /tmp/kept\n{make}\nif [ -e /tmp/artifacts ]; then cd /tmp/artifacts\n{show}\nchmod -R u+w .; rm -rf /tmp/artifacts\nfi"
    )
}

/// What was made in one build is shown so by the next, whichever way it went.
#[track_caller]
fn survives(builder: &Builder, make: &str, show: &str, expected: &[&str]) {
    let project = Project::new().file("a", "");
    let assemble = making(make, show);
    let first = project.build(builder).assemble(&assemble).save(AS_TAR).success();
    assert!(first.said().is_empty(), "{first}");
    for (way, next) in [("as a tar", BY_COPY), ("by copy", "")] {
        let outcome = project.build(builder).assemble(&assemble).save(next).success().never_says("warning:");
        assert_eq!(outcome.said(), expected, "{way}\n{outcome}");
    }
}

fn unprivileged() -> Arc<Builder> {
    shared("unprivileged", || Builder::obeying().change("USER 1234:2000").make())
}

mod content {
    use super::*;

    #[test]
    fn files_and_folders_survive() {
        let make = "mkdir -p deep/er empty; echo one >deep/er/file; : >nothing";
        survives(
            &Builder::obedient(),
            make,
            "find . | LC_ALL=C sort; cat deep/er/file",
            &[".", "./deep", "./deep/er", "./deep/er/file", "./empty", "./nothing", "one"],
        );
    }

    #[test]
    fn hard_links_survive() {
        let make = "mkdir d; echo one >a; ln a d/b";
        linked(make, "[ a -ef d/b ] && stat -c %h d/b; cat d/b", &["2", "one"]);
    }

    #[test]
    fn hard_links_to_symlinks_survive() {
        linked("ln -s target a; ln -P a b", "readlink a b", &["target", "target"]);
    }

    /// Not every engine keeps hard links of one container for the next, so they are made while saving.
    #[track_caller]
    fn linked(make: &str, show: &str, expected: &[&str]) {
        let builder = Builder::obedient();
        let project = Project::new();
        project.build(&builder).save(&format!("mkdir /tmp/k; cd /tmp/k; {make}; tar -cf - .")).success();
        let outcome = project.build(&builder).assemble(&format!("cd /tmp/artifacts; {show}")).success();
        assert_eq!(outcome.said(), expected, "{outcome}");
    }

    #[test]
    fn symlinks_survive_absolute_and_dangling_ones_too() {
        let make = "ln -s /usr/bin/env absolute; ln -s no/where dangling; mkdir d; ln -s ../.. d/up; ln -s d folder";
        let show = "readlink absolute dangling d/up folder";
        survives(&Builder::obedient(), make, show, &["/usr/bin/env", "no/where", "../..", "d"]);
    }

    #[test]
    fn long_and_odd_names_survive() {
        let long = format!("{0}/{0}/{0}", "n".repeat(120));
        let make = format!(
            "mkdir -p \"${{p=$(dirname {long})}}\"; echo x >{long}; echo y >\"two words 'q' \\\"\"; ln -s {long} link; printf z >'-n'"
        );
        let show = format!("cat {long} two*; readlink link; cat ./-n; echo");
        survives(&Builder::obedient(), &make, &show, &["x", "y", &long, "z"]);
    }

    #[test]
    fn a_name_with_a_line_end_survives() {
        let make = "echo x >\"two\nlines\"; echo y >plain";
        survives(&Builder::obedient(), make, "cat \"two\nlines\" plain", &["x", "y"]);
    }

    #[test]
    fn modes_survive() {
        let make = ": >a; : >b; : >c; chmod 600 a; chmod 4755 b; chmod 444 c; mkdir d e f; chmod 700 d; chmod 1777 e
            echo x >f/x; chmod 555 f";
        let show = "stat -c '%n %a' *; cat f/x";
        survives(&unprivileged(), make, show, &["a 600", "b 4755", "c 444", "d 700", "e 1777", "f 555", "x"]);
    }

    #[test]
    fn mtimes_survive() {
        let make = "mkdir d; : >d/f; ln -s f d/l; touch -h -d @1000000001 d/l; touch -d @1000000002 d/f; touch -d @1000000003 d";
        survives(&unprivileged(), make, "stat -c %Y d/l d/f d", &["1000000001", "1000000002", "1000000003"]);
    }

    #[test]
    fn all_of_it_belongs_to_the_assemble_user() {
        let make = "mkdir d; : >d/f; ln -s f d/l";
        survives(&unprivileged(), make, "stat -c %u:%g . d d/f d/l; rm -r d", &["1234:2000"; 4]);
    }

    #[test]
    fn fractions_of_a_second_survive() {
        let builder = Builder::obedient();
        let project = Project::new();
        // Images keep whole seconds only, so the time has to be set while saving.
        let save = "mkdir -p /tmp/k; touch -d @1000000000.123456789 /tmp/k/f; touch -d @-1000.25 /tmp/k/g
            tar --format=pax -C /tmp/k -cf - f g";
        project.build(&builder).save(save).success();
        let outcome = project.build(&builder).assemble("cd /tmp/artifacts; find f g -printf '%T@\n'").success();
        let said: Vec<_> = outcome.said().iter().map(|line| line.trim_end_matches('0').to_owned()).collect();
        assert_eq!(said[0], "1000000000.123456789");
        assert!(["-1000.25", "-1001.75"].contains(&&*said[1]), "{outcome}");
    }

    #[test]
    fn sparse_files_survive_in_all_formats() {
        let builder = Builder::obedient();
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
                None => assert_eq!(outcome.said(), ["none"]),
                Some(before) => {
                    assert_eq!(outcome.said(), ["314572803", "end", "mid", "sparse", "after"], "{before}\n{outcome}");
                }
            }
            before = format;
        }
    }

    #[test]
    fn what_assemble_leaves_in_the_folder_is_in_the_image() {
        let builder = Builder::obedient();
        let project = Project::new();
        project.build(&builder).assemble("mkdir -p /tmp/artifacts/m2; echo x >/tmp/artifacts/m2/jar").success();
        assert_eq!(project.image().run(&["cat", "/tmp/artifacts/m2/jar"]), "x");
    }

    #[test]
    fn the_folder_itself_can_be_saved_from_build_to_build() {
        let builder = Builder::obedient();
        let project = Project::new();
        let assemble = "mkdir -p /tmp/artifacts/m2; echo x >>/tmp/artifacts/m2/log; cat /tmp/artifacts/m2/log";
        for expected in [&["x"][..], &["x", "x"], &["x", "x", "x"]] {
            let run = project.build(&builder).assemble(assemble).save("tar -C /tmp/artifacts -cf - .");
            assert_eq!(run.success().said(), expected);
        }
    }

    #[test]
    fn files_copied_over_their_equals_are_handed_over() {
        let builder = Builder::obedient();
        let project = Project::new();
        let assemble = "mkdir -p /app/d; echo x >/app/d/f; touch -d @1 /app/d/f /app/d
            if [ -e /tmp/artifacts ]; then cat /tmp/artifacts/d/f; fi";
        for round in 0..4 {
            let outcome = project.build(&builder).assemble(assemble).save("cp -a /app/d /tmp/artifacts/").success();
            let expected: &[&str] = if round == 0 { &[] } else { &["x"] };
            assert_eq!(outcome.said(), expected, "round {round}\n{outcome}");
        }
        // What is not copied any more is not handed over any more.
        project.build(&builder).assemble("ls /tmp/artifacts").save(":").success();
        let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
        assert_eq!(outcome.said(), ["none"]);
    }

    #[test]
    fn copied_files_are_told_from_those_that_were_there() {
        let builder = Builder::obedient();
        let project = Project::new();
        let assemble = "mkdir -p /tmp/artifacts; echo old >/tmp/artifacts/old; echo new >/app/new";
        project.build(&builder).assemble(assemble).save("cp /app/new /tmp/artifacts/").success();
        assert_eq!(project.build(&builder).assemble("ls /tmp/artifacts").success().said(), ["new"]);
    }
}

mod nothing {
    use super::*;

    #[test]
    fn no_folder_is_made_when_nothing_was_saved() {
        let builder = Builder::obedient();
        let project = Project::new();
        let ways = ["", ":", "head -c 10240 /dev/zero", "echo 'tar: vendor: Cannot stat' >&2; head -c 10240 /dev/zero"];
        let before = [""].into_iter().chain(ways);
        for (before, save) in before.zip(ways.into_iter().chain([""])) {
            let run = project.build(&builder).save(save).assemble("[ ! -e /tmp/artifacts ] && echo none");
            let outcome = run.success().never_says("warning:");
            assert_eq!(outcome.said(), ["none"], "after `{before}`");
        }
        assert!(!project.image().has("/tmp/artifacts"));
    }

    #[test]
    fn text_after_the_end_of_the_archive_is_fine() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "tar -C /tmp/kept -cf - .; echo /opt/jboss";
        project.build(&builder).assemble(&making("echo x >a", ":")).save(save).success();
        let outcome = project.build(&builder).assemble("cat /tmp/artifacts/a").success().never_says("warning:");
        assert_eq!(outcome.said(), ["x"]);
    }

    #[test]
    fn a_lot_of_text_after_the_end_stops_nobody() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "tar -C /tmp/kept -cf - .; yes | head -c 3000000";
        project.build(&builder).assemble(&making("echo x >a", ":")).save(save).success();
        assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/a").success().said(), ["x"]);
    }

    #[test]
    fn a_builder_without_the_script_costs_no_container() {
        let builder = Builder::new().script("assemble", "#!/bin/sh\n").make();
        let project = Project::new().file("a", "");
        project.build(&builder).success();
        let outcome = project.build(&builder).arg("--verbose").success().never_says("warning:");
        assert_eq!(containers(&outcome), 1, "{outcome}");
    }

    #[test]
    fn no_incremental_costs_no_container() {
        let builder = Builder::obedient();
        let project = Project::new();
        project.build(&builder).assemble(&making("echo x >a", ":")).save(AS_TAR).success();
        let run = project.build(&builder).args(&["--verbose", "--no-incremental"]).assemble("[ ! -e /tmp/artifacts ]");
        let outcome = run.success().says("(clean)");
        assert_eq!(containers(&outcome), 1, "{outcome}");
    }

    #[test]
    fn an_unrelated_image_under_the_tag_is_not_asked() {
        let builder = Builder::obedient();
        let project = Project::new();
        docker(&["tag", BASE, &project.tag]);
        let outcome = project.build(&builder).arg("--verbose").success().says("(clean)").never_says("warning:");
        assert_eq!(containers(&outcome), 1, "{outcome}");
        docker(&["image", "inspect", BASE]);
    }

    /// How many containers were started.
    fn containers(outcome: &Outcome) -> usize {
        outcome.stderr.lines().filter(|line| line.starts_with("$ docker run ")).count()
    }
}

mod sources {
    use super::*;

    #[test]
    fn an_image_that_another_tool_made_is_asked() {
        let previous = Builder::new().script("save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - old\n");
        let previous = previous.file("app/old", 0o644, "x\n").make();
        let builder = Builder::obedient();
        let project = Project::new();
        docker(&["tag", previous.name(), &project.tag]);
        assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/old").success().said(), ["x"]);
        docker(&["image", "inspect", previous.name()]);
    }

    #[test]
    fn the_script_of_the_source_is_used_at_once() {
        let builder = Builder::new()
            .script("assemble", "#!/bin/sh\n[ ! -e /tmp/artifacts ] || cat /tmp/artifacts/x\necho first >/app/x\n")
            .make();
        let project = Project::new().file("a", "");
        project.build(&builder).success();
        project.write(".s2i/bin/save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - x\n");
        project.build(&builder).success().says("first\n").never_says("warning:");
    }

    #[test]
    fn the_variables_of_the_previous_image_count_for_its_script() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "mkdir /tmp/k; echo $WHICH >/tmp/k/which; tar -C /tmp/k -cf - .";
        project.build(&builder).save(save).args(&["-e", "WHICH=old"]).success();
        let run = project.build(&builder).args(&["-e", "WHICH=new"]).assemble("cat /tmp/artifacts/which");
        assert_eq!(run.success().said(), ["old"]);
    }

    #[test]
    fn the_script_runs_without_a_terminal_and_with_nothing_to_read() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "mkdir /tmp/k; { wc -c; [ -t 1 ] || echo none; } >/tmp/k/a; cat >>/tmp/k/a; tar -C /tmp/k -cf - .";
        let save = save.replace("[ -t 1 ]", "[ -t 0 ]");
        project.build(&builder).save(&save).success();
        assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/a").success().said(), ["0", "none"]);
    }
}

mod refused {
    use super::*;
    use tar::EntryType as Type;

    /// One entry of a hand-made archive: no library would write some of these.
    fn entry(kind: Type, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        let mut bytes = [header.as_bytes().as_slice(), content].concat();
        bytes.resize(bytes.len().div_ceil(512) * 512, 0);
        bytes
    }

    /// Archives and things that are none, each with a good entry in front where there can be one. The relay's own tests
    /// know more of them.
    fn tricks() -> Vec<(&'static str, Vec<u8>)> {
        let good = entry(Type::Regular, "good", "", &[b'x'; 3000]);
        let end = vec![0; 1024];
        let with =
            |entries: &[Vec<u8>]| [std::slice::from_ref(&good), entries, std::slice::from_ref(&end)].concat().concat();
        let file = |path: &str| entry(Type::Regular, path, "", b"escaped");
        let link = |path: &str, target: &str| entry(Type::Symlink, path, target, b"");
        vec![
            ("garbage", b"this is no archive at all\n".repeat(100)),
            ("text before", [b"saving artifacts\n".to_vec(), with(&[])].concat()),
            ("cut in content", good[..1000].to_vec()),
            ("cut in a header", [good.clone(), file("other")[..100].to_vec()].concat()),
            ("gzip", [b"\x1f\x8b\x08\x00\0\0\0\0\x00\x03".to_vec(), vec![7; 2000]].concat()),
            ("climbs out", with(&[file("../escaped")])),
            ("absolute", with(&[file("/escaped")])),
            ("device", with(&[entry(Type::Char, "null", "", b"")])),
            ("through a symlink", with(&[link("d", "/app"), file("d/escaped")])),
            ("through links of links", with(&[link("a", "."), link("a/b", ".."), file("b/escaped")])),
            ("hard link out", with(&[entry(Type::Link, "h", "/etc/passwd", b""), file("h")])),
            ("hard link through a symlink", with(&[link("d", "/etc"), entry(Type::Link, "h", "d/passwd", b"")])),
            (
                "through a hard link to a symlink",
                with(&[link("d", "/app"), entry(Type::Link, "e", "d", b""), file("e/escaped")]),
            ),
            ("a folder that becomes a symlink", with(&[file("d/a"), link("d", "/app"), file("d/escaped")])),
            ("a file that becomes a folder", with(&[file("f"), file("f/a")])),
            ("the folder as a symlink", with(&[link(".", "/app"), file("escaped")])),
        ]
    }

    #[test]
    fn what_is_no_clean_archive_gives_a_warning_and_a_build_without_artifacts() {
        let builder = Builder::obedient();
        let project = Project::new();
        std::fs::create_dir_all(project.path()).unwrap();
        let tricks = tricks();
        for (index, (_, bytes)) in tricks.iter().enumerate() {
            std::fs::write(project.path().join(format!("trick{index}")), bytes).unwrap();
        }
        let look = "for f in /tmp/artifacts /escaped /tmp/escaped /app/escaped; do [ ! -e $f ] || echo $f; done
            grep escaped /etc/passwd || true; cp trick* /app/";
        let mut before: Option<&str> = None;
        for index in 0..=tricks.len() {
            let run = project.build(&builder).assemble(look).save(&format!("cat /app/trick{index}"));
            let outcome = run.success();
            let what = before.unwrap_or("nothing");
            assert!(outcome.said().is_empty(), "{what}\n{outcome}");
            let warned = outcome.stderr.contains("warning: `save-artifacts` failed, building without artifacts: ");
            assert_eq!(warned, before.is_some(), "{what}\n{outcome}");
            before = tricks.get(index).map(|(name, _)| *name);
        }
    }

    #[test]
    fn a_script_that_fails_after_a_good_archive_delivers_nothing() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "tar -C /tmp/kept -cf - .; echo sorry >&2; exit 3";
        project.build(&builder).assemble(&making("echo x >a", ":")).save(save).success();
        let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
        assert_eq!(outcome.said(), ["none"]);
        outcome.says("sorry\n").says("warning: `save-artifacts` failed").says("status 3");
    }

    #[test]
    fn a_script_that_fails_after_copying_delivers_nothing() {
        let builder = Builder::obedient();
        let project = Project::new();
        let save = "cp /tmp/kept/a /tmp/artifacts/; exit 3";
        project.build(&builder).assemble(&making("echo x >a", ":")).save(save).success();
        let outcome = project.build(&builder).assemble("[ ! -e /tmp/artifacts ] && echo none").success();
        assert_eq!(outcome.said(), ["none"]);
        outcome.says("warning: `save-artifacts` failed");
    }

    #[test]
    fn what_the_builder_has_there_itself_is_as_it_was_after_a_failure() {
        let builder = Builder::obeying().file("tmp/artifacts/baked", 0o644, "baked\n").make();
        let project = Project::new();
        let save = "mkdir /tmp/k; echo other >/tmp/k/baked; tar -C /tmp/k -cf - .; exit 3";
        project.build(&builder).save(save).success();
        let outcome = project.build(&builder).assemble("cat /tmp/artifacts/*").save(AS_TAR).success().says("warning:");
        assert_eq!(outcome.said(), ["baked"]);
    }

    #[test]
    fn what_the_builder_has_there_itself_stays_beside_the_artifacts() {
        let builder = Builder::obeying().file("tmp/artifacts/baked", 0o644, "baked\n").make();
        let project = Project::new();
        project.build(&builder).assemble(&making("echo own >own", ":")).save(AS_TAR).success();
        assert_eq!(project.build(&builder).assemble("cat /tmp/artifacts/*").success().said(), ["baked", "own"]);
    }
}

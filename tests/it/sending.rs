//! What is sent: which entries of the source, and what of them survives on the way to `assemble`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use filetime::FileTime;

use crate::support::builder::{Builder, shared};
use crate::support::engine::{try_docker, unique};
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::running::Running;
use crate::support::wait::wait_for;

/// An `assemble` that lists all it got, but for folders.
const LIST: &str = "find . ! -type d";

#[track_caller]
fn listed(outcome: &Outcome) -> BTreeSet<&str> {
    outcome.said().into_iter().map(|line| line.trim_start_matches("./")).collect()
}

/// Builds with these options and checks which files arrive.
#[track_caller]
fn sends(project: &Project, options: &[&str], expected: &[&str]) {
    let builder = Builder::obedient();
    let outcome = project.build(&builder).assemble(LIST).args(options).success();
    assert_eq!(listed(&outcome), BTreeSet::from_iter(expected.iter().copied()), "{outcome}");
}

fn git(folder: &Path, args: &[&str]) {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

mod selection {
    use super::*;

    #[test]
    fn dotfiles_are_sent() {
        let project = Project::new().file(".env", "").file(".config/a", "");
        sends(&project, &[], &[".env", ".config/a"]);
    }

    #[test]
    fn what_a_gitignore_names_is_not_sent_in_a_repository_or_not() {
        let project = Project::new().file(".gitignore", "*.log\n/build/\n!keep.log\n").file("a.log", "");
        project.write("keep.log", "");
        project.write("sub/b.log", "");
        project.write("build/c", "");
        project.write("sub/build/d", "");
        let expected = [".gitignore", "keep.log", "sub/build/d"];
        sends(&project, &[], &expected);
        git(&project.path(), &["init", "--quiet"]);
        sends(&project, &[], &expected);
    }

    #[test]
    fn a_nested_gitignore_counts_in_its_folder() {
        let project = Project::new().file("sub/.gitignore", "x\n").file("x", "").file("sub/x", "");
        sends(&project, &[], &["x", "sub/.gitignore"]);
    }

    #[test]
    fn a_gitignore_above_the_source_counts() {
        let project = Project::new().file("a.log", "").file("a.txt", "").file("out/b", "");
        let above = project.path().parent().unwrap().to_owned();
        git(&above, &["init", "--quiet"]);
        fs::write(above.join(".gitignore"), "*.log\n/source/out\n").unwrap();
        sends(&project, &[], &["a.txt"]);
    }

    #[test]
    fn gits_own_list_of_excludes_counts() {
        let project = Project::new().file("a.log", "").file("a.txt", "");
        git(&project.path(), &["init", "--quiet"]);
        fs::create_dir_all(project.path().join(".git/info")).unwrap();
        project.write(".git/info/exclude", "*.log\n");
        sends(&project, &[], &["a.txt"]);
    }

    #[test]
    fn the_users_global_excludes_count() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("git")).unwrap();
        fs::write(home.path().join("git/ignore"), "*.swp\n").unwrap();
        let project = Project::new().file("a.swp", "").file("a.txt", "");
        git(&project.path(), &["init", "--quiet"]);
        let builder = Builder::obedient();
        let run = project.build(&builder).assemble(LIST).env("XDG_CONFIG_HOME", home.path()).env("HOME", home.path());
        assert_eq!(run.success().said(), ["./a.txt"]);
    }

    #[test]
    fn an_ignore_file_counts() {
        let project = Project::new().file(".ignore", "x\n").file("x", "").file("y", "");
        sends(&project, &[], &[".ignore", "y"]);
    }

    #[test]
    fn an_s2iignore_counts_at_any_depth() {
        let project = Project::new().file(".s2iignore", "*.md\n!README.md\n").file("a.md", "").file("README.md", "");
        project.write("sub/.s2iignore", "/local\n");
        project.write("sub/local", "");
        project.write("sub/deep/b.md", "");
        project.write("local", "");
        sends(&project, &[], &[".s2iignore", "README.md", "sub/.s2iignore", "local"]);
    }

    #[test]
    fn an_s2iignore_that_names_itself_still_counts() {
        let project = Project::new().file(".s2iignore", ".s2iignore\nsecret\n").file("secret", "").file("a", "");
        sends(&project, &[], &["a"]);
    }

    #[test]
    fn an_exclude_leaves_out_what_it_names() {
        let project = Project::new().file("a.txt", "").file("docs/b.txt", "").file("docs/c.pdf", "").file("d", "");
        sends(&project, &["--exclude", "docs/*.txt", "--exclude", "/d"], &["a.txt", "docs/c.pdf"]);
    }

    #[test]
    fn an_include_sends_what_git_ignores() {
        let project = Project::new().file(".gitignore", "dist/\n*.log\n").file("dist/js/a.js", "").file("x.log", "");
        project.write("dist/css/a.css", "");
        project.write("y.log", "");
        let options = ["--include", "dist/js/*.js", "--include", "x.log"];
        sends(&project, &options, &[".gitignore", "dist/js/a.js", "x.log"]);
    }

    #[test]
    fn no_gitignore_sends_what_git_ignores_but_not_what_s2iignore_names() {
        let project = Project::new().file(".gitignore", "a\n").file(".s2iignore", "b\n").file("a", "").file("b", "");
        sends(&project, &["--no-gitignore"], &[".gitignore", ".s2iignore", "a"]);
    }

    #[test]
    fn git_folders_and_files_are_never_sent() {
        let project = Project::new().file("a", "").file(".git/config", "").file("sub/.git/config", "");
        project.write("module/.git", "gitdir: ../.git/modules/module\n");
        project.write("module/b", "");
        project.write(".github/c", "");
        sends(&project, &["--no-gitignore", "--include", ".git"], &["a", "module/b", ".github/c"]);
    }

    #[test]
    fn one_note_counts_what_is_ignored_and_names_the_largest() {
        let project = Project::new().file(".gitignore", "*.log\nnode_modules\n").file("a.log", "tiny");
        project.write("node_modules/x/index.js", &"x".repeat(50_000));
        project.write("node_modules/y/index.js", &"y".repeat(50_000));
        let builder = Builder::obedient();
        let outcome = project.build(&builder).success();
        let note = "note: 2 entries are ignored and not sent, the largest is node_modules (97.66 KiB)";
        assert_eq!(outcome.stderr.matches(" ignored ").count(), 1, "{outcome}");
        outcome.says(note);
    }

    #[test]
    fn nothing_is_said_when_nothing_is_ignored() {
        let project = Project::new().file("a", "");
        project.build(&Builder::obedient()).success().never_says("note:");
    }

    #[test]
    fn a_glob_that_can_not_be_parsed_is_a_usage_error() {
        let project = Project::new().file("a", "");
        project.build(&Builder::obedient()).args(&["--exclude", "a["]).run().status(2).says("--exclude a[");
    }
}

mod entries {
    use super::*;

    #[test]
    fn modes_arrive_as_they_are() {
        let project = Project::new();
        let modes = [0o644, 0o755, 0o600, 0o666, 0o4755, 0o2755, 0o1644];
        for mode in modes {
            project.write(&format!("{mode:o}"), "");
            project.chmod(&format!("{mode:o}"), mode);
        }
        for mode in [0o700, 0o1777, 0o2775] {
            fs::create_dir(project.path().join(format!("d{mode:o}"))).unwrap();
            project.chmod(&format!("d{mode:o}"), mode);
        }
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("stat -c '%n %a' *").success();
        for line in outcome.said() {
            let (name, mode) = line.split_once(' ').unwrap();
            assert_eq!(name.trim_start_matches('d'), mode, "{outcome}");
        }
        assert_eq!(outcome.said().len(), modes.len() + 3);
    }

    #[test]
    fn mtimes_of_files_folders_and_links_arrive_to_the_nanosecond() {
        let project = Project::new().file("sub/file", "x").file("late", "x").file("old", "x").file("older", "x");
        symlink("file", project.path().join("sub/link")).unwrap();
        let times = [
            ("sub/link", FileTime::from_unix_time(1_000_000_001, 111_111_111)),
            ("sub/file", FileTime::from_unix_time(1_000_000_002, 222_222_222)),
            ("late", FileTime::from_unix_time(4_000_000_000, 1)),
            ("old", FileTime::from_unix_time(-1000, 0)),
            ("older", FileTime::from_unix_time(-1000, 250_000_000)),
            ("sub", FileTime::from_unix_time(1_000_000_003, 333_333_333)),
            (".", FileTime::from_unix_time(1_000_000_004, 444_444_444)),
        ];
        for (path, time) in times {
            filetime::set_symlink_file_times(project.path().join(path), time, time).unwrap();
        }
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("stat -c %.9Y sub/link sub/file late old older sub .").success();
        let expected: Vec<_> =
            times.iter().map(|(_, time)| format!("{}.{:09}", time.unix_seconds(), time.nanoseconds())).collect();
        // `stat` shows fractions of times before 1970 its own way: counted from the second after.
        let said: Vec<_> =
            outcome.said().iter().map(|line| line.replace("-999.750000000", "-1000.250000000")).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn symlinks_stay_what_they_are() {
        let project = Project::new().file("dir/file", "x");
        let long = format!("dir/{}", "y/".repeat(100));
        for (name, target) in [
            ("good", "dir/file"),
            ("folder", "dir"),
            ("dangling", "no/where"),
            ("absolute", "/etc/passwd"),
            ("self", "self"),
            ("long", &long),
        ] {
            symlink(target, project.path().join(name)).unwrap();
        }
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("readlink absolute dangling folder good long self").success();
        assert_eq!(outcome.said(), ["/etc/passwd", "no/where", "dir", "dir/file", &long, "self"]);
    }

    #[test]
    fn empty_folders_arrive() {
        let project = Project::new().file("a", "");
        fs::create_dir_all(project.path().join("empty/deep")).unwrap();
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("find . -mindepth 1 -type d").success();
        assert_eq!(listed(&outcome), BTreeSet::from(["empty", "empty/deep"]));
    }

    #[test]
    fn an_empty_source_is_passed_on() {
        let project = Project::new();
        let builder = Builder::obedient();
        assert!(project.build(&builder).assemble(LIST).success().said().is_empty());
    }

    #[test]
    fn odd_names_arrive() {
        let names: [&[u8]; 12] = [
            b"a b",
            b"two\nlines",
            b"quo'te",
            b"dou\"ble",
            b"back\\slash",
            b"-rf",
            b"$HOME",
            b"not\xff\xfeutf8",
            b"\t",
            b"*",
            "grüße".as_bytes(),
            b" ",
        ];
        let builder = copying();
        let project = Project::new();
        fs::create_dir_all(project.path()).unwrap();
        for name in names {
            let folder = project.path().join(OsStr::from_bytes(name));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
        }
        project.build(&builder).success();
        let files = project.image().files("/app");
        for name in names {
            let path = [name, b"/", name].concat();
            assert_eq!(files.get(&path).map(|entry| &*entry.content), Some(name), "{}", name.escape_ascii());
        }
        assert_eq!(files.len(), 2 * names.len() + 1);
    }

    #[test]
    fn long_names_and_paths_arrive() {
        let project = Project::new();
        let name = "n".repeat(250);
        let paths = ["a".repeat(100), "b".repeat(101), name.clone(), format!("{name}/{name}/{name}/{name}")];
        for (index, path) in paths.iter().enumerate() {
            // The third is a file, so the fourth has to live elsewhere.
            project.write(&format!("{index}/{path}"), path);
        }
        let builder = copying();
        project.build(&builder).success();
        let files = project.image().files("/app");
        for (index, path) in paths.iter().enumerate() {
            let entry = files.get(format!("{index}/{path}").as_bytes());
            assert_eq!(entry.map(|entry| &*entry.content), Some(path.as_bytes()));
        }
    }

    #[test]
    fn a_sparse_file_of_nine_gigabytes_arrives_sparse_and_right() {
        const SIZE: u64 = 9 << 30;
        let project = Project::new().file("big", "begin");
        let mut file = File::options().write(true).open(project.path().join("big")).unwrap();
        file.set_len(SIZE).unwrap();
        for number in 1..=40 {
            file.seek(SeekFrom::Start(number * (200 << 20))).unwrap();
            write!(file, "part {number:02}").unwrap();
        }
        file.seek(SeekFrom::Start(SIZE - 3)).unwrap();
        file.write_all(b"end").unwrap();
        drop(file);
        let look = "stat -c %s big; [ $(du -m big | cut -f1) -lt 10 ] && echo sparse
            head -c 5 big; echo
            for n in 1 2 7 40; do dd if=big bs=1048576 skip=$((200 * n)) count=1 2>/dev/null | head -c 7; echo; done
            tail -c 3 big; echo; rm big";
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble(look).success();
        let expected = ["9663676416", "sparse", "begin", "part 01", "part 02", "part 07", "part 40", "end"];
        assert_eq!(outcome.said(), expected, "{outcome}");
    }

    #[test]
    fn a_file_of_one_hole_arrives() {
        let project = Project::new().file("hole", "");
        File::options().write(true).open(project.path().join("hole")).unwrap().set_len(1 << 20).unwrap();
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("stat -c %s hole; tr -d '\\0' <hole | wc -c").success();
        assert_eq!(outcome.said(), ["1048576", "0"]);
    }

    #[test]
    fn a_read_only_folder_arrives_with_its_content() {
        let project = Project::new().file("locked/deep/file", "x");
        project.chmod("locked/deep", 0o555);
        project.chmod("locked", 0o555);
        let time = FileTime::from_unix_time(1_000_000_000, 0);
        for path in ["locked/deep", "locked"] {
            filetime::set_file_mtime(project.path().join(path), time).unwrap();
        }
        let builder = user_builder("USER 1234");
        let outcome =
            project.build(&builder).assemble("stat -c '%a %Y' locked locked/deep; cat locked/deep/file; echo");
        let outcome = outcome.success();
        assert_eq!(outcome.said(), ["555 1000000000", "555 1000000000", "x"]);
        assert!(!project.image().has("/tmp/src"));
    }

    #[test]
    fn files_and_folders_of_mode_000_arrive_where_they_can_be_read() {
        let project = Project::new().file("file", "x").file("folder/file", "y");
        project.chmod("file", 0);
        project.chmod("folder", 0);
        let run =
            project.build(&Builder::obedient()).assemble("stat -c %a file folder; cat file folder/file; echo").run();
        if fs::File::open(project.path().join("file")).is_ok() {
            assert_eq!(run.status(0).said(), ["0", "0", "xy"]);
        } else {
            run.status(2).says("cannot read `").says("--exclude");
        }
    }

    #[test]
    fn sockets_and_fifos_are_left_out_with_one_note() {
        let project = Project::new().file("a", "");
        let _socket = UnixListener::bind(project.path().join("socket")).unwrap();
        assert!(Command::new("mkfifo").arg(project.path().join("fifo")).status().unwrap().success());
        let builder = Builder::obedient();
        let outcome = project.build(&builder).assemble("ls -A").success();
        assert_eq!(outcome.said(), ["a"]);
        outcome.says("note: 2 sockets, FIFOs or devices are left out of the source: ");
    }

    #[test]
    fn an_ignored_fifo_is_not_worth_a_note() {
        let project = Project::new().file(".s2iignore", "fifo\n");
        assert!(Command::new("mkfifo").arg(project.path().join("fifo")).status().unwrap().success());
        project.build(&Builder::obedient()).success().never_says("left out");
    }

    #[test]
    fn the_source_is_never_written_to() {
        let project = Project::new().file("a", "x").file("sub/b", "y");
        let look = || {
            let output =
                Command::new("find").arg(project.path()).args(["-printf", "%p %m %T@ %C@ %s\n"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let before = look();
        project.build(&Builder::obedient()).assemble("echo more >>a; rm -rf sub; chmod 777 .").success();
        assert_eq!(look(), before);
    }
}

/// A shared builder whose `assemble` copies the source to `/app`, for content that does not fit into lines.
fn copying() -> Arc<Builder> {
    shared("copying", || Builder::copying().make())
}

mod changes {
    use super::*;

    /// A builder that does not go on before a file `open` is in its folder `/gate`.
    struct Gate {
        folder: tempfile::TempDir,
        builder: Builder,
    }

    impl Gate {
        /// Waits in ENTRYPOINT: the source was looked at, nothing was sent yet.
        fn before_sending() -> Self {
            let wait = "#!/bin/sh\n>/gate/waiting\nuntil [ -e /gate/open ]; do sleep 0.02; done\nexec \"$@\"\n";
            let builder = Builder::obeying().file("entry", 0o755, wait).change(r#"ENTRYPOINT ["/entry"]"#).make();
            Self { folder: tempfile::tempdir().unwrap(), builder }
        }

        /// Waits in `tar`: what is sent fills the pipes and stops.
        fn while_sending() -> Self {
            let wait = "#!/bin/sh\n[ \"$1\" = --version ] && exec /bin/tar --version\n>/gate/waiting\n\
                        until [ -e /gate/open ]; do sleep 0.02; done\nexec /bin/tar \"$@\"\n";
            let builder = Builder::obeying().file("usr/local/bin/tar", 0o755, wait).make();
            Self { folder: tempfile::tempdir().unwrap(), builder }
        }

        fn build(&self, project: &Project, assemble: &str) -> Running {
            let volume = format!("{}:/gate", self.folder.path().display());
            let running = project.build(&self.builder).assemble(assemble).rest(&["--volume", &volume]).start();
            wait_for("the builder waits", || self.folder.path().join("waiting").exists());
            running
        }

        fn open(&self) {
            fs::write(self.folder.path().join("open"), "").unwrap();
        }
    }

    #[test]
    fn what_changes_before_it_is_sent_arrives_as_it_is_then() {
        let gate = Gate::before_sending();
        let project = Project::new().file("shrinks", "long text").file("grows", "x").file("vanishes", "x");
        project.write("folder/vanishes", "x");
        project.write("folder/stays", "x");
        project.write("gone/deep/file", "x");
        symlink("old", project.path().join("link")).unwrap();
        let running = gate
            .build(&project, "for f in $(find . -type f | LC_ALL=C sort); do echo $f $(cat $f); done; readlink link");
        project.write("shrinks", "short");
        project.write("grows", "long text");
        project.write("new/file", "n");
        project.write("folder/vanishes.not", "n");
        fs::remove_file(project.path().join("vanishes")).unwrap();
        fs::remove_file(project.path().join("folder/vanishes")).unwrap();
        fs::remove_dir_all(project.path().join("gone")).unwrap();
        fs::remove_file(project.path().join("link")).unwrap();
        symlink("new", project.path().join("link")).unwrap();
        gate.open();
        let outcome = running.end().status(0);
        let expected = [
            "./folder/stays x",
            "./folder/vanishes.not n",
            "./grows long text",
            "./new/file n",
            "./shrinks short",
            "new",
        ];
        assert_eq!(outcome.said(), expected, "{outcome}");
    }

    #[test]
    fn a_file_that_becomes_a_folder_arrives_as_a_folder() {
        let gate = Gate::before_sending();
        let project = Project::new().file("file", "x").file("folder/inside", "x");
        let running = gate.build(&project, "find . -type f");
        fs::remove_file(project.path().join("file")).unwrap();
        project.write("file/inside", "x");
        fs::remove_dir_all(project.path().join("folder")).unwrap();
        project.write("folder", "x");
        gate.open();
        let outcome = running.end().status(0);
        assert_eq!(listed(&outcome), BTreeSet::from(["file/inside", "folder"]));
    }

    #[test]
    fn folders_have_their_times_after_something_in_them_vanished() {
        let gate = Gate::before_sending();
        let project = Project::new().file("folder/a", "x").file("folder/b", "x").file("c", "x");
        let running = gate.build(&project, "stat -c %.9Y folder .");
        for path in ["folder/a", "c"] {
            fs::remove_file(project.path().join(path)).unwrap();
        }
        for path in ["folder", "."] {
            filetime::set_file_mtime(project.path().join(path), FileTime::from_unix_time(1_000_000_000, 5)).unwrap();
        }
        gate.open();
        assert_eq!(running.end().status(0).said(), ["1000000000.000000005"; 2]);
    }

    /// A file larger than all pipes on the way, and a build that is in the middle of reading it.
    fn in_the_middle_of(gate: &Gate, project: &Project, assemble: &str) -> Running {
        project.write("big", &"x".repeat(24 << 20));
        let running = gate.build(project, assemble);
        let big = project.path().join("big");
        let files = format!("/proc/{}/fd", running.id());
        wait_for("the file is being read", || {
            fs::read_dir(&files).unwrap().flatten().any(|file| fs::read_link(file.path()).is_ok_and(|path| path == big))
        });
        running
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_arrives_whole() {
        let gate = Gate::while_sending();
        let project = Project::new();
        let running = in_the_middle_of(&gate, &project, "stat -c %s big; tr -d y <big | wc -c; cat after");
        project.write("big", "yyyy");
        project.write("after", "the file\n");
        gate.open();
        assert_eq!(running.end().status(0).said(), ["4", "0", "the file"]);
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_arrives_whole() {
        let gate = Gate::while_sending();
        let project = Project::new();
        let running = in_the_middle_of(&gate, &project, "stat -c %s big; tail -c 4 big; echo");
        File::options().append(true).open(project.path().join("big")).unwrap().write_all(b"more").unwrap();
        gate.open();
        assert_eq!(running.end().status(0).said(), ["25165828", "more"]);
    }

    #[test]
    fn a_file_that_vanishes_while_it_is_read_does_not_arrive() {
        let gate = Gate::while_sending();
        let project = Project::new().file("other", "");
        let running = in_the_middle_of(&gate, &project, "ls");
        fs::remove_file(project.path().join("big")).unwrap();
        gate.open();
        assert_eq!(running.end().status(0).said(), ["other"]);
    }

    #[test]
    fn a_file_that_never_rests_is_named_and_the_tag_stays() {
        let project = Project::new().file("restless.log", &"x".repeat(3 << 20)).file("a", "x");
        let builder = Builder::obedient();
        project.build(&builder).success();
        let good = project.id();
        let done = AtomicBool::new(false);
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = File::options().append(true).open(project.path().join("restless.log")).unwrap();
                while !done.load(Ordering::Relaxed) {
                    file.write_all(b"more\n").unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let outcome = project.build(&builder).run();
            done.store(true, Ordering::Relaxed);
            outcome
        });
        outcome.status(2).says("error: `restless.log` changes faster than it can be sent").says("hint: ");
        assert_eq!(project.id(), good);
    }
}

/// A builder with a few accounts and an instruction that makes one of them, or a number, its user.
fn user_builder(user: &'static str) -> Arc<Builder> {
    shared(user, || {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\ndefault:x:1001:0::/app:/bin/sh\nquarkus:x:1002:1003::/app:/bin/sh\n";
        let group = "root:x:0:\nquarkus:x:1003:\nothers:x:2000:\n";
        Builder::obeying().file("etc/passwd", 0o644, passwd).file("etc/group", 0o644, group).change(user).make()
    })
}

mod owners {
    use super::*;

    #[track_caller]
    fn owns_and_can_write(user: &'static str, expected: &str) {
        let builder = user_builder(user);
        let project = Project::new().file("file", "x").file("folder/file", "x").file(".s2i/bin/run", "#!/bin/sh\n");
        symlink("file", project.path().join("link")).unwrap();
        project.chmod("folder/file", 0o444);
        let look = "stat -c %u:%g . file link folder folder/file ../scripts ../scripts/run
            echo more >>file; mv folder moved; rm -f moved/file; chmod 700 .; cd /; rm -rf /tmp/src; mkdir /tmp/src";
        let outcome = project.build(&builder).assemble(look).success();
        assert_eq!(outcome.said(), [expected; 7], "{outcome}");
    }

    #[test]
    fn a_numeric_user_without_an_account_owns_all() {
        owns_and_can_write("USER 1234", "1234:0");
    }

    #[test]
    fn a_numeric_user_owns_all_with_the_group_of_his_account() {
        owns_and_can_write("USER 1002", "1002:1003");
    }

    #[test]
    fn a_user_with_a_group_owns_all() {
        owns_and_can_write("USER 1234:2000", "1234:2000");
    }

    #[test]
    fn a_named_user_owns_all() {
        owns_and_can_write("USER default", "1001:0");
    }

    #[test]
    fn a_named_user_with_a_named_group_owns_all() {
        owns_and_can_write("USER default:others", "1001:2000");
    }

    #[test]
    fn root_owns_all() {
        owns_and_can_write("USER root", "0:0");
    }

    #[test]
    fn the_assemble_user_of_the_label_owns_all() {
        owns_and_can_write("LABEL io.openshift.s2i.assemble-user=1234:2000", "1234:2000");
    }
}

mod places {
    use super::*;

    #[test]
    fn the_source_may_be_a_symlink() {
        let project = Project::new().file("a", "x");
        let link = project.path().with_file_name("link");
        symlink("source", &link).unwrap();
        let builder = Builder::obedient();
        let outcome = project.build(&builder).source(link.to_str().unwrap()).assemble(LIST).success();
        assert_eq!(outcome.said(), ["./a"]);
    }

    #[test]
    fn the_source_may_be_relative_with_or_without_a_slash() {
        let project = Project::new().file("a", "x");
        let builder = Builder::obedient();
        for (folder, typed) in [("..", "source"), ("..", "./source/"), (".", "."), (".", "../source")] {
            let run = project.build(&builder).source(typed).current_dir(&project.path().join(folder)).assemble(LIST);
            assert_eq!(run.success().said(), ["./a"], "{typed}");
        }
    }

    #[test]
    fn the_source_may_have_an_odd_name() {
        let project = Project::new().file("a", "x");
        let builder = Builder::obedient();
        for name in ["with space", "a,b=\"c\"", "sou:rce", "-s"] {
            let odd = project.path().with_file_name(name);
            symlink("source", &odd).unwrap();
            let run = project.build(&builder).source(odd.to_str().unwrap()).assemble(LIST);
            assert_eq!(run.success().said(), ["./a"], "{name}");
        }
    }

    #[test]
    fn a_mounted_source_is_read_only_and_leaves_nothing_in_the_image() {
        let project = Project::new().file("a", "x").file(".gitignore", "b\n").file("b", "");
        let builder = Builder::obedient();
        let try_all = "cat a; echo; ls; touch new 2>/dev/null || echo read-only; cp a /app/out";
        let outcome = project.build(&builder).arg("--mount").assemble(try_all).success();
        assert_eq!(outcome.said(), ["x", "a", "b", "read-only"]);
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
            assert_eq!(outcome.said(), ["1001:0", "1001:0", "tmpfs", "1"], "{build}");
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
        let builder = Builder::obedient();
        let run = project.build(&builder).source(source.to_str().unwrap()).arg("--mount").assemble("cat a; echo");
        assert_eq!(run.success().said(), ["x"]);
    }

    #[test]
    fn what_is_left_of_the_source_is_not_in_the_image() {
        let project = Project::new().file("a", "x").file("sub/b", "x");
        let builder = Builder::obedient();
        project.build(&builder).assemble("rm a").success();
        assert!(!project.image().has("/tmp/src"));
    }

    #[test]
    fn keep_source_keeps_what_assemble_left() {
        let project = Project::new().file("a", "x").file("b", "x");
        let builder = Builder::obedient();
        project.build(&builder).arg("--keep-source").assemble("rm a").success();
        let files = project.image().files("/tmp/src");
        assert_eq!(files.into_keys().collect::<Vec<_>>(), [b"".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn a_source_that_holds_the_workdir_is_kept() {
        let builder = Builder::obeying().change("WORKDIR /tmp/src/app").make();
        let project = Project::new().file("app/a", "x");
        project.build(&builder).success();
        assert!(project.image().has("/tmp/src/app/a"));
    }

    #[test]
    fn a_source_that_holds_the_run_script_is_kept() {
        let builder = Builder::new()
            .script("assemble", "#!/bin/sh\n")
            .change("LABEL io.openshift.s2i.scripts-url=image:///tmp/src/bin")
            .file("tmp/src/bin/assemble", 0o755, "#!/bin/sh\n")
            .file("tmp/src/bin/run", 0o755, "#!/bin/sh\necho ran\n")
            .make();
        let project = Project::new().file("a", "x");
        project.build(&builder).success();
        assert_eq!(project.image().run(&[]), "ran");
    }

    #[test]
    fn content_that_the_builder_has_in_the_place_of_the_source_is_kept() {
        let builder = Builder::obeying().file("tmp/src/baked", 0o644, "old").file("tmp/src/same", 0o644, "old").make();
        let project = Project::new().file("same", "new").file("own", "new");
        project.build(&builder).success();
        let files = project.image().files("/tmp/src");
        let text = |name: &str| String::from_utf8_lossy(&files[name.as_bytes()].content).into_owned();
        assert_eq!([text("baked"), text("same"), text("own")], ["old", "new", "new"]);
    }

    #[test]
    fn nothing_but_the_source_and_scripts_is_left_in_the_destination() {
        let project = Project::new().file("a", "x");
        let builder = Builder::obedient();
        project.build(&builder).assemble("ls -A /tmp").success();
        assert_eq!(project.image().files("/tmp").len(), 1);
    }
}

mod plain_tar {
    use super::*;

    /// A base of nothing but a static busybox, whose `tar` knows neither holes nor fractions of a second.
    struct Busybox(String);

    impl Busybox {
        fn import() -> Self {
            let name = unique("busybox");
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o1777);
            tar.append_data(&mut header, "tmp/", std::io::empty()).unwrap();
            let program = busybox();
            header = tar::Header::new_gnu();
            header.set_mode(0o755);
            header.set_size(program.len() as u64);
            tar.append_data(&mut header, "bin/busybox", &*program).unwrap();
            for applet in "sh cat chmod cp find ls mkdir rm sleep stat tar touch".split(' ') {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
            }
            let mut child = Command::new("docker")
                .args(["import", "-", &name])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&tar.into_inner().unwrap()).unwrap();
            assert!(child.wait().unwrap().success());
            Self(name)
        }
    }

    impl Drop for Busybox {
        fn drop(&mut self) {
            try_docker(&["image", "rm", "--force", &self.0]);
        }
    }

    /// The machine's own static busybox, or else the one of Debian's package, which is not installed for it.
    fn busybox() -> Vec<u8> {
        let is_static = |path: &&str| {
            let output = Command::new("ldd").arg(path).output().unwrap();
            Path::new(path).exists() && !output.status.success()
        };
        if let Some(path) = ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| is_static(path)) {
            return fs::read(path).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let script = "apt-get download busybox-static >&2 && dpkg-deb --extract busybox-static_*.deb .";
        let output = Command::new("sh").args(["-c", script]).current_dir(folder.path()).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no static busybox here, and no package with one: {words}");
        ["bin/busybox", "usr/bin/busybox"].iter().find_map(|path| fs::read(folder.path().join(path)).ok()).unwrap()
    }

    #[test]
    fn a_busybox_tar_keeps_modes_times_links_and_holes() {
        let base = Busybox::import();
        let builder = Builder::obeying().base(&base.0).make();
        let project = Project::new().file("locked/file", "x").file("sub/deep/file", "y").file("holes", "");
        symlink("file", project.path().join("locked/link")).unwrap();
        fs::create_dir(project.path().join("empty")).unwrap();
        let long = format!("long/{}", "n".repeat(200));
        project.write(&long, "z");
        project.chmod("locked", 0o555);
        File::options().write(true).open(project.path().join("holes")).unwrap().set_len(100_000).unwrap();
        let time = FileTime::from_unix_time(1_000_000_000, 0);
        let paths = ["locked/file", "locked", "sub/deep/file", "sub/deep", "sub", "holes", "empty", &long, "long", "."];
        for path in paths {
            filetime::set_file_mtime(project.path().join(path), time).unwrap();
        }
        let look = "find . | while read -r f; do [ -L \"$f\" ] || stat -c '%a %s %Y %n' \"$f\"; done; ls -l locked/link
            cat locked/file sub/deep/file long/*; echo";
        let outcome = project.build(&builder).assemble(look).success();
        let said = outcome.said();
        for line in said.iter().filter(|line| line.contains(" ./") || line.ends_with(" .")) {
            assert_eq!(line.split(' ').nth(2), Some("1000000000"), "{outcome}");
        }
        assert!(said.iter().any(|line| line.starts_with("555 ") && line.ends_with(" ./locked")), "{outcome}");
        assert!(said.iter().any(|line| line.starts_with("644 100000 ") && line.ends_with(" ./holes")), "{outcome}");
        assert!(said.iter().any(|line| line.ends_with("locked/link -> file")), "{outcome}");
        assert_eq!(said.last(), Some(&"xyz"), "{outcome}");
    }
}

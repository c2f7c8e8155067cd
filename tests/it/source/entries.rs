//! The entries of the source arrive as they are: kinds, names, modes, times, holes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::Arc;

use filetime::FileTime;

use super::fixtures::{LIST_FILES, listed_files, user_builder};
use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;

/// A shared builder whose `assemble` copies the source to `/app`, for content that cannot be printed in lines.
fn copying() -> Arc<Builder> {
    shared_builder("copying", || Builder::copying().make())
}

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
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("stat -c '%n %a' *").success();
    for line in outcome.assemble_output() {
        let (name, mode) = line.split_once(' ').unwrap();
        assert_eq!(name.trim_start_matches('d'), mode, "{outcome}");
    }
    assert_eq!(outcome.assemble_output().len(), modes.len() + 3);
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
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("stat -c %.9Y sub/link sub/file late old older sub .").success();
    let expected: Vec<_> =
        times.iter().map(|(_, time)| format!("{}.{:09}", time.unix_seconds(), time.nanoseconds())).collect();
    // `stat` shows the fractions of times before 1970 counted from the second after.
    let said: Vec<_> =
        outcome.assemble_output().iter().map(|line| line.replace("-999.750000000", "-1000.250000000")).collect();
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
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("readlink absolute dangling folder good long self").success();
    assert_eq!(outcome.assemble_output(), ["/etc/passwd", "no/where", "dir", "dir/file", &long, "self"]);
}

#[test]
fn empty_folders_arrive() {
    let project = Project::new().file("a", "");
    fs::create_dir_all(project.path().join("empty/deep")).unwrap();
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("find . -mindepth 1 -type d").success();
    assert_eq!(listed_files(&outcome), BTreeSet::from(["empty", "empty/deep"]));
}

#[test]
fn an_empty_source_is_passed_on() {
    let project = Project::new();
    let builder = Builder::shared_evaluating();
    assert!(project.build(&builder).assemble(LIST_FILES).success().assemble_output().is_empty());
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
    // A plain header has room for a path of 100 bytes; file systems take names of 255 bytes.
    let name = "n".repeat(250);
    let paths = ["a".repeat(100), "b".repeat(101), name.clone(), format!("{name}/{name}/{name}/{name}")];
    for (index, path) in paths.iter().enumerate() {
        // The third and the fourth begin alike, one as a file and one as a folder, so each gets another parent.
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
    /// More than the 8 GiB that the size field of a plain header can say.
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
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble(look).success();
    let expected = ["9663676416", "sparse", "begin", "part 01", "part 02", "part 07", "part 40", "end"];
    assert_eq!(outcome.assemble_output(), expected, "{outcome}");
}

#[test]
fn a_file_that_is_one_hole_arrives() {
    let project = Project::new().file("hole", "");
    File::options().write(true).open(project.path().join("hole")).unwrap().set_len(1 << 20).unwrap();
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("stat -c %s hole; tr -d '\\0' <hole | wc -c").success();
    assert_eq!(outcome.assemble_output(), ["1048576", "0"]);
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
    let outcome = project.build(&builder).assemble("stat -c '%a %Y' locked locked/deep; cat locked/deep/file; echo");
    let outcome = outcome.success();
    assert_eq!(outcome.assemble_output(), ["555 1000000000", "555 1000000000", "x"]);
    assert!(!project.image().has("/tmp/src"));
}

#[test]
fn files_and_folders_of_mode_000_arrive_where_they_can_be_read() {
    let project = Project::new().file("file", "x").file("folder/file", "y");
    project.chmod("file", 0);
    project.chmod("folder", 0);
    let run = project
        .build(&Builder::shared_evaluating())
        .assemble("stat -c %a file folder; cat file folder/file; echo")
        .run();
    if fs::File::open(project.path().join("file")).is_ok() {
        assert_eq!(run.status(0).assemble_output(), ["0", "0", "xy"]);
    } else {
        run.status(2).says("cannot read `").says("--exclude");
    }
}

#[test]
fn sockets_and_fifos_are_left_out_with_one_note() {
    let project = Project::new().file("a", "");
    let _socket = UnixListener::bind(project.path().join("socket")).unwrap();
    assert!(Command::new("mkfifo").arg(project.path().join("fifo")).status().unwrap().success());
    let builder = Builder::shared_evaluating();
    let outcome = project.build(&builder).assemble("ls -A").success();
    assert_eq!(outcome.assemble_output(), ["a"]);
    outcome.says("note: 2 sockets, FIFOs or devices are left out of the source: ");
}

#[test]
fn an_ignored_fifo_is_not_worth_a_note() {
    let project = Project::new().file(".s2iignore", "fifo\n");
    assert!(Command::new("mkfifo").arg(project.path().join("fifo")).status().unwrap().success());
    project.build(&Builder::shared_evaluating()).success().never_says("left out");
}

#[test]
fn the_source_is_never_written_to() {
    let project = Project::new().file("a", "x").file("sub/b", "y");
    let look = || {
        let output = Command::new("find").arg(project.path()).args(["-printf", "%p %m %T@ %C@ %s\n"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = look();
    project.build(&Builder::shared_evaluating()).assemble("echo more >>a; rm -rf sub; chmod 777 .").success();
    assert_eq!(look(), before);
}

//! The upload into builders whose `tar` is that of busybox.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use filetime::FileTime;

use crate::support::base_image::BaseImage;
use crate::support::builder::Builder;
use crate::support::project::Project;

/// A base with nothing but a static busybox, whose `tar` knows neither holes nor fractions of a second.
fn busybox_image() -> BaseImage {
    let mut tar = BaseImage::tar_of_tmp();
    let program = busybox();
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(program.len() as u64);
    tar.append_data(&mut header, "bin/busybox", &*program).unwrap();
    for applet in "sh cat chmod cp find ls mkdir rm sleep stat tar touch".split(' ') {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
    }
    BaseImage::import(tar, &[])
}

/// The machine's static busybox, or else the one of Debian's package, which is downloaded but not installed.
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
    let base = busybox_image();
    let builder = Builder::evaluating().base(base.name()).make();
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
    let said = outcome.assemble_output();
    for line in said.iter().filter(|line| line.contains(" ./") || line.ends_with(" .")) {
        assert_eq!(line.split(' ').nth(2), Some("1000000000"), "{outcome}");
    }
    assert!(said.iter().any(|line| line.starts_with("555 ") && line.ends_with(" ./locked")), "{outcome}");
    assert!(said.iter().any(|line| line.starts_with("644 100000 ") && line.ends_with(" ./holes")), "{outcome}");
    assert!(said.iter().any(|line| line.ends_with("locked/link -> file")), "{outcome}");
    assert_eq!(said.last(), Some(&"xyz"), "{outcome}");
}

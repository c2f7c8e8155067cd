//! What a source holds, as data, and putting it on disk.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use filetime::FileTime;

/// Something in the source, or beside it where the path begins with `../`. Modes are 644 and 755 unless said otherwise.
pub enum Item {
    File(&'static str, &'static str),
    Bytes(&'static str, fn() -> Vec<u8>),
    Folder(&'static str),
    Link(&'static str, &'static str),
    HardLink(&'static str, &'static str),
    Fifo(&'static str),
    Socket(&'static str),
    /// A sparse file of this size without any data.
    Hole(&'static str, u64),
    Mode(&'static str, u32),
    /// The time of the last change, in seconds since 1970.
    Time(&'static str, i64),
}

/// Writes the items below the source.
pub fn write_source(source: &Path, items: &[Item]) {
    let place = |path: &str| {
        let place = source.join(path);
        let mut folder = source.to_owned();
        for part in Path::new(path).parent().unwrap() {
            folder.push(part);
            if !folder.exists() {
                fs::create_dir(&folder).unwrap();
                fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            }
        }
        place
    };
    let mode = |path: &str, mode: u32| fs::set_permissions(source.join(path), Permissions::from_mode(mode)).unwrap();
    for item in items {
        match *item {
            Item::File(path, text) => {
                fs::write(place(path), text).unwrap();
                mode(path, 0o644);
            }
            Item::Bytes(path, content) => {
                fs::write(place(path), content()).unwrap();
                mode(path, 0o644);
            }
            Item::Folder(path) => {
                fs::create_dir(place(path)).unwrap();
                mode(path, 0o755);
            }
            Item::Link(path, target) => symlink(target, place(path)).unwrap(),
            Item::HardLink(path, first) => fs::hard_link(source.join(first), place(path)).unwrap(),
            Item::Fifo(path) => {
                assert!(Command::new("mkfifo").arg(place(path)).status().unwrap().success());
            }
            Item::Socket(path) => drop(UnixListener::bind(place(path)).unwrap()),
            Item::Hole(path, size) => {
                File::create(place(path)).unwrap().set_len(size).unwrap();
                mode(path, 0o644);
            }
            Item::Mode(path, bits) => mode(path, bits),
            Item::Time(path, seconds) => {
                let time = FileTime::from_unix_time(seconds, 0);
                filetime::set_symlink_file_times(source.join(path), time, time).unwrap();
            }
        }
    }
}

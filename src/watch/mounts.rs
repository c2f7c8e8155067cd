//! What is mounted where, from `/proc/self/mountinfo`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

const TABLE: &str = "/proc/self/mountinfo";

/// One file system at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    id: u64,
    /// The mount that this one is mounted on.
    parent: u64,
    pub point: PathBuf,
    /// The type, such as `ext4` or `fuse.sshfs`.
    pub kind: String,
}

/// All mounts that this process sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// The mounts as they are now; none where the system does not say.
    pub fn read() -> Self {
        std::fs::read(TABLE).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    /// The mounts in a text in the format of `proc_pid_mountinfo(5)`. Lines in another format are left out.
    pub fn parse(text: &[u8]) -> Self {
        Self(text.split(|byte| *byte == b'\n').filter_map(parse_line).collect())
    }

    /// The mount that shows a path, which is absolute and without links; `None` where that is not known.
    pub fn at(&self, path: &Path) -> Option<&Mount> {
        let is_root = |mount: &&Mount| mount.parent == mount.id || !self.0.iter().any(|other| other.id == mount.parent);
        let holds = |mount: &&Mount| path.starts_with(&mount.point);
        let depth = |mount: &&Mount| mount.point.components().count();
        let mut shown = self.0.iter().filter(is_root).filter(holds).max_by_key(depth)?;
        // Each step goes to a mount upon the one before. What is mounted over a folder hides what was mounted below the
        // folder before, which is why the longest path alone does not tell.
        for _ in 0..self.0.len() {
            let upon = self.0.iter().filter(|mount| mount.parent == shown.id && mount.id != shown.id);
            let Some(next) = upon.filter(holds).min_by_key(depth) else { break };
            shown = next;
        }
        Some(shown)
    }

    /// The mounts that show a folder and what is in it.
    pub fn around(&self, folder: &Path) -> Vec<Mount> {
        self.at(folder).into_iter().chain(self.below(folder)).cloned().collect()
    }

    /// The mounts below a folder that are not hidden by others.
    pub fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Mount> {
        let inside = self.0.iter().filter(move |mount| mount.point != folder && mount.point.starts_with(folder));
        inside.filter(|mount| self.at(&mount.point).is_some_and(|shown| shown.id == mount.id))
    }
}

/// Tells when something was mounted or unmounted.
pub struct MountTable(Option<File>);

impl MountTable {
    /// Tells what happens from now on.
    pub fn open() -> Self {
        Self(File::open(TABLE).ok())
    }

    /// Whether anything was mounted or unmounted, anywhere, since this was last asked. No where the system does not say.
    pub fn changed(&self) -> bool {
        let Some(file) = &self.0 else { return false };
        let mut fds = [PollFd::new(file, PollFlags::PRI)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

/// The mount in a line `ID PARENT DEVICE ROOT POINT OPTIONS [FIELDS] - TYPE ...`.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let point = unescape(fields.nth(2)?).into();
    fields.find(|field| *field == b"-")?;
    Some(Mount { id, parent, point, kind: unescape(fields.next()?).to_string_lossy().into_owned() })
}

/// A field with the bytes that `\OOO` stands for, three octal digits: blanks, tabs, line feeds, backslashes.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|d| (b'0'..b'8').contains(d)));
        let byte = digits.and_then(|digits| u8::from_str_radix(OsStr::from_bytes(digits).to_str()?, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::{Mounts, unescape};

    const TEXT: &[u8] = b"\
        22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n\
        28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        40 28 0:50 / /mnt/my\\040files rw - fuse.sshfs host:/x rw\n\
        41 28 0:51 / /mnt/over rw master:3 propagate_from:2 - tmpfs none rw\n\
        42 41 0:52 / /mnt/over rw - nfs4 host:/y rw\n\
        50 28 0:60 / /src/a/deep rw - cifs //host/z rw\n\
        51 28 0:61 / /src/a rw - ext4 /dev/sdb1 rw\n\
        no mount at all\n";

    fn kind(path: &str) -> String {
        Mounts::parse(TEXT).at(Path::new(path)).unwrap().kind.clone()
    }

    #[test]
    fn the_mount_of_a_path_is_the_one_that_shows_it() {
        assert_eq!(kind("/home/me"), "ext4");
        assert_eq!(kind("/proc/1"), "proc");
        assert_eq!(kind("/mnt/my files/a"), "fuse.sshfs");
        assert_eq!(kind("/mnt/my filesystem"), "ext4");
        assert_eq!(kind("/mnt/over/a"), "nfs4");
    }

    #[test]
    fn what_was_mounted_over_is_not_taken_for_what_is_seen() {
        assert_eq!(kind("/src/a/deep/x"), "ext4");
        let mounts = Mounts::parse(TEXT);
        let below: Vec<_> = mounts.below(Path::new("/src")).map(|mount| mount.point.display().to_string()).collect();
        assert_eq!(below, ["/src/a"]);
        assert_eq!(mounts.below(Path::new("/mnt/over")).count(), 0);
    }

    #[test]
    fn this_system_is_understood() {
        if cfg!(target_os = "linux") {
            assert_eq!(Mounts::read().at(Path::new("/proc/self")).unwrap().kind, "proc");
        }
        assert_eq!(Mounts::default().at(Path::new("/")), None);
    }

    proptest! {
        #[test]
        fn odd_names_of_mount_points_come_back(name in prop::collection::vec(1_u8.., 0..20)) {
            let escape = |byte: &u8| match byte {
                b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
                byte => vec![*byte],
            };
            let escaped: Vec<u8> = name.iter().flat_map(escape).collect();
            prop_assert_eq!(unescape(&escaped).into_encoded_bytes(), name);
        }

        #[test]
        fn no_text_is_too_odd(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let mounts = Mounts::parse(&text);
            mounts.at(Path::new("/a/b"));
        }

        #[test]
        fn mounts_that_stand_on_each_other_in_a_circle_come_to_an_end(
            pairs in prop::collection::vec((0_u8..6, 0_u8..6, 0_usize..4), 0..12),
        ) {
            let point = |depth| ["/", "/a", "/a/b", "/c"][depth];
            let lines = pairs.iter().map(|(id, parent, depth)| format!("{id} {parent} 0:1 / {} rw - x y z\n", point(*depth)));
            let mounts = Mounts::parse(lines.collect::<String>().as_bytes());
            mounts.at(Path::new("/a/b/c"));
            mounts.below(Path::new("/")).count();
        }
    }
}

//! Which file systems tell of the changes that are made to them, by their type. What is changed from the other side of a
//! network, or by the host of a virtual machine, makes no event here.

use std::path::{Path, PathBuf};

use super::mounts::Mounts;

/// Types whose every change comes through this kernel.
const LOCAL: [&str; 42] = [
    "aufs",
    "autofs",
    "bcachefs",
    "btrfs",
    "devtmpfs",
    "ecryptfs",
    "erofs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "hfs",
    "hfsplus",
    "hugetlbfs",
    "iso9660",
    "jffs2",
    "jfs",
    "lxfs",
    "minix",
    "msdos",
    "nilfs2",
    "ntfs",
    "ntfs3",
    "overlay",
    "overlayfs",
    "proc",
    "ramfs",
    "reiserfs",
    "rootfs",
    "shiftfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "ubifs",
    "udf",
    "ufs",
    "vfat",
    "wslfs",
    "xfs",
    "zfs",
    "zonefs",
];

/// The same for programs that show folders or devices of this machine; what others change behind their back is as rare as
/// for a local disk.
const LOCAL_FUSE: [&str; 26] = [
    "bindfs",
    "cryfs",
    "cryptomator",
    "dwarfs",
    "ecryptfs-simple",
    "encfs",
    "exfat",
    "exfat-fuse",
    "ext2",
    "ext4",
    "fuse-overlayfs",
    "fuse2fs",
    "fuseiso",
    "gocryptfs",
    "lxcfs",
    "mergerfs",
    "mhddfs",
    "ntfs",
    "ntfs-3g",
    "portal",
    "securefs",
    "squashfuse",
    "unionfs",
    "unionfs-fuse",
    "veracrypt",
    "zfs-fuse",
];

/// Types that others change from elsewhere, and what they are called.
const REMOTE: [(&str, &str); 38] = [
    ("9p", "9P"),
    ("acfs", "ACFS"),
    ("afs", "AFS"),
    ("auristorfs", "AuriStorFS"),
    ("beegfs", "BeeGFS"),
    ("ceph", "Ceph"),
    ("cifs", "SMB"),
    ("coda", "Coda"),
    ("davfs", "WebDAV"),
    ("davfs2", "WebDAV"),
    ("drvfs", "a drive of Windows"),
    ("gfs2", "GFS2"),
    ("glusterfs", "GlusterFS"),
    ("gpfs", "GPFS"),
    ("juicefs", "JuiceFS"),
    ("kafs", "AFS"),
    ("lustre", "Lustre"),
    ("lustre_lite", "Lustre"),
    ("moosefs", "MooseFS"),
    ("ncpfs", "NCP"),
    ("nfs", "NFS"),
    ("nfs3", "NFS"),
    ("nfs4", "NFS"),
    ("ocfs2", "OCFS2"),
    ("openafs", "AFS"),
    ("orangefs", "OrangeFS"),
    ("panfs", "PanFS"),
    ("prl_fs", "a shared folder of Parallels"),
    ("pvfs2", "OrangeFS"),
    ("smb", "SMB"),
    ("smb2", "SMB"),
    ("smb3", "SMB"),
    ("smbfs", "SMB"),
    ("vboxsf", "a shared folder of VirtualBox"),
    ("virtiofs", "virtiofs"),
    ("vmblock", "a shared folder of VMware"),
    ("vmhgfs", "a shared folder of VMware"),
    ("vmhgfs-fuse", "a shared folder of VMware"),
];

/// Programs that show what is elsewhere; they are called by their own names.
const REMOTE_FUSE: [&str; 46] = [
    "afpfs",
    "afpfs-ng",
    "blobfuse",
    "blobfuse2",
    "ceph-fuse",
    "curlftpfs",
    "cvmfs2",
    "dbxfs",
    "gcsfuse",
    "geesefs",
    "glusterfs-fuse",
    "go-mtpfs",
    "google-drive-ocamlfuse",
    "goofys",
    "grpcfuse",
    "gvfs-fuse-daemon",
    "gvfsd-fuse",
    "hdfs",
    "httpfs",
    "httpfs2",
    "hubicfuse",
    "ifuse",
    "jmtpfs",
    "kio-fuse",
    "lizardfs",
    "mfs",
    "mount-s3",
    "mountpoint-s3",
    "mtpfs",
    "nfs-ganesha",
    "onedriver",
    "osxfs",
    "rclone",
    "rclonefs",
    "s3backer",
    "s3fs",
    "s3ql",
    "seaweedfs",
    "simple-mtpfs",
    "smbnetfs",
    "sshfs",
    "sshfs-fuse",
    "swiftfs",
    "tigrisfs",
    "weed",
    "wdfs",
];

/// What a file system tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tells {
    /// Each change is an event.
    All,
    /// Changes that are made elsewhere are no events. What it is called.
    OwnChanges(String),
    /// That is not known of this type.
    Unknown(String),
}

/// What a type of file systems tells.
pub fn tells(kind: &str) -> Tells {
    let fuse = kind.strip_prefix("fuse.");
    let name = fuse.unwrap_or(kind);
    if let Some((_, called)) = REMOTE.iter().find(|(remote, _)| *remote == name) {
        return Tells::OwnChanges((*called).to_owned());
    }
    if REMOTE_FUSE.contains(&name) {
        return Tells::OwnChanges(name.to_owned());
    }
    let local = match fuse {
        Some(name) => LOCAL_FUSE.contains(&name),
        None => LOCAL.contains(&kind) || kind == "fuseblk",
    };
    if local { Tells::All } else { Tells::Unknown(kind.to_owned()) }
}

/// How changes of a source are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticing {
    /// By events.
    Events,
    /// By looking now and then: the source is on this.
    Looking(String),
    /// By both: a folder of the source, or all of it (the empty path), is on this.
    Both { folder: PathBuf, on: Tells },
}

impl Noticing {
    /// Whether the source itself, and not only a folder in it, is on a file system that does not tell of all changes.
    pub fn is_about_all(&self) -> bool {
        match self {
            Self::Events => false,
            Self::Looking(_) => true,
            Self::Both { folder, .. } => folder.as_os_str().is_empty(),
        }
    }
}

/// How changes of the source at `root` are noticed, with these mounts. `is_source` says whether a path relative to the root
/// is part of what is sent; what is mounted elsewhere below the root does not count.
pub fn noticing(mounts: &Mounts, root: &Path, is_source: impl Fn(&Path) -> bool) -> Noticing {
    let on = mounts.at(root).map_or(Tells::All, |mount| tells(&mount.kind));
    match on {
        Tells::OwnChanges(called) => return Noticing::Looking(called),
        Tells::Unknown(_) => return Noticing::Both { folder: PathBuf::new(), on },
        Tells::All => {}
    }
    let below = mounts.below(root).filter_map(|mount| Some((mount.point.strip_prefix(root).ok()?, tells(&mount.kind))));
    let silent = below.filter(|(folder, on)| *on != Tells::All && is_source(folder));
    // What is known to be silent is the better reason.
    let reason = silent.min_by_key(|(folder, on)| (matches!(on, Tells::Unknown(_)), folder.to_owned()));
    reason.map_or(Noticing::Events, |(folder, on)| Noticing::Both { folder: folder.to_owned(), on })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LOCAL, LOCAL_FUSE, Mounts, Noticing, REMOTE_FUSE, Tells, noticing, tells};

    fn of(lines: &[(&str, &str)]) -> Noticing {
        let text = lines.iter().enumerate().map(|(number, (point, kind))| {
            let parent = if number == 0 { 0 } else { 10 };
            format!("{} {parent} 0:1 / {point} rw - {kind} dev rw\n", number + 10)
        });
        let mounts = Mounts::parse(text.collect::<String>().as_bytes());
        noticing(&mounts, Path::new("/src"), |path| !path.starts_with("ignored"))
    }

    #[test]
    fn file_systems_of_the_network_are_known_also_those_of_programs() {
        for kind in [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "9p",
            "virtiofs",
            "fuse.sshfs",
            "fuse.s3fs",
            "fuse.rclone",
            "fuse.gvfsd-fuse",
            "vboxsf",
            "prl_fs",
            "fuse.vmhgfs-fuse",
            "drvfs",
            "ceph",
            "fuse.ceph",
            "fuse.glusterfs",
            "afs",
            "lustre",
            "fuse.juicefs",
        ] {
            assert!(matches!(tells(kind), Tells::OwnChanges(_)), "{kind}");
        }
        for kind in [
            "ext4",
            "xfs",
            "btrfs",
            "zfs",
            "overlay",
            "tmpfs",
            "fuseblk",
            "fuse.ntfs-3g",
            "fuse.gocryptfs",
            "fuse.encfs",
            "fuse.mergerfs",
            "fuse.bindfs",
            "fuse.fuse-overlayfs",
        ] {
            assert_eq!(tells(kind), Tells::All, "{kind}");
        }
        for kind in ["fuse", "fuse.something", "newfs", "fuse.ext3000"] {
            assert_eq!(tells(kind), Tells::Unknown(kind.to_owned()), "{kind}");
        }
    }

    #[test]
    fn no_type_is_in_two_lists() {
        for kind in LOCAL {
            assert_eq!(tells(kind), Tells::All, "{kind}");
        }
        for kind in LOCAL_FUSE {
            assert_eq!(tells(&format!("fuse.{kind}")), Tells::All, "{kind}");
            assert!(!REMOTE_FUSE.contains(&kind), "{kind}");
        }
    }

    #[test]
    fn the_type_of_the_source_decides_and_then_that_of_folders_in_it() {
        let ext4 = ("/", "ext4");
        assert_eq!(of(&[ext4]), Noticing::Events);
        assert_eq!(of(&[ext4, ("/src", "fuse.sshfs")]), Noticing::Looking("sshfs".to_owned()));
        let unknown = Tells::Unknown("fuse.new".to_owned());
        assert_eq!(of(&[ext4, ("/src", "fuse.new")]), Noticing::Both { folder: "".into(), on: unknown.clone() });
        let nfs = Tells::OwnChanges("NFS".to_owned());
        let both = |folder: &str, on: &Tells| Noticing::Both { folder: folder.into(), on: on.clone() };
        assert_eq!(of(&[ext4, ("/src/a\\040b", "nfs")]), both("a b", &nfs));
        assert_eq!(of(&[ext4, ("/src/a", "fuse.new"), ("/src/b", "nfs")]), both("b", &nfs));
        assert_eq!(of(&[ext4, ("/src/a", "fuse.new"), ("/src/b", "tmpfs")]), both("a", &unknown));
        assert_eq!(of(&[ext4, ("/src/ignored/a", "nfs"), ("/src2", "nfs")]), Noticing::Events);
        assert_eq!(of(&[]), Noticing::Events);
    }
}

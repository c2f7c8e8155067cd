//! File systems that tell no events of what others change.

use std::path::Path;

/// What such a file system is called, where a path lies on one. On other systems than Linux nothing is known.
pub fn without_events(path: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    {
        let kind = rustix::fs::statfs(path).ok()?.f_type;
        // The numbers are 32 bits wide; how they are stored differs by processor.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the upper half says nothing")]
        named(kind as u32)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// From the magic numbers of `statfs(2)`.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn named(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        // How WSL shows the drives of Windows.
        0x0102_1997 => "9P",
        0x786f_4256 => "a shared folder of VirtualBox",
        0xbacb_acbc => "a shared folder of VMware",
        0x5346_414f => "AFS",
        0x00c3_6400 => "Ceph",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{named, without_events};

    #[test]
    fn network_file_systems_are_known_and_local_ones_are_not() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0x0102_1997), Some("9P"));
        assert_eq!(named(0xef53), None);
        assert_eq!(without_events(std::path::Path::new("/proc")), None);
    }
}

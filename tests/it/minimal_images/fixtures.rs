//! The artifacts of builders that cannot make any.

/// An archive with a folder, a file in it, and a hard link to the file.
pub fn artifacts() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if kind == tar::EntryType::Directory { 0o750 } else { 0o640 });
        header.set_uid(77);
        header.set_size(content.len() as u64);
        if link.is_empty() {
            tar.append_data(&mut header, path, content).unwrap();
        } else {
            tar.append_link(&mut header, path, link).unwrap();
        }
    };
    add("d", tar::EntryType::Directory, "", b"");
    add("d/kept", tar::EntryType::Regular, "", b"kept");
    add("d/link", tar::EntryType::Link, "d/kept", b"");
    tar.into_inner().unwrap()
}

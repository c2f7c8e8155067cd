//! Archives that are the same bytes for the same files.

use std::collections::BTreeSet;

use anyhow::Result;
use tar::{EntryType, Header};

use super::file::File;
use super::gzip::gzip;
use super::package::Package;

/// The `.tar.gz` of the package, with everything in one folder.
///
/// # Errors
/// When a name does not fit into a tar entry.
pub fn tar_gz(package: &Package) -> Result<Vec<u8>> {
    let folder = package.folder();
    let files = package.portable_files();
    let files = files.into_iter().map(|file| File { path: format!("{folder}/{}", file.path), ..file }).collect();
    gzip(&tar(files, "", package.epoch)?)
}

/// A tar of these files and of the folders they are in, sorted, owned by root, with this time. `prefix` is put before each
/// name.
///
/// # Errors
/// When a name does not fit into a tar entry.
pub fn tar(mut files: Vec<File>, prefix: &str, epoch: u32) -> Result<Vec<u8>> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for file in &files {
        for (end, _) in file.path.match_indices('/') {
            let folder = &file.path[..=end];
            if folders.insert(folder) {
                append(&mut tar, header(EntryType::Directory, 0o755, 0, epoch), &format!("{prefix}{folder}"), &[])?;
            }
        }
        let header = header(EntryType::Regular, file.mode, file.content.len(), epoch);
        append(&mut tar, header, &format!("{prefix}{}", file.path), &file.content)?;
    }
    Ok(tar.into_inner()?)
}

/// Adds an entry whose name is as given where the header has room for it; the crate would leave out a `./`, which other tools
/// for Debian packages write.
fn append(tar: &mut tar::Builder<Vec<u8>>, mut header: Header, name: &str, content: &[u8]) -> Result<()> {
    match header.as_old_mut().name.get_mut(..name.len()) {
        Some(field) => {
            field.copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, content)?;
        }
        None => tar.append_data(&mut header, name, content)?,
    }
    Ok(())
}

fn header(kind: EntryType, mode: u32, size: usize, epoch: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(epoch.into());
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root").expect("it is short");
    header.set_groupname("root").expect("it is short");
    header
}

#[cfg(test)]
mod tests {
    use super::{File, tar};

    #[test]
    fn the_order_of_the_files_does_not_matter_and_folders_come_first() {
        let files = || vec![File::program("b/x", "1"), File::data("a", "2"), File::data("b/c/y", "3")];
        let reversed = files().into_iter().rev().collect();
        let made = tar(files(), "./", 7).unwrap();
        assert_eq!(made, tar(reversed, "./", 7).unwrap());
        let mut archive = tar::Archive::new(&made[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 7));
            (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), header.mode().unwrap())
        });
        let expected = [("./a", 0o644), ("./b/", 0o755), ("./b/c/", 0o755), ("./b/c/y", 0o644), ("./b/x", 0o755)];
        assert_eq!(entries.collect::<Vec<_>>(), expected.map(|(name, mode)| (name.to_owned(), mode)));
    }
}

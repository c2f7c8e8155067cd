//! Tar archives: reading those in which the engine delivers files, and making some that no library would write.

use std::collections::BTreeMap;
use std::io::Read;

/// One entry of an image's file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `f` file, `d` folder, `l` symlink, `h` hard link.
    pub kind: char,
    pub mode: u32,
    pub owner: (u64, u64),
    pub mtime: String,
    pub link: Vec<u8>,
    pub content: Vec<u8>,
}

/// Reads the engine's archives, which say with PAX records what has no place in a plain header. The library would take
/// a line end in a value for the end of the record.
pub fn entries(archive: &[u8]) -> BTreeMap<Vec<u8>, Entry> {
    let mut found = BTreeMap::new();
    let mut records = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap().raw(true) {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::XHeader => {
                records = pax_records(&content);
                continue;
            }
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            tar::EntryType::Link => 'h',
            _ => 'f',
        };
        let mut record = |key: &str, plain: Vec<u8>| records.remove(key.as_bytes()).unwrap_or(plain);
        let path = record("path", header.path_bytes().into_owned());
        let link = record("linkpath", header.link_name_bytes().unwrap_or_default().into_owned());
        let mtime = record("mtime", header.mtime().unwrap().to_string().into_bytes());
        let path: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).skip(1).collect();
        let facts = Entry {
            kind,
            mode: header.mode().unwrap() & 0o7777,
            owner: (header.uid().unwrap(), header.gid().unwrap()),
            mtime: String::from_utf8(mtime).unwrap(),
            link,
            content,
        };
        found.insert(path.join(&b'/'), facts);
        records.clear();
    }
    found
}

/// Records of the form `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_records(mut bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut records = BTreeMap::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let (record, rest) = bytes.split_at(length);
        let record = &record[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').unwrap();
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        bytes = rest;
    }
    records
}

/// One entry of a hand-made archive, whose path and link are taken as they are.
pub fn unchecked_entry(kind: tar::EntryType, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
    /// Where the header has the target of a link, and how long a block is: the format's own numbers.
    const LINK: usize = 157;
    const BLOCK: usize = 512;
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[LINK..LINK + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = [header.as_bytes().as_slice(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// What the end of an archive looks like: two blocks of zeros.
pub const END_OF_ARCHIVE: [u8; 1024] = [0; 1024];

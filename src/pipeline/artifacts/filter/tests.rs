//! What passes, what is left out, and what is noticed.

use super::{FilterError, Relayed, key, parent_keys, relay_archive};
use crate::tar::writer::Writer;
use ::tar::EntryType as Type;
use proptest::prelude::*;
use std::io::Read;

fn entry(kind: ::tar::EntryType, path: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len().min(100)].copy_from_slice(&path.as_bytes()[..path.len().min(100)]);
    header.set_entry_type(kind);
    header.set_mode(0o640);
    header.set_size(content.len() as u64);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().div_ceil(512) * 512, 0);
    bytes
}

fn relay(stream: &[u8]) -> (Result<Relayed, FilterError>, Vec<(String, String)>) {
    let mut writer = Writer::new(Vec::new());
    let result = relay_archive(&mut &stream[..], &mut writer, |path| Some(path.to_vec()));
    let bytes = writer.finish().unwrap();
    let mut read = ::tar::Archive::new(&bytes[..]);
    let entries = read.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = String::new();
        let link = entry.link_name().unwrap().map(|link| format!("-> {}", link.display()));
        let path = entry.path().unwrap().display().to_string();
        let _ = entry.read_to_string(&mut content);
        (path, link.unwrap_or(content))
    });
    let entries = entries.collect();
    (result, entries)
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn entries_arrive_below_artifacts() {
    let stream = [
        entry(Type::Directory, "./out/", "", b""),
        entry(Type::Regular, "./out/a", "", b"one"),
        entry(Type::Link, "out/b", "./out/a", b""),
        entry(Type::Symlink, "out/c", "/usr/bin/python3", b""),
        vec![0; 1024],
        b"/opt/jboss\n".to_vec(),
    ];
    let (result, entries) = relay(&stream.concat());
    assert_eq!(result.unwrap().entries, 4);
    let expected = [
        ("artifacts/", ""),
        ("artifacts/out/", ""),
        ("artifacts/out/a", "one"),
        ("artifacts/out/b", "-> artifacts/out/a"),
        ("artifacts/out/c", "-> /usr/bin/python3"),
    ];
    assert_eq!(entries, owned(&expected));
}

#[test]
fn an_empty_stream_gives_no_entries() {
    for stream in [Vec::new(), vec![0; 10_240]] {
        let (result, entries) = relay(&stream);
        assert_eq!((result.unwrap(), entries), (Relayed::default(), Vec::new()));
    }
}

#[test]
fn one_entry_that_may_not_pass_took_all_artifacts_away() {
    let link = entry(Type::Symlink, "d", "/etc", b"");
    let tricks = [
        (entry(Type::Regular, "/etc/passwd", "", b"x"), "`/etc/passwd` is an absolute path"),
        (entry(Type::Regular, "a/../../x", "", b"x"), "`a/../../x` leads out of the artifacts"),
        (
            [link.clone(), entry(Type::Regular, "d/passwd", "", b"x")].concat(),
            "`d/passwd` would be written through a symlink",
        ),
        (
            [link.clone(), entry(Type::Regular, "d", "", b"x")].concat(),
            "`d` appears twice, as different kinds of entry",
        ),
        (
            [link.clone(), entry(Type::Link, "e", "d/passwd", b"")].concat(),
            "`e` is a hard link to `d/passwd`, which did not come before",
        ),
        (
            [link.clone(), entry(Type::Link, "e", "d", b""), entry(Type::Regular, "e/passwd", "", b"x")].concat(),
            "`e/passwd` would be written through a symlink",
        ),
        (
            [entry(Type::Regular, "d/empty", "", b""), link.clone()].concat(),
            "`d` appears twice, as different kinds of entry",
        ),
        (entry(Type::Link, "e", "/etc/passwd", b""), "`/etc/passwd` is an absolute path"),
        (entry(Type::Link, "e", "../x", b""), "`../x` leads out of the artifacts"),
        (entry(Type::Char, "null", "", b""), "`null` is a device or a FIFO"),
        (entry(Type::Fifo, "pipe", "", b""), "`pipe` is a device or a FIFO"),
    ];
    for (trick, why) in tricks {
        let (result, entries) = relay(&[trick, entry(Type::Regular, "z", "", b"good")].concat());
        let left_out = result.unwrap().left_out;
        assert_eq!((left_out.count, left_out.first.as_str()), (1, why));
        let harmless =
            |(path, text): &(String, String)| path == "artifacts/z" || text.is_empty() || text.starts_with("->");
        assert!(entries.iter().all(harmless), "{why}: {entries:?}");
        assert_eq!(entries.last().unwrap(), &("artifacts/z".to_owned(), "good".to_owned()), "{why}");
    }
}

#[test]
fn what_was_left_out_does_not_open_a_way_through_a_symlink() {
    let stream = [
        entry(Type::Symlink, "d", "/etc", b""),
        entry(Type::Regular, "d/one", "", b"x"),
        entry(Type::Regular, "d/two", "", b"x"),
        entry(Type::Regular, "d", "", b"x"),
        entry(Type::Regular, "d/three", "", b"x"),
    ];
    let (result, entries) = relay(&stream.concat());
    let relayed = result.unwrap();
    assert_eq!((relayed.entries, relayed.left_out.count), (1, 4));
    assert_eq!(entries, owned(&[("artifacts/", ""), ("artifacts/d", "-> /etc")]));
    let warning = "4 entries of the artifacts are left out, the first: `d/one` would be written through a symlink";
    assert_eq!(relayed.left_out.warning().as_deref(), Some(warning));
}

#[test]
fn a_stream_cut_in_a_file_is_noticed_and_filled_up() {
    let stream = entry(Type::Regular, "a", "", &[b'x'; 2000]);
    let (result, entries) = relay(&stream[..700]);
    assert!(matches!(result, Err(FilterError::Stream(_))));
    assert_eq!(entries.len(), 2);
}

/// Archives whose headers are right but for some bytes, with their checksums.
fn archive() -> impl Strategy<Value = Vec<u8>> {
    let kinds = [
        Type::Regular,
        Type::Directory,
        Type::Link,
        Type::Symlink,
        Type::Fifo,
        Type::Char,
        Type::XHeader,
        Type::GNULongName,
        Type::GNULongLink,
        Type::GNUSparse,
        Type::XGlobalHeader,
    ];
    let paths = ["a", "a/b", "../x", "/etc/passwd", "a/../../x", "./a", "", ".", "artifacts/.."];
    let contents: [&[u8]; 6] = [b"", b"x", b"13 path=../../y\n", b"12 size=99999\n", b"../z\0", &[b'y'; 600]];
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let entries = (
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(paths.to_vec()),
        prop::sample::select(paths.to_vec()),
        prop::sample::select(contents.to_vec()),
        prop::collection::vec(change, 0..3),
    );
    let entries = prop::collection::vec(entries, 1..6);
    (entries, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(entries, cut, whole)| {
        let mut archive = Vec::new();
        for (kind, path, link, content, changes) in entries {
            let mut bytes = entry(kind, path, link, content);
            for (at, byte) in changes {
                bytes[at.index(512)] = byte;
            }
            let mut header = ::tar::Header::from_byte_slice(&bytes[..512]).clone();
            header.set_cksum();
            bytes[..512].copy_from_slice(header.as_bytes());
            archive.extend(bytes);
        }
        if !whole {
            archive.truncate(cut.index(archive.len()));
        }
        archive
    })
}

proptest! {
    #[test]
    fn the_keys_of_parents_are_those_of_their_paths(path in "[ab]{1,2}(/[ab]{1,2}){0,5}") {
        let path = path.as_bytes();
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        let expected: Vec<u64> = ends.map(|end| key(&path[..end])).collect();
        prop_assert_eq!(parent_keys(path).collect::<Vec<_>>(), expected);
    }

    /// Run this with PROPTEST_CASES for as long as you like.
    #[test]
    fn archives_with_any_headers_never_panic_or_climb_out(archive in archive()) {
        let mut writer = Writer::new(Vec::new());
        let _ = relay_archive(&mut &archive[..], &mut writer, |path| Some(path.to_vec()));
        let bytes = writer.finish().unwrap();
        for entry in ::tar::Archive::new(&bytes[..]).entries().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            prop_assert!(path.starts_with("artifacts"), "{}", path.display());
            prop_assert!(path.components().all(|part| part.as_os_str() != ".."), "{}", path.display());
        }
    }

    #[test]
    fn bytes_that_are_no_tar_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let (_, entries) = relay(&bytes);
        prop_assert!(entries.iter().all(|(path, _)| path.starts_with("artifacts")));
    }
}

//! Reading a tar stream entry by entry, with the extensions of GNU and PAX.

use std::io::{self, Read};

use anyhow::{Result, bail, ensure};

use super::header::{BLOCK, Block, checksum, padded};
use super::pax::{self, Record};
use super::sparse;

/// The largest name or record that is read, in bytes: chosen so that it is far longer than any path (`PATH_MAX` is 4096),
/// but a broken stream cannot fill the memory.
const EXTENSION_LIMIT: u64 = 1024 * 1024;

/// One entry, with its extensions applied. Its content follows in the stream.
pub struct TarEntry {
    /// The header as it was read.
    pub header: Block,
    /// The type byte; `0` for all kinds of regular files without holes.
    pub kind: u8,
    pub path: Vec<u8>,
    /// The target of a link.
    pub link: Vec<u8>,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// Seconds and nanoseconds since 1970.
    pub mtime: (i64, u32),
    /// The size of the content in the stream in bytes, without padding.
    pub stored: u64,
    /// The blocks after a GNU header that continue its list of data ranges.
    pub ranges: Vec<Block>,
    /// The PAX records that describe a sparse file, which have to be passed on with it.
    pub sparse: Vec<Record>,
}

/// The long names and records that come before an entry.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Vec<Record>,
}

impl Extensions {
    fn record(&self, key: &str) -> Option<&Vec<u8>> {
        self.records.iter().rev().find(|(known, _)| known == key.as_bytes()).map(|(_, value)| value)
    }

    fn number(&self, key: &str) -> Option<u64> {
        std::str::from_utf8(self.record(key)?).ok()?.parse().ok()
    }
}

/// How many blocks may continue the list of a sparse file: a million ranges.
const SPARSE_LIMIT: usize = 1_000_000 / 21;

/// Reads the next entry, up to its content; `None` at the end of the archive.
///
/// # Errors
/// When the stream is not a tar archive, ends in the middle of one, or cannot be read. The message is a sentence in which
/// the stream is "it".
pub fn next_entry(from: &mut impl Read) -> Result<Option<TarEntry>> {
    let mut extensions = Extensions::default();
    // Whether extensions were read, so that their entry has to follow.
    let mut begun = false;
    loop {
        let Some(block) = next_block(from, begun)? else { return Ok(None) };
        if block.iter().all(|byte| *byte == 0) {
            ensure!(!begun, "the archive ends in the middle of an entry");
            return Ok(None);
        }
        let header = ::tar::Header::from_byte_slice(&block);
        ensure!(header.cksum().ok() == Some(checksum(&block)), "it is not a tar archive");
        let kind = block[156];
        if !matches!(kind, b'L' | b'K' | b'x' | b'g') {
            return Ok(Some(entry(block, header, extensions, from)?));
        }
        let size = header.entry_size()?;
        ensure!(size <= EXTENSION_LIMIT, "a name or record in it is longer than a megabyte");
        let content = read_content(from, size)?;
        match kind {
            b'L' => extensions.path = Some(until_zero(content)),
            b'K' => extensions.link = Some(until_zero(content)),
            b'x' => extensions.records.extend(pax::parse(&content)?),
            // Global records are only used for comments.
            _ => {}
        }
        begun = kind != b'g';
    }
}

/// Skips a content of `size` bytes and its padding.
///
/// # Errors
/// When the stream ends before that, or cannot be read.
pub fn skip_content(from: &mut impl Read, size: u64) -> Result<()> {
    let skipped = io::copy(&mut from.take(padded(size)), &mut io::sink())?;
    ensure!(skipped == padded(size), "the tar archive is incomplete");
    Ok(())
}

/// Makes an entry of its header and the extensions before it.
fn entry(block: Block, header: &::tar::Header, extensions: Extensions, from: &mut impl Read) -> Result<TarEntry> {
    let kind = match block[156] {
        0 | b'7' => b'0',
        kind => kind,
    };
    // A time before 1970 is a negative number in GNU's binary form.
    let seconds = header.mtime().unwrap_or(0).cast_signed();
    let mtime = extensions.record("mtime").and_then(|value| pax::parse_time(value)).unwrap_or((seconds, 0));
    let stored = match kind {
        b'0' | b'S' => extensions.number("size").unwrap_or(header.entry_size()?),
        _ => 0,
    };
    let ranges = if kind == b'S' { sparse_blocks(&block, from)? } else { Vec::new() };
    if kind == b'S' {
        sparse::check(&block, &ranges, stored)?;
    }
    let path = extensions.record("GNU.sparse.name").or(extensions.record("path")).cloned();
    let link = extensions.record("linkpath").cloned();
    let Extensions { path: long_path, link: long_link, records } = extensions;
    Ok(TarEntry {
        kind,
        path: path.or(long_path).unwrap_or_else(|| header.path_bytes().into_owned()),
        link: link.or(long_link).unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned()),
        mode: header.mode().unwrap_or(0o644) & 0o7777,
        mtime,
        stored,
        ranges,
        sparse: records.into_iter().filter(|(key, _)| key.starts_with(b"GNU.sparse.")).collect(),
        header: block,
    })
}

/// Reads the blocks that continue the list in the header of a sparse file.
fn sparse_blocks(header: &Block, from: &mut impl Read) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut more = sparse::header_is_continued(header);
    while more {
        ensure!(blocks.len() < SPARSE_LIMIT, "a file in it has more than a million holes");
        let mut block = [0; BLOCK];
        from.read_exact(&mut block)?;
        more = sparse::block_is_continued(&block);
        blocks.push(block);
    }
    Ok(blocks)
}

/// Reads the next block; `None` at the end of the stream, which is an error if an entry has begun.
fn next_block(from: &mut impl Read, begun: bool) -> Result<Option<Block>> {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    while filled < BLOCK {
        match from.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    match filled {
        0 if !begun => Ok(None),
        BLOCK => Ok(Some(block)),
        _ => bail!("the tar archive is incomplete"),
    }
}

/// Reads a content of `size` bytes and its padding.
fn read_content(from: &mut impl Read, size: u64) -> Result<Vec<u8>> {
    let mut content = vec![0; usize::try_from(padded(size))?];
    from.read_exact(&mut content)?;
    content.truncate(usize::try_from(size)?);
    Ok(content)
}

fn until_zero(mut content: Vec<u8>) -> Vec<u8> {
    if let Some(end) = content.iter().position(|byte| *byte == 0) {
        content.truncate(end);
    }
    content
}

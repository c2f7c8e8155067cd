//! The upload as a tar stream: GNU headers, so that every `tar` reads them, with a PAX record for the nanoseconds
//! of a modification time, so that make-like tools see no file as older or newer than it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustix::fs::OFlags;

use super::snapshot::{Entry, Hash, Kind, changed_lately, unreadable, vanished};

const BLOCK: usize = 512;

/// A file is looked into for holes from this size on.
const SPARSE_FROM: u64 = 64 * 1024;

/// Timestamps of files move in steps; two writes within one step look like one.
const TIMESTAMP_STEP: Duration = Duration::from_millis(20);

/// What a tar header says beside the path.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The type byte: `0` file, `1` hard link, `2` symlink, `5` folder.
    pub kind: u8,
    pub mode: u32,
    pub size: u64,
    pub mtime: (i64, u32),
    /// The target of a link.
    pub link: &'a [u8],
}

/// How sending one entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Whole,
    /// All of it, but it was read so soon after it changed that another change may have left no trace outside.
    Lately,
    /// It changed, or vanished, while it was read: what was sent must be sent again.
    Torn,
}

/// A tar stream being written.
pub struct Archive<W> {
    out: W,
    /// Whether the reader understands GNU's sparse files.
    pub sparse: bool,
    /// Whether a file of the source may be reached by a link.
    pub follow: bool,
    /// User and group of all entries, for a reader that heeds them.
    pub owner: (u32, u32),
    buffer: Vec<u8>,
}

impl<W: Write> Archive<W> {
    pub fn new(out: W) -> Self {
        Self { out, sparse: false, follow: false, owner: (0, 0), buffer: vec![0; 128 * 1024] }
    }

    /// Writes a folder.
    ///
    /// # Errors
    /// When the stream can not be written to; so everywhere here.
    pub fn folder(&mut self, path: &[u8], mode: u32, mtime: (i64, u32)) -> io::Result<()> {
        let mut path = path.to_vec();
        path.push(b'/');
        self.head(&path, &Facts { kind: b'5', mode, size: 0, mtime, link: b"" })
    }

    /// Writes a file whose content is at hand.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn file(&mut self, path: &[u8], mode: u32, mtime: (i64, u32), content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        self.head(path, &Facts { kind: b'0', mode, size, mtime, link: b"" })?;
        self.out.write_all(content)?;
        self.pad(size)
    }

    /// Writes an entry of the source below `prefix`. Where a file is not what the entry says, the entry becomes what was
    /// sent; its content is noted.
    ///
    /// # Errors
    /// When the stream can not be written to, or the file not be read.
    pub fn entry(&mut self, root: &Path, prefix: &[u8], entry: &mut Arc<Entry>) -> Result<Sent> {
        let name = [prefix, b"/", &entry.path].concat();
        match &entry.kind {
            Kind::Folder => self.folder(&name, entry.mode, entry.mtime)?,
            Kind::Link(target) => {
                let facts = Facts { kind: b'2', mode: 0o777, size: 0, mtime: entry.mtime, link: target };
                self.head(&name, &facts)?;
            }
            Kind::File => return self.source_file(&root.join(entry.path()), &name, entry),
        }
        Ok(Sent::Whole)
    }

    fn source_file(&mut self, path: &Path, name: &[u8], entry: &mut Arc<Entry>) -> Result<Sent> {
        let (mut file, meta) = match open(path, self.follow) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(spoil(entry)),
            Err(error) if vanished(&error) => return Ok(spoil(entry)),
            Err(error) => return Err(unreadable(path, error)),
        };
        let found = Entry::new(&entry.path, Kind::File, &meta);
        if !found.looks_like(entry) {
            *entry = Arc::new(found);
        }
        let lately = changed_lately(&meta, TIMESTAMP_STEP);
        let holes = entry.size >= SPARSE_FROM && meta.blocks() * 512 < entry.size;
        let (whole, hash) = match holes.then(|| data_ranges(&file, entry.size)).transpose() {
            Ok(Some(ranges)) if self.sparse => self.sparse_content(&mut file, name, entry, &ranges)?,
            _ => {
                let facts = Facts { kind: b'0', mode: entry.mode, size: entry.size, mtime: entry.mtime, link: b"" };
                self.head(name, &facts)?;
                let mut hasher = blake3::Hasher::new();
                let whole = self.copy(&mut file, entry.size, &mut hasher).map_err(|error| error.about(path))?;
                self.pad(entry.size)?;
                (whole, short(&hasher))
            }
        };
        let after = Entry::new(&entry.path, Kind::File, &file.metadata()?);
        // Bytes that differ from those known of this entry came without leaving a trace.
        if !whole || !after.looks_like(entry) || entry.hash().is_some_and(|known| *known != hash) {
            return Ok(spoil(entry));
        }
        entry.know(hash);
        Ok(if lately { Sent::Lately } else { Sent::Whole })
    }

    /// Writes only the parts of a file that are no holes, in GNU's format. The first result is
    /// false when the file was cut short meanwhile.
    fn sparse_content(
        &mut self,
        file: &mut File,
        name: &[u8],
        entry: &Entry,
        data: &[(u64, u64)],
    ) -> Result<(bool, Hash)> {
        let mut ranges = data.to_vec();
        // An empty range at the end says how long the hole before it is.
        ranges.push((entry.size, 0));
        let stored: u64 = data.iter().map(|(_, length)| length).sum();
        let facts = Facts { kind: b'S', mode: entry.mode, size: stored, mtime: entry.mtime, link: b"" };
        self.extensions(name, &facts, &[])?;
        let mut header = header(name, &facts, self.owner);
        let in_header = ranges.len().min(4);
        for (slot, range) in ranges[..in_header].iter().enumerate() {
            sparse_slot(&mut header[386 + slot * 24..], *range);
        }
        header[482] = u8::from(ranges.len() > in_header);
        number(&mut header[483..495], entry.size);
        self.out.write_all(&seal(header))?;
        let mut rest = ranges[in_header..].chunks(21).peekable();
        while let Some(chunk) = rest.next() {
            let mut block = [0; BLOCK];
            for (slot, range) in chunk.iter().enumerate() {
                sparse_slot(&mut block[slot * 24..], *range);
            }
            block[504] = u8::from(rest.peek().is_some());
            self.out.write_all(&block)?;
        }
        let mut whole = true;
        let mut hasher = blake3::Hasher::new();
        for (offset, length) in data {
            hasher.update(&offset.to_le_bytes());
            hasher.update(&length.to_le_bytes());
            file.seek(SeekFrom::Start(*offset))?;
            whole &= self.copy(file, *length, &mut hasher).map_err(|error| error.about(entry.path()))?;
        }
        hasher.update(&entry.size.to_le_bytes());
        self.pad(stored)?;
        Ok((whole, short(&hasher)))
    }

    /// Copies exactly `size` bytes, zeros where the file ends before. Returns whether it did not.
    fn copy(&mut self, file: &mut File, size: u64, hasher: &mut blake3::Hasher) -> Result<bool, CopyError> {
        let mut left = size;
        let mut whole = true;
        while left > 0 {
            let want = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut got = if whole { file.read(&mut self.buffer[..want]).map_err(CopyError::Read)? } else { 0 };
            if got == 0 {
                whole = false;
                self.buffer[..want].fill(0);
                got = want;
            }
            hasher.update(&self.buffer[..got]);
            self.out.write_all(&self.buffer[..got]).map_err(CopyError::Write)?;
            left -= got as u64;
        }
        Ok(whole)
    }

    /// Writes the headers of an entry; its content, padded, is the caller's to write.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn head(&mut self, path: &[u8], facts: &Facts) -> io::Result<()> {
        self.head_with(path, facts, &[])
    }

    /// Writes the headers of an entry, with PAX records of its own.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn head_with(&mut self, path: &[u8], facts: &Facts, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        self.extensions(path, facts, records)?;
        let mut block = header(path, facts, self.owner);
        if !records.is_empty() {
            // GNU tar heeds its own records of sparse files only before a header that calls itself POSIX.
            block[257..265].copy_from_slice(b"ustar\x0000");
        }
        self.out.write_all(&seal(block))
    }

    /// What does not fit into the classic header: fractions of a second, long names, records of the entry.
    fn extensions(&mut self, path: &[u8], facts: &Facts, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        let mtime = decimal(facts.mtime);
        let mut records = records.to_vec();
        if facts.mtime.1 != 0 {
            records.push((b"mtime", mtime.as_bytes()));
        }
        // One header for all: a reader forgets the records of the last but one.
        if !records.is_empty() {
            self.pax(&records)?;
        }
        if facts.link.len() > 100 {
            self.long(b'K', facts.link)?;
        }
        if path.len() > 100 {
            self.long(b'L', path)?;
        }
        Ok(())
    }

    fn long(&mut self, kind: u8, text: &[u8]) -> io::Result<()> {
        let content = [text, b"\0"].concat();
        let size = content.len() as u64;
        let facts = Facts { kind, mode: 0, size, mtime: (0, 0), link: b"" };
        self.out.write_all(&seal(header(b"././@LongLink", &facts, (0, 0))))?;
        self.raw(&content)
    }

    /// Writes the headers of a sparse file that comes from another archive, with its list of data ranges.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn sparse_head(
        &mut self,
        path: &[u8],
        facts: &Facts,
        from: &[u8; BLOCK],
        more: &[[u8; BLOCK]],
    ) -> io::Result<()> {
        self.extensions(path, facts, &[])?;
        let mut block = header(path, facts, self.owner);
        block[386..495].copy_from_slice(&from[386..495]);
        self.out.write_all(&seal(block))?;
        more.iter().try_for_each(|ranges| self.out.write_all(ranges))
    }

    /// Writes PAX records for the entry that follows.
    fn pax(&mut self, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        let content: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        let facts = Facts { kind: b'x', mode: 0o644, size: content.len() as u64, mtime: (0, 0), link: b"" };
        self.out.write_all(&seal(header(b"././@PaxHeader", &facts, (0, 0))))?;
        self.raw(&content)
    }

    /// Writes content that is at hand, and fills its last block.
    fn raw(&mut self, content: &[u8]) -> io::Result<()> {
        self.out.write_all(content)?;
        self.pad(content.len() as u64)
    }

    /// Fills the last block of content of this size.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).expect("less than a block");
        if over == 0 { Ok(()) } else { self.out.write_all(&[0; BLOCK][over..]) }
    }

    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Gives the stream back as it is, for something else.
    pub fn into_out(self) -> W {
        self.out
    }

    /// Ends the archive and gives the stream back, flushed.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Which end of a copy failed: the file is the user's to mend, the stream is the engine's.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

impl CopyError {
    fn about(self, path: &Path) -> anyhow::Error {
        match self {
            CopyError::Read(error) => unreadable(path, error),
            CopyError::Write(error) => error.into(),
        }
    }
}

/// Opens a regular file; `None` when it is something else by now. Never waits for a FIFO's other end.
fn open(path: &Path, follow: bool) -> io::Result<Option<(File, std::fs::Metadata)>> {
    let flags = if follow { OFlags::NONBLOCK } else { OFlags::NOFOLLOW | OFlags::NONBLOCK };
    let flags = i32::try_from(flags.bits()).expect("open flags fit");
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta)))
}

/// The hash of a file's content as [`Archive::entry`] would note it for a file without holes.
///
/// # Errors
/// When the file can not be read.
pub fn hash(path: &Path, follow: bool) -> io::Result<Option<Hash>> {
    let Some((mut file, meta)) = open(path, follow)? else { return Ok(None) };
    let mut hasher = blake3::Hasher::new();
    if meta.size() >= SPARSE_FROM && meta.blocks() * 512 < meta.size() {
        return Ok(None);
    }
    io::copy(&mut file, &mut hasher)?;
    Ok(Some(short(&hasher)))
}

fn short(hasher: &blake3::Hasher) -> Hash {
    *hasher.finalize().as_bytes().first_chunk().expect("a hash is longer than its half")
}

fn spoil(entry: &mut Arc<Entry>) -> Sent {
    *entry = Arc::new(entry.spoiled());
    Sent::Torn
}

/// The parts of a file that are no holes, as offset and length.
fn data_ranges(file: &File, size: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut ranges = Vec::new();
    let mut position = 0;
    while position < size {
        let begin = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(position)) {
            Ok(begin) => begin.min(size),
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(begin))?.min(size);
        if end > begin {
            ranges.push((begin, end - begin));
        }
        position = end.max(begin + 1);
    }
    rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))?;
    Ok(ranges)
}

fn header(path: &[u8], facts: &Facts, owner: (u32, u32)) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    text(&mut block[..100], path);
    number(&mut block[100..108], u64::from(facts.mode));
    number(&mut block[108..116], u64::from(owner.0));
    number(&mut block[116..124], u64::from(owner.1));
    number(&mut block[124..136], facts.size);
    time(&mut block[136..148], facts.mtime.0);
    block[156] = facts.kind;
    text(&mut block[157..257], facts.link);
    block[257..265].copy_from_slice(b"ustar  \0");
    block
}

/// Fills in the checksum.
fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Octal where it fits, else GNU's binary form.
fn number(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    if u32::try_from(3 * digits).is_ok_and(|bits| bits >= 64 || value >> bits == 0) {
        field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
        return;
    }
    let width = field.len();
    field[0] = 0x80;
    field[width - 8..].copy_from_slice(&value.to_be_bytes());
}

/// Seconds since 1970. Those before are in GNU's binary form, too, with the sign carried to the front.
fn time(field: &mut [u8], seconds: i64) {
    match u64::try_from(seconds) {
        Ok(seconds) => number(field, seconds),
        Err(_) => {
            let width = field.len();
            field.fill(0xff);
            field[width - 8..].copy_from_slice(&seconds.to_be_bytes());
        }
    }
}

/// A time as a decimal number of seconds. The nanoseconds count forward from the second, also before 1970.
fn decimal((seconds, nanos): (i64, u32)) -> String {
    if seconds < 0 && nanos > 0 {
        format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos)
    } else {
        format!("{seconds}.{nanos:09}")
    }
}

fn sparse_slot(slot: &mut [u8], (offset, length): (u64, u64)) {
    number(&mut slot[..12], offset);
    number(&mut slot[12..24], length);
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} ").into_bytes();
    record.extend_from_slice(key);
    record.push(b'=');
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests {
    use super::{Archive, Facts, number, pax_record};
    use proptest::prelude::*;

    #[test]
    fn numbers_that_do_not_fit_are_binary() {
        let mut field = [0; 12];
        number(&mut field, 0o777);
        assert_eq!(&field, b"00000000777\0");
        number(&mut field, 9 << 30);
        assert_eq!(field[0], 0x80);
        assert_eq!(field[4..], (9_u64 << 30).to_be_bytes());
    }

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(pax_record(b"mtime", b"1.5"), b"13 mtime=1.5\n");
        let long = pax_record(b"k", &[b'v'; 94]);
        assert!(long.starts_with(b"101 k=") && long.len() == 101);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            names in prop::collection::vec("[a-z \n\u{e9}]{1,30}(/[a-z]{1,120}){0,4}", 1..8),
            mode in 0_u32..0o10000,
            nanos in 0_u32..1_000_000_000,
            content in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let mut archive = Archive::new(Vec::new());
            for name in &names {
                archive.file(name.as_bytes(), mode, (1_700_000_000, nanos), &content).unwrap();
            }
            let link = Facts { kind: b'2', mode: 0o777, size: 0, mtime: (0, 0), link: names[0].as_bytes() };
            archive.head(b"link", &link).unwrap();
            let bytes = archive.finish().unwrap();
            let mut read = tar::Archive::new(&bytes[..]);
            let mut entries = read.entries().unwrap();
            for name in &names {
                let mut entry = entries.next().unwrap().unwrap();
                prop_assert_eq!(&*entry.path_bytes(), name.as_bytes());
                prop_assert_eq!(entry.header().mode().unwrap(), mode);
                let mut got = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut got).unwrap();
                prop_assert_eq!(&got, &content);
            }
            let entry = entries.next().unwrap().unwrap();
            let target = entry.link_name_bytes().unwrap();
            prop_assert_eq!(&*target, names[0].as_bytes());
            prop_assert!(entries.next().is_none());
        }
    }
}

//! A tar stream being written.

use std::io::{self, Read, Write};

use super::header::{BLOCK, Block, Fields, NAME_LIMIT, header, padded, sealed};
use super::{pax, sparse};

/// How much of a file is read at once, in bytes: more makes no difference, as a pipe takes 64 KiB.
const PIECE: usize = 128 * 1024;

/// What is called GNU's own: the entries before another one that hold its long names and records.
const LONG_NAME: &[u8] = b"././@LongLink";
const RECORDS: &[u8] = b"././@PaxHeader";

/// Writes entries. Every error means that the stream can not be written to.
pub struct Writer<W> {
    out: W,
    /// User and group of all entries, for a reader that heeds them.
    pub owner: (u32, u32),
    buffer: Vec<u8>,
}

/// Which end of a copy failed.
pub enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Self { out, owner: (0, 0), buffer: vec![0; PIECE] }
    }

    /// Writes a folder.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn folder(&mut self, path: &[u8], mode: u32, mtime: (i64, u32)) -> io::Result<()> {
        let mut path = path.to_vec();
        path.push(b'/');
        self.header(&path, &Fields { kind: b'5', mode, size: 0, mtime, link: b"" })
    }

    /// Writes a file whose content is at hand.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn file(&mut self, path: &[u8], mode: u32, mtime: (i64, u32), content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        self.header(path, &Fields { kind: b'0', mode, size, mtime, link: b"" })?;
        self.whole(content)
    }

    /// Writes the headers of an entry; its content, padded, is the caller's to write.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn header(&mut self, path: &[u8], fields: &Fields) -> io::Result<()> {
        self.header_with(path, fields, &[])
    }

    /// Writes the headers of an entry, with PAX records of its own.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn header_with(&mut self, path: &[u8], fields: &Fields, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        self.extensions(path, fields, records)?;
        let mut block = header(path, fields, self.owner);
        if !records.is_empty() {
            // GNU tar heeds its own records of sparse files only before a header that calls itself POSIX.
            block[257..265].copy_from_slice(b"ustar\x0000");
        }
        self.out.write_all(&sealed(block))
    }

    /// Writes the headers of a sparse file of `size` bytes with this list of data ranges, as offset and length. The data
    /// is the caller's to write.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn sparse_header(&mut self, path: &[u8], fields: &Fields, data: &[(u64, u64)], size: u64) -> io::Result<()> {
        self.extensions(path, fields, &[])?;
        let mut block = header(path, fields, self.owner);
        let more = sparse::put_list(&mut block, data, size);
        self.out.write_all(&sealed(block))?;
        more.iter().try_for_each(|block| self.out.write_all(block))
    }

    /// Writes the headers of a sparse file that comes from another archive: its list is in `from` and `more`.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn sparse_header_from(&mut self, path: &[u8], fields: &Fields, from: &Block, more: &[Block]) -> io::Result<()> {
        self.extensions(path, fields, &[])?;
        let mut block = header(path, fields, self.owner);
        sparse::copy_list(from, &mut block);
        self.out.write_all(&sealed(block))?;
        more.iter().try_for_each(|block| self.out.write_all(block))
    }

    /// Copies exactly `size` bytes of content, zeros where `from` ends before, and shows them to `see`. Returns whether
    /// there were enough.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub fn content(&mut self, from: &mut impl Read, size: u64, mut see: impl FnMut(&[u8])) -> Result<bool, CopyError> {
        let mut left = size;
        let mut whole = true;
        while left > 0 {
            let want = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut got = if whole { from.read(&mut self.buffer[..want]).map_err(CopyError::Read)? } else { 0 };
            if got == 0 {
                whole = false;
                self.buffer[..want].fill(0);
                got = want;
            }
            see(&self.buffer[..got]);
            self.out.write_all(&self.buffer[..got]).map_err(CopyError::Write)?;
            left -= got as u64;
        }
        Ok(whole)
    }

    /// Fills the last block of content of this size.
    ///
    /// # Errors
    /// When the stream can not be written to.
    pub fn pad(&mut self, size: u64) -> io::Result<()> {
        let missing = usize::try_from(padded(size) - size).expect("less than a block");
        self.out.write_all(&[0; BLOCK][..missing])
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

    /// What does not fit into the header: fractions of a second, long names, records of the entry.
    fn extensions(&mut self, path: &[u8], fields: &Fields, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        let mtime = pax::decimal(fields.mtime);
        let mut records = records.to_vec();
        if fields.mtime.1 != 0 {
            records.push((b"mtime", mtime.as_bytes()));
        }
        // One header for all: a reader forgets the records of the last but one.
        if !records.is_empty() {
            let content: Vec<u8> = records.iter().flat_map(|(key, value)| pax::record(key, value)).collect();
            self.extension(b'x', 0o644, RECORDS, &content)?;
        }
        if fields.link.len() > NAME_LIMIT {
            self.extension(b'K', 0, LONG_NAME, &[fields.link, b"\0"].concat())?;
        }
        if path.len() > NAME_LIMIT {
            self.extension(b'L', 0, LONG_NAME, &[path, b"\0"].concat())?;
        }
        Ok(())
    }

    fn extension(&mut self, kind: u8, mode: u32, name: &[u8], content: &[u8]) -> io::Result<()> {
        let fields = Fields { kind, mode, size: content.len() as u64, mtime: (0, 0), link: b"" };
        self.out.write_all(&sealed(header(name, &fields, (0, 0))))?;
        self.whole(content)
    }

    /// Writes content that is at hand, and fills its last block.
    fn whole(&mut self, content: &[u8]) -> io::Result<()> {
        self.out.write_all(content)?;
        self.pad(content.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Writer};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            names in prop::collection::vec("[a-z \n\u{e9}]{1,30}(/[a-z]{1,120}){0,4}", 1..8),
            mode in 0_u32..0o10000,
            nanos in 0_u32..1_000_000_000,
            content in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let mut writer = Writer::new(Vec::new());
            for name in &names {
                writer.file(name.as_bytes(), mode, (1_700_000_000, nanos), &content).unwrap();
            }
            let link = Fields { kind: b'2', mode: 0o777, size: 0, mtime: (0, 0), link: names[0].as_bytes() };
            writer.header(b"link", &link).unwrap();
            let bytes = writer.finish().unwrap();
            let mut read = ::tar::Archive::new(&bytes[..]);
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

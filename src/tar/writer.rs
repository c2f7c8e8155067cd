//! Writing a tar stream entry by entry.

use std::io::{self, Read, Write};

use super::header::{BLOCK, Block, Fields, NAME_LIMIT, header, padded, with_checksum};
use super::{pax, sparse};

/// How much of a file is read at once, in bytes: larger makes no difference, as a pipe holds 64 KiB.
const BUFFER_SIZE: usize = 128 * 1024;

/// The names that GNU tar gives to the entries with the long names and the PAX records of the next one.
const LONG_NAME_ENTRY: &[u8] = b"././@LongLink";
const PAX_ENTRY: &[u8] = b"././@PaxHeader";

/// A writer of tar entries.
pub struct Writer<W> {
    out: W,
    /// The ids of the user and the group that own all entries; not every reader applies them.
    pub owner: (u32, u32),
    buffer: Vec<u8>,
}

/// Why content could not be copied into the stream.
pub enum CopyError {
    /// The content cannot be read.
    Read(io::Error),
    /// The stream cannot be written to.
    Write(io::Error),
}

impl<W: Write> Writer<W> {
    /// A writer to `out`, whose entries belong to root.
    pub fn new(out: W) -> Self {
        Self { out, owner: (0, 0), buffer: vec![0; BUFFER_SIZE] }
    }

    /// Writes a folder, with its time in seconds and nanoseconds since 1970.
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn folder(&mut self, path: &[u8], mode: u32, mtime: (i64, u32)) -> io::Result<()> {
        let mut path = path.to_vec();
        path.push(b'/');
        self.header(&path, &Fields { kind: b'5', mode, size: 0, mtime, link: b"" })
    }

    /// Writes a file with its content, and with its time in seconds and nanoseconds since 1970.
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn file(&mut self, path: &[u8], mode: u32, mtime: (i64, u32), content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        self.header(path, &Fields { kind: b'0', mode, size, mtime, link: b"" })?;
        self.write_padded(content)
    }

    /// Writes the headers of an entry. The caller has to write its content, with [`content`](Self::content) and
    /// [`pad`](Self::pad).
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn header(&mut self, path: &[u8], fields: &Fields) -> io::Result<()> {
        self.header_with(path, fields, &[])
    }

    /// Like [`header`](Self::header), with additional PAX records as key and value.
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn header_with(&mut self, path: &[u8], fields: &Fields, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        self.write_extensions(path, fields, records)?;
        let mut block = header(path, fields, self.owner);
        if !records.is_empty() {
            // GNU tar applies its PAX records for sparse files only to entries with a POSIX header.
            block[257..265].copy_from_slice(b"ustar\x0000");
        }
        self.out.write_all(&with_checksum(block))
    }

    /// Writes the headers of a sparse file of `size` bytes with the data ranges `data`, each an offset and a length in
    /// bytes. The caller has to write the data, as for [`header`](Self::header).
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn sparse_header(&mut self, path: &[u8], fields: &Fields, data: &[(u64, u64)], size: u64) -> io::Result<()> {
        self.write_extensions(path, fields, &[])?;
        let mut block = header(path, fields, self.owner);
        let more = sparse::put_list(&mut block, data, size);
        self.out.write_all(&with_checksum(block))?;
        more.iter().try_for_each(|block| self.out.write_all(block))
    }

    /// Writes the headers of a sparse file from another archive, whose list of data ranges is in the header `from` and the
    /// blocks `more`. The caller has to write the data, as for [`header`](Self::header).
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn sparse_header_from(&mut self, path: &[u8], fields: &Fields, from: &Block, more: &[Block]) -> io::Result<()> {
        self.write_extensions(path, fields, &[])?;
        let mut block = header(path, fields, self.owner);
        sparse::copy_list(from, &mut block);
        self.out.write_all(&with_checksum(block))?;
        more.iter().try_for_each(|block| self.out.write_all(block))
    }

    /// Copies exactly `size` bytes of content, with zeros after the end of `from`, and calls `on_bytes` with them. Returns
    /// whether `from` had enough bytes.
    ///
    /// # Errors
    /// When `from` cannot be read, or the stream cannot be written to; [`CopyError`] tells which.
    pub fn content(
        &mut self,
        from: &mut impl Read,
        size: u64,
        mut on_bytes: impl FnMut(&[u8]),
    ) -> Result<bool, CopyError> {
        let mut left = size;
        let mut whole = true;
        while left > 0 {
            let wanted = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut length = if whole { from.read(&mut self.buffer[..wanted]).map_err(CopyError::Read)? } else { 0 };
            if length == 0 {
                whole = false;
                self.buffer[..wanted].fill(0);
                length = wanted;
            }
            on_bytes(&self.buffer[..length]);
            self.out.write_all(&self.buffer[..length]).map_err(CopyError::Write)?;
            left -= length as u64;
        }
        Ok(whole)
    }

    /// Writes the padding after a content of `size` bytes.
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn pad(&mut self, size: u64) -> io::Result<()> {
        let missing = usize::try_from(padded(size) - size).expect("less than a block");
        self.out.write_all(&[0; BLOCK][..missing])
    }

    /// The stream itself, for something that is not a tar entry.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Returns the stream without ending the archive.
    pub fn into_out(self) -> W {
        self.out
    }

    /// Ends the archive and flushes and returns the stream.
    ///
    /// # Errors
    /// When the stream cannot be written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes what does not fit into the header: nanoseconds, long names, additional records.
    fn write_extensions(&mut self, path: &[u8], fields: &Fields, records: &[(&[u8], &[u8])]) -> io::Result<()> {
        let mtime = pax::format_time(fields.mtime);
        let mut records = records.to_vec();
        if fields.mtime.1 != 0 {
            records.push((b"mtime", mtime.as_bytes()));
        }
        // All records are in one entry, as readers only apply those of the last one.
        if !records.is_empty() {
            let content: Vec<u8> = records.iter().flat_map(|(key, value)| pax::record(key, value)).collect();
            self.write_extension(b'x', 0o644, PAX_ENTRY, &content)?;
        }
        if fields.link.len() > NAME_LIMIT {
            self.write_extension(b'K', 0, LONG_NAME_ENTRY, &[fields.link, b"\0"].concat())?;
        }
        if path.len() > NAME_LIMIT {
            self.write_extension(b'L', 0, LONG_NAME_ENTRY, &[path, b"\0"].concat())?;
        }
        Ok(())
    }

    fn write_extension(&mut self, kind: u8, mode: u32, name: &[u8], content: &[u8]) -> io::Result<()> {
        let fields = Fields { kind, mode, size: content.len() as u64, mtime: (0, 0), link: b"" };
        self.out.write_all(&with_checksum(header(name, &fields, (0, 0))))?;
        self.write_padded(content)
    }

    /// Writes content and its padding.
    fn write_padded(&mut self, content: &[u8]) -> io::Result<()> {
        self.out.write_all(content)?;
        self.pad(content.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fields, Writer};

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

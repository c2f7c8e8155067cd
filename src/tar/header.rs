//! The header of an entry: a block of 512 bytes.

/// The size of a block in bytes: a header takes one block, contents are padded to whole blocks.
pub const BLOCK: usize = 512;

/// A block of the stream, such as a header.
pub type Block = [u8; BLOCK];

/// The length of the longest path or link target that fits into a header, in bytes.
pub const NAME_LIMIT: usize = 100;

/// The fields of a header, apart from the path and the owner.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// The type byte: `0` file, `1` hard link, `2` symlink, `5` folder, `S` sparse file.
    pub kind: u8,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// The size of the content in the stream, in bytes.
    pub size: u64,
    /// Seconds and nanoseconds since 1970; the nanoseconds are for [`pax`](super::pax).
    pub mtime: (i64, u32),
    /// The target of a link; empty for other kinds.
    pub link: &'a [u8],
}

/// A header without its checksum. Names that are too long are truncated.
pub fn header(path: &[u8], fields: &Fields, (uid, gid): (u32, u32)) -> Block {
    let mut block = [0; BLOCK];
    put_text(&mut block[..NAME_LIMIT], path);
    put_number(&mut block[100..108], u64::from(fields.mode));
    put_number(&mut block[108..116], u64::from(uid));
    put_number(&mut block[116..124], u64::from(gid));
    put_number(&mut block[124..136], fields.size);
    put_time(&mut block[136..148], fields.mtime.0);
    block[156] = fields.kind;
    put_text(&mut block[157..257], fields.link);
    block[257..265].copy_from_slice(b"ustar  \0");
    block
}

/// The header with its checksum filled in.
pub fn with_checksum(mut block: Block) -> Block {
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The sum of a header's bytes, with the checksum itself counted as spaces.
pub fn checksum(block: &Block) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

/// The size of a content of `size` bytes when it is padded to whole blocks, in bytes.
pub fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64) * BLOCK as u64
}

fn put_text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Writes a number into a field: in octal where it fits, else in GNU's binary form.
pub fn put_number(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    if u32::try_from(3 * digits).is_ok_and(|bits| bits >= 64 || value >> bits == 0) {
        field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
        return;
    }
    let width = field.len();
    field[0] = 0x80;
    field[width - 8..].copy_from_slice(&value.to_be_bytes());
}

/// Writes seconds since 1970 into a field. Negative ones are in GNU's binary form, extended to the width of the field.
fn put_time(field: &mut [u8], seconds: i64) {
    match u64::try_from(seconds) {
        Ok(seconds) => put_number(field, seconds),
        Err(_) => {
            let width = field.len();
            field.fill(0xff);
            field[width - 8..].copy_from_slice(&seconds.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::put_number;

    #[test]
    fn numbers_that_do_not_fit_are_binary() {
        let mut field = [0; 12];
        put_number(&mut field, 0o777);
        assert_eq!(&field, b"00000000777\0");
        put_number(&mut field, 9 << 30);
        assert_eq!(field[0], 0x80);
        assert_eq!(field[4..], (9_u64 << 30).to_be_bytes());
    }
}

//! The block of 512 bytes before each entry.

/// The size of a block; headers are one, contents are filled up to whole ones.
pub const BLOCK: usize = 512;

/// A header or another block.
pub type Block = [u8; BLOCK];

/// The longest name that has a place in the header, in bytes.
pub const NAME_LIMIT: usize = 100;

/// What a header says beside the path.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// The type byte: `0` file, `1` hard link, `2` symlink, `5` folder, `S` sparse file.
    pub kind: u8,
    pub mode: u32,
    /// Bytes of content in the stream.
    pub size: u64,
    /// Seconds and nanoseconds since 1970; the nanoseconds are for [`pax`](super::pax).
    pub mtime: (i64, u32),
    /// The target of a link.
    pub link: &'a [u8],
}

/// A header without its checksum. Names that are too long are cut.
pub fn header(path: &[u8], fields: &Fields, (uid, gid): (u32, u32)) -> Block {
    let mut block = [0; BLOCK];
    text(&mut block[..NAME_LIMIT], path);
    number(&mut block[100..108], u64::from(fields.mode));
    number(&mut block[108..116], u64::from(uid));
    number(&mut block[116..124], u64::from(gid));
    number(&mut block[124..136], fields.size);
    time(&mut block[136..148], fields.mtime.0);
    block[156] = fields.kind;
    text(&mut block[157..257], fields.link);
    block[257..265].copy_from_slice(b"ustar  \0");
    block
}

/// The header with its checksum filled in.
pub fn sealed(mut block: Block) -> Block {
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The sum of a header's bytes, with spaces in the place of the checksum itself.
pub fn checksum(block: &Block) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

/// Content of this size with what fills its last block, in bytes.
pub fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64) * BLOCK as u64
}

fn text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// A number in octal where it fits, else in GNU's binary form.
pub fn number(field: &mut [u8], value: u64) {
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

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_that_do_not_fit_are_binary() {
        let mut field = [0; 12];
        number(&mut field, 0o777);
        assert_eq!(&field, b"00000000777\0");
        number(&mut field, 9 << 30);
        assert_eq!(field[0], 0x80);
        assert_eq!(field[4..], (9_u64 << 30).to_be_bytes());
    }
}

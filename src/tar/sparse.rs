//! Sparse files in GNU's format: the stream has only the ranges that are not holes, and a list of their places.

use super::header::{BLOCK, Block, put_number};

/// Where the list begins in a header, and how many ranges fit there. GNU's format gives this and the numbers below.
const LIST: usize = 386;
const RANGES_IN_HEADER: usize = 4;

/// The size of one range in bytes: offset and length.
const RANGE: usize = 24;

/// The byte of a header that is not 0 if the list is continued in a block of its own.
const HEADER_CONTINUED: usize = 482;

/// The bytes of a header with the size of the whole file.
const REAL_SIZE: std::ops::Range<usize> = 483..495;

/// How many ranges fit into a block that continues the list, and the byte of it that is not 0 if another one follows.
const RANGES_IN_BLOCK: usize = 21;
const BLOCK_CONTINUED: usize = 504;

/// Writes the list of data ranges, each an offset and a length in bytes, of a file of `size` bytes into a header. Returns
/// the blocks that have to follow the header, with the ranges that do not fit.
pub fn put_list(header: &mut Block, data: &[(u64, u64)], size: u64) -> Vec<Block> {
    let mut ranges = data.to_vec();
    // An empty range at the end marks the end of the last hole.
    ranges.push((size, 0));
    let in_header = ranges.len().min(RANGES_IN_HEADER);
    for (slot, range) in ranges[..in_header].iter().enumerate() {
        put_range(&mut header[LIST + slot * RANGE..], *range);
    }
    header[HEADER_CONTINUED] = u8::from(ranges.len() > in_header);
    put_number(&mut header[REAL_SIZE], size);
    let mut rest = ranges[in_header..].chunks(RANGES_IN_BLOCK).peekable();
    let mut blocks = Vec::new();
    while let Some(chunk) = rest.next() {
        let mut block = [0; BLOCK];
        for (slot, range) in chunk.iter().enumerate() {
            put_range(&mut block[slot * RANGE..], *range);
        }
        block[BLOCK_CONTINUED] = u8::from(rest.peek().is_some());
        blocks.push(block);
    }
    blocks
}

/// Copies the list from one header to another.
pub fn copy_list(from: &Block, to: &mut Block) {
    to[LIST..REAL_SIZE.end].copy_from_slice(&from[LIST..REAL_SIZE.end]);
}

/// Whether the list in a header is continued in a block of its own.
pub fn header_is_continued(header: &Block) -> bool {
    header[HEADER_CONTINUED] != 0
}

/// Whether a block that continues a list is followed by another one.
pub fn block_is_continued(block: &Block) -> bool {
    block[BLOCK_CONTINUED] != 0
}

fn put_range(slot: &mut [u8], (offset, length): (u64, u64)) {
    put_number(&mut slot[..12], offset);
    put_number(&mut slot[12..RANGE], length);
}

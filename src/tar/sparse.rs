//! GNU's sparse files: only the parts that are no holes travel, with a list of where they belong.

use super::header::{BLOCK, Block, number};

/// Where the list begins in a header, and how many ranges fit there.
const LIST: usize = 386;
const RANGES_IN_HEADER: usize = 4;

/// Bytes of one range: offset and length.
const RANGE: usize = 24;

/// Whether the list goes on in a block of its own: this byte of a header is not 0.
const HEADER_GOES_ON: usize = 482;

/// The size of the whole file.
const REAL_SIZE: std::ops::Range<usize> = 483..495;

/// A block that continues a list has so many ranges, then a byte that is not 0 if yet another one follows.
const RANGES_IN_BLOCK: usize = 21;
const BLOCK_GOES_ON: usize = 504;

/// Puts the list of data ranges (offset and length) into a header; what does not fit comes back in blocks that follow it.
pub fn put_list(header: &mut Block, data: &[(u64, u64)], size: u64) -> Vec<Block> {
    let mut ranges = data.to_vec();
    // An empty range at the end says how long the hole before it is.
    ranges.push((size, 0));
    let in_header = ranges.len().min(RANGES_IN_HEADER);
    for (slot, range) in ranges[..in_header].iter().enumerate() {
        put_range(&mut header[LIST + slot * RANGE..], *range);
    }
    header[HEADER_GOES_ON] = u8::from(ranges.len() > in_header);
    number(&mut header[REAL_SIZE], size);
    let mut rest = ranges[in_header..].chunks(RANGES_IN_BLOCK).peekable();
    let mut blocks = Vec::new();
    while let Some(chunk) = rest.next() {
        let mut block = [0; BLOCK];
        for (slot, range) in chunk.iter().enumerate() {
            put_range(&mut block[slot * RANGE..], *range);
        }
        block[BLOCK_GOES_ON] = u8::from(rest.peek().is_some());
        blocks.push(block);
    }
    blocks
}

/// Copies the list from one header to another.
pub fn copy_list(from: &Block, to: &mut Block) {
    to[LIST..REAL_SIZE.end].copy_from_slice(&from[LIST..REAL_SIZE.end]);
}

/// Whether a header's list goes on in a block of its own.
pub fn header_goes_on(header: &Block) -> bool {
    header[HEADER_GOES_ON] != 0
}

/// Whether yet another block follows one that continues a list.
pub fn block_goes_on(block: &Block) -> bool {
    block[BLOCK_GOES_ON] != 0
}

fn put_range(slot: &mut [u8], (offset, length): (u64, u64)) {
    number(&mut slot[..12], offset);
    number(&mut slot[12..RANGE], length);
}

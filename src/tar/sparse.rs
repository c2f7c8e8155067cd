//! Sparse files in GNU's format: the stream has only the ranges that are not holes, and a list of their places.

use anyhow::{Context, Result, ensure};

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

/// Checks the list in a header and in the blocks that continue it, of a file of which `stored` bytes are in the stream.
///
/// # Errors
/// When its ranges are not numbers, are not in order, or do not add up to the bytes in the stream. The message is a sentence
/// in which the stream is "it".
pub fn check(header: &Block, more: &[Block], stored: u64) -> Result<()> {
    let wrong = "it has a sparse file with a wrong list of ranges";
    let size = ::tar::Header::from_byte_slice(header).as_gnu().context(wrong)?.real_size().context(wrong)?;
    let in_header = header[LIST..].chunks_exact(RANGE).take(RANGES_IN_HEADER);
    let in_blocks = more.iter().flat_map(|block| block.chunks_exact(RANGE).take(RANGES_IN_BLOCK));
    let (mut end, mut sum) = (0_u64, 0_u64);
    for slot in in_header.chain(in_blocks) {
        let (mut offset, mut numbytes) = ([0; 12], [0; 12]);
        offset.copy_from_slice(&slot[..12]);
        numbytes.copy_from_slice(&slot[12..]);
        let range = ::tar::GnuSparseHeader { offset, numbytes };
        if range.is_empty() {
            continue;
        }
        let (offset, length) = (range.offset().context(wrong)?, range.length().context(wrong)?);
        ensure!(offset >= end, wrong);
        end = offset.checked_add(length).context(wrong)?;
        sum = sum.checked_add(length).context(wrong)?;
    }
    ensure!(sum == stored && end <= size, wrong);
    Ok(())
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

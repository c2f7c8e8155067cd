//! A source of many small files, and a builder for it.

use std::fs;

use anyhow::Result;
use tempfile::TempDir;

use super::builder_image;
use crate::base_image;

/// Folders, files in each, and bytes in each file: together the 20,000 files of 4 KiB that the tables name.
const FOLDERS: u32 = 200;
const FILES: u32 = 100;
pub const FILE_SIZE: usize = 4096;

/// Any number but zero would do: this is the golden ratio in 64 bits, which has no pattern in its bits.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes 20,000 files that differ from each other and can not be compressed.
pub fn make() -> Result<TempDir> {
    let tree = tempfile::tempdir()?;
    let mut state = SEED;
    for folder in 0..FOLDERS {
        let folder = tree.path().join(format!("folder-{folder}"));
        fs::create_dir(&folder)?;
        for file in 0..FILES {
            fs::write(folder.join(format!("file-{file}")), random_bytes(&mut state))?;
        }
    }
    Ok(tree)
}

/// The next bytes of Marsaglia's xorshift generator; the shifts are one of his triples for 64 bits.
fn random_bytes(state: &mut u64) -> Vec<u8> {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()
    };
    (0..FILE_SIZE / 8).flat_map(|_| next()).collect()
}

/// Makes a builder whose `assemble` takes one file of the source.
pub fn make_builder(name: &str) -> Result<()> {
    builder_image::build(
        name,
        &format!(
            "FROM {}\n\
             LABEL io.openshift.s2i.scripts-url=image:///s2i\n\
             RUN mkdir /s2i && cd /s2i && printf '#!/bin/sh\\ncp /tmp/src/folder-0/file-0 /kept\\n' >assemble && \
             printf '#!/bin/sh\\nexec true\\n' >run && chmod 755 assemble run\n",
            base_image::NAME
        ),
    )
}

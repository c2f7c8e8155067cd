//! What a program for Linux needs of a system, read from its ELF file.

use std::fmt;

use anyhow::{Context, Result};
use object::Endianness;
use object::elf::DT_NEEDED;
use object::read::elf::{Dyn as _, ElfFile64};

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GlibcVersion(pub u32, pub u32);

impl GlibcVersion {
    /// The version of a symbol, such as `GLIBC_2.34` or `GLIBC_2.2.5`.
    fn of_symbol(version: &str) -> Option<Self> {
        let mut numbers = version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a program needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The oldest glibc that has all symbols; `None` for a static program, or one for another C library.
    pub glibc: Option<GlibcVersion>,
    /// Shared libraries, sorted.
    pub libraries: Vec<String>,
}

/// Reads it from a 64-bit ELF file.
///
/// # Errors
/// When it is no such file.
pub fn facts(program: &[u8]) -> Result<Facts> {
    let elf = ElfFile64::<Endianness>::parse(program).context("the program is no 64-bit ELF file")?;
    let (endian, sections) = (elf.endian(), elf.elf_section_table());
    let mut facts = Facts::default();
    if let Some((mut needs, strings)) = sections.gnu_verneed(endian, program)? {
        let strings = sections.strings(endian, program, strings)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
                facts.glibc = facts.glibc.max(GlibcVersion::of_symbol(&name));
            }
        }
    }
    if let Some((entries, strings)) = sections.dynamic(endian, program)? {
        let strings = sections.strings(endian, program, strings)?;
        for entry in entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
            facts.libraries.push(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
        }
    }
    facts.libraries.sort();
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::{GlibcVersion, facts};

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |text| GlibcVersion::of_symbol(text).unwrap();
        assert!(of("GLIBC_2.34") > of("GLIBC_2.4") && of("GLIBC_2.2.5") == GlibcVersion(2, 2));
        assert_eq!(GlibcVersion::of_symbol("GCC_3.0"), None);
    }

    #[test]
    fn a_text_is_no_program() {
        assert!(facts(b"#!/bin/sh\n").is_err());
    }
}

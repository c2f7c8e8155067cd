//! No file is too long to be read in one go.

use super::fault::Fault;
use super::plan::{FILE_LIMIT, INLINE_TESTS_LIMIT};
use super::source_file::SourceFile;

/// Files that are too long, and test modules that should be in a file of their own.
pub fn too_long(files: &[SourceFile]) -> Vec<Fault> {
    files.iter().flat_map(|file| long_file(file).into_iter().chain(long_tests(file))).collect()
}

/// Files that are no Rust, such as scripts, and too long.
pub fn too_long_texts<'a>(texts: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Fault> {
    let counted = texts.into_iter().map(|(name, text)| (name, text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > FILE_LIMIT);
    long.map(|(name, lines)| Fault::new(name, FILE_LIMIT + 1, too_many(lines))).collect()
}

fn long_file(file: &SourceFile) -> Option<Fault> {
    let tests: usize = file.inline_tests.iter().map(|tests| tests.lines()).sum();
    let lines = file.lines - tests;
    (lines > FILE_LIMIT).then(|| Fault::new(file.name, FILE_LIMIT + 1, too_many(lines)))
}

fn too_many(lines: usize) -> String {
    format!("{lines} lines without its tests; a file may have {FILE_LIMIT}")
}

fn long_tests(file: &SourceFile) -> Vec<Fault> {
    let long = file.inline_tests.iter().filter(|tests| tests.lines() > INLINE_TESTS_LIMIT);
    let text = |lines| {
        format!("a test module of {lines} lines; one of more than {INLINE_TESTS_LIMIT} belongs in a file beside")
    };
    long.map(|tests| Fault::new(file.name, tests.first, text(tests.lines()))).collect()
}

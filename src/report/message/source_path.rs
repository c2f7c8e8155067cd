//! A path of the source in a line of output.

use std::ops::Range;

/// A path in a line of output, and what the user calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath {
    /// Where the path in the container stands in the line, in bytes.
    pub container: Range<usize>,
    /// What the user's path takes the place of: the same, with a `file://` before it.
    pub replaced: Range<usize>,
    /// The path as the user calls it, in any bytes.
    pub source: Vec<u8>,
    /// The line that is named after it, from 1.
    pub line: Option<u64>,
    /// The column that is named after that.
    pub column: Option<u64>,
}

//! A path of the source in a line of output, as JSON.

use std::borrow::Cow;

use serde::Serialize;

use crate::report::message::SourcePath;

/// A path in a line of output. Bytes that are not UTF-8 are replaced.
#[derive(Serialize)]
pub struct PathInOutput<'a> {
    container: Cow<'a, str>,
    source: Cow<'a, str>,
    line: Option<u64>,
    column: Option<u64>,
}

impl<'a> PathInOutput<'a> {
    /// The path as it stands in the line `text`.
    pub fn new(path: &'a SourcePath, text: &'a [u8]) -> Self {
        Self {
            container: String::from_utf8_lossy(&text[path.container.clone()]),
            source: String::from_utf8_lossy(&path.source),
            line: path.line,
            column: path.column,
        }
    }
}

//! A line of output.

use std::borrow::Cow;

use super::source_path::SourcePath;

/// A line of output, or a part of one that is too long for one message.
#[derive(Clone, Copy)]
pub struct OutputLine<'a> {
    /// Without the line feed.
    pub text: &'a [u8],
    /// Whether the line goes on in the next message.
    pub more: bool,
    /// The paths of the source in it, as far as they are wanted, in their order.
    pub paths: &'a [SourcePath],
}

impl<'a> OutputLine<'a> {
    /// The line with the user's paths in the place of those in the container.
    pub fn with_source_paths(&self) -> Cow<'a, [u8]> {
        if self.paths.is_empty() {
            return Cow::Borrowed(self.text);
        }
        let mut text = Vec::with_capacity(self.text.len());
        let mut end = 0;
        for path in self.paths {
            text.extend_from_slice(&self.text[end..path.replaced.start]);
            text.extend_from_slice(&path.source);
            end = path.replaced.end;
        }
        text.extend_from_slice(&self.text[end..]);
        Cow::Owned(text)
    }
}

//! Where a path in a text begins and ends.

/// The first byte of the characters from U+2000 to U+2FFF: quotation marks, dashes, arrows, what frames are drawn with.
const PUNCTUATION: u8 = 0xe2;

/// How many full stops after a path may end a sentence.
const FULL_STOPS: usize = 3;

/// Whether a byte can belong to a name of a file beside which it stands. Names can have any other byte as well, but there it
/// is more often something else that follows.
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'@' | b'~' | b'%' | 0x80..)
}

/// Whether a path that ends at `end` is not the beginning of a longer one. A slash may follow a folder.
pub fn ends_path(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    let stops = rest.iter().take(FULL_STOPS).take_while(|byte| **byte == b'.').count();
    match rest[stops..] {
        [] | [PUNCTUATION, ..] => true,
        [byte, ..] => byte != b'/' && !is_name_byte(byte),
    }
}

/// Whether a path that begins at `begin` is not the end of a longer one, or of something that a shell would replace.
pub fn begins_path(text: &[u8], begin: usize) -> bool {
    match &text[..begin] {
        [] | [.., PUNCTUATION, _, _] => true,
        [.., byte] => !is_name_byte(*byte) && !matches!(byte, b'/' | b'\\' | b')' | b'}' | b'*'),
    }
}

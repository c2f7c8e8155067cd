//! Removing a terminal's escape sequences from a line, and nothing else.

/// The byte with which an escape sequence begins.
pub const ESC: u8 = 0x1b;
const BELL: u8 = 0x07;

/// The line without escape sequences. Of a sequence that does not end in the line, only the beginning is removed.
pub fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len() + 1);
    let mut rest = line;
    while let Some(begin) = rest.iter().position(|byte| *byte == ESC) {
        plain.extend_from_slice(&rest[..begin]);
        rest = after_sequence(&rest[begin + 1..]);
    }
    plain.extend_from_slice(rest);
    plain
}

/// What follows an escape sequence; `rest` begins after its escape. It looks no further than the next escape.
pub fn after_sequence(rest: &[u8]) -> &[u8] {
    match rest {
        [b'[', parameters @ ..] => {
            let end = parameters.iter().position(|byte| !matches!(byte, 0x20..=0x3f)).unwrap_or(parameters.len());
            let after = &parameters[end..];
            match after {
                [0x40..=0x7e, text @ ..] => text,
                text => text,
            }
        }
        // Titles and links: they end with a bell, or with an escape and a backslash.
        [b']' | b'P' | b'X' | b'^' | b'_', text @ ..] => {
            let end = text.iter().position(|byte| matches!(*byte, BELL | ESC));
            match end.map(|end| &text[end..]) {
                Some([BELL, after @ ..] | [ESC, b'\\', after @ ..]) => after,
                _ => text,
            }
        }
        // Sequences of two or three bytes with the escape, which choose a character set for example.
        [0x20..=0x2f, 0x30..=0x7e, after @ ..] | [0x30..=0x7e, after @ ..] => after,
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::without_escapes;

    #[test]
    fn sequences_go_and_text_stays() {
        let lines: [(&[u8], &[u8]); 8] = [
            (b"\x1b[1;31mred\x1b[0m text", b"red text"),
            (b"\x1b]0;title\x07text", b"text"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"link"),
            (b"\x1b(Btext\x1b=", b"text"),
            (b"a\xffb\tc\r", b"a\xffb\tc\r"),
            (b"\x1b]0;no end", b"0;no end"),
            (b"\x1b[", b""),
            (b"end\x1b", b"end"),
        ];
        for (line, plain) in lines {
            assert_eq!(without_escapes(line), plain, "{}", line.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_escape_is_left_and_no_plain_line_changed(line in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(!without_escapes(&line).contains(&super::ESC));
            let plain: Vec<u8> = line.into_iter().filter(|byte| *byte != super::ESC).collect();
            prop_assert_eq!(without_escapes(&plain), plain);
        }
    }
}

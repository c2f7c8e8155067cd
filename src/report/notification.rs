//! A notification of the desktop, as what a terminal is given to show one. No terminal is asked here.

use super::escape::on_one_line;

/// What stands above the text, where there is a place for it.
const TITLE: &str = "minis2i";

/// The most characters of a text: a notification shows about so many, and terminals refuse sequences that are far longer.
const LENGTH_LIMIT: usize = 200;

const BELL: char = '\u{7}';

/// What the terminal of the user understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalKind {
    /// `OSC 9 ; TEXT`, as iTerm2, kitty, WezTerm and Ghostty have it.
    pub osc_9: bool,
    /// `OSC 777 ; notify ; TITLE ; TEXT`, as rxvt-unicode, foot and terminals on VTE have it.
    pub osc_777: bool,
    /// It is behind tmux, which passes on only what is wrapped for that.
    pub in_tmux: bool,
}

/// What the terminal is given: sequences that notify the desktop, as far as it understands any, and the bell, which marks a
/// window everywhere. The text is shown on one line, cut where it is long; nothing in it can end the sequence.
pub fn sequences(text: &str, kind: TerminalKind) -> Vec<u8> {
    let text = cut(&on_one_line(text));
    let osc_9 = kind.osc_9.then(|| format!("\u{1b}]9;{TITLE}: {text}{BELL}"));
    let osc_777 = kind.osc_777.then(|| format!("\u{1b}]777;notify;{TITLE};{text}{BELL}"));
    let all = osc_9.into_iter().chain(osc_777);
    let passed: String = all.map(|one| if kind.in_tmux { wrapped_for_tmux(&one) } else { one }).collect();
    format!("{passed}{BELL}").into_bytes()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LENGTH_LIMIT {
        return text.to_owned();
    }
    text.chars().take(LENGTH_LIMIT - 1).chain(['…']).collect()
}

/// A sequence that tmux passes on to its own terminal if `allow-passthrough` is on.
fn wrapped_for_tmux(sequence: &str) -> String {
    format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TerminalKind, sequences};

    const ALL: TerminalKind = TerminalKind { osc_9: true, osc_777: true, in_tmux: false };

    fn text(text: &str, kind: TerminalKind) -> String {
        String::from_utf8(sequences(text, kind)).unwrap()
    }

    #[test]
    fn each_terminal_gets_what_it_understands() {
        let bell_only = TerminalKind { osc_9: false, osc_777: false, in_tmux: false };
        assert_eq!(text("a", bell_only), "\x07");
        assert_eq!(text("a", TerminalKind { osc_777: false, ..ALL }), "\x1b]9;minis2i: a\x07\x07");
        assert_eq!(text("a", TerminalKind { osc_9: false, ..ALL }), "\x1b]777;notify;minis2i;a\x07\x07");
        assert_eq!(
            text("a", TerminalKind { osc_9: false, in_tmux: true, ..ALL }),
            "\x1bPtmux;\x1b\x1b]777;notify;minis2i;a\x07\x1b\\\x07"
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = text(&"ä".repeat(300), TerminalKind { osc_777: false, ..ALL });
        assert_eq!(shown.chars().filter(|c| *c == 'ä').count(), 199);
        assert!(shown.ends_with("…\x07\x07"), "{shown:?}");
    }

    proptest! {
        #[test]
        fn no_text_can_end_its_sequence(any in any::<String>()) {
            let shown = text(&any, TerminalKind { osc_777: false, ..ALL });
            let inner = shown.strip_prefix("\x1b]9;").unwrap().strip_suffix("\x07\x07").unwrap();
            prop_assert!(!inner.chars().any(char::is_control), "{:?}", inner);
        }
    }
}

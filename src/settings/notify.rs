//! How the terminal of the user is told to notify the desktop.

use std::env;

use crate::report::notification::TerminalKind;

/// The terminal, as its variables describe it.
pub fn terminal_kind() -> TerminalKind {
    let text = |name| env::var(name).unwrap_or_default();
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    kind(&text("TERM"), &text("TERM_PROGRAM"), is_set("VTE_VERSION"), is_set("TMUX"))
}

/// One that is not known gets both sequences: terminals leave out those that they do not understand, but for the simplest.
fn kind(term: &str, program: &str, on_vte: bool, in_tmux: bool) -> TerminalKind {
    let of = |osc_9, osc_777| TerminalKind { osc_9, osc_777, in_tmux };
    if in_tmux {
        // The other variables may be those of the terminal in which tmux was started.
        return of(true, true);
    }
    if matches!(term, "" | "dumb" | "linux") {
        return of(false, false);
    }
    let has_osc_9 = matches!(program, "iTerm.app" | "WezTerm" | "ghostty");
    if has_osc_9 || matches!(term, "xterm-kitty" | "xterm-ghostty" | "wezterm") {
        return of(true, false);
    }
    if on_vte || ["rxvt", "foot"].iter().any(|name| term.starts_with(name)) {
        return of(false, true);
    }
    of(true, true)
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn known_terminals_get_one_sequence() {
        for (term, program, on_vte, expected) in [
            ("xterm-256color", "", false, (true, true)),
            ("xterm-256color", "", true, (false, true)),
            ("xterm-256color", "iTerm.app", false, (true, false)),
            ("xterm-kitty", "", false, (true, false)),
            ("foot", "", false, (false, true)),
            ("rxvt-unicode-256color", "", false, (false, true)),
            ("dumb", "", false, (false, false)),
            ("", "", false, (false, false)),
        ] {
            let kind = kind(term, program, on_vte, false);
            assert_eq!((kind.osc_9, kind.osc_777), expected, "{term} {program}");
        }
        let behind_tmux = kind("tmux-256color", "tmux", true, true);
        assert!(behind_tmux.osc_9 && behind_tmux.osc_777 && behind_tmux.in_tmux);
    }
}

//! Files that editors write beside the one that is edited: swap files, backups and locks. They come and go with each save,
//! and are none. Nor is the page that a watch writes about its builds.

/// The name of a page of timings that was given no other one.
const TIMINGS_PAGE: &[u8] = b"minis2i-timings.html";

/// Whether a file has a name that only editors give, or that a watch gives to a page of timings.
///
/// Sources: Vim, `:help swap-file` and `:help backup` (`.x.swp` to `.x.swa`, `x~`), and its test whether a folder can be
/// written to (`4913`, in `fileio.c`); Emacs' manual, "Auto Save" (`#x#`), "Interlocking" (`.#x`) and "Backup" (`x~`);
/// IntelliJ's platform, `SafeFileOutputStream` (`x___jb_tmp___`, `x___jb_old___`).
pub fn is_editor_file(name: &[u8]) -> bool {
    let is_swap = name.len() >= 4 && name.starts_with(b".") && name[..name.len() - 1].ends_with(b".sw");
    let is_autosave = name.len() > 2 && name.starts_with(b"#") && name.ends_with(b"#");
    is_swap && matches!(name.last(), Some(b'a'..=b'p'))
        || name == b"4913"
        || name == TIMINGS_PAGE
        || name.len() > 1 && name.ends_with(b"~")
        || name.len() > 2 && name.starts_with(b".#")
        || is_autosave
        || name.ends_with(b"___jb_tmp___")
        || name.ends_with(b"___jb_old___")
}

#[cfg(test)]
mod tests {
    use super::is_editor_file;

    #[test]
    fn names_of_editors_are_known_and_others_are_not() {
        for name in [
            ".app.py.swp",
            ".app.py.swo",
            ".swp",
            "4913",
            "app.py~",
            ".#app.py",
            "#app.py#",
            "a.js___jb_tmp___",
            "minis2i-timings.html",
            ".minis2i-timings-17~",
        ] {
            assert!(is_editor_file(name.as_bytes()), "{name}");
        }
        for name in ["app.py", "a.swp", ".x.swz", "49130", "~", "#", "##", "#a", ".#", ".env", "Main.swift", ".swpx"] {
            assert!(!is_editor_file(name.as_bytes()), "{name}");
        }
    }
}

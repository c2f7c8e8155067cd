//! URLs as they may be shown in messages and labels.

/// A text, which may contain URLs, without the user names and passwords in them.
pub fn without_credentials(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(after.len());
        let (authority, remainder) = after.split_at(end);
        shown.extend([before, "://", authority.rsplit('@').next().unwrap_or(authority)]);
        rest = remainder;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("https://me:pw@host.example/a/b.git", "https://host.example/a/b.git"),
            ("https://me:pw@host.example/a@b/run", "https://host.example/a@b/run"),
            ("https://host.example/a@b", "https://host.example/a@b"),
            ("http://host.example", "http://host.example"),
            ("git@host.example:a/b", "git@host.example:a/b"),
            (
                "fatal: unable to access 'https://me:pw@host.example/x/': no, see https://t@b",
                "fatal: unable to access 'https://host.example/x/': no, see https://b",
            ),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}

//! URLs in messages and labels.

/// A text without the user names and passwords that its URLs carry.
pub fn without_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(after.len());
        let (host, more) = after.split_at(end);
        clean.extend([before, "://", host.rsplit('@').next().unwrap_or(host)]);
        rest = more;
    }
    clean + rest
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

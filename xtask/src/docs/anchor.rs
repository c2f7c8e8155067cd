//! The names by which links reach headings.

use std::collections::HashMap;

/// Names the headings of one page as GitHub and mdBook do.
#[derive(Default)]
pub struct Anchors {
    seen: HashMap<String, usize>,
}

impl Anchors {
    /// The name of the next heading: in small letters, with `-` for spaces, without punctuation; one that was there gets
    /// a number.
    pub fn next(&mut self, heading: &str) -> String {
        let kept = heading.trim().chars().filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        });
        let name = kept.collect::<String>().to_lowercase();
        let before = self.seen.entry(name.clone()).or_default();
        *before += 1;
        match *before {
            1 => name,
            count => format!("{name}-{}", count - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Anchors;

    #[test]
    fn headings_are_named_as_on_github() {
        let mut anchors = Anchors::default();
        let named =
            ["What is sent", "`note`, `warning`", "The app, with `--run`", "What is sent"].map(|it| anchors.next(it));
        assert_eq!(named, ["what-is-sent", "note-warning", "the-app-with---run", "what-is-sent-1"]);
    }
}

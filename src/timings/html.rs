//! Text and numbers, made fit to stand in a page.

use std::borrow::Cow;
use std::time::Duration;

use crate::report::escape::on_one_line;

/// Text from elsewhere as the text of an element, or as the value of an attribute in quotes. Characters that are not seen are
/// shown as in messages.
pub fn escape(text: &str) -> Cow<'_, str> {
    let line = on_one_line(text);
    if !line.contains(['&', '<', '>', '"', '\'']) {
        return line;
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// A time in seconds, to the millisecond.
pub fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// A time since the beginning of a watch, as hours, minutes and seconds.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A part of a whole in percent, from 0 to 100, as a width in a style.
pub fn percent(part: Duration, whole: Duration) -> String {
    let share = if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() };
    let text = format!("{:.2}", share.min(1.0) * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{clock, escape, percent, seconds};

    #[test]
    fn nothing_from_elsewhere_is_markup() {
        assert_eq!(escape("plain ä.py"), "plain ä.py");
        assert_eq!(escape(r#"<b onclick="x('&')">"#), "&lt;b onclick=&quot;x(&#39;&amp;&#39;)&quot;&gt;");
        assert_eq!(escape("a\nb\u{0}\u{202e}"), r"a\nb\u{0}\u{202e}");
        assert_eq!(escape("&amp;"), "&amp;amp;");
    }

    #[test]
    fn times_are_short_and_exact() {
        assert_eq!(seconds(Duration::from_micros(123_456)), "0.123");
        assert_eq!(clock(Duration::from_secs(3 * 3600 + 62)), "3:01:02");
        let percent = |part: u64, whole: u64| percent(Duration::from_secs(part), Duration::from_secs(whole));
        assert_eq!([percent(1, 3), percent(1, 2), percent(9, 3), percent(1, 0)], ["33.33", "50", "100", "0"]);
        assert_eq!([percent(0, 3), percent(1, 10)], ["0", "10"]);
    }

    proptest! {
        #[test]
        fn escaped_text_has_nothing_that_ends_it(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'', '\n', '\0']));
        }
    }
}

//! What the engine's CLI printed, as the cause of an error: its own words without what is of no use there.

use std::borrow::Cow;

/// The words of the CLI for the cause of an error. A URL in quotes loses its query, which may have all changes of a commit, and
/// the advice to read the CLI's help is left out.
pub(super) fn shortened(stderr: &str) -> String {
    let lines = stderr.trim().lines().filter(|line| !is_advice(line)).map(without_query);
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// Whether a line is the advice that docker's CLI ends an error with.
fn is_advice(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    (line.starts_with("run '") || line.starts_with("see '")) && line.contains(" --help'")
}

/// A line such as `Post "http://HOST/v1.41/commit?changes=...": EOF`, with the first query replaced by an ellipsis.
fn without_query(line: &str) -> Cow<'_, str> {
    let shortened = line.find("\"http").and_then(|begin| {
        let (before, url) = line.split_at(begin + 1);
        let (url, after) = url.split_once('"')?;
        let (path, _) = url.split_once('?')?;
        Some(format!("{before}{path}?...\"{after}"))
    });
    shortened.map_or(Cow::Borrowed(line), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_changes_of_a_commit_filled_the_screen_when_the_connection_was_lost() {
        assert_eq!(
            shortened("error during connect: Post \"http://far:2375/v1.41/commit?author=&changes=CMD+%5B%22\": EOF\n"),
            "error during connect: Post \"http://far:2375/v1.41/commit?...\": EOF"
        );
    }

    #[test]
    fn the_advice_to_read_the_help_of_the_cli_is_left_out() {
        for advice in ["Run 'docker run --help' for more information", "See 'docker run --help'."] {
            assert_eq!(shortened(&format!("docker: no such image\n\n{advice}\n")), "docker: no such image");
        }
    }

    #[test]
    fn other_words_stay() {
        for words in ["", "a \"http://x/y\" b", "a \"http://x/y?z", "Post \"x?y\"\n\nz"] {
            assert_eq!(shortened(words), words);
        }
    }
}

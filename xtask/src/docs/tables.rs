//! Tables in a page that are made of what the project knows: each stands between two comments with its name.

use std::fmt::Write;

use super::systems;
use crate::rooms;

/// The page with the tables.
pub const PAGE: &str = "CONTRIBUTING.md";

/// The page with the tables as they should be.
///
/// # Errors
/// The name of a table whose comments are not there.
pub fn filled_in(page: &str) -> Result<String, &'static str> {
    [("rooms", rooms()), ("systems", systems::table())]
        .iter()
        .try_fold(page.to_owned(), |page, (name, table)| replaced(&page, name, table).ok_or(*name))
}

fn rooms() -> String {
    let mut table = "| room | what it is for |\n|---|---|\n".to_owned();
    for (room, why) in rooms::plan::ROOMS {
        let _ = writeln!(table, "| `{room}` | {why} |");
    }
    table
}

fn replaced(page: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{filled_in, replaced};

    #[test]
    fn what_stands_between_the_comments_is_replaced() {
        let page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
        assert_eq!(replaced(page, "x", "new\n").unwrap(), "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n");
        assert_eq!(replaced(page, "y", ""), None);
        assert_eq!(filled_in(page), Err("rooms"));
    }
}

//! Each file begins with what it is for, and so does each type and each function beside types that others may use.
//!
//! The compiler's own lint is silent about programs, and clippy's asks for every field and every `new`. Methods and fields
//! may go without: the name in its type is enough, or a comment is worth more than a rule.

use std::collections::BTreeMap;

use super::fault::Fault;

/// What begins an item that needs a comment, behind `pub`, `pub(crate)` and the like.
const ITEMS: [&str; 6] = ["enum ", "fn ", "struct ", "trait ", "type ", "union "];

/// Derives of clap, for which a comment is a text of the help: the comment is at the option or command instead.
const HELP_TEXTS: [&str; 3] = ["Args", "Parser", "Subcommand"];

/// Files and items without a comment, of texts by the names of their files.
pub fn missing(texts: &BTreeMap<String, String>) -> Vec<Fault> {
    texts.iter().filter(|(name, _)| name.ends_with(".rs")).flat_map(|(name, text)| missing_in(name, text)).collect()
}

fn missing_in(name: &str, text: &str) -> Vec<Fault> {
    let lines: Vec<&str> = text.lines().collect();
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(Fault::new(name, 1, "a file begins with what it is for: `//! ...`"));
    }
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_public_item(line)) {
        if !has_comment(&lines[..at]) {
            let item = line.split(['(', '{', '<', ';', '=']).next().unwrap_or(line).trim();
            faults.push(Fault::new(name, at + 1, format!("`{item}` has no comment: `/// ...`")));
        }
    }
    faults
}

/// Whether a line begins an item of the file itself; those of an `impl` or a module are indented.
fn is_public_item(line: &str) -> bool {
    let Some(mut rest) = line.strip_prefix("pub") else { return false };
    if let Some(scope) = rest.strip_prefix('(') {
        rest = scope.split_once(')').map_or("", |(_, rest)| rest);
    }
    let Some(rest) = rest.strip_prefix(' ') else { return false };
    let rest = ["const ", "unsafe "].iter().fold(rest, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    ITEMS.iter().any(|item| rest.starts_with(item))
}

/// Whether a comment stands above an item, before its attributes.
fn has_comment(above: &[&str]) -> bool {
    let head: Vec<&&str> = above.iter().rev().take_while(|line| !line.is_empty() && !line.starts_with('}')).collect();
    let is_help = |line: &str| line.starts_with("#[derive(") && HELP_TEXTS.iter().any(|derive| line.contains(derive));
    head.iter().any(|line| line.starts_with("///") || is_help(line))
}

#[cfg(test)]
mod tests {
    use super::missing_in;

    fn faults(text: &str) -> Vec<usize> {
        missing_in("src/x.rs", text).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_file_and_its_public_items_have_comments() {
        assert_eq!(faults("use a::b;\n"), [1]);
        assert_eq!(
            faults("//! A.\n\npub fn f() {}\n\npub(crate) struct S;\n\n/// It.\n#[derive(Debug)]\npub enum E {}\n"),
            [3, 5]
        );
        assert_eq!(faults("//! A.\n\n/// It.\npub struct S;\n\npub const fn g() {}\n"), [6]);
    }

    #[test]
    fn private_items_methods_and_help_texts_may_go_without() {
        assert_eq!(faults("//! A.\n\nfn f() {}\n\nimpl S {\n    pub fn new() -> Self {}\n}\n"), [0; 0]);
        assert_eq!(faults("//! A.\n\n#[derive(Debug, Args)]\n#[command(x)]\npub struct S {\n"), [0; 0]);
    }
}

//! Takes the code that is there for tests only out of a file.

use super::lexer::Token;

/// A file without its tests.
pub struct WithoutTests<'a> {
    pub code: Vec<Token<'a>>,
    pub modules: Vec<InlineTests>,
    /// The names in `#[cfg(test)] mod name;`.
    pub declared: Vec<&'a str>,
}

/// The lines of a `#[cfg(test)] mod name { ... }`, the attribute included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InlineTests {
    pub first: usize,
    pub last: usize,
}

impl InlineTests {
    pub fn lines(self) -> usize {
        self.last - self.first + 1
    }
}

/// Whether a file holds nothing but tests, by its name.
pub fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.ends_with("_tests.rs") || name.contains("/tests/")
}

/// The tokens of a file without those of its tests.
pub fn without_tests<'a>(tokens: &[Token<'a>]) -> WithoutTests<'a> {
    let mut result = WithoutTests { code: Vec::new(), modules: Vec::new(), declared: Vec::new() };
    let mut at = 0;
    while at < tokens.len() {
        let attribute = attribute_end(tokens, at);
        if !is_cfg_test(&tokens[at..attribute]) {
            // An attribute may hold code of its own, such as the path of a function.
            result.code.push(tokens[at]);
            at += 1;
            continue;
        }
        let mut item = attribute;
        while attribute_end(tokens, item) > item {
            item = attribute_end(tokens, item);
        }
        let end = item_end(tokens, item);
        if let [keyword, name, open, ..] = &tokens[after_visibility(tokens, item)..end]
            && keyword.is("mod")
        {
            if open.is("{") {
                result.modules.push(InlineTests { first: tokens[at].line, last: tokens[end - 1].line });
            } else {
                result.declared.push(name.text);
            }
        }
        at = end;
    }
    result
}

/// Where the attribute that begins here ends; here, if none does.
fn attribute_end(tokens: &[Token], at: usize) -> usize {
    match &tokens[at..] {
        [hash, open, ..] if hash.is("#") && open.is("[") => group_end(tokens, at + 1),
        _ => at,
    }
}

/// `#[cfg(test)]`, also among other conditions, but not `#[cfg(not(test))]`.
fn is_cfg_test(attribute: &[Token]) -> bool {
    let holds = |word: &str| attribute.iter().any(|token| token.is(word));
    attribute.get(2).is_some_and(|name| name.is("cfg")) && holds("test") && !holds("not")
}

/// Where the bracket that opens here is closed.
fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The first token behind `pub` and `pub(...)`.
fn after_visibility(tokens: &[Token], at: usize) -> usize {
    match &tokens[at..] {
        [public, open, ..] if public.is("pub") && open.is("(") => group_end(tokens, at + 1),
        [public, ..] if public.is("pub") => at + 1,
        _ => at,
    }
}

/// What ends an item depends on its keyword: a `use` has braces in it, and a field ends with a comma.
fn item_end(tokens: &[Token], begin: usize) -> usize {
    let keyword = after_visibility(tokens, begin);
    let [first, second] = [keyword, keyword + 1].map(|at| tokens.get(at).map_or("", |token| token.text));
    let ends_with_brace = match first {
        "fn" | "mod" | "impl" | "struct" | "enum" | "trait" | "unsafe" | "async" | "extern" | "macro_rules" => true,
        "const" => second == "fn",
        _ => false,
    };
    let ends_with_comma = !ends_with_brace && !matches!(first, "use" | "const" | "static" | "type" | "let");
    let mut at = keyword;
    while let Some(token) = tokens.get(at) {
        match token.text {
            ";" => return at + 1,
            "," if ends_with_comma => return at + 1,
            ")" | "]" | "}" => return at,
            "(" | "[" => at = group_end(tokens, at),
            "{" if ends_with_brace => return group_end(tokens, at),
            "{" => at = group_end(tokens, at),
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{InlineTests, without_tests};
    use crate::rooms::lexer::tokens;

    fn left(text: &str) -> String {
        let tokens = tokens(text);
        without_tests(&tokens).code.iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn test_items_are_taken_out_whole() {
        assert_eq!(left("a; #[cfg(test)] use b::{c, d}; e"), "a ; e");
        assert_eq!(left("#[cfg(test)] #[derive(A)] pub(crate) struct B { c: D } e"), "e");
        assert_eq!(left("#[cfg(all(test, unix))] fn a<B, C>() -> D { e } f"), "f");
        assert_eq!(left("struct A { #[cfg(test)] b: C<D>, e: F }"), "struct A { e : F }");
    }

    #[test]
    fn other_conditions_stay() {
        assert_eq!(left("#[cfg(not(test))] fn a() {}"), "# [ cfg ( not ( test ) ) ] fn a ( ) { }");
    }

    #[test]
    fn modules_are_told_with_their_lines() {
        let tokens = tokens("a\n#[cfg(test)]\nmod tests {\n b\n}\n#[cfg(test)]\nmod more;\n");
        let rest = without_tests(&tokens);
        assert_eq!((rest.modules, rest.declared), (vec![InlineTests { first: 2, last: 5 }], vec!["more"]));
    }
}

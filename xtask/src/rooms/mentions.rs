//! Which paths, macros and methods a file mentions, as they are written.

use super::lexer::Token;

/// Something that is mentioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention<'a> {
    pub kind: Kind,
    /// The parts of the path; one alone for a method or a plain name.
    pub path: Vec<&'a str>,
    pub line: usize,
    /// The modules inside the file that it stands in.
    pub within: Vec<&'a str>,
}

/// How something is mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A leaf of a `use`.
    Import,
    /// A path or name in code.
    Path,
    Macro,
    Method,
}

/// All mentions, and the names that `use` gives.
pub struct Mentions<'a> {
    pub all: Vec<Mention<'a>>,
    /// A name, and which of the mentions it stands for.
    pub names: Vec<(&'a str, usize)>,
}

/// Finds them in the tokens of a file.
pub fn mentions<'a>(tokens: &[Token<'a>]) -> Mentions<'a> {
    let mut reader = Reader { tokens, at: 0, depth: 0, within: Vec::new(), all: Vec::new(), names: Vec::new() };
    while reader.at < tokens.len() {
        reader.step();
    }
    Mentions { all: reader.all, names: reader.names }
}

struct Reader<'a, 't> {
    tokens: &'t [Token<'a>],
    at: usize,
    depth: usize,
    /// The modules that are open, and the depth of braces in each.
    within: Vec<(&'a str, usize)>,
    all: Vec<Mention<'a>>,
    names: Vec<(&'a str, usize)>,
}

impl<'a> Reader<'a, '_> {
    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn before(&self, back: usize) -> &'a str {
        self.at.checked_sub(back).map_or("", |at| self.text(at))
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_word)
    }

    fn add(&mut self, kind: Kind, path: Vec<&'a str>, line: usize) {
        let within = self.within.iter().map(|(name, _)| *name).collect();
        self.all.push(Mention { kind, path, line, within });
    }

    fn step(&mut self) {
        match self.text(self.at) {
            "{" => {
                self.depth += 1;
                self.at += 1;
            }
            "}" => {
                self.within.pop_if(|(_, depth)| *depth == self.depth);
                self.depth = self.depth.saturating_sub(1);
                self.at += 1;
            }
            "mod" if self.is_word(self.at + 1) && self.text(self.at + 2) == "{" => {
                self.depth += 1;
                self.within.push((self.text(self.at + 1), self.depth));
                self.at += 3;
            }
            // `impl Trait + use<'a>` is no import.
            "use" if self.text(self.at + 1) != "<" => {
                self.at += 1;
                self.import(&[]);
            }
            _ if self.is_word(self.at) => self.name(),
            _ => self.at += 1,
        }
    }

    /// Reads a tree of `use`, of which this much was read before.
    fn import(&mut self, before: &[&'a str]) {
        let mut path = before.to_vec();
        loop {
            let line = self.tokens.get(self.at).map_or(0, |token| token.line);
            match self.text(self.at) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(self.at), "}" | "") {
                        self.import(&path);
                        if self.text(self.at) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    path.push("*");
                    self.add(Kind::Import, path, line);
                    return;
                }
                word if self.is_word(self.at) => {
                    self.at += 1;
                    // `{self}` stands for what is before the brace.
                    if word != "self" || path.is_empty() {
                        path.push(word);
                    }
                    if self.text(self.at) != "::" {
                        return self.leaf(path, line);
                    }
                }
                _ => {
                    self.at += 1;
                    return;
                }
            }
        }
    }

    fn leaf(&mut self, path: Vec<&'a str>, line: usize) {
        let mut name = path.last().copied().unwrap_or_default();
        if self.text(self.at) == "as" {
            name = self.text(self.at + 1);
            self.at += 2;
        }
        self.names.push((name, self.all.len()));
        self.add(Kind::Import, path, line);
    }

    /// Reads a path in code, and what follows it tells what it is.
    fn name(&mut self) {
        let line = self.tokens[self.at].line;
        // In `a..b` the second dot stands before a path.
        let is_member = self.before(1) == "." && self.before(2) != ".";
        // The end of `Vec::<A>::new` and `<A as B>::c` belongs to a type that was read before.
        let is_rest = self.before(1) == "::" && (self.before(2) == ">" || self.is_word(self.at.saturating_sub(2)));
        let is_visibility = self.before(1) == "in" && self.before(2) == "(";
        let mut path = vec![self.text(self.at)];
        self.at += 1;
        while self.text(self.at) == "::" && self.is_word(self.at + 1) {
            path.push(self.text(self.at + 1));
            self.at += 2;
        }
        let is_macro = self.text(self.at) == "!" && matches!(self.text(self.at + 1), "(" | "[" | "{");
        if is_member && self.text(self.at) == "(" {
            self.add(Kind::Method, path, line);
        } else if !is_member && !is_rest && !is_visibility {
            self.add(if is_macro { Kind::Macro } else { Kind::Path }, path, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, mentions};
    use crate::rooms::lexer::tokens;

    fn paths(kind: Kind, text: &str) -> Vec<String> {
        let tokens = tokens(text);
        let found = mentions(&tokens).all;
        found.iter().filter(|mention| mention.kind == kind).map(|mention| mention.path.join("::")).collect()
    }

    #[test]
    fn trees_of_use_are_unfolded() {
        let text = "pub use a::{self, b::{c as d, e}, f::*}; use ::g; fn h() -> impl I + use<'a> {}";
        assert_eq!(paths(Kind::Import, text), ["a", "a::b::c", "a::b::e", "a::f::*", "g"]);
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        let text = "Vec::<a::B>::new() + <c::D as E>::f(); 0..g::h(); i.j; k.l(); m!(n::o); pub(in p::q) r";
        let found = paths(Kind::Path, text);
        for path in ["a::B", "c::D", "g::h", "n::o"] {
            assert!(found.iter().any(|found| found == path), "{path} in {found:?}");
        }
        for path in ["new", "f", "j", "l", "p::q"] {
            assert!(!found.iter().any(|found| found == path), "{path} in {found:?}");
        }
        assert_eq!((paths(Kind::Method, text), paths(Kind::Macro, text)), (vec!["l".to_owned()], vec!["m".to_owned()]));
    }

    #[test]
    fn a_module_in_the_file_is_known_to_what_is_in_it() {
        let tokens = tokens("a::b; mod c { fn d() { e::f } } g::h");
        let within: Vec<_> =
            mentions(&tokens).all.into_iter().filter(|found| found.path.len() == 2).map(|found| found.within).collect();
        assert_eq!(within, [vec![], vec!["c"], vec![]]);
    }
}

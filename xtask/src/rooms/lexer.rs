//! Rust text, cut into tokens: what is in comments, strings and characters is gone, so that nothing is found there.

/// A word or a symbol of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    /// Nothing for a literal.
    pub text: &'a str,
    pub line: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// One character of punctuation, or `::`, `->`, `=>`.
    Symbol,
    /// A string, a character or a number.
    Literal,
}

impl Token<'_> {
    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    /// Whether it is that keyword or symbol.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// The tokens of a file. Lifetimes are left out.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    std::iter::from_fn(|| lexer.next()).collect()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let (begin, line) = (self.at, self.line);
            let kind = match self.peek(0)? {
                b if b.is_ascii_whitespace() => {
                    self.advance(1);
                    continue;
                }
                b'/' if self.peek(1) == Some(b'/') => {
                    self.skip_line();
                    continue;
                }
                b'/' if self.peek(1) == Some(b'*') => {
                    self.skip_block();
                    continue;
                }
                b'"' => self.string(),
                b'\'' => match self.character() {
                    Some(kind) => kind,
                    None => continue,
                },
                b if b.is_ascii_digit() => self.number(),
                b if is_word(b) => return Some(self.word(line)),
                _ => self.symbol(),
            };
            let text = if kind == Kind::Literal { "" } else { &self.text[begin..self.at] };
            return Some(Token { kind, text, line });
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn advance(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.line += self.text.as_bytes()[self.at..end].iter().filter(|byte| **byte == b'\n').count();
        self.at = end;
    }

    fn advance_while(&mut self, fits: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&fits) {
            self.advance(1);
        }
    }

    fn skip_line(&mut self) {
        self.advance_while(|byte| byte != b'\n');
    }

    /// Block comments nest.
    fn skip_block(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.peek(0) {
            match (byte, self.peek(1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    self.advance(2);
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    self.advance(2);
                }
                _ => self.advance(1),
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> Kind {
        self.quoted(b'"')
    }

    /// From one quote to the next that no backslash stands before.
    fn quoted(&mut self, quote: u8) -> Kind {
        self.advance(1);
        while let Some(byte) = self.peek(0) {
            self.advance(if byte == b'\\' { 2 } else { 1 });
            if byte == quote {
                break;
            }
        }
        Kind::Literal
    }

    /// A character, or `None` after a lifetime or a label, which begin in the same way.
    fn character(&mut self) -> Option<Kind> {
        let inside = self.text[self.at + 1..].chars().next()?;
        if inside == '\\' || self.peek(1 + inside.len_utf8()) == Some(b'\'') {
            if inside == '\\' {
                return Some(self.quoted(b'\''));
            }
            self.advance(2 + inside.len_utf8());
            return Some(Kind::Literal);
        }
        self.advance(1);
        self.advance_while(is_word);
        None
    }

    /// A dot belongs to a number when a digit follows it: not in `0..9` and `pair.0.clone()`.
    fn number(&mut self) -> Kind {
        self.advance_while(is_word);
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.advance(1);
            self.advance_while(is_word);
        }
        Kind::Literal
    }

    /// A word, or the literal that it is the prefix of.
    fn word(&mut self, line: usize) -> Token<'a> {
        let begin = self.at;
        self.advance_while(is_word);
        let text = &self.text[begin..self.at];
        let literal = Token { kind: Kind::Literal, text: "", line };
        match (text, self.peek(0)) {
            ("r" | "br" | "cr", Some(b'"' | b'#')) => {
                let hashes = self.text[self.at..].bytes().take_while(|byte| *byte == b'#').count();
                if self.peek(hashes) == Some(b'"') {
                    self.raw_string(hashes);
                    return literal;
                }
                // A raw name: `r#type`.
                self.advance(1);
                self.word(line)
            }
            ("b" | "c", Some(b'"')) => {
                self.string();
                literal
            }
            ("b", Some(b'\'')) => {
                self.quoted(b'\'');
                literal
            }
            _ => Token { kind: Kind::Word, text, line },
        }
    }

    fn raw_string(&mut self, hashes: usize) {
        let end = format!("\"{}", "#".repeat(hashes));
        self.advance(hashes + 1);
        let rest = &self.text[self.at..];
        self.advance(rest.find(&end).map_or(rest.len(), |at| at + end.len()));
    }

    fn symbol(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        let pair = ["::", "->", "=>"].iter().any(|pair| rest.starts_with(pair));
        self.advance(if pair { 2 } else { 1 });
        Kind::Symbol
    }
}

/// Letters outside of ASCII are taken for parts of words.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).iter().filter(|token| token.is_word()).map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_gone() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(words(r##"a("b \" c", r#"d " e"#, br"f\", b"g", c"h") i"##), ["a", "i"]);
        assert_eq!(words(r"a('b', '\'', '\u{e9}', b'c', 'é') d"), ["a", "d"]);
    }

    #[test]
    fn lifetimes_are_no_characters() {
        assert_eq!(
            words("fn a<'b>(c: &'b str, d: &'static str) { 'e: loop {} }"),
            ["fn", "a", "c", "str", "d", "str", "loop"]
        );
    }

    #[test]
    fn raw_names_and_numbers_are_told_apart() {
        assert_eq!(words("r#type 1..two 3.four 5.0e1 r"), ["type", "two", "four", "r"]);
    }

    #[test]
    fn lines_are_counted_through_all_of_it() {
        let text = "a\n/*\n*/ \"b\n\" r\"\n\" c";
        assert_eq!(tokens(text).last().map(|token| token.line), Some(5));
    }
}

//! Globs in git's language, compiled and matched byte by byte: `*`, `?`, `**`, sets such as `[a-z[:digit:]]`, and `\`.
//!
//! What a glob means here was compared with git's own answers for random globs and paths (`tests.rs` of the rules). The time
//! of a match grows with the length of the glob times the length of the text, whatever they are.

/// Why a glob can match nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A `[` without its `]`.
    OpenSet,
    /// A name between `[:` and `:]` that is no class.
    UnknownClass,
    /// A `\` with nothing behind it.
    LoneBackslash,
}

impl Fault {
    /// The cause, as a part of a sentence about the glob.
    pub fn text(self) -> &'static str {
        match self {
            Self::OpenSet => "a `[` has no `]`",
            Self::UnknownClass => "there is no such class as that between `[:` and `:]`",
            Self::LoneBackslash => "there is nothing behind the last `\\`",
        }
    }
}

/// A compiled glob.
#[derive(Clone, Debug)]
pub struct Glob {
    tokens: Vec<Token>,
    fold: bool,
}

/// What one place of a glob matches.
#[derive(Clone, Debug)]
enum Token {
    Byte(u8),
    Set(Box<ByteSet>),
    /// Any bytes, also none; slashes too, or not.
    Many {
        slashes: bool,
    },
    /// Nothing. The next two tokens may be left out, which is how `**/` matches no folder at all.
    SkipTwo,
}

/// How a glob is matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// The text is a path: only `**` matches slashes.
    pub path: bool,
    /// ASCII letters match in either case (`core.ignoreCase`).
    pub fold: bool,
}

impl Glob {
    /// Compiles a glob.
    ///
    /// # Errors
    /// Why it can match nothing.
    pub fn new(glob: &[u8], mode: Mode) -> Result<Self, Fault> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&byte) = glob.get(at) {
            match byte {
                b'*' => {
                    let begin = at;
                    while glob.get(at) == Some(&b'*') {
                        at += 1;
                    }
                    at += stars(&glob[..begin], at - begin, &glob[at..], mode, &mut tokens);
                }
                b'?' => {
                    tokens.push(Token::Set(Box::new(ByteSet::all().without_slash_in(mode))));
                    at += 1;
                }
                b'[' => {
                    let (set, length) = ByteSet::parse(&glob[at..], mode)?;
                    tokens.push(Token::Set(Box::new(set.without_slash_in(mode))));
                    at += length;
                }
                b'\\' => {
                    // git takes an escaped letter as it is, in either case.
                    tokens.push(Token::Byte(*glob.get(at + 1).ok_or(Fault::LoneBackslash)?));
                    at += 2;
                }
                _ => {
                    tokens.push(Token::Byte(fold(byte, mode.fold)));
                    at += 1;
                }
            }
        }
        Ok(Self { tokens, fold: mode.fold })
    }

    /// Whether the glob matches the whole text.
    pub fn matches(&self, text: &[u8]) -> bool {
        if !self.may_end_as(text) {
            return false;
        }
        // The places of the glob that the text so far may have led to.
        let mut places = vec![false; self.tokens.len() + 1];
        let mut next = places.clone();
        self.reach(&mut places, 0);
        for &byte in text {
            let byte = fold(byte, self.fold);
            next.fill(false);
            let mut any = false;
            for place in (0..self.tokens.len()).filter(|&place| places[place]) {
                let reached = match &self.tokens[place] {
                    Token::Byte(own) => (*own == byte).then_some(place + 1),
                    Token::Set(set) => set.has(byte).then_some(place + 1),
                    Token::Many { slashes } => (*slashes || byte != b'/').then_some(place),
                    Token::SkipTwo => None,
                };
                if let Some(reached) = reached {
                    self.reach(&mut next, reached);
                    any = true;
                }
            }
            if !any {
                return false;
            }
            std::mem::swap(&mut places, &mut next);
        }
        places[self.tokens.len()]
    }

    /// Whether the last byte of the text is one that the glob can end with: nearly all texts are told from a glob so.
    fn may_end_as(&self, text: &[u8]) -> bool {
        let byte = text.last().map(|byte| fold(*byte, self.fold));
        match self.tokens.as_slice() {
            [.., Token::SkipTwo, _, _] | [.., Token::Many { .. }] => true,
            [.., Token::Byte(own)] => byte == Some(*own),
            [.., Token::Set(set)] => byte.is_some_and(|byte| set.has(byte)),
            [.., Token::SkipTwo] | [] => true,
        }
    }

    /// Marks a place, and those that are reached from there without a byte.
    fn reach(&self, places: &mut [bool], mut place: usize) {
        while !places[place] {
            places[place] = true;
            match self.tokens.get(place) {
                Some(Token::Many { .. }) => place += 1,
                Some(Token::SkipTwo) => {
                    self.reach(places, place + 3);
                    place += 1;
                }
                _ => return,
            }
        }
    }
}

/// Adds the tokens for stars between `before` and `after`; returns how much of `after` they stand for as well.
fn stars(before: &[u8], count: usize, after: &[u8], mode: Mode, tokens: &mut Vec<Token>) -> usize {
    let stands_alone = matches!(before.last(), None | Some(b'/')) && (after.is_empty() || after.starts_with(b"/"))
        || matches!(before.last(), None | Some(b'/')) && after.starts_with(b"\\/");
    let slashes = !mode.path || count > 1 && stands_alone;
    if slashes && mode.path && after.starts_with(b"/") {
        tokens.extend([Token::SkipTwo, Token::Many { slashes }, Token::Byte(b'/')]);
        return 1;
    }
    tokens.push(Token::Many { slashes });
    0
}

fn fold(byte: u8, fold: bool) -> u8 {
    if fold { byte.to_ascii_lowercase() } else { byte }
}

/// A set of bytes.
#[derive(Clone, Debug)]
struct ByteSet([bool; 256]);

impl ByteSet {
    fn all() -> Self {
        Self([true; 256])
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }

    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte)] = true;
    }

    /// In a path, no set has the slash.
    fn without_slash_in(mut self, mode: Mode) -> Self {
        self.0[usize::from(b'/')] &= !mode.path;
        self
    }

    /// The set at the begin of `glob`, and its length there.
    fn parse(glob: &[u8], mode: Mode) -> Result<(Self, usize), Fault> {
        let byte_at = |at: usize| glob.get(at).copied().ok_or(Fault::OpenSet);
        let negated = matches!(byte_at(1)?, b'!' | b'^');
        let mut set = Self([false; 256]);
        let mut at = if negated { 2 } else { 1 };
        // The begin of a range, if the next byte is a dash.
        let mut begin = None;
        loop {
            let byte = byte_at(at)?;
            match byte {
                b'\\' => {
                    at += 1;
                    let escaped = byte_at(at)?;
                    set.add(escaped);
                    begin = Some(escaped);
                }
                b'-' if begin.is_some() && !matches!(glob.get(at + 1), None | Some(b']')) => {
                    at += 1;
                    if glob[at] == b'\\' {
                        at += 1;
                    }
                    set.add_range(begin.take().unwrap_or_default(), byte_at(at)?, mode);
                }
                b'[' if glob.get(at + 1) == Some(&b':') => {
                    let name = &glob[at + 2..];
                    let end = name.iter().position(|byte| *byte == b']').ok_or(Fault::OpenSet)?;
                    if let Some(name) = name[..end].strip_suffix(b":") {
                        set.add_class(name, mode)?;
                        at += 2 + end;
                        begin = None;
                    } else {
                        set.add(b'[');
                        begin = Some(b'[');
                    }
                }
                _ => {
                    set.add(byte);
                    begin = Some(byte);
                }
            }
            at += 1;
            if byte_at(at)? == b']' {
                break;
            }
        }
        if negated {
            set.0.iter_mut().for_each(|has| *has = !*has);
        }
        Ok((set, at + 1))
    }

    fn add_range(&mut self, first: u8, last: u8, mode: Mode) {
        for byte in first..=last {
            self.add(byte);
            // The text has lower-case letters only, so those of the range stand for them.
            if mode.fold && byte.is_ascii_uppercase() {
                self.add(byte.to_ascii_lowercase());
            }
        }
    }

    fn add_class(&mut self, name: &[u8], mode: Mode) -> Result<(), Fault> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let has: &dyn Fn(&u8) -> bool = match name {
            b"alnum" => &u8::is_ascii_alphanumeric,
            b"alpha" => &u8::is_ascii_alphabetic,
            b"blank" => &|byte| matches!(byte, b' ' | b'\t'),
            b"cntrl" => &u8::is_ascii_control,
            b"digit" => &u8::is_ascii_digit,
            b"graph" => &u8::is_ascii_graphic,
            b"lower" => &u8::is_ascii_lowercase,
            b"print" => &|byte| matches!(byte, 0x20..=0x7e),
            b"punct" => &u8::is_ascii_punctuation,
            b"space" => &is_space,
            b"upper" => &|byte| byte.is_ascii_uppercase() || mode.fold && byte.is_ascii_lowercase(),
            b"xdigit" => &u8::is_ascii_hexdigit,
            _ => return Err(Fault::UnknownClass),
        };
        (0..=u8::MAX).filter(|byte| has(byte)).for_each(|byte| self.add(byte));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Glob, Mode};

    const PATH: Mode = Mode { path: true, fold: false };

    fn matches(glob: &str, text: &str) -> bool {
        Glob::new(glob.as_bytes(), PATH).unwrap().matches(text.as_bytes())
    }

    #[test]
    fn only_two_stars_between_slashes_match_slashes() {
        for (glob, yes, no) in [
            ("a/*", "a/b", "a/b/c"),
            ("a/**", "a/b/c", "b"),
            ("**/b", "a/x/b", "ab"),
            ("**/b", "b", "a"),
            ("a/**/b", "a/b", "ab"),
            ("a/**/b", "a/x/y/b", "a/xb"),
            ("a**b", "axb", "ax/b"),
            ("**", "a/b", ""),
            ("*/b", "a/b", "a/x/b"),
            ("**\\/b", "a/b", "b"),
        ] {
            assert!(matches(glob, yes), "{glob} {yes}");
            assert!(!matches(glob, no) || no.is_empty(), "{glob} {no}");
        }
    }

    #[test]
    fn sets_have_ranges_classes_and_brackets() {
        for (glob, yes, no) in [
            ("[a-c]", "b", "d"),
            ("[!a-c]", "d", "b"),
            ("[^a]", "b", "a"),
            ("[]a]", "]", "b"),
            ("[a-]", "-", "b"),
            ("[[:digit:]x]", "7", "y"),
            ("[[:x]", ":", "y"),
            ("[\\]]", "]", "\\"),
            ("[!a]", "b", "/"),
        ] {
            assert!(matches(glob, yes), "{glob} {yes}");
            assert!(!matches(glob, no), "{glob} {no}");
        }
    }

    #[test]
    fn a_glob_that_matches_nothing_is_a_fault() {
        let fault = |glob: &str| Glob::new(glob.as_bytes(), PATH).unwrap_err();
        assert_eq!(fault("a[b"), Fault::OpenSet);
        assert_eq!(fault("a\\"), Fault::LoneBackslash);
        assert_eq!(fault("[[:digits:]]"), Fault::UnknownClass);
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let glob = "*a".repeat(200) + "b";
        assert!(!matches(&glob, &"a".repeat(2000)));
    }

    #[test]
    fn letters_match_in_either_case_where_the_file_system_says_so() {
        let folds = |glob: &str, text: &str| {
            Glob::new(glob.as_bytes(), Mode { path: true, fold: true }).unwrap().matches(text.as_bytes())
        };
        assert!(folds("ReadMe*", "README.md") && folds("[A-C]", "b") && folds("[[:upper:]]", "x"));
        assert!(!matches("ReadMe*", "README.md"));
    }
}

//! Errors that are named with their place in one line. Each shape only says what a line claims; whether the file is one of
//! the source is asked afterwards.

use super::parts::{rsplit_once, split_once, trailing_number};
use crate::output_paths::position::parse_number;

/// How many places a line may seem to name in the shape of Perl before it is given up.
const PERL_ATTEMPTS: usize = 4;

/// What a line says.
pub struct Claim<'t> {
    pub file: &'t [u8],
    pub line: u64,
    pub column: Option<u64>,
    pub message: &'t [u8],
    /// It only follows from an error that was named before, if one was at the same place.
    pub repeats: bool,
}

/// What a line says, if it has a certain shape.
type Shape = for<'t> fn(&'t [u8]) -> Option<Claim<'t>>;

/// All shapes, those that are told by more text first.
pub const SHAPES: [Shape; 7] = [typescript, typescript_pretty, maven, compiler, go, php, perl];

/// `FILE(LINE,COLUMN): error CODE: MESSAGE`
fn typescript(line: &[u8]) -> Option<Claim<'_>> {
    let (before, message) = split_once(line, b"): error ")?;
    let (file, place) = rsplit_once(before, b"(")?;
    let (number, column) = split_once(place, b",").map_or((place, None), |(number, column)| (number, Some(column)));
    claim(file, parse_number(number)?, column.and_then(parse_number), message)
}

/// `FILE:LINE:COLUMN - error CODE: MESSAGE`
fn typescript_pretty(line: &[u8]) -> Option<Claim<'_>> {
    let (before, message) = split_once(line, b" - error ")?;
    at_numbers(before, message)
}

/// `[ERROR] FILE:[LINE,COLUMN] MESSAGE`
fn maven(line: &[u8]) -> Option<Claim<'_>> {
    let line = line.trim_ascii_start().strip_prefix(b"[ERROR]")?;
    let (file, rest) = split_once(line, b":[")?;
    let (place, message) = split_once(rest, b"]")?;
    let (number, column) = split_once(place, b",")?;
    claim(file.trim_ascii(), parse_number(number)?, parse_number(column), message)
}

/// `FILE:LINE: error: MESSAGE`, also with a column and with a tag such as `[javac]` before it.
fn compiler(line: &[u8]) -> Option<Claim<'_>> {
    let words: [&[u8]; 3] = [b": error:", b": fatal error:", b": Error:"];
    let (before, message) = words.iter().find_map(|word| split_once(line, word))?;
    at_numbers(without_tag(before), message)
}

/// `FILE.go:LINE:COLUMN: MESSAGE`, also with `vet: ` before it: Go has no word for an error.
fn go(line: &[u8]) -> Option<Claim<'_>> {
    let line = line.strip_prefix(b"vet: ").unwrap_or(line);
    let (name, rest) = split_once(line, b".go:")?;
    let (place, message) = split_once(rest, b": ")?;
    let (number, column) = split_once(place, b":")?;
    claim(&line[..name.len() + ".go".len()], parse_number(number)?, Some(parse_number(column)?), message)
}

/// `MESSAGE in FILE on line LINE`, and `Fatal error: MESSAGE in FILE:LINE`
fn php(line: &[u8]) -> Option<Claim<'_>> {
    let text = line.strip_prefix(b"PHP ").unwrap_or(line);
    let harmless: [&[u8]; 4] = [b"Warning:", b"Notice:", b"Deprecated:", b"Strict Standards:"];
    if harmless.iter().any(|word| text.starts_with(word)) {
        return None;
    }
    let (before, number) = match rsplit_once(text, b" on line ") {
        Some((before, digits)) => (before, parse_number(digits)?),
        None if text.starts_with(b"Fatal error:") => trailing_number(text)?,
        None => return None,
    };
    let (message, file) = rsplit_once(before, b" in ")?;
    let thrown = message.trim_ascii() == b"thrown";
    Some(Claim { repeats: thrown, ..claim(file, number, None, if thrown { b"uncaught exception" } else { message })? })
}

/// `MESSAGE at FILE line LINE.`, also with `, near ...` after it.
fn perl(line: &[u8]) -> Option<Claim<'_>> {
    let harmless: [&[u8]; 2] = [b"Use of uninitialized", b"Useless use of"];
    if harmless.iter().any(|words| line.starts_with(words)) {
        return None;
    }
    let word = b" line ";
    memchr::memmem::find_iter(line, word).take(PERL_ATTEMPTS).find_map(|at| {
        let after = &line[at + word.len()..];
        let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !matches!(after.get(digits), None | Some(b'.' | b',' | b';')) {
            return None;
        }
        let (message, file) = rsplit_once(&line[..at], b" at ")?;
        let repeats = message.starts_with(b"BEGIN failed");
        Some(Claim { repeats, ..claim(file, parse_number(&after[..digits])?, None, message)? })
    })
}

/// A claim of `FILE:LINE:COLUMN` or `FILE:LINE`.
fn at_numbers<'t>(place: &'t [u8], message: &'t [u8]) -> Option<Claim<'t>> {
    let (rest, last) = trailing_number(place)?;
    match trailing_number(rest) {
        Some((file, line)) => claim(file, line, Some(last), message),
        None => claim(rest, last, None, message),
    }
}

fn claim<'t>(file: &'t [u8], line: u64, column: Option<u64>, message: &'t [u8]) -> Option<Claim<'t>> {
    let (file, message) = (file.trim_ascii(), message.trim_ascii());
    (!file.is_empty()).then_some(Claim { file, line, column, message, repeats: false })
}

/// A line without a tag such as `[javac]` or `[ERROR]` at its beginning.
fn without_tag(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_start();
    match split_once(line, b"] ") {
        Some((tag, rest)) if tag.starts_with(b"[") && !tag.contains(&b' ') => rest.trim_ascii_start(),
        _ => line,
    }
}

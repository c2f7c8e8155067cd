//! One file with ignore rules, read as bytes the way git reads it, and what it says about a path.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode as FileMode, OFlags};

use super::wildmatch::{self, Glob, Mode};

/// What UTF-8 files may begin with.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What UTF-16 files begin with, in both byte orders. Some shells write it into files by default.
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The rules of one file, which are about the paths below its folder.
#[derive(Debug)]
pub struct RuleFile {
    path: Arc<Path>,
    rules: Vec<Rule>,
    faults: Vec<RuleFault>,
}

/// A line of an ignore file, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    pub file: PathBuf,
    /// The number of the line, from 1.
    pub line: usize,
    pub text: String,
}

/// What keeps a file, or one line of it, from having a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    pub file: PathBuf,
    /// The number of the line, from 1; `None` when it is the whole file.
    pub line: Option<usize>,
    /// The cause, as a part of a sentence.
    pub cause: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let file = self.file.display();
        match self.line {
            Some(line) => write!(f, "{file}:{line} ignores nothing: {}", self.cause),
            None => write!(f, "the rules in {file} are not used: {}", self.cause),
        }
    }
}

/// One rule.
#[derive(Debug)]
struct Rule {
    line: u32,
    text: Box<[u8]>,
    negative: bool,
    folders_only: bool,
    /// It has no slash, so that it is about names at any depth.
    name_only: bool,
    /// What the name or the path begins with.
    prefix: Box<[u8]>,
    rest: Rest,
    /// The first byte of all that it can match, and the last one, if there is only one: most names differ there already.
    ends: (Option<u8>, Option<u8>),
}

/// What follows the prefix of a rule.
#[derive(Debug)]
enum Rest {
    Nothing,
    /// A star and this.
    StarAnd(Box<[u8]>),
    Glob(Glob),
}

impl RuleFile {
    /// Reads a file. One that is not there, and what is no file, has no rules. Nor has a link if `follow` is not set, but
    /// that is a fault: git does not follow it either.
    ///
    /// # Errors
    /// When it is there, and cannot be read.
    pub fn read(path: &Path, follow: bool, fold: bool) -> io::Result<Option<Self>> {
        // A pipe would be waited for without NONBLOCK.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = if follow { flags } else { flags | OFlags::NOFOLLOW };
        let mut file = match rustix::fs::open(path, flags, FileMode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            // A socket.
            Err(rustix::io::Errno::NXIO) => return Ok(None),
            Err(rustix::io::Errno::LOOP) if !follow => {
                let cause = "it is a symbolic link, which git does not follow for rules".to_owned();
                let fault = RuleFault { file: path.to_owned(), line: None, cause };
                return Ok(Some(Self { path: path.into(), rules: Vec::new(), faults: vec![fault] }));
            }
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(Self::parse(path, &bytes, fold)))
    }

    /// The rules of a file with this content; with `fold`, letters match in either case.
    pub fn parse(path: &Path, bytes: &[u8], fold: bool) -> Self {
        let mut parsed = Self { path: path.into(), rules: Vec::new(), faults: Vec::new() };
        if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
            parsed.fault(None, "it is UTF-16 text; save it as UTF-8");
            return parsed;
        }
        let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            match Rule::parse(line, index + 1, fold) {
                Ok(rule) => parsed.rules.extend(rule),
                Err(fault) => parsed.fault(Some(index + 1), fault.text()),
            }
        }
        parsed
    }

    fn fault(&mut self, line: Option<usize>, cause: &str) {
        self.faults.push(RuleFault { file: self.path.to_path_buf(), line, cause: cause.to_owned() });
    }

    /// The lines that can not be rules.
    pub fn faults(&self) -> &[RuleFault] {
        &self.faults
    }

    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The last rule that matches the path `name`, which is relative to the folder that the rules are about.
    pub fn last_match(&self, name: &[u8], is_folder: bool, fold: bool) -> Option<Match<'_>> {
        let last_part = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let last = name.last().copied();
        let matches = |rule: &&Rule| {
            let name = if rule.name_only { last_part } else { name };
            let is_possible = |end: Option<u8>, own: Option<u8>| end.is_none() || end == own;
            (is_folder || !rule.folders_only)
                && is_possible(rule.ends.0, name.first().copied())
                && is_possible(rule.ends.1, last)
                && rule.matches(name, fold)
        };
        self.rules.iter().rev().find(matches).map(|rule| Match { file: &self.path, rule })
    }
}

/// The rule that decides about a path.
#[derive(Clone, Copy)]
pub struct Match<'a> {
    file: &'a Path,
    rule: &'a Rule,
}

impl Match<'_> {
    /// Whether the rule hides what it matches; one with `!` takes that back.
    pub fn hides(&self) -> bool {
        !self.rule.negative
    }

    /// Where the rule stands.
    pub fn line(&self) -> RuleLine {
        let text = String::from_utf8_lossy(&self.rule.text).into_owned();
        RuleLine { file: self.file.to_owned(), line: self.rule.line as usize, text }
    }
}

impl Rule {
    /// The rule in a line; `None` for an empty line or a comment.
    fn parse(line: &[u8], number: usize, fold: bool) -> Result<Option<Self>, wildmatch::Fault> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // git's lines end at a NUL.
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = without_trailing_blanks(line);
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(None);
        }
        let (negative, body) = text.strip_prefix(b"!").map_or((false, text), |rest| (true, rest));
        let (folders_only, body) = body.strip_suffix(b"/").map_or((false, body), |rest| (true, rest));
        let name_only = !body.contains(&b'/');
        let body = body.strip_prefix(b"/").unwrap_or(body);
        if body.is_empty() {
            return Ok(None);
        }
        let special = body.iter().position(|byte| b"*?[\\".contains(byte)).unwrap_or(body.len());
        let (prefix, rest) = body.split_at(special);
        let rest = match rest {
            [] => Rest::Nothing,
            [b'*', end @ ..] if name_only && !end.iter().any(|byte| b"*?[\\".contains(byte)) => {
                Rest::StarAnd(end.into())
            }
            // git matches what follows the prefix as if nothing was before it, which matters for `a**/b`.
            _ => Rest::Glob(Glob::new(rest, Mode { path: !name_only, fold })?),
        };
        let line = u32::try_from(number).unwrap_or(u32::MAX);
        let last = match &rest {
            Rest::Nothing => prefix.last(),
            Rest::StarAnd(end) => end.last(),
            Rest::Glob(_) => None,
        };
        let ends = if fold { (None, None) } else { (prefix.first().copied(), last.copied()) };
        let (text, prefix) = (text.into(), prefix.into());
        Ok(Some(Self { line, text, negative, folders_only, name_only, prefix, rest, ends }))
    }

    fn matches(&self, name: &[u8], fold: bool) -> bool {
        let is = |one: &[u8], other: &[u8]| if fold { one.eq_ignore_ascii_case(other) } else { one == other };
        let Some((begin, end)) = name.split_at_checked(self.prefix.len()) else { return false };
        match &self.rest {
            _ if !is(begin, &self.prefix) => false,
            Rest::Nothing => end.is_empty(),
            Rest::StarAnd(last) => end.len() >= last.len() && is(&end[end.len() - last.len()..], last),
            Rest::Glob(glob) => glob.matches(end),
        }
    }
}

/// Cuts off trailing blanks, unless a backslash is before the first of them.
fn without_trailing_blanks(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at += match byte {
            b'\\' if at + 1 == line.len() => return line,
            b'\\' => 2,
            _ => 1,
        };
        if *byte != b' ' {
            end = at;
        }
    }
    &line[..end.min(line.len())]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::RuleFile;

    fn file(text: &[u8]) -> RuleFile {
        RuleFile::parse(Path::new("/x/.gitignore"), text, false)
    }

    fn hides(text: &[u8], path: &str) -> bool {
        file(text).last_match(path.as_bytes(), false, false).is_some_and(|found| found.hides())
    }

    #[test]
    fn a_byte_that_is_no_utf8_leaves_the_other_lines_their_meaning() {
        assert!(hides(b"# caf\xe9\nsecret.env\n", "secret.env"));
        assert!(file(b"caf\xe9\n").last_match(b"caf\xe9", false, false).is_some());
    }

    #[test]
    fn braces_and_escaped_blanks_are_gits() {
        assert!(!hides(b"*.{log,tmp}\n", "a.log"));
        assert!(hides(b"*.{log,tmp}\n", "a.{log,tmp}"));
        assert!(hides(b"*.py{}\n", "a.py{}"));
        assert!(hides(b"a\\ \n", "a ") && !hides(b"a\\ \n", "a"));
        assert!(hides(b"a  \r\n", "a"));
        assert!(hides(b"\\#x\n\\!y\n", "#x") && hides(b"\\#x\n\\!y\n", "!y"));
        assert!(hides(b"\xef\xbb\xbfa\n", "a"));
    }

    #[test]
    fn a_slash_ties_a_rule_to_its_folder() {
        assert!(hides(b"/a\n", "a") && !hides(b"/a\n", "b/a") && hides(b"a\n", "b/a"));
        assert!(hides(b"b/*.c\n", "b/x.c") && !hides(b"b/*.c\n", "a/b/x.c"));
        assert!(!hides(b"a/\n", "a"));
        assert!(file(b"a/\n").last_match(b"a", true, false).is_some());
    }

    #[test]
    fn a_later_line_wins() {
        assert!(hides(b"*.log\n", "a.log") && !hides(b"*.log\n!a.log\n", "a.log"));
        let line = file(b"\n*.log\n").last_match(b"a.log", false, false).unwrap().line();
        assert_eq!((line.line, line.text.as_str()), (2, "*.log"));
    }

    #[test]
    fn a_line_that_can_match_nothing_is_a_fault_with_its_number() {
        let rules = file(b"a\nb[\n\xff\nc\\\n");
        assert_eq!(rules.faults().iter().map(|fault| fault.line).collect::<Vec<_>>(), [Some(2), Some(4)]);
        assert_eq!(rules.faults()[0].to_string(), "/x/.gitignore:2 ignores nothing: a `[` has no `]`");
        assert_eq!(file(b"\xff\xfea\0\n\0").faults()[0].line, None);
    }
}

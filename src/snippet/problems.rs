//! How the lines of `--problems` name a place in the source, as a regular expression and as Vim's `errorformat`: the one shape
//! `PATH:LINE:COLUMN: error: MESSAGE`, whatever printed the error in the container.

use super::Request;

/// The lines about errors in one source.
pub struct ProblemLines {
    /// How the paths begin: the folder of the source with a slash, or nothing. What compilers name relative to a folder of
    /// the container does not begin so.
    prefix: String,
    /// Whether they may be absolute.
    pub absolute: bool,
}

impl ProblemLines {
    pub fn of(request: &Request) -> Self {
        let folder = request.sent_folder().unwrap_or_default();
        if request.has_path_rules {
            // Rules of the user may lead anywhere.
            return Self { prefix: String::new(), absolute: true };
        }
        let absolute = folder.starts_with('/');
        let prefix = if folder.is_empty() { folder } else { format!("{}/", folder.trim_end_matches('/')) };
        Self { prefix, absolute }
    }

    /// An expression with four groups, as JavaScript has them: path, line, column, message.
    pub fn expression(&self) -> String {
        format!(r"^({}[^\s:][^:]*):(\d+):(\d+): error: (.*)$", escaped(&self.prefix))
    }

    /// The entries of an `errorformat` of Vim, without the backslashes that a comma needs in it. All other lines are left
    /// out.
    pub fn errorformat(&self) -> Vec<String> {
        let begins = match &*self.prefix {
            "" => String::new(),
            prefix => format!("%\\%%({}%\\)%\\@=", escaped_for_vim(prefix)),
        };
        vec!["%-Gminis2i: %.%#".to_owned(), format!("{begins}%f:%l:%c: %trror: %m"), "%-G%.%#".to_owned()]
    }
}

/// A text that stands for itself in a regular expression.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| r"\^$.|?*+()[]{}".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A text that stands for itself in an expression inside an `errorformat`, where `%` makes a character special and the others
/// of a pattern stand for themselves.
fn escaped_for_vim(text: &str) -> String {
    text.chars().flat_map(|c| [Some('%').filter(|_| c == '%'), Some(c)]).flatten().collect()
}

//! How compilers and interpreters name a place in the source, as regular expressions and as Vim's `errorformat`.
//!
//! The expressions are written with names in braces for what is found, which become the numbered groups of the editor.

use super::{EDITOR_OPTIONS, Request};

/// One shape in which a problem is printed.
pub struct Shape {
    pub name: &'static str,
    /// How bad it is, where the output does not say: `error`, `warning` or `info`.
    pub severity: &'static str,
    /// An expression for each line. `{file}`, `{line}`, `{column}`, `{severity}` and `{message}` are found; `{own}` is the
    /// beginning of a file of the source. There are no other groups that count.
    pub lines: &'static [&'static str],
}

const PYTHON_FRAME: &str = r#"^  File "{file}", line {line}(?:, in .*)?$"#;
const PYTHON_OTHER_FRAME: &str = r#"^  File "(?!{own}).*$"#;
const PYTHON_CODE: &str = r"^    .*\S.*$";
const PYTHON_MARKS: &str = r"^ +[~^]+ *$";
const PYTHON_ERROR: &str = r"^(?=[A-Za-z_][\w.]*(?::|$)){message}$";

/// The shapes; an earlier one wins over a later one with as many lines.
pub const SHAPES: [Shape; 13] = [
    Shape { name: "Python", severity: "error", lines: &[PYTHON_FRAME, PYTHON_CODE, PYTHON_MARKS, PYTHON_ERROR] },
    Shape { name: "Python", severity: "error", lines: &[PYTHON_FRAME, PYTHON_CODE, PYTHON_ERROR] },
    Shape { name: "Python", severity: "error", lines: &[PYTHON_FRAME, PYTHON_ERROR] },
    // The error was raised in a library; this is the line of the source that led there.
    Shape {
        name: "Python",
        severity: "error",
        lines: &[PYTHON_FRAME, r"^    {message}$", PYTHON_MARKS, PYTHON_OTHER_FRAME],
    },
    Shape { name: "Python", severity: "error", lines: &[PYTHON_FRAME, r"^    {message}$", PYTHON_OTHER_FRAME] },
    Shape {
        name: "Node.js",
        severity: "error",
        lines: &["^(?:file://)?{file}:{line}$", "^.*$", r"^\s*\^+\s*$", r"^\s*$", r"^(?=\S){message}$"],
    },
    Shape {
        name: "Node.js",
        severity: "error",
        lines: &[r"^(?=\w*Error\b){message}$", r"^\s+at (?:.*\()?(?:file://)?{file}:{line}:{column}\)?$"],
    },
    Shape {
        name: "PHP",
        severity: "error",
        lines: &[r"^(?:PHP )?(?:[A-Z][a-z ]* )?[Ee]rror: +{message} in {file}(?: on line |:){line}$"],
    },
    Shape {
        name: "PHP",
        severity: "warning",
        lines: &[r"^(?:PHP )?(?:Warning|Notice|Deprecated): +{message} in {file} on line {line}$"],
    },
    Shape { name: "Maven", severity: "error", lines: &[r"^\[{severity}\] {file}:\[{line},{column}\] {message}$"] },
    Shape {
        name: "compiler",
        severity: "error",
        lines: &["^{file}:{line}:{column}: (?:fatal )?{severity}: {message}$"],
    },
    Shape { name: "compiler", severity: "error", lines: &["^{file}:{line}: (?:fatal )?{severity}: {message}$"] },
    Shape {
        name: "compiler",
        severity: "error",
        lines: &[r"^(?=[^:]*\.[A-Za-z]\w*:){file}:{line}:{column}: {message}$"],
    },
];

/// Where builders put the source, and where `assemble` of the usual builders moves it. What follows these names is a name
/// below the folder that was sent.
const CONTAINER_FOLDERS: [&str; 4] = ["/tmp/src", "/opt/app-root/src", "/usr/src/app", "/app"];

/// How the output names files of the source.
pub struct Files {
    /// Folders of the container, of which an output may name files.
    folders: Vec<String>,
    /// The folder on this machine to which names are relative; empty for the user's folder.
    pub base: String,
}

impl Files {
    pub fn of(request: &Request) -> Self {
        if EDITOR_OPTIONS.contains(&"--map-paths") {
            return Self { folders: Vec::new(), base: String::new() };
        }
        let destination = request.destination.as_ref().map(|folder| format!("{}/src", folder.trim_end_matches('/')));
        let known = CONTAINER_FOLDERS.iter().map(|folder| (*folder).to_owned());
        Self {
            folders: destination.into_iter().chain(known).collect(),
            base: request.sent_folder().unwrap_or_default(),
        }
    }

    /// An expression with numbered groups, as JavaScript and the like have them.
    pub fn numbered(&self, template: &str) -> Numbered {
        let mut numbered = Numbered::default();
        let mut groups = 0;
        numbered.expression = replaced(template, |name| {
            if name == "own" {
                return self.own();
            }
            groups += 1;
            let (group, text) = match name {
                "file" => (&mut numbered.file, format!(r#"{}([^\s/:"<][^:"]*)"#, self.prefix())),
                "line" => (&mut numbered.line, r"(\d+)".to_owned()),
                "column" => (&mut numbered.column, r"(\d+)".to_owned()),
                "severity" => (&mut numbered.severity, format!("({SEVERITIES})")),
                _ => (&mut numbered.message, "(.*)".to_owned()),
            };
            *group = Some(groups);
            text
        });
        numbered
    }

    /// The entries of an `errorformat` of Vim, without the backslashes that a comma needs in it.
    pub fn errorformat(&self) -> Vec<String> {
        let mut entries = vec!["%-Gminis2i: %.%#".to_owned()];
        for folder in self.folders.iter().map(|folder| format!("{}/", escaped_for_vim(folder))).chain([String::new()]) {
            // Names without a folder must not begin with a slash: those are files of the container.
            let own = if folder.is_empty() { "/%\\@!" } else { &*folder };
            entries.extend([
                format!("%A  File \"{own}%f\", line %l%.%#"),
                format!("[%tRROR] {own}%f:[%l,%c] %m"),
                format!("[%tARNING] {own}%f:[%l,%c] %m"),
                format!("%\\%%(PHP %\\)%\\?%[A-Z]%[a-z ]%#%trror: %#%m in {own}%f on line %l"),
                format!("%\\%%(PHP %\\)%\\?%[A-Z]%[a-z ]%#%trror: %#%m in {own}%f:%l"),
                format!("%\\%%(PHP %\\)%\\?%tarning: %#%m in {own}%f on line %l"),
                format!("%A%\\%%(file://%\\)%\\?%\\%%(%\\S%\\+.%[cm]%\\?%[jt]s:%\\d%\\+%$%\\)%\\@={own}%f:%l"),
                format!("{own}%f:%l:%c: %\\%%(fatal %\\)%\\?%trror: %m"),
                format!("{own}%f:%l:%c: %tarning: %m"),
                format!("{own}%f:%l:%c: %tote: %m"),
                format!("{own}%f:%l: %\\%%(fatal %\\)%\\?%trror: %m"),
                format!("{own}%f:%l: %tarning: %m"),
                format!("%\\%%(%[%^:]%\\+.%\\h%\\w%#:%\\)%\\@={own}%f:%l:%c: %m"),
            ]);
        }
        // The line with the error ends a traceback; all lines between it and the last file of the source belong to it.
        entries.push("%Z%\\%%(%\\h%[A-Za-z0-9_.]%#%\\%%(Error%\\|Exception%\\)%\\)%\\@=%m".to_owned());
        entries.push("%C%.%#".to_owned());
        entries.push("%-G%.%#".to_owned());
        entries
    }

    /// An expression for the folder of the container before a name of a file, if there is one.
    fn prefix(&self) -> String {
        match &self.folders[..] {
            [] => String::new(),
            folders => format!("(?:{})?", alternatives(folders)),
        }
    }

    /// An expression for how the name of a file of the source begins.
    fn own(&self) -> String {
        match &self.folders[..] {
            [] => "[^/<]".to_owned(),
            folders => format!("(?:{}|[^/<])", alternatives(folders)),
        }
    }
}

/// An expression and the numbers of its groups.
#[derive(Default)]
pub struct Numbered {
    pub expression: String,
    pub file: Option<usize>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub severity: Option<usize>,
    pub message: Option<usize>,
}

const SEVERITIES: &str = "error|warning|note|info|ERROR|WARNING|INFO";

fn alternatives(folders: &[String]) -> String {
    folders.iter().map(|folder| format!("{}/", escaped(folder))).collect::<Vec<_>>().join("|")
}

/// A text that stands for itself in a regular expression.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| r"\^$.|?*+()[]{}".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A text that stands for itself in an `errorformat`.
fn escaped_for_vim(text: &str) -> String {
    text.chars().flat_map(|c| [Some('%').filter(|_| c == '%'), Some(c)]).flatten().collect()
}

/// A template with each name in braces replaced. Braces around anything but a name stay.
fn replaced(template: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("templates have no other braces");
        text += before;
        text += &value(name);
        rest = after;
    }
    text + rest
}

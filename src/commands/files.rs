//! The command `files`: lists what is sent of a source, or says why a path is sent or not.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::files::FilesArgs;
use crate::report::Reporter;
use crate::report::escape::{self, on_one_line};
use crate::settings::files::{Asked, FilesSettings, Format};
use crate::source::rules::explain::{Explanation, Reason};
use crate::source::rules::{Rules, Verdict};
use crate::source::snapshot::Snapshot;
use crate::source::walk::{is_special, take_snapshot};

/// Lists the files and links that a build would send, or explains one path.
///
/// # Errors
/// If the source is no folder or cannot be read, a glob cannot be parsed, or the path is not in the source.
pub fn files(args: &FilesArgs, reporter: &Reporter) -> Result<()> {
    let settings = FilesSettings::new(args)?;
    let mut rules = Rules::new(&settings.root, &settings.selection, Cancel::default())?;
    if let Some(asked) = &settings.why {
        let answer = WhySent::new(&settings.root, &mut rules, asked);
        rules.faults()?.iter().for_each(|fault| reporter.warn(fault));
        match settings.format {
            Format::Json => print_json(reporter, &answer),
            _ => reporter.print_result(format!("{}\n", on_one_line(&answer.text())).as_bytes()),
        }
        return Ok(());
    }
    let snapshot = take_snapshot(&settings.root, &mut rules, &mut |_| {})?;
    snapshot.rule_faults.iter().for_each(|fault| reporter.warn(fault));
    print_list(&snapshot, settings.format, reporter);
    Ok(())
}

/// Prints the paths of all files and links. Folders come into being with what is in them.
fn print_list(snapshot: &Snapshot, format: Format, reporter: &Reporter) {
    let paths = snapshot.entries.iter().filter(|entry| !entry.is_folder()).map(|entry| &*entry.path);
    if format == Format::Null {
        return reporter.print_result(&paths.flat_map(|path| [path, b"\0"].concat()).collect::<Vec<_>>());
    }
    let texts: Vec<_> = paths.clone().map(String::from_utf8_lossy).collect();
    let mut odd = paths.zip(&texts).filter(|(path, text)| *path != text.as_bytes()).count();
    if format == Format::Json {
        print_json(reporter, &texts);
    } else {
        let lines: Vec<_> = texts.iter().map(|text| on_one_line(text)).collect();
        odd += lines.iter().zip(&texts).filter(|(line, text)| line != text).count();
        reporter.print_result(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes());
    }
    if odd > 0 {
        let some = if odd == 1 { "1 path is".to_owned() } else { format!("{odd} paths are") };
        reporter.warn(&format!("{some} shown in another form, as not every byte can be printed; `--null` prints all"));
    }
}

fn print_json(reporter: &Reporter, value: &impl Serialize) {
    let mut line = escape::json(serde_json::to_vec(value).expect("text can be written as JSON"));
    line.push(b'\n');
    reporter.print_result(&line);
}

/// Whether a path is sent, and why. As JSON, this is the documented schema.
#[derive(Debug, Serialize)]
struct WhySent {
    path: String,
    sent: Sent,
    why: Why,
    /// The path that decides: this one, or a folder above it.
    decided_by: String,
    /// The rule that decides, if one does.
    file: Option<String>,
    line: Option<usize>,
    text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Sent {
    Yes,
    /// A folder that is left out, but for some of what is in it.
    Part,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Why {
    NoRule,
    Rule,
    Include,
    Exclude,
    Tracked,
    Git,
    EditorFile,
    /// It is a socket, a FIFO or a device.
    Special,
    /// It is behind a link, and that is sent as a link.
    Link,
}

impl WhySent {
    fn new(root: &Path, rules: &mut Rules, asked: &Asked) -> Self {
        let Asked { path, as_folder } = asked;
        let shown = |path: &Path| if path == Path::new("") { ".".to_owned() } else { path.display().to_string() };
        let absolute = root.join(path);
        let own = fs::symlink_metadata(&absolute).ok();
        let meta = if rules.follow { fs::metadata(&absolute).ok().or(own) } else { own };
        let is_folder = meta.as_ref().map_or(*as_folder, fs::Metadata::is_dir);
        let Explanation { verdict, reason, decided_by } = rules.explain(path, is_folder);
        let (why, line) = match reason {
            Reason::NoRule => (Why::NoRule, None),
            Reason::NotHidden(line) | Reason::Hidden(line) => (Why::Rule, Some(line)),
            Reason::Included => (Why::Include, None),
            Reason::Tracked(line) => (Why::Tracked, line),
            Reason::OfGit => (Why::Git, None),
            Reason::Excluded => (Why::Exclude, None),
            Reason::EditorFile => (Why::EditorFile, None),
        };
        let sent = match verdict {
            Verdict::Sent => Sent::Yes,
            Verdict::Descend => Sent::Part,
            Verdict::Ignored | Verdict::Unlisted => Sent::No,
        };
        let answer = |sent, why, decided_by: &Path| Self {
            path: shown(path),
            sent,
            why,
            decided_by: shown(decided_by),
            file: None,
            line: None,
            text: None,
        };
        if sent != Sent::No {
            if let Some(link) = link_above(root, path).filter(|_| !rules.follow) {
                return answer(Sent::No, Why::Link, &link);
            }
            if meta.as_ref().is_some_and(is_special) {
                return answer(Sent::No, Why::Special, path);
            }
        }
        let file = |file: &Path| shown(file.strip_prefix(root).unwrap_or(file));
        Self {
            file: line.as_ref().map(|line| file(&line.file)),
            line: line.as_ref().map(|line| line.line),
            text: line.map(|line| line.text),
            ..answer(sent, why, &decided_by)
        }
    }

    /// The answer in one line.
    fn text(&self) -> String {
        let Self { path, decided_by, .. } = self;
        let sent = match self.sent {
            Sent::Yes => "sent",
            Sent::Part => "sent in part",
            Sent::No => "not sent",
        };
        let rule = match (&self.file, self.line, &self.text) {
            (Some(file), Some(line), Some(text)) => Some(format!("{file}:{line}: {text}")),
            _ => None,
        };
        let why = match self.why {
            Why::NoRule => "no rule leaves it out".to_owned(),
            Why::Rule => rule.unwrap_or_default(),
            Why::Include => "`--include` names it".to_owned(),
            Why::Exclude => "`--exclude` names it".to_owned(),
            Why::Tracked => match rule {
                Some(rule) => format!("git tracks it, in spite of {rule}"),
                None => "git tracks it, in spite of its name".to_owned(),
            },
            Why::Git => "it is git's own".to_owned(),
            Why::EditorFile => "only editors give such names".to_owned(),
            Why::Special => "it is a socket, a FIFO or a device".to_owned(),
            Why::Link => "that is a symlink, and sent as one".to_owned(),
        };
        let by = if decided_by == path { String::new() } else { format!(" (because of {decided_by})") };
        format!("{path}: {sent}{by}: {why}")
    }
}

/// The first symlink among the folders that lead to a path.
fn link_above(root: &Path, path: &Path) -> Option<PathBuf> {
    let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    above.filter(|folder| root.join(folder).is_symlink()).last().map(Path::to_owned)
}

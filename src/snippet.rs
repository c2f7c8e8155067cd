//! Configurations of editors and other tools for one command line of minis2i.
//!
//! Each is a pure function from a [`Request`] to the text of one file; reading the command line and printing is left to
//! the command `snippet`.

pub mod compose;
pub mod github_actions;
mod globs;
pub mod jetbrains;
pub mod kubernetes;
pub mod neovim;
mod problems;
mod quote;
mod shell;
pub mod systemd;
pub mod targets;
pub mod vscode;
pub mod zed;

use std::path::{Component, Path, PathBuf};

/// Has the output name files of the source as the editor knows them.
const MAP_PATHS: &str = "--map-paths";

/// Has a failed build end with a line for each error; see [`problems::ProblemLines`].
const PROBLEMS: &str = "--problems";

/// One of the commands that a configuration can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Build,
    Watch,
}

impl Verb {
    /// The name of the command, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Watch => "watch",
        }
    }
}

/// The command line that a configuration is for.
pub struct Request {
    /// The words after `minis2i build` or `minis2i watch`, as they were typed.
    pub words: Vec<String>,
    /// Which of the words is the tag.
    pub tag_at: usize,
    /// The commands that take all of these words, in the order in which they are offered. There is at least one.
    pub verbs: Vec<Verb>,
    /// The folder with the source, as it was typed; `None` for a repository that is cloned.
    pub source: Option<PathBuf>,
    /// The value of `--context-dir`.
    pub context_dir: Option<PathBuf>,
    pub builder: String,
    /// A valid name of an image.
    pub tag: String,
    /// The values of `--exclude`.
    pub exclude: Vec<String>,
    /// The values of `--include`.
    pub include: Vec<String>,
    /// Whether `--follow-symlinks` was typed.
    pub follows_symlinks: bool,
    /// Whether `--no-gitignore` was typed.
    pub without_gitignore: bool,
    /// Whether `--map-paths` was typed.
    pub maps_paths: bool,
    /// Whether `--map-path` was typed.
    pub has_path_rules: bool,
    /// Whether `--problems` was typed.
    pub names_problems: bool,
    /// The value of `--engine`, if it was typed.
    pub engine: Option<String>,
    /// Whether `--pull-policy` was typed.
    pub pulls: bool,
    /// The folder in which the user is, as an absolute path.
    pub folder: String,
    /// This program, as an absolute path.
    pub program: String,
}

impl Request {
    /// All words of a command, from the program's name on.
    fn command(&self, verb: Verb) -> Vec<String> {
        self.with_options(verb, &[])
    }

    /// All words of a command whose output an editor reads, with the options for that which were not typed.
    fn command_for_editor(&self, verb: Verb) -> Vec<String> {
        let options = [(MAP_PATHS, self.maps_paths), (PROBLEMS, self.names_problems)];
        let missing: Vec<_> = options.into_iter().filter(|(_, typed)| !typed).map(|(option, _)| option).collect();
        self.with_options(verb, &missing)
    }

    fn with_options(&self, verb: Verb, options: &[&str]) -> Vec<String> {
        let first = ["minis2i", verb.name()].into_iter().chain(options.iter().copied());
        first.map(str::to_owned).chain(self.words.iter().cloned()).collect()
    }

    /// A build as a line for a shell, with a variable of the shell in the place of the tag.
    fn build_line_with_tag(&self, variable: &str) -> String {
        let words = self.command(Verb::Build);
        let tag_at = words.len() - self.words.len() + self.tag_at;
        shell::line_with_variable(&words, tag_at, variable)
    }

    /// Whether `--push` was typed, with a value or without.
    fn says_whether_to_push(&self) -> bool {
        self.words.iter().take_while(|word| *word != "--").any(|word| word == "--push" || word.starts_with("--push="))
    }

    /// The words of a command that lists what is sent, relative to the folder that is sent, as JSON; `None` if that folder is
    /// not simply one below the user's.
    fn list_command(&self) -> Option<Vec<String>> {
        let folder = self.sent_folder().filter(|_| self.context_dir.is_none())?;
        let is_below = Path::new(&folder).components().all(|part| matches!(part, Component::Normal(_)));
        let of = |name: &str, globs: &[String]| globs.iter().map(|glob| format!("--{name}={glob}")).collect::<Vec<_>>();
        let mut words = ["minis2i", "files", "--json"].map(str::to_owned).to_vec();
        words.extend(of("exclude", &self.exclude).into_iter().chain(of("include", &self.include)));
        words.extend(self.follows_symlinks.then(|| "--follow-symlinks".to_owned()));
        words.extend(self.without_gitignore.then(|| "--no-gitignore".to_owned()));
        words.push(if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") });
        is_below.then_some(words)
    }

    /// The name of the engine's CLI, as it was typed, or else `docker`.
    fn engine(&self) -> &str {
        self.engine.as_deref().unwrap_or("docker")
    }

    /// The tag without its version.
    fn repository(&self) -> &str {
        match self.tag.rsplit_once(':') {
            Some((name, version)) if !version.contains('/') => name,
            _ => &self.tag,
        }
    }

    /// The folder whose files are sent: relative to the user's folder where it is below that or was typed so, and empty for
    /// the user's folder itself. `None` if it is in a repository that is cloned.
    fn sent_folder(&self) -> Option<String> {
        let context = self.context_dir.as_deref().unwrap_or(Path::new(""));
        let typed = self.source.as_ref()?.join(context.strip_prefix("/").unwrap_or(context));
        let path = typed.strip_prefix(&self.folder).unwrap_or(&typed);
        let named = path.components().filter(|component| *component != Component::CurDir);
        Some(named.collect::<PathBuf>().display().to_string())
    }

    /// The same relative to the user's folder in all cases.
    fn relative_sent_folder(&self) -> Option<String> {
        let folder = self.sent_folder()?;
        let Some(absolute) = folder.strip_prefix('/') else { return Some(folder) };
        let up = Path::new(&self.folder).components().filter(|component| matches!(component, Component::Normal(_)));
        Some(format!("{}{absolute}", "../".repeat(up.count())))
    }
}

#[cfg(test)]
mod tests;

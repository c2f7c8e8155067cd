//! The manual pages: one for minis2i, and one for each of its commands, made from the help texts.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::commands::Cli;

/// A manual page.
pub struct ManPage {
    /// The name of its file, such as `minis2i-build.1`.
    pub file_name: String,
    /// Its text in the language of `roff`.
    pub text: Vec<u8>,
}

/// All pages, without those of hidden commands.
///
/// # Errors
/// If a page cannot be written, which for pages in memory does not happen.
pub fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut cli = shown_commands(&Cli::command()).disable_help_subcommand(true);
    cli.build();
    let commands = cli.get_subcommands().cloned().collect::<Vec<_>>();
    std::iter::once(cli).chain(commands).map(man_page).collect()
}

/// The program with the commands that its help shows. They would be in completions and manual pages otherwise.
pub fn shown_commands(cli: &Command) -> Command {
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut shown = Command::new("minis2i").version(env!("CARGO_PKG_VERSION")).subcommands(shown);
    if let Some(about) = cli.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(end) = cli.get_after_help() {
        shown = shown.after_help(end.clone());
    }
    shown
}

fn man_page(command: Command) -> io::Result<ManPage> {
    let page = Man::new(command).source(concat!("minis2i ", env!("CARGO_PKG_VERSION"))).manual("minis2i");
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(ManPage { file_name: page.get_filename(), text })
}

#[cfg(test)]
mod tests {
    use super::man_pages;
    use crate::cli::commands::CLEANUP;

    #[test]
    fn each_command_that_the_help_shows_has_a_page() {
        let pages = man_pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|page| page.file_name.as_str()).collect();
        for shown in ["minis2i.1", "minis2i-build.1", "minis2i-watch.1", "minis2i-wait.1"] {
            assert!(names.contains(&shown), "{shown} is not in {names:?}");
        }
        let hidden = CLEANUP.replace('-', "\\-");
        for page in &pages {
            let text = String::from_utf8(page.text.clone()).unwrap();
            assert!(text.contains(".SH NAME") && !text.contains(&hidden), "{}:\n{text}", page.file_name);
        }
    }
}

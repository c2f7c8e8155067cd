//! What `-h` of the commands with many options shows: the options that are used most. `--help` shows all of them.

use clap::Arg;

/// The options in the short help, in the order of their use. Under a heading, they come in this order before the
/// others, in both forms of the help.
const SHOWN: [&str; 19] = [
    "env",
    "environment_file",
    "no_incremental",
    "exclude",
    "volume",
    "secret",
    "pull_policy",
    "push",
    "map_paths",
    "problems",
    "if_changed",
    "run",
    "poll",
    "timings",
    "on_success",
    "publish",
    "quiet",
    "verbose",
    "message_format",
];

/// Said at the end of a short help that does not show everything.
pub const MORE: &str = "These are the options that are used most. `--help` explains all of them.";

/// Leaves an option out of the short help unless it is used often, and gives it its place among the others.
pub fn shorten() -> impl FnMut(Arg) -> Arg {
    let mut next = SHOWN.len();
    move |arg| {
        if arg.is_positional() {
            return arg;
        }
        let id = arg.get_id().as_str().to_owned();
        if let Some(place) = SHOWN.iter().position(|shown| *shown == id) {
            return arg.display_order(place);
        }
        next += 1;
        arg.display_order(next).hide_short_help(true)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::super::commands::Cli;
    use super::{MORE, SHOWN};

    /// The lines that an ordinary terminal of 80 columns shows of a command with many options, and of all others.
    const MOST_LINES: (usize, usize) = (50, 24);

    /// All commands as clap sees them after its own additions, the one without a name first.
    fn commands() -> Vec<Command> {
        let mut cli = Cli::command().term_width(80);
        cli.build();
        let shown = cli.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
        let shown: Vec<Command> = shown.cloned().collect();
        [cli].into_iter().chain(shown).collect()
    }

    #[test]
    fn the_short_help_of_each_command_fits_a_screen() {
        for mut command in commands() {
            let is_long = command.get_arguments().count() > SHOWN.len();
            let most = if is_long { MOST_LINES.0 } else { MOST_LINES.1 };
            let help = command.render_help().to_string();
            assert!(help.lines().count() <= most, "{}: {} lines\n{help}", command.get_name(), help.lines().count());
        }
    }

    #[test]
    fn every_option_of_the_short_help_exists_and_is_in_the_long_help_too() {
        for id in SHOWN {
            let all = commands();
            let found: Vec<_> = all.iter().flat_map(Command::get_arguments).filter(|arg| arg.get_id() == id).collect();
            assert!(!found.is_empty() && found.iter().all(|arg| !arg.is_hide_long_help_set()), "{id}");
        }
    }

    #[test]
    fn only_a_short_help_says_that_there_is_more() {
        for mut command in commands() {
            let name = command.get_name().to_owned();
            let is_short = ["build", "watch", "rebuild"].contains(&name.as_str());
            assert_eq!(command.render_help().to_string().contains(MORE), is_short, "{name}");
            assert!(!command.render_long_help().to_string().contains(MORE), "{name}");
        }
    }
}

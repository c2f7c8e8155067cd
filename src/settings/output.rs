//! The reporter that the command line asks for.

use crate::cli::choices::{ColorChoice, MessageFormat};
use crate::cli::commands::OutputArgs;
use crate::cli::engine::EngineArgs;
use crate::report::Reporter;
use crate::report::style::{Color, Format, Level};

/// The reporter for a command that builds.
pub fn reporter(args: &OutputArgs) -> Reporter {
    let format = match args.message_format {
        MessageFormat::Human => Format::Human,
        MessageFormat::Json => Format::Json,
    };
    let verbose = args.verbose || args.loglevel.is_some_and(|level| level > 0);
    Reporter::new(format, level(args.quiet, verbose), color(args.color))
}

/// The reporter for a command that queries the engine and prints its result to standard output.
pub fn engine_reporter(args: &EngineArgs) -> Reporter {
    Reporter::new(Format::Human, level(args.quiet, args.verbose), color(args.color))
}

fn level(quiet: bool, verbose: bool) -> Level {
    match (quiet, verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    }
}

/// The reporter for commands without options for output, and for errors in the command line.
pub fn default_reporter() -> Reporter {
    Reporter::new(Format::Human, Level::Normal, Color::Auto)
}

fn color(choice: ColorChoice) -> Color {
    match choice {
        ColorChoice::Auto => Color::Auto,
        ColorChoice::Always => Color::Always,
        ColorChoice::Never => Color::Never,
    }
}

//! Where a watch writes the page of timings, and when.

use std::path::{self, PathBuf};

use crate::cli::timings::{TIMINGS_PAGE, TimingsArgs};

/// The page of timings of a watch.
#[derive(Clone, Debug)]
pub struct TimingsSettings {
    /// Whether it is written when the watch ends, and not only when a key asks for it.
    pub at_end: bool,
    /// The file, from the root on, with the current folder as it was called at the start.
    pub file: PathBuf,
}

impl TimingsSettings {
    pub fn new(args: TimingsArgs) -> Self {
        let at_end = args.timings.is_some();
        let file = args.timings.unwrap_or_else(|| PathBuf::from(TIMINGS_PAGE));
        Self { at_end, file: path::absolute(&file).unwrap_or(file) }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::TimingsSettings;
    use crate::cli::commands::{Cli, Command};

    fn settings(options: &[&str]) -> TimingsSettings {
        let args = [&["minis2i", "watch"][..], options, &["source", "builder", "tag"][..]].concat();
        match Cli::try_parse_from(args).unwrap().command {
            Command::Watch(args) => TimingsSettings::new(args.watch.timings),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_option_does_not_swallow_the_source() {
        let here = std::env::current_dir().unwrap();
        for (options, at_end, file) in [
            (&[][..], false, here.join("minis2i-timings.html")),
            (&["--timings"][..], true, here.join("minis2i-timings.html")),
            (&["--timings=/tmp/x.html"][..], true, "/tmp/x.html".into()),
        ] {
            let settings = settings(options);
            assert_eq!((settings.at_end, settings.file), (at_end, file), "{options:?}");
        }
    }
}

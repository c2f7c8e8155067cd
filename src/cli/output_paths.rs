//! Options about paths in the output of a build.

use clap::Args;

/// What is done with the paths that the output names.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputPathArgs {
    /// Show paths of the source as they are for you
    ///
    /// This is about the output of `assemble`. A path below the folder of the source in the container (`/tmp/src`, unless a label or `--destination` names
    /// another) or below the builder's WORKDIR, of a file that the source has, is shown as SOURCE/FILE, as you typed
    /// SOURCE. Everything else stays as it is. In JSON, the text stays and the paths stand beside it, even without this
    /// option.
    #[arg(long)]
    pub map_paths: bool,

    /// Show paths below FROM in the container as paths below TO, too; implies `--map-paths`
    ///
    /// FROM is an absolute path in the container, TO a path on this machine. Whether there is such a file is not asked.
    #[arg(long, value_name = "FROM=TO")]
    pub map_path: Vec<String>,

    /// Sum up the errors of a failed build
    ///
    /// One line `PATH:LINE:COLUMN: error: MESSAGE` is printed for each error in the source, for editors. The errors are
    /// taken from the output: tracebacks of Python, errors of node, PHP, Perl, TypeScript, Go, Maven, javac, gcc and
    /// compilers like it. The lines come before `minis2i: build failed:`. In GitHub Actions
    /// (GITHUB_ACTIONS=true) they are `::error` commands, in JSON objects with the reason `problem`.
    #[arg(long)]
    pub problems: bool,
}

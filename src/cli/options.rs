//! Options of a build, grouped by topic. Their names and meanings are those of `s2i build`.

use std::path::PathBuf;

use clap::Args;

use super::choices::PullPolicy;

/// Options for the two containers of a build: the build container and that of `save-artifacts`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Both containers of a build")]
pub struct ContainerArgs {
    /// Mount a folder or a named volume
    ///
    /// The syntax is that of `docker run`, `SOURCE:TARGET[:OPTIONS]`, but a relative folder also works:
    /// `./cache:/var/cache`. Only the mount point
    /// gets into the image, not its content.
    #[arg(short, long, value_name = "SOURCE:TARGET")]
    pub volume: Vec<String>,

    /// Connect to this network, such as `none` or `host`
    ///
    /// Containers start faster with either of these two than with the usual `bridge`.
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,

    /// Add a host name and its address
    #[arg(long, value_name = "NAME:ADDRESS", value_delimiter = ',')]
    pub add_host: Vec<String>,

    /// Drop kernel capabilities
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub cap_drop: Vec<String>,
}

/// When images are pulled from a registry, and how the new image is described.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub struct PullArgs {
    /// When to pull the builder
    #[arg(short, long, value_name = "POLICY", default_value = "never")]
    pub pull_policy: PullPolicy,

    /// When to pull the image that TAG names, whose artifacts are used
    ///
    /// A pull moves TAG to the registry's image at once. If the registry has none, the build continues with what the
    /// engine has.
    #[arg(long, value_name = "POLICY", default_value = "never")]
    pub incremental_pull_policy: PullPolicy,

    /// Push TAG to its registry after the build
    ///
    /// `--push=VALUE` takes what CI systems have in a variable: `true`, or `false` or nothing at all for no push. The push begins once
    /// TAG is on the new image; with `--if-changed`, an image that is kept is pushed, too. `build` fails if the push does
    /// (exit status 125), and TAG stays on the new image. A `watch` pushes beside its builds, always the newest image only; a
    /// push that fails there is a warning, and the next build is pushed again.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, action = clap::ArgAction::Set, value_parser = switch)]
    pub push: bool,

    /// Set the display name of the image, instead of TAG
    ///
    /// It becomes the label `io.k8s.display-name`.
    #[arg(short = 'n', long, value_name = "NAME")]
    pub application_name: Option<String>,

    /// Set the description of the image
    ///
    /// It becomes the label `io.k8s.description`.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// Options of `s2i build` that ask for what is the default here.
#[derive(Debug, Args)]
#[command(next_help_heading = "For those who know s2i")]
pub struct S2iCompatArgs {
    /// Use the folder as it is, not its last commit (the default)
    #[arg(short, long)]
    pub copy: bool,

    /// Use the artifacts of the previous image (the default)
    #[arg(long, conflicts_with = "no_incremental")]
    pub incremental: bool,

    /// Remove the image that TAG named before (the default)
    ///
    /// It is kept as long as it has another tag or a container uses it.
    #[arg(long)]
    pub rm: bool,

    /// Send symlinks as symlinks (the default)
    #[arg(long, conflicts_with = "follow_symlinks")]
    pub keep_symlinks: bool,

    /// Keep the folder into which a repository was cloned, and print its path
    ///
    /// For a source that is not cloned, there is nothing to keep: its build writes nothing to this machine's disk.
    #[arg(long)]
    pub save_temp_dir: bool,
}

/// Which part and which version of the source to build.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
pub struct RepositoryArgs {
    /// Use only this folder inside SOURCE
    ///
    /// `.s2i` and `.s2iignore` are looked up in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub context_dir: Option<PathBuf>,

    /// Clone SOURCE and use this branch, tag or commit
    ///
    /// SOURCE is the URL of a git repository, or a folder that contains one; `URL#REF` means the same. Without REF, a
    /// URL stands for the default branch, and a folder for its files as they are.
    #[arg(short, long = "ref", value_name = "REF", conflicts_with_all = ["copy", "mount"])]
    pub reference: Option<String>,

    /// Clone without submodules
    #[arg(long)]
    pub ignore_submodules: bool,
}

/// Variables and files for `assemble` alone.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "For `assemble` alone, never in the image")]
pub struct SecretArgs {
    /// Set a variable for `assemble` only
    ///
    /// NAME alone takes the value from the environment. The variable wins over `--env`. It ends up neither in the image
    /// nor on a command line of the engine.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub build_env: Vec<String>,

    /// Give `assemble` the file `/run/secrets/NAME`
    ///
    /// The syntax is that of `docker build`; `env=VARIABLE` instead of `src=FILE` takes the value of a variable. The
    /// file is in memory, only the user of `assemble` can read it, and it is removed when `assemble` ends. If the
    /// builder has no folder `/run/secrets`, an empty one stays in the image.
    #[arg(long, value_name = "id=NAME,src=FILE")]
    pub secret: Vec<String>,

    /// Put the content of FOLDER into the folder PLACE of the build container while `assemble` runs
    ///
    /// It is removed again before the image is made, and what it replaced is restored; what `assemble` copied elsewhere
    /// stays. PLACE may be relative to the builder's WORKDIR. Several pairs can be given, separated by `;`.
    #[arg(short, long, value_name = "FOLDER:PLACE")]
    pub inject: Vec<String>,
}

/// The image that the result is based on, if that is not the builder.
#[derive(Debug, Args)]
#[command(next_help_heading = "A second image")]
pub struct RuntimeArgs {
    /// Base the result on this image instead of the builder
    ///
    /// After `assemble`, the paths given with `--runtime-artifact` are copied into a container of this image, and its
    /// script `assemble-runtime`, or `.s2i/bin/assemble-runtime` in the source, runs there. These builds are never
    /// incremental, because their images contain nothing of the builder.
    #[arg(long, value_name = "IMAGE", conflicts_with = "incremental")]
    pub runtime_image: Option<String>,

    /// Copy this file or folder from the build container into the runtime image
    ///
    /// It goes into the runtime image's WORKDIR, or into the folder PLACE. Without this option, the image's label
    /// `io.openshift.s2i.assemble-input-files` names the paths.
    #[arg(short = 'a', long, value_name = "PATH[:PLACE]", requires = "runtime_image")]
    pub runtime_artifact: Vec<String>,

    /// Run `assemble-runtime` as this user, instead of the runtime image's user
    #[arg(long, value_name = "USER", requires = "runtime_image")]
    pub assemble_runtime_user: Option<String>,

    /// When to pull the runtime image
    #[arg(long, value_name = "POLICY", default_value = "never", requires = "runtime_image")]
    pub runtime_pull_policy: PullPolicy,
}

/// Parses the value of an option that can be switched off, too. A variable that is empty or not set switches it off.
fn switch(text: &str) -> Result<bool, String> {
    if text.is_empty() {
        return Ok(false);
    }
    text.parse().map_err(|_| "it is `true`, `false` or nothing".to_owned())
}

//! Options of a build in groups, by what they are about. Their names and meanings are those of `s2i build`.

use std::path::PathBuf;

use clap::Args;

use super::choices::PullPolicy;

/// What the two containers of a build are given.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Containers")]
pub struct ContainerArgs {
    /// Mount a folder, or a named volume, in both containers
    ///
    /// As with `docker run`, but a relative folder works, too: `./cache:/var/cache`. Nothing of it gets into the image
    /// but the mount point.
    #[arg(short, long, value_name = "SOURCE:TARGET[:OPTIONS]")]
    pub volume: Vec<String>,

    /// The network of both containers, such as `none` or `host`
    ///
    /// Containers start faster with either of these than with the usual `bridge`.
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,

    /// Let both containers know the address of a host
    #[arg(long, value_name = "NAME:ADDRESS", value_delimiter = ',')]
    pub add_host: Vec<String>,

    /// Take capabilities of the kernel from both containers
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub cap_drop: Vec<String>,
}

/// Which images are looked for in a registry.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub struct PullArgs {
    /// When to pull the builder
    #[arg(short, long, value_name = "POLICY", default_value = "never")]
    pub pull_policy: PullPolicy,

    /// When to pull the image that TAG names, whose artifacts are taken over
    ///
    /// With a pull TAG moves to the image of the registry at once. When there is none, the build goes on with what the
    /// engine has.
    #[arg(long, value_name = "POLICY", default_value = "never")]
    pub incremental_pull_policy: PullPolicy,

    /// The name that the image has for people, instead of TAG
    ///
    /// It becomes the label `io.k8s.display-name`.
    #[arg(short = 'n', long, value_name = "NAME")]
    pub application_name: Option<String>,

    /// What the image is, for people
    ///
    /// It becomes the label `io.k8s.description`.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// Words of `s2i build` that ask for what is done anyway.
#[derive(Debug, Args)]
#[command(next_help_heading = "For those who know s2i")]
pub struct S2iCompatArgs {
    /// Use the folder as it is, not its last commit, which is what is done anyway
    #[arg(short, long)]
    pub copy: bool,

    /// Take over artifacts of the previous image, which is what is done anyway
    #[arg(long, conflicts_with = "no_incremental")]
    pub incremental: bool,

    /// Remove the image that TAG named before, which is what is done anyway
    ///
    /// It stays as long as it has another tag or a container uses it.
    #[arg(long)]
    pub rm: bool,

    /// Keep links as links, which is what is done anyway
    #[arg(long, conflicts_with = "follow_symlinks")]
    pub keep_symlinks: bool,

    /// Keep the folder into which a repository was cloned, and say where it is
    ///
    /// Builds of a folder write nothing to this machine's disk, so then there is nothing to keep.
    #[arg(long)]
    pub save_temp_dir: bool,
}

/// Which part of which source.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
pub struct RepositoryArgs {
    /// Use only this folder inside SOURCE
    ///
    /// `.s2i` and `.s2iignore` are looked for in it.
    #[arg(long, value_name = "FOLDER")]
    pub context_dir: Option<PathBuf>,

    /// Clone SOURCE and use this branch, tag or commit
    ///
    /// SOURCE is the URL of a git repository, or a folder that is one; `URL#REF` says the same. Without it a URL means
    /// the repository's own choice, and a folder means its files as they are.
    #[arg(short, long = "ref", value_name = "REF", conflicts_with_all = ["copy", "mount"])]
    pub reference: Option<String>,

    /// Clone without the submodules
    #[arg(long)]
    pub ignore_submodules: bool,
}

/// What is for `assemble` alone.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "For `assemble` alone, never in the image")]
pub struct SecretArgs {
    /// Set a variable for `assemble` only
    ///
    /// NAME alone takes the value from the environment. It wins over `--env`, and is neither in the image nor in any
    /// command line.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub build_env: Vec<String>,

    /// Let `assemble` read a file as `/run/secrets/NAME`
    ///
    /// As with `docker build`; `env=VARIABLE` instead of `src=FILE` takes a variable's value. The file is in memory,
    /// only the user of `assemble` can read it, and it is gone when `assemble` has ended. An empty folder `/run/secrets`
    /// stays in an image that had none.
    #[arg(long, value_name = "id=NAME,src=FILE")]
    pub secret: Vec<String>,

    /// Put the content of a folder into one of the container for `assemble`
    ///
    /// It is taken away again before the image is made, and what it replaced comes back; what `assemble` copied
    /// elsewhere stays. PLACE may be relative to the builder's WORKDIR. Several can be given with `;` between.
    #[arg(short, long, value_name = "FOLDER:PLACE")]
    pub inject: Vec<String>,
}

/// The image that the result is made of, where that is not the builder.
#[derive(Debug, Args)]
#[command(next_help_heading = "A second image")]
pub struct RuntimeArgs {
    /// Make the result of this image, with artifacts of the build
    ///
    /// When `assemble` is done, artifacts are carried into a container of this image, and its script `assemble-runtime`,
    /// or the source's `.s2i/bin/assemble-runtime`, runs there. Such builds are never incremental: their images have
    /// nothing of the builder.
    #[arg(long, value_name = "IMAGE", conflicts_with = "incremental")]
    pub runtime_image: Option<String>,

    /// A file or folder of the build container to carry over
    ///
    /// It goes into the runtime image's WORKDIR, or into the folder PLACE. Without any, the image's label
    /// `io.openshift.s2i.assemble-input-files` says which.
    #[arg(short = 'a', long, value_name = "PATH[:PLACE]", requires = "runtime_image")]
    pub runtime_artifact: Vec<String>,

    /// Who runs `assemble-runtime`, if not the runtime image's user
    #[arg(long, value_name = "USER", requires = "runtime_image")]
    pub assemble_runtime_user: Option<String>,

    /// When to pull the runtime image
    #[arg(long, value_name = "POLICY", default_value = "never", requires = "runtime_image")]
    pub runtime_pull_policy: PullPolicy,
}

//! Settings: the command line, checked and combined with files and the environment. After settings are made, nothing else
//! reads the command line or the environment.

pub mod app;
pub mod cache;
mod container_options;
mod elsewhere;
pub mod engine;
pub mod engine_choice;
pub mod files;
pub mod folders;
pub mod hooks;
pub mod image_name;
mod kept_files;
pub mod notify;
pub mod output;
pub mod output_paths;
mod overrides;
mod run_options;
pub mod runtime_image;
pub mod secrets;
pub mod source;
pub mod source_location;
pub mod timings;
pub mod variables;
pub mod watch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::cancel::Cancel;
pub use crate::cli::choices::PullPolicy;
use crate::cli::choices::SourceInChoice;
pub use crate::cli::commands::CLEANUP as CLEANUP_COMMAND;
use crate::cli::job::JobArgs;
use crate::cli::selection::SelectionArgs;
use crate::contract::fetch::Fetcher;
use crate::contract::users::UidRanges;
use crate::contract::{Overrides, environment};
use crate::error::Error;
use crate::git::checkout::Checkout;
use crate::http;
use crate::input_file::InputFile;
use crate::report::Reporter;
use crate::source::rules::{LinkPolicy, Selection};
use cache::CacheOptions;
use elsewhere::Elsewhere;
use image_name::Base;
use kept_files::KeptFile;
use output_paths::OutputPaths;
use runtime_image::RuntimeOptions;
use secrets::SecretOptions;
use source::Source;
use variables::{environment_file, variable};

/// What to build, and how: the settings of one build, or of all builds of a watch.
#[derive(Clone, Debug)]
pub struct Job {
    pub source: Source,
    pub builder: String,
    pub tag: String,
    /// Names and values from `-E` and `-e`, merged. Those of the source's own file are added at each build.
    pub variables: Vec<(String, String)>,
    pub secrets: SecretOptions,
    pub caches: CacheOptions,
    pub selection: Selection,
    pub output_paths: OutputPaths,
    pub transfer: Transfer,
    /// Whether what `assemble` leaves of the source stays in the image.
    pub keep_source: bool,
    /// Whether artifacts of the previous image are taken over.
    pub incremental: bool,
    pub runtime: Option<RuntimeOptions>,
    pub pull: Pull,
    /// Whether the image is pushed to the registry that the tag names.
    pub push: bool,
    pub naming: Naming,
    /// The URL to which the outcome of a build is posted.
    pub callback_url: Option<String>,
    /// What overrides the labels of the builder: the places of scripts and source, and the user that runs the scripts.
    pub overrides: Overrides,
    /// The ids of the users that may run scripts; `None` if all may.
    pub allowed_uids: Option<UidRanges>,
    /// Fetches scripts from URLs.
    pub fetcher: Fetcher,
    /// The engine's CLI.
    pub engine: OsString,
    /// The configuration file of that CLI, which need not exist.
    pub client_config: Option<PathBuf>,
    /// Whether a proxy is set in the environment.
    pub proxy_is_set: bool,
    /// Options of `docker run` for all containers of a build.
    pub run_options: Vec<String>,
    /// The files that some of these options name.
    #[expect(dead_code, reason = "they are there as long as the job is")]
    pub kept_files: Vec<KeptFile>,
}

/// When to pull which image from a registry.
#[derive(Clone, Copy, Debug)]
pub struct Pull {
    pub builder: PullPolicy,
    pub previous: PullPolicy,
}

/// Names to display, which become labels of the image.
#[derive(Clone, Debug)]
pub struct Naming {
    pub application: Option<String>,
    pub description: Option<String>,
}

/// How the source gets to `assemble`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Into the container's own layer.
    Layer,
    /// Into a file system in memory, which is mounted in the container.
    Memory,
    /// Into the layer or into memory, whichever was found to be faster.
    Auto,
    /// By a read-only bind mount.
    Mount,
}

impl Job {
    /// Checks the arguments and reads the environment files. If the source is a repository, `checkout` is its clone.
    ///
    /// # Errors
    /// When an argument or an environment file cannot be used, with a hint, or work was cancelled while a pipe was read.
    pub fn new(args: JobArgs, checkout: Option<&Checkout>, reporter: &Reporter, cancel: &Cancel) -> Result<Self> {
        let source = Source::new(&args, checkout)?;
        note_options_without_effect(&args, checkout, reporter);
        check_names(&args)?;
        run_options::check_run_options(&args.run_options)?;
        let engine = engine_choice::choose(args.engine.clone(), reporter)?;
        let elsewhere = Elsewhere::of(&engine);
        let transfer = transfer(&args, &source.path, elsewhere.as_ref())?;
        let overrides = overrides::overrides(&args)?;
        let allowed_uids = args.allowed_uids.as_deref().map(overrides::ranges).transpose()?;
        let (run_options, kept_files) = kept_files::keep(docker_run_options(&args, elsewhere.as_ref())?, cancel)?;
        let variables = given_variables(&args, reporter, cancel)?;
        Ok(Self {
            source,
            variables,
            secrets: SecretOptions::new(&args.secrets)?,
            caches: CacheOptions::new(&args.caches)?,
            runtime: RuntimeOptions::new(&args.runtime)?,
            output_paths: OutputPaths::new(&args, checkout.is_some())?,
            selection: selection(&args.selection, args.s2i_compat.keep_symlinks, checkout.is_some()),
            transfer,
            keep_source: args.keep_source,
            incremental: !args.no_incremental && args.runtime.runtime_image.is_none(),
            pull: Pull { builder: args.images.pull_policy, previous: args.images.incremental_pull_policy },
            push: args.images.push,
            overrides,
            allowed_uids,
            fetcher: Fetcher::default(),
            run_options,
            kept_files,
            builder: args.builder,
            tag: args.tag,
            naming: Naming { application: args.images.application_name, description: args.images.description },
            callback_url: args.callback_url,
            engine,
            client_config: folders::client_config(),
            proxy_is_set: variables::proxy_is_set(),
        })
    }

    /// The same job for the builds after the first, which do not ask a registry again.
    pub fn after_the_first(&self) -> Self {
        let after = |policy| match policy {
            PullPolicy::Always => PullPolicy::IfNotPresent,
            policy => policy,
        };
        let runtime = self.runtime.clone().map(|runtime| RuntimeOptions { pull: after(runtime.pull), ..runtime });
        let pull = Pull { builder: after(self.pull.builder), previous: PullPolicy::Never };
        Self { runtime, pull, ..self.clone() }
    }

    /// The user that an option of `docker run` names, if one does.
    pub fn user_option(&self) -> Option<&str> {
        run_options::user_option(&self.run_options)
    }

    /// Whether the options of `docker run` may change the configuration of a container, which a commit takes over.
    pub fn run_options_configure(&self) -> bool {
        run_options::may_configure(&self.run_options)
    }

    /// The names and values of all variables of a build that starts now: those of the source's own file, then those of the
    /// command line.
    ///
    /// # Errors
    /// When the source's file cannot be read, or is not UTF-8 text, or work was cancelled while a pipe was read.
    pub fn environment(&self, reporter: &Reporter, cancel: &Cancel) -> Result<Vec<(String, String)>> {
        let path = self.source.path.join(".s2i/environment");
        let from_source = match path.metadata() {
            Ok(meta) if meta.is_file() || meta.is_dir() => environment_file(&InputFile::new(path), reporter, cancel)?,
            // It is read at each build, so a pipe would be empty at the second one.
            Ok(_) => {
                return Err(Error::usage(format!("cannot read the environment file `{}`", path.display()))
                    .because(anyhow!("it is no regular file"))
                    .hint("`-E FILE` takes a pipe")
                    .into());
            }
            Err(_) => Vec::new(),
        };
        let merged = environment::merge([from_source, self.variables.clone()]);
        for (name, _) in merged.iter().filter(|(name, value)| environment::names_itself(name, value)) {
            reporter.note(&format!(
                "the value of `{name}` has the text `${name}`, which is not replaced: values are taken as they are"
            ));
        }
        Ok(merged)
    }
}

/// Checks the names of images and the address of the callback.
fn check_names(args: &JobArgs) -> Result<()> {
    image_name::check_tag(&args.tag)?;
    image_name::check_builder(&args.builder)?;
    image_name::check_not_base(&args.tag, &args.builder, Base::Builder)?;
    if let Some(image) = &args.runtime.runtime_image {
        image_name::check_not_base(&args.tag, image, Base::RuntimeImage)?;
    }
    args.callback_url.as_deref().map_or(Ok(()), check_callback)
}

fn check_callback(url: &str) -> Result<()> {
    http::required_by("`--callback-url`", "tell the server yourself when minis2i has ended")?;
    if ["http://", "https://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Ok(());
    }
    Err(Error::usage(format!("`{url}` is not a valid callback URL"))
        .hint("it begins with `http://` or `https://`")
        .into())
}

/// All options of `docker run`: those that our own options stand for, then those after `--`.
fn docker_run_options(args: &JobArgs, elsewhere: Option<&Elsewhere>) -> Result<Vec<String>> {
    let mut options = container_options::container_options(&args.containers, Path::new(""), elsewhere)?;
    options.extend(run_options::without_health_checks(&args.run_options));
    Ok(options)
}

/// The variables of the environment files of `-E`, then those of `-e`.
fn given_variables(args: &JobArgs, reporter: &Reporter, cancel: &Cancel) -> Result<Vec<(String, String)>> {
    let mut lists = Vec::new();
    for file in &args.environment_file {
        lists.push(environment_file(&InputFile::new(file), reporter, cancel)?);
    }
    let typed: Result<Vec<_>> = args.env.iter().map(|text| variable(text, "-e")).collect();
    lists.push(typed?);
    Ok(environment::merge(lists))
}

/// What is sent of a source for these arguments; `keep_symlinks` is whether the user knows that links stay links. All that a
/// clone has was committed.
fn selection(args: &SelectionArgs, keep_symlinks: bool, cloned: bool) -> Selection {
    Selection {
        gitignore: !args.no_gitignore && !cloned,
        editor_files: !cloned,
        exclude: args.exclude.clone(),
        include: args.include.clone(),
        links: match (args.follow_symlinks, keep_symlinks) {
            (true, _) => LinkPolicy::Followed,
            (_, true) => LinkPolicy::KeptKnowingly,
            _ => LinkPolicy::Kept,
        },
    }
}

/// How the folder `source` gets to `assemble`.
fn transfer(args: &JobArgs, source: &Path, elsewhere: Option<&Elsewhere>) -> Result<Transfer> {
    let chosen = if args.source_in_memory { Some(SourceInChoice::Memory) } else { args.source_in };
    if let (true, Some(elsewhere)) = (args.mount, elsewhere) {
        return Err(elsewhere.refuse_mount().into());
    }
    match (args.mount, chosen) {
        (true, _) if source.to_str().is_none() => Err(container_options::not_text("--mount", source)
            .hint("leave out `--mount`, so that the source is sent, or give the folder another name")
            .into()),
        (true, _) => Ok(Transfer::Mount),
        (_, Some(SourceInChoice::Memory)) if args.keep_source => {
            Err(Error::usage("a source in memory gets into no image, so that `--keep-source` could keep nothing of it")
                .hint("leave one of `--source-in memory` and `--keep-source` out")
                .into())
        }
        (_, Some(SourceInChoice::Memory)) => Ok(Transfer::Memory),
        (_, Some(SourceInChoice::Auto)) if !args.keep_source => Ok(Transfer::Auto),
        _ => Ok(Transfer::Layer),
    }
}

/// Reports options that have no effect here.
fn note_options_without_effect(args: &JobArgs, checkout: Option<&Checkout>, reporter: &Reporter) {
    if args.s2i_compat.save_temp_dir && checkout.is_none() {
        reporter
            .note("`--save-temp-dir` has nothing to keep: the source is sent as it is, without a copy on this disk");
    }
    if args.s2i_compat.copy && checkout.is_some() {
        reporter.note("`--copy` has no meaning for a repository, which has to be cloned");
    }
}

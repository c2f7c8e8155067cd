//! What was typed, made into what it means here: files read, names checked. Afterwards nothing asks the command line or
//! the environment again.

mod container_options;
pub mod folders;
pub mod image_name;
pub mod output;
mod overrides;
mod run_options;
pub mod runtime_image;
pub mod secrets;
pub mod source;
pub mod source_location;
pub mod variables;
pub mod watch;

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

pub use crate::cli::choices::PullPolicy;
pub use crate::cli::commands::CLEANUP as CLEANUP_COMMAND;
use crate::cli::job::JobArgs;
use crate::contract::fetch::Fetcher;
use crate::contract::users::UidRanges;
use crate::contract::{Overrides, environment};
use crate::error::Error;
use crate::git::checkout::Checkout;
use crate::report::Reporter;
use crate::source::rules::{LinkPolicy, Selection};
use runtime_image::RuntimeOptions;
use secrets::SecretOptions;
use source::Source;
use variables::{environment_file, variable};

/// One build, or many of the same.
#[derive(Clone, Debug)]
pub struct Job {
    pub source: Source,
    pub builder: String,
    pub tag: String,
    /// `-E` and `-e`, merged; the source's own file comes before them, at each build.
    pub variables: Vec<(String, String)>,
    pub secrets: SecretOptions,
    pub selection: Selection,
    pub transfer: Transfer,
    pub keep_source: bool,
    pub incremental: bool,
    pub runtime: Option<RuntimeOptions>,
    pub pull: Pull,
    pub naming: Naming,
    /// The address that is told how a build ended.
    pub callback_url: Option<String>,
    /// Where scripts and source go and come from, and the user who runs them, where that is not for the images to say.
    pub overrides: Overrides,
    /// The users that may run scripts, if not all may.
    pub allowed_uids: Option<UidRanges>,
    /// Scripts of the network.
    pub fetcher: Fetcher,
    pub engine: OsString,
    /// Options of `docker run` for both containers.
    pub run_options: Vec<String>,
}

/// When to ask a registry for which image.
#[derive(Clone, Copy, Debug)]
pub struct Pull {
    pub builder: PullPolicy,
    pub previous: PullPolicy,
}

/// What the image is called for people.
#[derive(Clone, Debug)]
pub struct Naming {
    pub application: Option<String>,
    pub description: Option<String>,
}

/// How the source gets to `assemble`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Into the container's own layer.
    Upload,
    /// Into a file system in memory, mounted in its place.
    Memory,
    /// By a read-only bind mount.
    Mount,
}

impl Job {
    /// Checks what was typed and reads the environment files. A source that is a repository was cloned before.
    ///
    /// # Errors
    /// Anything that can not be used, with what to do about it.
    pub fn new(args: JobArgs, checkout: Option<&Checkout>, reporter: &Reporter) -> Result<Self> {
        let source = Source::new(&args, checkout)?;
        note_options_without_effect(&args, checkout, reporter);
        image_name::check_tag(&args.tag)?;
        image_name::check_builder(&args.builder)?;
        args.callback_url.as_deref().map_or(Ok(()), check_callback)?;
        run_options::check_run_options(&args.run_options)?;
        let overrides = overrides::overrides(&args)?;
        let allowed_uids = args.allowed_uids.as_deref().map(overrides::ranges).transpose()?;
        let mut run_options = container_options::container_options(&args.containers, Path::new(""))?;
        run_options.extend(args.run_options);
        let mut lists = Vec::new();
        for file in &args.environment_file {
            lists.push(environment_file(file, reporter)?);
        }
        let typed: Result<Vec<_>> = args.env.iter().map(|text| variable(text, "-e")).collect();
        lists.push(typed?);
        Ok(Self {
            source,
            builder: args.builder,
            tag: args.tag,
            variables: environment::merge(lists),
            secrets: SecretOptions::new(&args.secrets)?,
            selection: Selection {
                gitignore: !args.no_gitignore,
                exclude: args.exclude,
                include: args.include,
                links: match (args.follow_symlinks, args.s2i_compat.keep_symlinks) {
                    (true, _) => LinkPolicy::Followed,
                    (_, true) => LinkPolicy::KeptKnowingly,
                    _ => LinkPolicy::Kept,
                },
            },
            transfer: match (args.mount, args.source_in_memory) {
                (true, _) => Transfer::Mount,
                (_, true) => Transfer::Memory,
                _ => Transfer::Upload,
            },
            keep_source: args.keep_source,
            incremental: !args.no_incremental && args.runtime.runtime_image.is_none(),
            runtime: RuntimeOptions::new(&args.runtime)?,
            pull: Pull { builder: args.images.pull_policy, previous: args.images.incremental_pull_policy },
            naming: Naming { application: args.images.application_name, description: args.images.description },
            callback_url: args.callback_url,
            overrides,
            allowed_uids,
            fetcher: Fetcher::default(),
            engine: args.engine,
            run_options,
        })
    }

    /// The same for builds after the first: a registry is asked once.
    pub fn after_the_first(&self) -> Self {
        let after = |policy| match policy {
            PullPolicy::Always => PullPolicy::IfNotPresent,
            policy => policy,
        };
        let runtime = self.runtime.clone().map(|runtime| RuntimeOptions { pull: after(runtime.pull), ..runtime });
        let pull = Pull { builder: after(self.pull.builder), previous: PullPolicy::Never };
        Self { runtime, pull, ..self.clone() }
    }

    /// The user that options for `docker run` name.
    pub fn user_option(&self) -> Option<&str> {
        run_options::user_option(&self.run_options)
    }

    /// All variables of a build that starts now.
    ///
    /// # Errors
    /// When the source's file can not be read.
    pub fn environment(&self, reporter: &Reporter) -> Result<Vec<(String, String)>> {
        let file = self.source.path.join(".s2i/environment");
        let own = if file.exists() { environment_file(&file, reporter)? } else { Vec::new() };
        Ok(environment::merge([own, self.variables.clone()]))
    }
}

fn check_callback(url: &str) -> Result<()> {
    if ["http://", "https://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Ok(());
    }
    Err(Error::usage(format!("`{url}` is no address that can be called back"))
        .hint("it begins with `http://` or `https://`")
        .into())
}

/// Notes where an option asks for something that has no meaning here.
fn note_options_without_effect(args: &JobArgs, checkout: Option<&Checkout>, reporter: &Reporter) {
    if args.s2i_compat.save_temp_dir && checkout.is_none() {
        reporter
            .note("`--save-temp-dir` has nothing to keep: the source is sent as it is, without a copy on this disk");
    }
    if args.s2i_compat.copy && checkout.is_some() {
        reporter.note("`--copy` has no meaning for a repository, which has to be cloned");
    }
}

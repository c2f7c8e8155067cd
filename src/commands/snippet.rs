//! The command `snippet`: prints the configuration of an editor or another tool for one command line.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::snippet::{SnippetArgs, TypedLine, What};
use crate::error::Error;
use crate::report::Reporter;
use crate::settings::image_name::{check_builder, check_tag};
use crate::settings::source_location::SourceLocation;
use crate::snippet::{
    Request, Verb, compose, github_actions, jetbrains, kubernetes, neovim, systemd, targets, vscode, zed,
};

/// Prints the configuration on standard output.
///
/// # Errors
/// If the builder or the tag has no valid name, or an option makes no sense there.
pub fn snippet(args: &SnippetArgs, reporter: &Reporter) -> Result<()> {
    let typed = args.typed.as_ref().expect("the words are read with the command line");
    check_builder(&typed.job.builder)?;
    check_tag(&typed.job.tag)?;
    check_options(args.what, typed)?;
    let request = request(typed)?;
    let text = match args.what {
        What::Vscode => vscode::tasks(&request),
        What::VscodeLaunch => vscode::launch(&request),
        What::Zed => zed::tasks(&request),
        What::Neovim => neovim::plugin(&request),
        What::Jetbrains => jetbrains::tools(&request),
        What::Make => targets::makefile(&request),
        What::Just => targets::justfile(&request),
        What::Compose => compose::service(&request),
        What::Tilt => kubernetes::tiltfile(&request),
        What::Skaffold => kubernetes::skaffold(&request),
        What::GithubActions => github_actions::workflow(&request),
        What::Systemd => systemd::unit(&request)?,
    };
    reporter.print_result(text.as_bytes());
    Ok(())
}

/// Refuses options with which the configuration would not work.
fn check_options(what: What, typed: &TypedLine) -> Result<()> {
    let reads_text = matches!(what, What::Vscode | What::VscodeLaunch | What::Neovim);
    if reads_text && !typed.prints_lines {
        return Err(Error::usage("the editor looks for lines that are not printed with these options")
            .hint("leave out `--quiet` and `--message-format`")
            .into());
    }
    let wants_image = matches!(what, What::Tilt | What::Skaffold | What::GithubActions);
    if wants_image && typed.is_more_than_build {
        return Err(Error::usage("this configuration is for a build that ends with an image")
            .hint("leave out `--run` and `--as-dockerfile`")
            .into());
    }
    Ok(())
}

fn request(typed: &TypedLine) -> Result<Request> {
    let job = &typed.job;
    let source = match SourceLocation::of(job)? {
        SourceLocation::Folder(path) => Some(path),
        SourceLocation::Repository(_) => None,
    };
    let verb = |name: &&str| if *name == "watch" { Verb::Watch } else { Verb::Build };
    Ok(Request {
        words: typed.words.clone(),
        tag_at: typed.tag_at,
        verbs: typed.commands.iter().map(verb).collect(),
        source,
        context_dir: job.repository.context_dir.clone(),
        builder: job.builder.clone(),
        tag: job.tag.clone(),
        exclude: job.selection.exclude.clone(),
        include: job.selection.include.clone(),
        follows_symlinks: job.selection.follow_symlinks,
        without_gitignore: job.selection.no_gitignore,
        maps_paths: job.output_paths.map_paths,
        has_path_rules: !job.output_paths.map_path.is_empty(),
        names_problems: job.output_paths.problems,
        engine: job.engine.as_ref().filter(|_| typed.has_engine).map(|engine| engine.to_string_lossy().into_owned()),
        pulls: typed.has_pull_policy,
        folder: text(env::current_dir().context("cannot find out which folder this is")?)?,
        program: text(env::current_exe().context("cannot find out where minis2i is")?)?,
    })
}

/// A path that can be written into a configuration.
fn text(path: PathBuf) -> Result<String> {
    path.into_os_string().into_string().map_err(|path| {
        let shown = path.to_string_lossy().into_owned();
        let error = Error::usage(format!("`{shown}` is not UTF-8, so that it cannot be written into a configuration"));
        error.hint("rename the folder").into()
    })
}

//! The command `build`: a single build, or a Dockerfile that does the same, and optionally running the new image.

use anyhow::Result;

use super::{generate, run_image};
use crate::cancel::{Cancel, Ending};
use crate::cli::commands::BuildArgs;
use crate::engine::cli::Engine;
use crate::error::Error;
use crate::git::checkout::Checkout;
use crate::pipeline::cache::state::Caches;
use crate::pipeline::context::BuildContext;
use crate::pipeline::{self, callback, cleanup, push};
use crate::report::Reporter;
use crate::report::message::Message;
use crate::run_lock::RunLock;
use crate::settings::engine::engine_program;
use crate::settings::source_location::SourceLocation;
use crate::settings::{Job, app, folders};
use crate::signals;

/// Builds once, as `args` say.
///
/// # Errors
/// If the arguments cannot be used, the build fails or is interrupted, or the new image is run and exits with an error.
pub fn build(mut args: BuildArgs, reporter: &Reporter) -> Result<()> {
    let tag = args.job.tag.clone();
    if args.as_dockerfile.is_some() {
        check_not_pushed(&args)?;
        args.job.no_incremental = true;
        // A job needs a tag, but a Dockerfile does not: this one appears nowhere.
        args.job.tag = Some(tag.clone()).filter(|tag| !tag.is_empty()).unwrap_or_else(|| "minis2i/unnamed".to_owned());
    }
    let ending = Ending::default();
    let waiting = reporter.clone();
    signals::end_on_signal(ending.clone(), move |why| waiting.stop_waiting(why))?;
    let run_lock = RunLock::take(folders::of_runs())?;
    let checkout = clone_source(&args, &ending.work, &run_lock, reporter)?;
    let job = Job::new(args.job, checkout.as_ref(), reporter, &ending.work)?;
    let run_options = args.run.then(|| app::run_options(&args.container, &job.engine)).transpose()?;
    let call_reporter = reporter.clone();
    let engine = Engine::new(engine_program(&job.engine), ending, move |call| call_reporter.emit(&Message::Call(call)));
    let caches = Caches::default();
    let cx = BuildContext::new(&job, engine, &run_lock, reporter, &caches);
    let result = match &args.as_dockerfile {
        Some(path) => generate::as_dockerfile(path, Some(tag.as_str()).filter(|tag| !tag.is_empty()), &cx),
        None => build_and_run(&cx, args.if_changed, run_options.as_deref()),
    };
    cleanup::leave_rest_to_next_run(&cx.engine, &run_lock, reporter);
    result
}

/// Builds once, pushes the image if that is wanted, and runs it with these options of `docker run`, if there are any.
fn build_and_run(cx: &BuildContext, if_changed: bool, run_options: Option<&[String]>) -> Result<()> {
    let push = || if cx.job.push { push::push_and_wait(&cx.engine, cx.reporter, &cx.job.tag) } else { Ok(()) };
    let built = pipeline::build(cx, if_changed).and_then(|()| push());
    callback::post(cx, built.is_ok());
    built?;
    run_options.map_or(Ok(()), |options| run_image::run_image(cx, options))
}

/// A Dockerfile is no image. `--push=false` says nothing else, so that a script can leave it there.
fn check_not_pushed(args: &BuildArgs) -> Result<()> {
    if !args.job.images.push {
        return Ok(());
    }
    Err(Error::usage("`--as-dockerfile` makes no image, so there is nothing to `--push`")
        .hint("leave one of the two out; `docker build --tag TAG FOLDER` makes the image, `docker push TAG` pushes it")
        .into())
}

/// Clones the source, if it is a Git repository and not a folder.
fn clone_source(
    args: &BuildArgs,
    cancel: &Cancel,
    run_lock: &RunLock,
    reporter: &Reporter,
) -> Result<Option<Checkout>> {
    let SourceLocation::Repository(repository) = SourceLocation::of(&args.job)? else { return Ok(None) };
    let keep = args.job.s2i_compat.save_temp_dir;
    let folder = if keep { folders::kept_checkout()? } else { run_lock.checkout_folder()? };
    reporter.asking_phase("cloning");
    let checkout = Checkout::create(&repository, folder, keep, cancel)?;
    if keep {
        reporter.note(&format!("the clone is kept in {}", checkout.folder().display()));
    }
    Ok(Some(checkout))
}

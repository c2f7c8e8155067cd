//! The command `rebuild`: turns the labels of an image into the arguments of a build, which is then run as usual.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cancel::Ending;
use crate::cli::app::RunArgs;
use crate::cli::commands::{BuildArgs, RebuildArgs};
use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::image::{self, Image};
use crate::engine::reference::full_name;
use crate::error::Error;
use crate::git::repository::is_remote;
use crate::report::Reporter;
use crate::report::message::Message;
use crate::settings::engine::engine_program;
use crate::settings::engine_choice::choose;

/// The arguments of the build that produces an image again, read from its labels. Options in `args` override the
/// labels.
///
/// # Errors
/// If there are too many arguments, there is no such image, it lacks the labels, it is named by id and no new name is
/// given, or its source is not on this machine.
pub fn as_build(args: RebuildArgs, reporter: &Reporter) -> Result<BuildArgs> {
    let RebuildArgs { mut job, output } = args;
    if !job.tag.is_empty() {
        return Err(Error::usage(format!("`{}` is one argument too many", job.tag))
            .hint("the order is `minis2i rebuild TAG [NEW]`; builder and source are in the labels of TAG")
            .into());
    }
    let (name, new_tag) = (job.source.to_string_lossy().into_owned(), std::mem::take(&mut job.builder));
    let engine = choose(job.engine.take(), reporter)?;
    let image = find_image(&name, &engine, reporter)?;
    job.engine = Some(engine);
    let builder = required_label(&image, &name, labels::BUILD_IMAGE)?;
    job.tag = if new_tag.is_empty() { tag_of(&name, &image)? } else { new_tag };
    let typed = required_label(&image, &name, labels::SOURCE_LOCATION)?;
    job.source = if is_remote(typed) { typed.into() } else { local_source(typed, &name, builder, reporter)? };
    builder.clone_into(&mut job.builder);
    let optional_label = |label: &str| image.config.labels.get(label).filter(|value| !value.is_empty()).cloned();
    job.repository.context_dir =
        job.repository.context_dir.or_else(|| optional_label(labels::CONTEXT_DIR).map(PathBuf::from));
    if is_remote(typed) {
        job.repository.reference = job.repository.reference.or_else(|| optional_label(labels::REFERENCE));
    }
    // Without an application name, a build uses the tag as display name; that must not stick to a new tag.
    let application = optional_label(labels::DISPLAY_NAME).filter(|display| full_name(display) != full_name(&name));
    job.images.application_name = job.images.application_name.or(application);
    let container = RunArgs::default();
    Ok(BuildArgs { job, run: false, if_changed: false, as_dockerfile: None, use_config: false, container, output })
}

/// Inspects the image called `name`. No signal handler is set up: an interrupt simply ends the process, since there is
/// nothing to clean up yet.
fn find_image(name: &str, program: &OsStr, reporter: &Reporter) -> Result<Image> {
    let call_reporter = reporter.clone();
    let engine =
        Engine::new(engine_program(program), Ending::default(), move |call| call_reporter.emit(&Message::Call(call)));
    let [image] = image::inspect(&engine, [name])?;
    image.ok_or_else(|| {
        let hint = format!("`{} images` lists them; `minis2i build SOURCE BUILDER TAG` makes one", engine.name());
        Error::engine(format!("there is no image `{name}` in the engine")).hint(hint).into()
    })
}

/// The value of a label without which the image cannot be built again.
fn required_label<'a>(image: &'a Image, name: &str, label: &str) -> Result<&'a str> {
    let value = image.config.labels.get(label).map(String::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        Error::usage(format!("`{name}` was not made from a source by a builder: it has no label `{label}`"))
            .hint("say what to build: `minis2i build SOURCE BUILDER TAG`")
            .into()
    })
}

/// `name`, if it is one of the tags of the image and not its id.
fn tag_of(name: &str, image: &Image) -> Result<String> {
    if image.has_name(name) {
        return Ok(name.to_owned());
    }
    Err(Error::usage(format!("`{name}` is an image id, which cannot be the name of a new image"))
        .hint(format!("say how to name it: `minis2i rebuild {name} NEW`"))
        .into())
}

/// The path of the local source that a label names. A note says which folder a relative path is taken for, since the
/// image may have been built from another current folder.
fn local_source(typed: &str, image: &str, builder: &str, reporter: &Reporter) -> Result<PathBuf> {
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    let path = Path::new(typed);
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let shown = shown.display();
    if !path.exists() {
        return Err(Error::usage(format!("the source of `{image}` does not exist: {shown}"))
            .hint(format!("run this where it was built, or say where it is: `minis2i build SOURCE {builder} {image}`"))
            .into());
    }
    if path.is_relative() {
        reporter.note(&format!("the labels of `{image}` name the source only as `{typed}`; using {shown}"));
    }
    Ok(path.to_owned())
}

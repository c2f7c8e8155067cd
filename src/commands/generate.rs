//! Dockerfiles that do the same as a build: `generate` for any source folder, `build --as-dockerfile` for one source.
//! The syntax of the file is left to [`Dockerfile`].

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::dockerfile_facts::{DockerfileFacts, assumed_image};
use super::probe::find_builder;
use crate::cli::commands::GenerateArgs;
use crate::contract::dockerfile::{Dockerfile, MARK};
use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::{Contract, Overrides, environment, labels};
use crate::engine::cli::Engine;
use crate::engine::image::Image;
use crate::engine::reference::full_name;
use crate::error::{self, Error, ErrorKind};
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::no_builder;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::{allowed_uids, pull};
use crate::report::Reporter;
use crate::settings::Job;
use crate::settings::variables::variable;
use crate::source::entry::Kind;
use crate::source::read_error::unreadable;
use crate::source::rules::{Rules, Selection};
use crate::source::walk::take_snapshot;

/// The folder next to the Dockerfile of one source; it holds all files that the Dockerfile copies.
const UPLOAD: &str = "upload";

/// Writes a Dockerfile that builds any source folder with this builder, to a file or to standard output.
///
/// # Errors
/// If there is no such builder, it has no shell or no `assemble`, or the file cannot be written or was not generated.
pub fn generate(args: &GenerateArgs, engine: &Engine, reporter: &Reporter) -> Result<()> {
    let to_stdout = args.file == Path::new("-");
    if !to_stdout {
        check_replaceable(&args.file)?;
    }
    let variables: Result<Vec<_>> = args.env.iter().map(|text| variable(text, "-e")).collect();
    let variables = environment::merge([variables?]);
    let image = find_builder(engine, &args.builder)?;
    let overrides = Overrides { user: args.assemble_user.clone(), ..Overrides::default() };
    let contract = Contract::of(&image, &args.builder, &overrides)?;
    let facts = DockerfileFacts::new(engine, reporter, &image, &args.builder, contract, &[])?;
    let text = Dockerfile {
        command: format!("minis2i generate {} {}", args.builder, args.file.display()),
        copies: vec![(".", join(&facts.contract.destination, "src"))],
        labels: vec![(labels::BUILD_IMAGE, full_name(&args.builder))],
        variables: &variables,
        ..facts.dockerfile(&args.builder)
    }
    .text()?;
    if to_stdout {
        reporter.print_result(text.as_bytes());
        return Ok(());
    }
    write_file(&args.file, &text)?;
    let (file, cli) = (args.file.display(), engine.name());
    reporter.note(&format!("wrote {file}: `{cli} build --file {file} --tag TAG SOURCE` builds with it"));
    Ok(())
}

/// Writes a Dockerfile to `path` (a file or an existing folder) and a folder [`UPLOAD`] next to it, which together
/// build the source of the job. `tag` is the tag for the labels, if the user gave one.
///
/// # Errors
/// If a build of the job would fail before `assemble`, for other reasons than that there is no engine, the job has options that a Dockerfile cannot express, or a file
/// cannot be written or was not generated.
pub fn as_dockerfile(path: &Path, tag: Option<&str>, cx: &BuildContext) -> Result<()> {
    let BuildContext { job, engine, reporter, .. } = cx;
    let path = if path.is_dir() { path.join("Dockerfile") } else { path.to_owned() };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let upload = folder.join(UPLOAD);
    check_options(job)?;
    check_replaceable(&path)?;
    if upload.exists() && !path.exists() {
        return Err(Error::usage(format!("`{}` already exists and is in the way", upload.display()))
            .hint("move it away, or write the Dockerfile to another folder")
            .into());
    }
    let known = known_builder(cx)?;
    let image = known.clone().unwrap_or_else(assumed_image);
    let contract = Contract::of(&image, &job.builder, &job.overrides)?;
    allowed_uids::check_users(job, &image, &contract)?;
    let inputs = Inputs::read(cx, &contract)?;
    let facts = match &known {
        Some(image) => DockerfileFacts::new(engine, reporter, image, &job.builder, contract, &inputs.external_scripts)?,
        None => DockerfileFacts::assumed(reporter, &image, &job.builder, contract, &inputs.external_scripts)?,
    };
    let destination = &facts.contract.destination;
    let mut copies = vec![("upload/src", join(destination, "src"))];
    if !inputs.external_scripts.is_empty() {
        copies.push(("upload/scripts", join(destination, "scripts")));
    }
    let text = Dockerfile {
        command: format!("minis2i build --as-dockerfile {}", path.display()),
        copies,
        labels: dockerfile_labels(job, tag),
        variables: &inputs.variables,
        ..facts.dockerfile(&job.builder)
    }
    .text()?;
    make_folder(&folder)?;
    let selection = without_generated(job, &path, &upload)?;
    if upload.exists() {
        fs::remove_dir_all(&upload).map_err(|error| not_written(&upload, error))?;
    }
    let copied = fill_upload(job, &selection, &inputs.external_scripts, &upload, engine);
    let copied = copied.and_then(|()| write_file(&path, &text));
    if let Err(error) = copied {
        let _ = fs::remove_dir_all(&upload);
        return Err(error);
    }
    let (file, folder, cli, tag) = (path.display(), folder.display(), engine.name(), tag.unwrap_or("TAG"));
    reporter.note(&format!("wrote {file} and {}: `{cli} build --file {file} --tag {tag} {folder}`", upload.display()));
    Ok(())
}

/// The builder, or none where there is no engine to ask.
fn known_builder(cx: &BuildContext) -> Result<Option<Image>> {
    let BuildContext { job, engine, .. } = cx;
    match pull::inspect_images(cx) {
        Ok(mut images) => images[0].take().ok_or_else(|| no_builder(engine, &job.builder, true)).map(Some),
        Err(error) if error::kind(&error) == ErrorKind::Engine && !answers(engine) => {
            engine.cancel().check()?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn answers(engine: &Engine) -> bool {
    engine.call(&["version"]).is_ok_and(|output| output.success)
}

/// Refuses options that only affect the containers of a build, since a Dockerfile cannot express them.
fn check_options(job: &Job) -> Result<()> {
    let secrets = &job.secrets;
    if !secrets.variables.is_empty() || !secrets.files.is_empty() || !secrets.injections.is_empty() {
        let what = "with a Dockerfile, the values of `--build-env`, `--secret` and `--inject` would stay in the image";
        return Err(Error::usage(what).hint("leave them out, or build with `minis2i build`").into());
    }
    match job.run_options.first() {
        None => Ok(()),
        Some(option) => {
            Err(Error::usage(format!("`{option}` is for the containers of a build; a Dockerfile cannot express it"))
                .hint("leave it out, or give it to `docker build`, which has options of its own")
                .into())
        }
    }
}

fn dockerfile_labels(job: &Job, tag: Option<&str>) -> Vec<(&'static str, String)> {
    let name = job.naming.application.clone().or(tag.map(str::to_owned));
    let mut labels =
        vec![(labels::BUILD_IMAGE, full_name(&job.builder)), (labels::SOURCE_LOCATION, job.source.typed.clone())];
    labels.extend(job.source.context.clone().map(|context| (labels::CONTEXT_DIR, context)));
    labels.extend(name.map(|name| (labels::DISPLAY_NAME, name)));
    labels.extend(job.naming.description.clone().map(|description| (labels::DESCRIPTION, description)));
    labels
}

/// Writes the external scripts and the selected source into the folder `upload`.
fn fill_upload(
    job: &Job,
    selection: &Selection,
    external_scripts: &[ExternalScript],
    upload: &Path,
    engine: &Engine,
) -> Result<()> {
    write_scripts(external_scripts, upload)?;
    copy_source(job, selection, upload, engine)
}

fn write_scripts(external_scripts: &[ExternalScript], upload: &Path) -> Result<()> {
    let scripts = upload.join("scripts");
    if !external_scripts.is_empty() {
        make_folder(&scripts)?;
    }
    for script in external_scripts {
        let path = scripts.join(script.script.name());
        let written = fs::write(&path, &script.content);
        written
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .map_err(|error| not_written(&path, error))?;
    }
    Ok(())
}

fn copy_source(job: &Job, selection: &Selection, upload: &Path, engine: &Engine) -> Result<()> {
    let root = &job.source.path;
    let mut rules = Rules::new(root, selection, engine.cancel().clone())?;
    let snapshot = take_snapshot(root, &mut rules, &mut |_| {})?;
    let to = upload.join("src");
    make_folder(&to)?;
    for entry in &snapshot.entries {
        engine.cancel().check()?;
        let (from, to) = (root.join(entry.path()), to.join(entry.path()));
        match &entry.kind {
            Kind::Folder => make_folder(&to)?,
            Kind::Link(target) => {
                let target: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(target);
                symlink(target, &to).map_err(|error| not_written(&to, error))?;
            }
            Kind::File => copy_file(&from, &to, entry.mtime)?,
        }
    }
    // The modes of folders are set last, since a read-only folder could not be filled.
    for entry in snapshot.entries.iter().filter(|entry| entry.is_folder()) {
        let path = to.join(entry.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode | 0o700))
            .map_err(|error| not_written(&path, error))?;
    }
    Ok(())
}

/// Copies a file with its mode and sets its modification time, in seconds and nanoseconds.
fn copy_file(from: &Path, to: &Path, mtime: (i64, u32)) -> Result<()> {
    // `fs::copy` does not show whether reading or writing failed, so reading is tried first.
    File::open(from).map_err(|error| unreadable(from, error))?;
    fs::copy(from, to).map_err(|error| not_written(to, error))?;
    let time = u64::try_from(mtime.0).map_or(UNIX_EPOCH, |seconds| UNIX_EPOCH + Duration::new(seconds, mtime.1));
    set_time(to, time).with_context(|| format!("cannot set the time of `{}`", to.display()))
}

fn set_time(path: &Path, time: SystemTime) -> io::Result<()> {
    File::open(path)?.set_times(FileTimes::new().set_modified(time))
}

/// The job's selection without the Dockerfile and the upload folder, in case they are inside the source.
fn without_generated(job: &Job, dockerfile: &Path, upload: &Path) -> Result<Selection> {
    let mut selection = job.selection.clone();
    for path in [dockerfile, upload] {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { continue };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let path: PathBuf = fs::canonicalize(folder)?.join(name);
        if let Ok(relative) = path.strip_prefix(&job.source.path) {
            selection.exclude.push(format!("/{}", glob_literal(&relative.to_string_lossy())));
        }
    }
    Ok(selection)
}

/// Escapes a path into a glob that matches only this path.
fn glob_literal(path: &str) -> String {
    path.chars().flat_map(|c| "\\*?[]{}".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Refuses to overwrite a file that minis2i did not generate.
fn check_replaceable(path: &Path) -> Result<()> {
    let replaceable = match fs::read(path) {
        Ok(text) => text.starts_with(MARK.as_bytes()),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if replaceable {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` already exists and was not generated", path.display()))
        .hint("nothing was written; move it away, or name another file")
        .into())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| not_written(path, error))
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| not_written(path, error))
}

fn not_written(path: &Path, error: io::Error) -> anyhow::Error {
    Error::usage(format!("cannot write `{}`", path.display()))
        .because(error)
        .hint("name a place that you can write to, with room for the source")
        .into()
}

#[cfg(test)]
mod tests {
    use super::glob_literal;

    #[test]
    fn a_path_is_a_glob_for_itself_only() {
        assert_eq!(glob_literal("a[1]/*.d"), r"a\[1\]/\*.d");
    }
}

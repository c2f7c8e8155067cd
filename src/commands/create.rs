//! `create`: the files of a new builder, which works as it stands.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;

use crate::cli::commands::CreateArgs;
use crate::error::Error;
use crate::report::Reporter;
use crate::settings::image_name;

/// One file of the skeleton. `{{name}}` in it is the builder's name.
struct SkeletonFile {
    path: &'static str,
    mode: u32,
    text: &'static str,
}

macro_rules! file {
    ($path:literal, $mode:literal) => {
        SkeletonFile { path: $path, mode: $mode, text: include_str!(concat!("skeleton/", $path)) }
    };
}

const FILES: [SkeletonFile; 9] = [
    file!("Dockerfile", 0o644),
    file!("Makefile", 0o644),
    file!("README.md", 0o644),
    file!("s2i/bin/assemble", 0o755),
    file!("s2i/bin/run", 0o755),
    file!("s2i/bin/save-artifacts", 0o755),
    file!("s2i/bin/usage", 0o755),
    file!("test/run", 0o755),
    file!("test/test-app/start.sh", 0o644),
];

/// Writes all files, or none where one of them is there already.
///
/// # Errors
/// A name that no image can have, something in the way, a folder that can not be written to.
pub fn create(args: &CreateArgs, reporter: &Reporter) -> Result<()> {
    image_name::check_tag(&args.name)?;
    let dir = &args.dir;
    if let Some(file) = FILES.iter().find(|file| fs::symlink_metadata(dir.join(file.path)).is_ok()) {
        return Err(Error::usage(format!("`{}` is there already", dir.join(file.path).display()))
            .hint("nothing was written; move it away, or name another folder")
            .into());
    }
    for file in &FILES {
        write(dir, file, &args.name).map_err(|error| {
            Error::usage(format!("cannot write `{}`", dir.join(file.path).display()))
                .because(error)
                .hint("name a folder that is yours to write to, or a new one")
        })?;
    }
    let dir = dir.display();
    let name = &args.name;
    reporter
        .note(&format!("a builder is in {dir}: `docker build --tag {name} {dir}` makes it, {dir}/test/run tries it"));
    Ok(())
}

fn write(dir: &Path, file: &SkeletonFile, name: &str) -> io::Result<()> {
    let path = dir.join(file.path);
    fs::create_dir_all(path.parent().expect("a file of the skeleton is in a folder"))?;
    // Nothing is overwritten that came into being meanwhile, either.
    let mut to = OpenOptions::new().write(true).create_new(true).open(&path)?;
    to.write_all(file.text.replace("{{name}}", name).as_bytes())?;
    // A strict umask would make scripts that the builder's user may not read.
    to.set_permissions(fs::Permissions::from_mode(file.mode))
}

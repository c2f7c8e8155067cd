//! The command `create`: writes the files of a new builder, which works without changes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;

use crate::cli::commands::CreateArgs;
use crate::error::Error;
use crate::report::Reporter;
use crate::settings::image_name;

/// One file of the skeleton. `{{name}}` in its text stands for the builder's name.
struct SkeletonFile {
    /// Relative to the new folder.
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

/// Writes all files of a new builder, or none if one of them exists already.
///
/// # Errors
/// If the name is not valid for an image, a file exists already, or the folder cannot be written to.
pub fn create(args: &CreateArgs, reporter: &Reporter) -> Result<()> {
    image_name::check_tag(&args.name)?;
    let dir = &args.dir;
    if let Some(file) = FILES.iter().find(|file| fs::symlink_metadata(dir.join(file.path)).is_ok()) {
        return Err(Error::usage(format!("`{}` already exists", dir.join(file.path).display()))
            .hint("nothing was written; move it away, or name another folder")
            .into());
    }
    for file in &FILES {
        write_file(dir, file, &args.name).map_err(|error| {
            Error::usage(format!("cannot write `{}`", dir.join(file.path).display()))
                .because(error)
                .hint("name a folder that you can write to, or a new one")
        })?;
    }
    let dir = dir.display();
    let name = &args.name;
    reporter.note(&format!(
        "wrote a builder to {dir}: `docker build --tag {name} {dir}` builds it, `{dir}/test/run` tests it"
    ));
    Ok(())
}

fn write_file(dir: &Path, file: &SkeletonFile, name: &str) -> io::Result<()> {
    let path = dir.join(file.path);
    fs::create_dir_all(path.parent().expect("a file of the skeleton is in a folder"))?;
    // A file that was created since the check is not overwritten either.
    let mut output = OpenOptions::new().write(true).create_new(true).open(&path)?;
    output.write_all(file.text.replace("{{name}}", name).as_bytes())?;
    // With a strict umask, the builder's user could not read the scripts.
    output.set_permissions(fs::Permissions::from_mode(file.mode))
}

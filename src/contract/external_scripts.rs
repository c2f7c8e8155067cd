//! External scripts: scripts that are not in the builder image and are sent in the upload. They come from the source's
//! `.s2i/bin`, or from a local folder or a server that an option or a label names. This module only reads them; which
//! of them a build uses is decided elsewhere.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use super::fetch::Fetcher;
use super::image_path::join;
use super::script::Script;
use super::scripts_url::ScriptsUrl;
use crate::error::Error;
use crate::url::without_credentials;

/// Folders of a source that may hold scripts: the current name, then the name that older versions of S2I used.
const SOURCE_FOLDERS: [&str; 2] = [".s2i/bin", ".sti/bin"];

/// A script that is sent in the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalScript {
    pub script: Script,
    /// The bytes of the script file.
    pub content: Vec<u8>,
    /// The path or URL that it was read from, for messages.
    pub from: String,
}

/// Reads the scripts in the `.s2i/bin` of the source folder `source`, executable or not. Symlinks are followed.
///
/// # Errors
/// If a script exists but cannot be read.
pub fn in_source(source: &Path) -> Result<Vec<ExternalScript>> {
    let mut found = Vec::new();
    for script in Script::ALL {
        let named = named_in_source(source, script.name())?;
        found.extend(named.map(|(content, from)| ExternalScript { script, content, from }));
    }
    Ok(found)
}

/// Reads the script called `name` in the source folder `source`. Returns its content and its path relative to the
/// source, or `None` if the source has no such script.
///
/// # Errors
/// If the script exists but cannot be read.
pub fn named_in_source(source: &Path, name: &str) -> Result<Option<(Vec<u8>, String)>> {
    for folder in SOURCE_FOLDERS {
        let from = join(folder, name);
        if let Some(content) = read_script(&source.join(&from))? {
            return Ok(Some((content, from)));
        }
    }
    Ok(None)
}

/// Reads those of the `wanted` scripts that exist at `location`; none if that is a folder in the image. While a server
/// is waited for, `check_cancelled` is called every few milliseconds, and its error ends the wait.
///
/// # Errors
/// If a local folder does not exist, a script exists but cannot be read, a server cannot be reached or answers with an
/// error, or `check_cancelled` fails.
pub fn at_location(
    location: &ScriptsUrl,
    wanted: &[Script],
    fetcher: &Fetcher,
    check_cancelled: &dyn Fn() -> Result<()>,
) -> Result<Vec<ExternalScript>> {
    match location {
        ScriptsUrl::Image(_) => Ok(Vec::new()),
        ScriptsUrl::Folder(folder) => in_folder(folder, wanted),
        ScriptsUrl::Web(url) => {
            let urls: Vec<String> = wanted.iter().map(|script| join(url, script.name())).collect();
            let answers = fetcher.fetch(&urls, check_cancelled)?;
            let found = wanted.iter().zip(urls).zip(answers);
            let found = found.filter_map(|((script, url), answer)| {
                Some(ExternalScript { script: *script, content: answer?, from: without_credentials(&url) })
            });
            Ok(found.collect())
        }
    }
}

fn in_folder(folder: &Path, wanted: &[Script]) -> Result<Vec<ExternalScript>> {
    if !folder.is_dir() {
        return Err(Error::usage(format!("there is no folder `{}` with scripts on this machine", folder.display()))
            .hint("name one that is there: `-s FOLDER`, or `-s image:///FOLDER` for one in the builder image")
            .into());
    }
    let mut found = Vec::new();
    for script in wanted {
        let path = folder.join(script.name());
        if let Some(content) = read_script(&path)? {
            found.push(ExternalScript { script: *script, content, from: path.display().to_string() });
        }
    }
    Ok(found)
}

/// Reads the script at `path`; `None` if there is no such file.
fn read_script(path: &Path) -> Result<Option<Vec<u8>>> {
    // Reading a pipe could take for ever, and could be done only once.
    let is_special = fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    let content = if is_special { Err(io::Error::other("it is no regular file")) } else { fs::read(path) };
    match content {
        Ok(content) => Ok(Some(content)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::usage(format!("cannot read the script `{}`", path.display()))
            .because(error)
            .hint("make it a readable file, or remove it to use the builder's own")
            .into()),
    }
}

//! Scripts from outside the image, which travel in the upload: the source's own, and those of a folder or an address
//! that an option or a label names.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use super::fetch::Fetcher;
use super::place::{Place, join};
use super::script::Script;
use crate::error::Error;
use crate::url::without_credentials;

/// Where a source has scripts of its own; the second is the old name of the first.
const SOURCE_FOLDERS: [&str; 2] = [".s2i/bin", ".sti/bin"];

/// A script that travels in the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalScript {
    pub script: Script,
    pub content: Vec<u8>,
    /// Where it was found, for messages.
    pub from: String,
}

/// The scripts of the source's `.s2i/bin`, executable or not; links are followed.
///
/// # Errors
/// A script that is there but can not be read.
pub fn in_source(source: &Path) -> Result<Vec<ExternalScript>> {
    let mut found = Vec::new();
    for script in Script::ALL {
        let named = named_in_source(source, script.name())?;
        found.extend(named.map(|(content, from)| ExternalScript { script, content, from }));
    }
    Ok(found)
}

/// The source's script of that name, if it has one, and where it was found.
///
/// # Errors
/// A script that is there but can not be read.
pub fn named_in_source(source: &Path, name: &str) -> Result<Option<(Vec<u8>, String)>> {
    for folder in SOURCE_FOLDERS {
        let from = join(folder, name);
        if let Some(content) = read(&source.join(&from))? {
            return Ok(Some((content, from)));
        }
    }
    Ok(None)
}

/// Those of `wanted` that are at a place outside the image.
///
/// # Errors
/// A folder that is not there, a script that is there but can not be read, a server that does not answer.
pub fn at_place(
    place: &Place,
    wanted: &[Script],
    fetcher: &Fetcher,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Vec<ExternalScript>> {
    match place {
        Place::Image(_) => Ok(Vec::new()),
        Place::Folder(folder) => in_folder(folder, wanted),
        Place::Web(url) => {
            let urls: Vec<String> = wanted.iter().map(|script| join(url, script.name())).collect();
            let answers = fetcher.fetch(&urls, go_on)?;
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
        if let Some(content) = read(&path)? {
            found.push(ExternalScript { script: *script, content, from: path.display().to_string() });
        }
    }
    Ok(found)
}

/// A script's text, or nothing where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::usage(format!("cannot read the script `{}`", path.display()))
            .because(error)
            .hint("make it a readable file, or remove it to use the builder's own")
            .into()),
    }
}

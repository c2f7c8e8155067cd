//! What an error while reading the source means: an entry that vanished meanwhile, or one that can not be read.

use std::io;
use std::path::Path;

use crate::error::Error;

/// Whether an entry is gone, or is not any more what it was a moment ago.
pub fn vanished(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidInput)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// The error for a part of the source that can not be read.
pub fn unreadable(path: &Path, error: io::Error) -> anyhow::Error {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let failed = Error::usage(format!("cannot read `{}`", path.display())).because(error);
    if denied {
        let hint = "make it readable (`chmod u+r`), or leave it out: name it in .s2iignore or with `--exclude GLOB`";
        return failed.hint(hint).into();
    }
    failed.into()
}

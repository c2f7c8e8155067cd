//! The meaning of errors while the source is read: an entry has vanished meanwhile, or cannot be read.

use std::io;
use std::path::Path;

use crate::error::Error;

/// Whether the error means that an entry was removed, or became one of another kind, after it was listed.
pub fn vanished(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidInput)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// The error for a path of the source that cannot be read, with a hint where permissions are missing.
pub fn unreadable(path: &Path, error: io::Error) -> anyhow::Error {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let unreadable = Error::usage(format!("cannot read `{}`", path.display())).because(error);
    if denied {
        let hint = "make it readable (`chmod u+r`), or leave it out: name it in .s2iignore or with `--exclude GLOB`";
        return unreadable.hint(hint).into();
    }
    unreadable.into()
}

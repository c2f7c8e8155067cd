//! Paths in an image, which are always Unix paths, whatever machine minis2i runs on.

/// A folder's path without slashes at its end; the root folder is `/`.
pub fn without_trailing_slashes(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// The path of `name` in `folder`.
pub fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

//! A file as it will be installed.

/// A file: its place, its mode and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the root of an archive or of a system, with `/` between its parts.
    pub path: String,
    /// The bits of its mode, such as `0o644`.
    pub mode: u32,
    pub content: Vec<u8>,
}

impl File {
    /// A file that everyone may read.
    pub fn data(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o644, content: content.into() }
    }

    /// A file that everyone may run.
    pub fn program(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o755, content: content.into() }
    }
}

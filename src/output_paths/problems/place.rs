//! Where an error is.

/// What the user calls the file that a program in the container names, if it is one of the source.
pub type Locate<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// A place in the source.
pub struct Place {
    pub path: Vec<u8>,
    pub line: u64,
    pub column: Option<u64>,
}

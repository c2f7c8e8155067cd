//! The answer that a tag is up to date.

/// A tag that is on an image of the source as it is.
#[derive(Clone, Debug)]
pub struct UpToDate {
    pub tag: String,
    /// The id of the image.
    pub image: String,
    /// The other names that it was given.
    pub references: Vec<String>,
}

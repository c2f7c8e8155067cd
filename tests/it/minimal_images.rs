//! Builders that lack what most images have: the engine unpacks the upload.

mod fixtures;
mod no_shell;
mod no_tar;

//! The image that a build makes: its configuration, its labels, and its files beside those of `assemble`.

mod builder_content;
mod configuration;
mod entrypoint;
mod labels;
mod volumes;

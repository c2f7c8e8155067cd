//! What the image looks like that comes out: its configuration, its labels, and its files beside those of `assemble`.

mod builder_content;
mod configuration;
mod entrypoint;
mod labels;
mod volumes;

//! The contract with builder images as a table: what a build makes of a builder, a source and options. Each case is
//! data and names the row of the contract that it stands for; the numbers are those of the sections in which the
//! contract was written down. `cargo xtask test` provides the base image.

#[allow(dead_code, reason = "the tests in `it` use more of it")]
#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod case;

mod build;
mod builder_image;
mod expectation;
mod source_item;

mod artifacts;
mod destination;
mod environment_variables;
mod failures;
mod image_config;
mod image_content;
mod scripts;
mod secrets;
mod source_files;
mod source_links;
mod upload_owners;

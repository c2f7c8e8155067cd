//! Tests through the binary, on a real engine. `cargo xtask test` provides the base image.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod artifacts;
mod assemble_user;
mod bad_input;
mod basic_build;
mod build_options;
mod cache;
mod commands;
mod destination;
mod doctor;
mod documents;
mod engine_option;
mod environment_variables;
mod files;
mod git_revision;
mod git_source;
mod hooks;
mod interrupts;
mod left_behind;
mod minimal_images;
mod output;
mod push;
mod random_trees;
mod real_builder_shapes;
mod remote;
mod result_image;
mod runtime_image;
mod s2i_compat;
mod sample_pair;
mod scripts;
mod secrets;
mod snippet;
mod source;
mod wait;
mod watch;

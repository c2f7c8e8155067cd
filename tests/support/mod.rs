//! What both test crates share: builder images, projects, runs of the real binary on the real engine, and a look into
//! the images that come out. Everything made here is removed again.

pub mod archive;
pub mod base_image;
pub mod browser;
pub mod builder;
pub mod caches;
pub mod containers;
pub mod engine;
pub mod engine_api;
pub mod engine_link;
pub mod engine_proxy;
pub mod evaluating_builder;
pub mod exit_status;
pub mod git;
pub mod holding_builder;
pub mod image;
pub mod image_archive;
pub mod json_messages;
pub mod json_schema;
pub mod outcome;
pub mod output_stream;
pub mod project;
pub mod registry;
pub mod registry_proxy;
pub mod run;
pub mod running_process;
pub mod servers;
pub mod skipped;
pub mod ssh_server;
pub mod stand_in_cli;
pub mod static_program;
pub mod terminal;
pub mod wait;
pub mod watch_session;

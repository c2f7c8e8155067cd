//! `--push`, and what is pulled, with a real registry.

mod build;
mod fixtures;
mod pull;
mod watch;

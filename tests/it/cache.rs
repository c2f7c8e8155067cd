//! `--cache`, and the command `cache`.

mod automatic;
mod command;
mod fixtures;
mod folders;
mod maven;
mod second_try;

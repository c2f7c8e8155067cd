//! `--cache`, and the command `cache`.

mod automatic;
mod command;
mod fixtures;
mod folders;
mod second_try;

//! `--cache`, and the command `cache`.

mod automatic;
mod fixtures;
mod folders;
mod second_try;

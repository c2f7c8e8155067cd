//! What the user sees: text on stderr, the id on stdout, or JSON lines; and the options that decide about it.

mod json;
mod names;
mod paths;
mod problems;
mod readers;
mod schema;
mod terminal;
mod text;

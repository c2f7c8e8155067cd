//! What cannot be used is refused with a cause and a cure, and nothing is built.

mod arguments;
mod builder;
mod engine;
mod fixtures;
mod names;
mod source;

//! The watch: what it notices, what it decides to do about it, and how it lives beside the engine and the terminal.

mod decisions;
mod detection;
mod lifecycle;
mod random_edits;

//! Writing and reading tar streams. This room only knows the format; what a stream contains is up to its callers.
//!
//! Headers are in GNU's format, which every `tar` reads. A PAX record adds the nanoseconds of a modification time, so that
//! tools like `make` see the true age of each file.

pub mod header;
pub mod pax;
pub mod reader;
pub mod sparse;
pub mod writer;

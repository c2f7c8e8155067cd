//! Tar streams, written and read: formats only, no policy about what they hold.
//!
//! Headers are GNU's, so that every `tar` reads them, with a PAX record for the nanoseconds of a modification time, so that
//! make-like tools see no file as older or newer than it is.

pub mod header;
pub mod pax;
pub mod reader;
pub mod sparse;
pub mod writer;

//! Builders shaped like those that people use. Each builds a small application from nothing, on its own artifacts, and
//! after a save with a standby, and all three make the same image. Their files are in `tests/builders`; package
//! managers and the compiler are stand-ins, which print what they do anew and what they reuse.

mod application;
mod compiled;
mod nginx;
mod nodejs;
mod php;
mod python;

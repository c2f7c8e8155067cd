//! Builders shaped like those that people use: each builds a small application from nothing, on its own artifacts, and
//! at a save while a container waits, and comes to the same. Their files are in `tests/builders`; package managers and
//! the compiler are stand-ins, which say what they do anew and what they reuse.

mod application;
mod compiled;
mod nginx;
mod nodejs;
mod php;
mod python;

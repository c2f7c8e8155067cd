//! `minis2i watch`: what it notices, what it builds, and how it starts and ends.

mod decisions;
mod detection;
mod early_standby;
mod lifecycle;
mod notify;
mod random_edits;
mod soundness;
mod source_in;
mod timings;

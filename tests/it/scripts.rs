//! Where the scripts come from, and what wins over what.

pub mod fixtures;
mod from_server;
mod in_image;
mod lookup;
mod on_disk;

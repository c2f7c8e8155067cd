//! The source on its way to `assemble`: what is sent, how it arrives, and what is left of it.

mod busybox_tar;
mod changes_while_sending;
mod entries;
mod fixtures;
mod left_in_image;
mod owners;
mod path;
mod repositories;
mod selection;

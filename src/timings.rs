//! How long the builds of a watch took and what started them: collected from what is reported, and written as one page.
//!
//! When the page is written, and whether a place is fit for it, is left to the watch.

mod chart;
pub mod file;
mod html;
pub mod page;
mod phases;
pub mod record;
mod statistics;
mod table;

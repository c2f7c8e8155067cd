//! The source folder: which of its entries count, what they are at one moment, and how they travel.

pub mod archive;
pub mod ignored;
pub mod links;
pub mod rules;
pub mod snapshot;
pub mod view;

pub use links::Links;
pub use rules::{Rules, Selection};
pub use snapshot::{Entry, Kind, Snapshot};
pub use view::{Disk, View};

//! The only place that spawns `git`: cloning a repository, asking about a work tree, telling URLs from folders.

pub mod checkout;
mod command;
pub mod repository;
pub mod work_tree;

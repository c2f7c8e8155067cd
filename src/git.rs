//! Git: cloning a repository, reading the state of a work tree, telling URLs from folders. The only place that spawns
//! `git`.

pub mod checkout;
mod command;
pub mod repository;
pub mod work_tree;

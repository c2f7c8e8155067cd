//! Git: cloning a repository, reading the state of a work tree, telling URLs from folders. The only place that spawns
//! `git`.

pub mod checkout;
mod command;
pub mod ignore_settings;
pub mod repository;
pub mod tracked;
pub mod work_tree;

//! An engine on another machine: how often it is asked, what is sent to it, and what happens when the connection is lost.

mod folders;
mod lost_connections;
mod round_trips;
mod ssh;

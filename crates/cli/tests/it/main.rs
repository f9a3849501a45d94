//! The binary as people run it: words, wiring, exit codes, and what it must never do.

#![allow(clippy::unwrap_used)]

mod acts;
mod board;
mod broken;
mod desk;
mod fixtures;
mod home;
mod live;
mod many;
mod permits;
mod providers;
mod questions;
mod real_agents;
mod reviews;
mod sessions;
mod steering;
mod ten;
mod watching;
mod work;

//! The suite that every store passes, and what only the local one has: files, a database, other processes.

#![allow(clippy::unwrap_used)]

mod conformance;
mod delete;
mod drafts;
mod homes;
mod lists;
mod live;
mod local;
mod real_codex;
mod rehome;
mod reviews;
mod work;

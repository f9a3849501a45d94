//! The adapters on what the real agents wrote.

#![allow(clippy::unwrap_used)]

mod framing;
mod inventory;
mod live;
mod pieces;
mod screens;
mod talk;

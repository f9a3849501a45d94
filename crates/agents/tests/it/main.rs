//! The adapters on what the real agents wrote.

#![allow(clippy::unwrap_used)]

mod framing;
mod inventory;
mod pieces;
mod screens;
mod talk;

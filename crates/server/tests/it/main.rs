//! The board over real sockets: who gets in, what it answers, what it tells.

#![allow(clippy::unwrap_used)]

mod acts;
mod answers;
mod board;
mod doors;
mod events;
mod openapi;
mod phone;
mod push;
mod reviews;
mod tls;
mod work;

//! The board: one local server that indexes, watches and serves every agent's sessions.
//!
//! [`Board`] is what all requests share: readers of the index, who has access, what is being indexed, what changed.
//! [`Board::open`] makes it, [`Board::run`] indexes and watches and serves on every [`Door`] until it is told to stop.
//! A request goes through `guard.rs` (host, origin, access, headers), then to a handler of `api/`, which asks the index
//! through `pool.rs` and answers with the types that the OpenAPI document is generated from.
//!
//! **Promises.** Nothing is served to who has no access but the app's own files, and a device does what its scopes allow. Paths never come from a client: a
//! session is named by its canonical id, an item by its key. Answers have a bound. What a client missed it is told, each
//! change once, or that it must read again.
//!
//! **Knows nothing of** SQL, records of agents, and the environment: what it needs comes in through [`Config`].

mod access;
mod api;
mod assets;
mod authority;
mod away;
mod board;
mod changes;
mod doors;
mod guard;
mod indexer;
mod logbook;
mod lookout;
mod openapi;
mod params;
mod pool;
mod problem;
mod push;
mod scopes;
mod steering;
mod tls;
mod wire;
mod worker;

pub use access::{AccessError, LOGIN_PATH};
pub use board::{Board, BoardError, Config};
pub use doors::{Door, DoorError, Stop};
pub use openapi::document;
pub use scopes::Scope;
pub use tls::{Authority, Identity, TlsError};

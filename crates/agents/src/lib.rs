//! Every agent's files, read the same way.
//!
//! [`Agent`] is the one central abstraction: it says where an agent's sessions lie ([`Agent::discover`])
//! and gives a [`Reader`] that turns each record into [`Event`]s, streaming, from any byte offset that ends
//! a record. An agent that keeps its sessions in a database gives a [`SessionDatabase`] instead.
//! [`registry::all`] lists the agents; each has a folder of its own with the same files in it.
//!
//! **Invariants.** Nothing here writes to an agent's home. Reading never fails on content: what is not
//! understood is counted and kept. A reader's state and the record decide what comes out, so that reading
//! in any pieces equals reading whole.
//!
//! **Knows nothing of** the catalogue's SQL, the search index, processes and sockets.

mod acp;
pub mod action;
pub mod agent;
pub mod database;
pub mod drive;
pub mod event;
pub mod frame;
mod framing;
pub mod image;
pub mod json;
pub mod live;
pub mod placed;
pub mod registry;
pub mod said;
pub mod screen;
pub mod talk;
pub mod walk;

pub mod claude;
pub mod codex;
mod gemini;
mod opencode;
mod qwen;
mod text;

pub use agent::{Agent, Discovery, Env, FileRole, Reader, SessionDatabase, SessionFile, Shape, Want};
pub use event::{Event, FileAct, Item, Meta, TitleKind, ToolCall, ToolEnd, hash};
pub use text::strings_of;

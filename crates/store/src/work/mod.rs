//! Work for agents without a terminal: groups of sessions, queues of prompts, their runs, and what happened in them.
//!
//! [`WorkStore`] is the contract, [`LocalWorkStore`] keeps it in `marline.db`. Every document has a revision, and a write
//! names the one it was made from: of two writers one is refused. So a claim is a write like any other, and holds
//! between processes and, one day, between machines.

mod contract;
mod exchange;
mod local;
mod types;

pub use contract::{Change, CommandEnd, Runs, WorkError, WorkStore};
pub use exchange::{Exchanged, GroupFile, PromptFile, PromptResult, QueueFile, read_exchanged};
pub use local::LocalWorkStore;
pub use types::{
    Asked, Audited, Claim, Counts, Group, HalfDone, Holder, Logged, Member, Mode, Options, Place, Queue,
    Rule, Run, Status, Task, Wish, WorkEvent,
};

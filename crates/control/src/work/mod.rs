//! Working through groups and queues: agents without a terminal, at most so many at a time, none twice.
//!
//! ```text
//! people ─► Desk ─► WorkStore ◄─ Engine ─► Job ─► Carried ─► agent
//!                       ▲                   └─ Transcripts ◄─ index
//!                       └── events, questions ──┘
//! ```
//!
//! [`Desk`] writes down what people want. An [`Engine`] works: it claims a run, claims one prompt after the other, starts
//! agents, writes down what they do, asks people where an agent asks, and looks into the transcript for what came of it.
//! The store is all that the two share, so that any number of commands and boards see one truth.
//!
//! **Promises.** A prompt is claimed before its agent starts, and the talk's folder says whether it ever did: after a kill
//! at any moment another engine goes on with the agent that runs, or reads what came of it; it begins a prompt anew only
//! where no agent has had it. What the transcript says is believed over what an agent reports.
//! **Knows nothing of** HTTP, of terminals, of the environment: places and clocks come in.

mod ask;
mod begin;
mod check;
mod desk;
mod engine;
mod holder;
mod job;
mod permits;
mod settle;
mod steer;
mod verdict;

pub(crate) use check::{check_order, check_prompt};
pub use desk::{Desk, GroupRun, MAX_CONCURRENCY, NewPrompt, NewQueue, PromptPatch};
pub use engine::{Engine, Means, will_run};
pub use holder::{holder, is_alive};
pub use permits::{Answered, NewRule, rule_for};

//! Reviews: what one agent says of another one's work.
//!
//! A [`Review`] is one document: what it is about, who reviews, each round with its findings, what was sent back. The
//! reviewer's session is an agent's like any other, under its own id; that it is a reviewer's is known here alone. A round is
//! a run of one prompt ([`crate::work`]), so that writing what came of it is one commit with its task.

mod contract;
mod local;
mod types;

pub use contract::{ReviewStore, Reviews};
pub use types::{
    Anchor, ContextPart, Finding, PartKind, Review, ReviewState, Round, RoundState, SendOutcome, SentBack,
    Severity,
};

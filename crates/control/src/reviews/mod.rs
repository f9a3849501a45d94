//! Cross-agent review: one agent's work is shown to another one, and what that one finds goes back.
//!
//! ```text
//! index ─► context ─► prompt ─► Desk::begin_reviews ─► run of one prompt ─► Engine ─► reviewer
//!                                    Review ◄─ follow ◄─ findings ◄──────────┘
//!                                      └─► send back ─► terminal of the session, or a run in it
//! ```
//!
//! A round is a run of one prompt whose list is the review, so that whatever holds for prompts of groups holds for it: it is
//! claimed before its agent starts, goes on after a kill, and is believed when the transcript shows it. What came of it is
//! written into the review in the same commit as its task.
//!
//! **Promises.** A reviewer can't write: it has the permission to read, and what it asks is refused at once. Findings are read
//! from whatever it says, and reading them never fails. Nothing is sent back twice under one key.
//! **Knows nothing of** HTTP, terminals' screens, the environment.

mod context;
mod desk;
mod findings;
mod follow;
mod git;
mod prompt;
mod send_back;
mod told;

pub use context::{Context, ContextError, Part, Wanted, context};
pub use desk::{NewReview, ROUNDS, Reviewer};
pub use findings::{Parsed, parse};
pub use prompt::{heading, review_prompt, send_back_prompt};
pub use send_back::{Sending, obstacle};
pub use told::Told;

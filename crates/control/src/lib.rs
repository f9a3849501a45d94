//! Acting on sessions: taking them up again, naming, putting away, deleting, forking them.
//!
//! [`Acts`] makes a [`Plan`] of an act: steps that can be read, done, and undone. A plan is written down before its first
//! step, so that an act that was cut off is finished or taken back, never left in between. Each agent's own way is taken
//! where it has one; where it has none, that is said.
//!
//! ```text
//! Acts::rename ─► Plan ─► Journal::carry_out ─► steps ─► the agent's files
//!                              └─ Journal::undo ◄─ marline undo
//! ```
//!
//! **Promises.** A session that is in use is not touched. What a plan does not name stays byte for byte. An undo takes back
//! exactly what was done, and refuses where somebody else has written since.
//! **Knows nothing of** HTTP, of terminals, of the index's tables.

mod acts;
mod asked;
mod error;
mod handoff;
mod hooks;
mod in_use;
mod journal;
mod launch;
pub mod live;
mod opencode;
mod outside;
mod process;
mod programs;
mod provider;
mod reach;
pub mod reviews;
mod risk;
mod rules;
mod step;
mod surgery;
mod talk;
mod target;
pub mod work;

pub use acts::{Acts, Fork, Places};
pub use asked::called;
pub use error::{ActError, chain};
pub use handoff::{CodexThread, Conversation, Fate, HandOver, Handoff, Range, Report, ReportLine, Way};
pub use hooks::{HookEdit, HookStatus};
pub use in_use::user_of;
pub use journal::{Entry, Journal, Outcome};
pub use launch::{Started, find_program, quoted};
pub use opencode::{Column, Fork as OpenCodeFork};
pub use outside::client;
pub use process::parent_of;
pub use provider::{
    Current, KeyFrom, Offer, Probed, Profile, Profiles, ProviderSessions, Rehome, Switch, Synced,
};
pub use risk::{Risk, RiskKind, risks};
pub use rules::{LONGEST_RULE, allows, rule_place, rule_words};
pub use step::{Plan, Step};
pub use surgery::{Copy, Sum};
pub use talk::{Carried, Found, Life, become_agent};
pub use target::Target;

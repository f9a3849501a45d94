//! The words of Marline as types: sources, ids, items, usage, times.
//!
//! Everything else in the workspace speaks in these types; this crate speaks to nothing: no I/O, no
//! clock, no environment.
//!
//! **Invariants.** A [`SessionId`] always names a known [`Source`] and a non-empty raw id. Token classes
//! in [`Usage`] do not overlap, except that `reasoning` is part of `output` and `cache_write_1h` is part
//! of `cache_write`. Times are UTC milliseconds.
//!
//! ```
//! use marline_model::{SessionId, Source};
//! let id: SessionId = "claude:6cfbd1e6-0401-48f8-8f5c-49ebecedfcb2".parse()?;
//! assert_eq!(id.source(), Source::Claude);
//! assert_eq!(id.raw(), "6cfbd1e6-0401-48f8-8f5c-49ebecedfcb2");
//! # Ok::<(), marline_model::ParseIdError>(())
//! ```

mod id;
mod item;
mod live;
mod patch;
mod thread;
mod time;
mod usage;

pub use id::{ParseIdError, SessionId, Source};
pub use item::{Counts, ItemKind, SessionKind, ToolStatus};
pub use live::{Channel, Evidence, LiveState};
pub use patch::{Change, ThreadMetadata, ThreadMetadataPatch};
pub use thread::{HistoryMode, ParseThreadIdError, ThreadId, ThreadSource};
pub use time::{ParseTimeError, Timestamp};
pub use usage::Usage;

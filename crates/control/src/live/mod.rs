//! Sessions that agents have open, whoever started them: where they run, how they stand, and what says so.
//!
//! ```text
//! processes ─► find ─► sessions of each ─► evidence (registry, lock, transcript, screen, hook, talk) ─► judge ─► LiveSession
//! ```
//!
//! **Promises.** Looking changes nothing and starts nothing but `tmux`. A session is named by its agent's own id from the
//! first moment; what has none yet is a [`Stray`]. A state is never guessed: what does not tell is unknown.

mod answer;
mod arrivals;
mod away;
mod daemon;
mod evidence;
mod find;
mod judge;
mod look;
mod memory;
mod pictures;
mod pilot;
mod start;
mod steer;
mod terminals;
mod through;
mod tmux;
mod turn;
mod types;

pub use arrivals::Arrivals;
pub use away::{Claim, Claims};
pub use daemon::{Daemon, DaemonView, DaemonWatch, HeldThread};
pub(crate) use evidence::key_of_question;
pub use evidence::{HookSeen, Records, Seen, ServiceSeen, Weighed};
pub(crate) use look::has_run;
pub use look::{HookTold, Radar, Recorder, is_said};
pub use memory::Memory;
pub use pictures::{LARGEST_PICTURE, MOST_PICTURES, keep_picture};
pub use pilot::Command;
pub use start::{Beginning, Opened, Wanted, Windows};
pub use steer::Steered;
pub(crate) use tmux::too_old;
pub use tmux::{Pane, Server};
pub use types::{Asks, Control, LiveSession, Now, Reply, ReplyMeans, Stray};

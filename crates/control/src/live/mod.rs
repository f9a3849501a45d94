//! Sessions that agents have open, whoever started them: where they run, how they stand, and what says so.
//!
//! ```text
//! processes ─► find ─► sessions of each ─► evidence (registry, lock, transcript, screen, hook, talk) ─► judge ─► LiveSession
//! ```
//!
//! **Promises.** Looking changes nothing and starts nothing but `tmux`. A session is named by its agent's own id from the
//! first moment; what has none yet is a [`Stray`]. A state is never guessed: what does not tell is unknown.

mod find;
mod judge;
mod look;
mod pictures;
mod start;
mod steer;
mod tmux;
mod turn;

pub use look::{Asks, Control, HookTold, LiveSession, Now, Radar, Reply, ReplyMeans, Stray, is_said};
pub use pictures::{LARGEST_PICTURE, MOST_PICTURES, keep_picture, with_pictures};
pub use start::{close, open, stop};
pub use steer::{Steered, Terminal};
pub use tmux::{Pane, Server};

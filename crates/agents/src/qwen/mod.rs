//! Qwen Code: one JSON object a line, a tree by `uuid` and `parentUuid`, messages of `parts` like Gemini's.
//!
//! Versions seen: 0.24.4. Record kinds and how each is treated stand in [`wire::INVENTORY`].

mod drive;
mod live;
mod locate;
mod read;
mod talk;
pub(crate) mod wire;

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Agent, Discovery, Env, Reader, SessionFile};
use crate::drive::Drive;
use crate::live::Live;

/// The adapter of Qwen Code.
pub struct Qwen;

impl Agent for Qwen {
    fn source(&self) -> Source {
        Source::Qwen
    }

    fn name(&self) -> &'static str {
        "Qwen Code"
    }

    fn home(&self, env: &Env) -> PathBuf {
        locate::home(env)
    }

    fn discover(&self, env: &Env) -> Discovery {
        locate::discover(env)
    }

    fn inventory(&self) -> Vec<(&'static str, bool)> {
        wire::INVENTORY.to_vec()
    }

    fn drive(&self) -> &dyn Drive {
        &drive::QwenDrive
    }

    fn live(&self) -> &dyn Live {
        &live::QwenLive
    }

    fn reader(&self, file: &SessionFile, state: Option<&str>) -> Box<dyn Reader + Send> {
        Box::new(read::QwenReader::new(file, state))
    }
}

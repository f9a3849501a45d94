//! Claude Code: one JSON object a line, appended, forming a tree by `uuid` and `parentUuid`.
//!
//! Versions seen: 1.0.24 to 2.1.329. Record kinds and how each is treated stand in `wire::INVENTORY`.

mod drive;
mod live;
mod locate;
mod read;
mod talk;
pub(crate) mod wire;
pub mod write;

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Agent, Discovery, Env, Reader, SessionFile};
use crate::drive::Drive;
use crate::live::Live;

/// The adapter of Claude Code.
pub struct Claude;

impl Agent for Claude {
    fn source(&self) -> Source {
        Source::Claude
    }

    fn name(&self) -> &'static str {
        "Claude Code"
    }

    fn home(&self, env: &Env) -> PathBuf {
        locate::home(env)
    }

    fn discover(&self, env: &Env) -> Discovery {
        locate::discover(env)
    }

    fn inventory(&self) -> Vec<(&'static str, bool)> {
        let gives = |treatment| !matches!(treatment, wire::Treatment::Passed);
        wire::INVENTORY.iter().map(|(kind, treatment)| (*kind, gives(*treatment))).collect()
    }

    fn drive(&self) -> &dyn Drive {
        &drive::ClaudeDrive
    }

    fn live(&self) -> &dyn Live {
        &live::ClaudeLive
    }

    fn reader(&self, file: &SessionFile, state: Option<&str>) -> Box<dyn Reader + Send> {
        Box::new(read::ClaudeReader::new(file, state))
    }

    fn retention_days(&self, env: &Env) -> Option<u64> {
        locate::retention_days(env)
    }
}

//! Codex: rollouts of one JSON object a line, `{timestamp, ordinal?, type, payload}`.
//!
//! Versions seen: 0.34 to 0.169. What the human saw stands as `event_msg`, what the model saw as
//! `response_item`, and both repeat each other: each thing is taken once. Record kinds and how each is
//! treated stand in `wire::INVENTORY`.

pub mod config;
mod drive;
mod live;
mod locate;
mod read;
pub mod service;
mod talk;
pub(crate) mod wire;
pub mod write;

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Agent, Discovery, Env, FileRole, Reader, SessionFile};
use crate::drive::Drive;
use crate::live::Live;

/// The adapter of Codex.
pub struct Codex;

impl Agent for Codex {
    fn source(&self) -> Source {
        Source::Codex
    }

    fn name(&self) -> &'static str {
        "Codex"
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
        &drive::CodexDrive
    }

    fn live(&self) -> &dyn Live {
        &live::CodexLive
    }

    fn reader(&self, file: &SessionFile, state: Option<&str>) -> Box<dyn Reader + Send> {
        match file.role {
            FileRole::Sidecar => Box::new(read::NamesReader),
            _ => Box::new(read::CodexReader::new(file, state)),
        }
    }
}

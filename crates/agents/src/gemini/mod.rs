//! Gemini CLI: JSON documents (to 0.3x), then JSON lines with messages written again and `$set` patches.
//!
//! Versions seen: 0.25 to 0.61. Message kinds and how each is treated stand in [`wire::INVENTORY`].

mod drive;
pub(crate) mod live;
mod locate;
mod read;
pub(crate) mod talk;
pub(crate) mod wire;

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Agent, Discovery, Env, Reader, SessionFile};
use crate::drive::Drive;
use crate::live::Live;

/// The adapter of Gemini CLI.
pub struct Gemini;

impl Agent for Gemini {
    fn source(&self) -> Source {
        Source::Gemini
    }

    fn name(&self) -> &'static str {
        "Gemini CLI"
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
        &drive::GeminiDrive
    }

    fn live(&self) -> &dyn Live {
        &live::GeminiLive
    }

    fn reader(&self, file: &SessionFile, state: Option<&str>) -> Box<dyn Reader + Send> {
        Box::new(read::GeminiReader::new(file, state))
    }
}

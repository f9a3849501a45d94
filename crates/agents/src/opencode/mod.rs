//! OpenCode: a SQLite database of sessions, messages and parts; before 2026, a tree of JSON files.
//!
//! Versions seen: 1.0 to 1.18. Part types and how each is treated stand in [`wire::INVENTORY`].

mod drive;
mod live;
mod locate;
mod read;
mod store;
mod talk;
mod tree;
pub(crate) mod wire;

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{
    Agent, DatabaseError, Discovery, Env, Reader, SessionDatabase, SessionFile, Shape, Stored,
};
use crate::drive::Drive;
use crate::live::Live;

/// The adapter of OpenCode.
pub struct OpenCode;

impl Agent for OpenCode {
    fn source(&self) -> Source {
        Source::OpenCode
    }

    fn name(&self) -> &'static str {
        "OpenCode"
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
        &drive::OpenCodeDrive
    }

    fn live(&self) -> &dyn Live {
        &live::OpenCodeLive
    }

    fn reader(&self, _file: &SessionFile, _state: Option<&str>) -> Box<dyn Reader + Send> {
        Box::new(read::PartReader::default())
    }

    fn database(&self) -> Option<&dyn SessionDatabase> {
        Some(self)
    }
}

impl SessionDatabase for OpenCode {
    fn read(
        &self,
        file: &SessionFile,
        known: &dyn Fn(&str) -> Option<u64>,
        emit: &mut dyn FnMut(Stored<'_>),
    ) -> Result<(), DatabaseError> {
        match file.shape {
            Shape::Tree => tree::read(file, known, emit),
            _ => store::read(file, known, emit),
        }
    }

    fn fetch(&self, file: &SessionFile, place: u64) -> Result<Vec<u8>, DatabaseError> {
        match file.shape {
            Shape::Tree => tree::fetch(file, place),
            _ => store::fetch(file, place),
        }
    }
}

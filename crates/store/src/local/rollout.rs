//! Rollouts: how a line is written and read.
//!
//! `{"timestamp":"2026-11-21T15:13:34.121Z","ordinal":0,"type":"session_meta","payload":{…},"metadata":{…}}`; `ordinal` in
//! paginated threads only, `metadata` since 0.169. Source: rollouts of 0.80 to 0.169 (see `crates/agents/src/codex`).

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use marline_model::{HistoryMode, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::HistoryItem;

/// A line as it stands in the file.
#[derive(Deserialize)]
pub struct Line<'a> {
    #[serde(borrow, default)]
    pub timestamp: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    pub ordinal: Option<u64>,
    #[serde(rename = "type", borrow)]
    pub kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub payload: &'a RawValue,
    #[serde(borrow, default)]
    pub metadata: Option<&'a RawValue>,
}

impl Line<'_> {
    /// Reads a line; what is no record gives nothing.
    pub fn parse(bytes: &[u8]) -> Option<Line<'_>> {
        serde_json::from_slice(bytes).ok()
    }

    /// The record that it is.
    pub fn item(&self) -> HistoryItem {
        HistoryItem {
            kind: (&*self.kind).into(),
            payload: self.payload.to_owned(),
            metadata: self.metadata.map(ToOwned::to_owned),
            at: self.timestamp.as_deref().and_then(|text| text.parse().ok()),
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordinal: Option<u64>,
    #[serde(rename = "type")]
    kind: &'a str,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

/// Writes a thread's rollout: records that are canonical already, one line each, in batches.
pub struct RolloutRecorder {
    path: PathBuf,
    /// None as long as the thread is not persisted.
    file: Option<File>,
    /// Lines that wait for that.
    held: Vec<u8>,
    /// The number of the next line; none in legacy threads.
    next: Option<u64>,
}

impl RolloutRecorder {
    /// A rollout to be; `first` is the number of its header.
    pub fn new(path: PathBuf, mode: HistoryMode, first: u64) -> Self {
        let next = (mode == HistoryMode::Paginated).then_some(first);
        RolloutRecorder { path, file: None, held: Vec::new(), next }
    }

    /// Opens a rollout to append to it. A last line that was cut is completed to a line of its own: readers pass over
    /// it, and nothing that follows is lost with it.
    pub fn open(path: PathBuf, mode: HistoryMode) -> io::Result<Self> {
        let mut file = File::options().read(true).append(true).open(&path)?;
        let length = file.metadata()?.len();
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        let next = if mode == HistoryMode::Paginated { Some(last_ordinal(&path)? + 1) } else { None };
        Ok(RolloutRecorder { path, file: Some(file), held: Vec::new(), next })
    }

    /// Returns where it writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends records, all or none; `now` is the time of those that have none.
    pub fn append(&mut self, items: &[HistoryItem], now: Timestamp) -> io::Result<()> {
        let mut lines = Vec::new();
        let mut next = self.next;
        for item in items {
            let line = Written {
                timestamp: item.at.unwrap_or(now),
                ordinal: next,
                kind: &item.kind,
                payload: &item.payload,
                metadata: item.metadata.as_deref(),
            };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            next = next.map(|next| next + 1);
        }
        match &mut self.file {
            Some(file) => write_whole(file, &lines)?,
            None => self.held.extend_from_slice(&lines),
        }
        self.next = next;
        Ok(())
    }

    /// Makes the file, with what was appended so far.
    pub fn persist(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().read(true).append(true).create_new(true).open(&self.path)?;
        if let Err(error) = write_whole(&mut file, &self.held) {
            fs::remove_file(&self.path)?;
            return Err(error);
        }
        self.held = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    /// Takes the file away again, with what was appended so far kept for another try.
    pub fn take_back(&mut self) -> io::Result<()> {
        self.held = fs::read(&self.path)?;
        fs::remove_file(&self.path)?;
        self.file = None;
        Ok(())
    }

    /// Returns when all that was written is durable.
    pub fn flush(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data()?;
        // The name of a new file is durable with its directory.
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// Writes all of it, or leaves the file as it was.
fn write_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(bytes).inspect_err(|_| {
        let _ = file.set_len(before);
    })
}

/// The number of the last line that has one.
fn last_ordinal(path: &Path) -> io::Result<u64> {
    let mut found = 0;
    super::history::lines_backwards(
        path,
        &mut |_, line| match Line::parse(line).and_then(|line| line.ordinal) {
            Some(ordinal) => {
                found = ordinal;
                std::ops::ControlFlow::Break(())
            }
            None => std::ops::ControlFlow::Continue(()),
        },
    )?;
    Ok(found)
}

//! What goes in and out of a store.

use marline_model::{HistoryMode, ThreadId, ThreadMetadata, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::StoreError;

/// One canonical record of a history, as an agent writes it: a kind and a payload that is not looked into.
#[derive(Debug, Clone)]
pub struct HistoryItem {
    /// `response_item`, `event_msg`, `turn_context`, `compacted`, or any other word.
    pub kind: Box<str>,
    /// JSON, byte for byte.
    pub payload: Box<RawValue>,
    /// JSON beside the payload, if there is any, byte for byte.
    pub metadata: Option<Box<RawValue>>,
    /// When it happened; the store's writer says when it was appended, if nothing is said here.
    pub at: Option<Timestamp>,
}

impl HistoryItem {
    /// Makes an item of a kind and a JSON text.
    ///
    /// # Errors
    /// [`StoreError::InvalidRequest`] when the payload is no JSON on one line.
    pub fn new(kind: &str, payload: impl Into<String>) -> Result<Self, StoreError> {
        let invalid = |message: String| StoreError::InvalidRequest { message };
        let payload = RawValue::from_string(payload.into())
            .map_err(|error| invalid(format!("the payload of {kind:?} is no JSON: {error}")))?;
        if payload.get().bytes().any(|byte| byte == b'\n' || byte == b'\r') {
            return Err(invalid(format!("the payload of {kind:?} is more than a line")));
        }
        Ok(HistoryItem { kind: kind.into(), payload, metadata: None, at: None })
    }

    /// The same item with a time.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }
}

impl PartialEq for HistoryItem {
    fn eq(&self, other: &Self) -> bool {
        let raw = |value: &Option<Box<RawValue>>| value.as_ref().map(|value| value.get().to_owned());
        self.kind == other.kind
            && self.payload.get() == other.payload.get()
            && raw(&self.metadata) == raw(&other.metadata)
            && self.at == other.at
    }
}

/// An item in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// Its number in the thread's whole history, inherited items included; the first record has 0.
    pub ordinal: u64,
    /// It was written in a thread that this one was forked from.
    pub is_inherited: bool,
    /// The record.
    pub item: HistoryItem,
}

/// Where a fork's own history begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryBase {
    /// The origin.
    pub thread_id: ThreadId,
    /// How many of its records are inherited.
    pub end_ordinal_exclusive: u64,
    /// How many of its bytes.
    pub end_byte_offset: u64,
}

/// A thread to be.
#[derive(Debug, Clone)]
pub struct NewThread {
    /// Its id.
    pub id: ThreadId,
    /// How its history is kept.
    pub history_mode: HistoryMode,
    /// The thread that it goes on from.
    pub forked_from: Option<ThreadId>,
    /// What it inherits by reference; its ordinals go on from there.
    pub history_base: Option<HistoryBase>,
    /// The thread that began it.
    pub parent: Option<ThreadId>,
    /// The program that began it.
    pub originator: String,
    /// Fields of the header that this crate does not know, as a JSON object: instructions, tools, windows.
    pub more: Option<Box<RawValue>>,
    /// What is known of it beside its history: at least where it works and under which provider.
    pub metadata: ThreadMetadata,
}

impl NewThread {
    /// A thread of a person's own in a directory.
    pub fn new(id: ThreadId, cwd: &str, model_provider: &str) -> Self {
        NewThread {
            id,
            history_mode: HistoryMode::Paginated,
            forked_from: None,
            history_base: None,
            parent: None,
            originator: "marline".to_owned(),
            more: None,
            metadata: ThreadMetadata {
                cwd: Some(cwd.to_owned()),
                model_provider: Some(model_provider.to_owned()),
                source: Some("cli".to_owned()),
                ..ThreadMetadata::default()
            },
        }
    }
}

/// How a thread is taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResumeThread {
    /// Archived threads can be taken up too; else they are refused.
    pub include_archived: bool,
}

/// A thread as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredThread {
    /// Its id.
    pub id: ThreadId,
    /// How its history is kept.
    pub history_mode: HistoryMode,
    /// The thread that it goes on from.
    pub forked_from: Option<ThreadId>,
    /// The thread that began it.
    pub parent: Option<ThreadId>,
    /// When it was put away, if it is.
    pub archived_at: Option<Timestamp>,
    /// What is known of it beside its history.
    pub metadata: ThreadMetadata,
}

impl StoredThread {
    /// The words that lists show: its name, else its title, else its first words.
    pub fn label(&self) -> Option<&str> {
        let of = [
            &self.metadata.name,
            &self.metadata.title,
            &self.metadata.preview,
            &self.metadata.first_user_message,
        ];
        of.into_iter().flatten().map(String::as_str).find(|text| !text.is_empty())
    }
}

/// What a history was put together from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    /// The origins, the nearest first.
    pub origins: Vec<ThreadId>,
    /// What of it could not be read, in sentences.
    pub missing: Vec<String>,
    /// Records that are none.
    pub skipped: u64,
}

/// One turn: from a prompt to the end of the work on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The agent's id of it; none in old threads.
    pub id: Option<String>,
    /// The first of its records.
    pub from: u64,
    /// The first record that is not its own.
    pub to: u64,
    /// What the person said.
    pub prompt: Option<String>,
    /// It was written in a thread that this one was forked from.
    pub is_inherited: bool,
}

/// Turns in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnPage {
    /// The turns.
    pub turns: Vec<Turn>,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// Items in order.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<StoredItem>,
    /// The ordinal at which the next page begins.
    pub next: Option<u64>,
}

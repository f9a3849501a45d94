//! Stores to try, each with nothing in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use marline_model::{ThreadId, Timestamp};
use marline_store::{HistoryItem, InMemoryThreadStore, LocalThreadStore, NewThread, Places, ThreadStore};

/// The tables of Codex 0.169 that are written, as its migrations leave them; all else is left out.
const STATE: &str = include_str!("state.sql");

/// A store and where it keeps things, if anywhere.
pub struct Home {
    pub store: Arc<dyn ThreadStore>,
    pub dir: tempfile::TempDir,
}

pub const PROVIDER: &str = "openai";

/// A clock that goes on by a second whenever it is looked at.
pub fn now() -> Timestamp {
    static CLOCK: AtomicI64 = AtomicI64::new(1_795_000_000_000);
    Timestamp::from_millis(CLOCK.fetch_add(1000, Ordering::Relaxed))
}

pub fn id(n: u8) -> ThreadId {
    ThreadId::new(Timestamp::from_millis(1_795_000_000_000 + i64::from(n) * 60_000), [n; 10])
}

pub fn places(home: &Path) -> Places {
    Places {
        home: home.to_owned(),
        databases: home.to_owned(),
        default_provider: Some(PROVIDER.to_owned()),
        utc_offset_seconds: 3600,
        now,
    }
}

pub fn local(with_database: bool) -> Home {
    let dir = tempfile::tempdir().unwrap();
    if with_database {
        make_database(&dir.path().join("state_5.sqlite"));
    }
    Home { store: Arc::new(LocalThreadStore::new(places(dir.path()))), dir }
}

pub fn make_database(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(STATE).unwrap();
}

/// All kinds of stores, by name.
pub fn all() -> Vec<(&'static str, Home)> {
    let memory = Home {
        store: Arc::new(InMemoryThreadStore::with_default_provider(PROVIDER)),
        dir: tempfile::tempdir().unwrap(),
    };
    vec![("memory", memory), ("files", local(false)), ("files and database", local(true))]
}

pub fn item(kind: &str, payload: &str) -> HistoryItem {
    HistoryItem::new(kind, payload).unwrap()
}

pub fn prompt(text: &str) -> HistoryItem {
    let payload = serde_json::json!({"type": "user_message", "message": text});
    item("event_msg", &payload.to_string())
}

pub fn answer(text: &str) -> HistoryItem {
    let payload = serde_json::json!({"type": "agent_message", "message": text});
    item("event_msg", &payload.to_string())
}

/// A thread with some history, given up again.
pub fn kept(store: &Arc<dyn ThreadStore>, new: NewThread, items: &[HistoryItem]) -> ThreadId {
    let id = new.id.clone();
    let live = marline_store::LiveThread::create(store.clone(), new).unwrap();
    live.append(items, now()).unwrap();
    live.shutdown().unwrap();
    id
}

/// All files below a directory with their bytes.
pub fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if !entry.path().to_string_lossy().contains(".sqlite") {
                found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

//! The committed sessions of real agents; see `fixtures/README.md`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What was scripted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Truth {
    /// Each session, sub-agents' left out.
    pub sessions: Vec<SessionTruth>,
}

/// What was scripted in one session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionTruth {
    /// The agent's word.
    pub source: String,
    /// The agent's own id.
    pub source_session_id: String,
    /// The project's name.
    pub project: String,
    /// The human's prompts, its own.
    pub prompts: u64,
    /// Assistant messages with visible text, its own.
    pub answers: u64,
    /// Tool calls, its own.
    pub tool_calls: u64,
    /// What it shares with its origin.
    pub inherited: Inherited,
    /// Failures the agent reported.
    pub errors: u64,
    /// Child sessions.
    pub subagents: u64,
    /// It was archived.
    pub archived: bool,
    /// The name it was given.
    pub title: Option<String>,
    /// A word that stands in the output of one of its tools.
    pub needle: Option<String>,
    /// The raw id of the session it was forked from.
    pub forked_from: Option<String>,
    /// The human's prompts word by word, its own; none where they were not noted.
    pub asked: Vec<String>,
    /// What the model was told to answer them, where it was told to.
    pub answered: Vec<String>,
    /// Model requests of its own whose usage it records; each costs what [`crate::server::Usage`] says.
    pub requests: Option<u64>,
    /// Its sub-agent has a sub-agent.
    pub is_tree: bool,
}

/// What a session shares with its origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inherited {
    /// Prompts.
    pub prompts: u64,
    /// Answers.
    pub answers: u64,
    /// Tool calls.
    pub tool_calls: u64,
}

/// Returns the directory of the fixtures.
pub fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Reads the truth.
///
/// # Panics
/// When the committed file is not what this module reads.
pub fn truth() -> Truth {
    let text = fs::read(dir().join("truth.json")).expect("truth.json is committed");
    serde_json::from_slice(&text).expect("truth.json has the shape of Truth")
}

/// Copies the home, to be read or broken at will.
///
/// # Errors
/// What copying says.
pub fn copy_home(to: &Path) -> io::Result<()> {
    copy(&dir().join("home"), to)
}

/// Files and folders of a home in which sessions lie; the rest is settings, caches and logs.
pub(crate) const SESSIONS: [&str; 10] = [
    ".claude/projects",
    ".codex/sessions",
    ".codex/archived_sessions",
    ".codex/session_index.jsonl",
    ".gemini/projects.json",
    ".gemini/tmp",
    ".local/share/opencode/opencode.db",
    ".local/share/opencode/opencode.db-wal",
    ".local/share/opencode/storage",
    ".qwen/projects",
];

/// Makes the fixtures anew: the sessions of a home that the lab made, and their truth.
///
/// # Errors
/// What copying says; the old fixtures may be gone then.
pub fn replace(home: &Path, truth: &Truth) -> io::Result<()> {
    let to = dir().join("home");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    for name in SESSIONS {
        let from = home.join(name);
        if from.is_dir() {
            copy(&from, &to.join(name))?;
        } else if from.exists() {
            fs::create_dir_all(to.join(name).parent().unwrap_or(&to))?;
            fs::copy(&from, to.join(name))?;
        }
    }
    fs::write(dir().join("truth.json"), serde_json::to_string_pretty(truth)? + "\n")
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

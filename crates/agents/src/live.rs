//! What tells of a session that an agent has open: words, records and screens, as values. Nothing is looked at here.

use marline_model::Timestamp;

use crate::json::Raw;
use crate::screen::Screen;

/// What a record says of the turn that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The agent has a prompt, or goes on with it.
    Began,
    /// The same, and its end will be told.
    Announced,
    /// The agent calls a tool.
    Called {
        /// The call's id.
        call: String,
    },
    /// A tool's output is there.
    Returned {
        /// The call's id.
        call: String,
    },
    /// The agent has answered; where the turn was announced, more may follow.
    Spoke,
    /// The turn is over.
    Ended,
}

/// What is known of an agent that runs.
pub trait Live: Sync {
    /// The session that a process was started on, by its words.
    fn session(&self, words: &[String]) -> Option<String>;

    /// Says whether a process, by its words, is one that a person talks with: no server, no helper, no short command.
    fn is_a_talk(&self, words: &[String]) -> bool;

    /// What a record says of its turn.
    fn sign(&self, record: Raw<'_>) -> Option<Sign>;

    /// What a screen shows.
    fn screen(&self, screen: &str) -> Screen;

    /// Directories below its home in which files come and go with the agents that run.
    fn signals(&self) -> &'static [&'static str] {
        &[]
    }

    /// Says whether a new session can be given its id.
    fn takes_id(&self) -> bool {
        false
    }

    /// Says whether a session has its id before anything is said in it.
    fn is_named_at_start(&self) -> bool {
        self.takes_id()
    }
}

/// When a record was written.
pub fn time_of(record: Raw<'_>) -> Option<Timestamp> {
    record.get("timestamp")?.text()?.parse().ok()
}

/// The word behind an option, or behind its `=`.
pub(crate) fn option<'a>(words: &'a [String], names: &[&str]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| match word.strip_prefix(name)? {
            "" => words.get(at + 1).map(String::as_str),
            rest => rest.strip_prefix('='),
        })
    })
}

/// A word that can be a session's id.
pub(crate) fn id(word: &str) -> Option<String> {
    let is_one = word.len() >= 20 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    is_one.then(|| word.to_owned())
}

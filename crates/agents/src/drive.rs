//! What to say to start an agent: programs and words, as values. No process is started here.

use std::path::{Path, PathBuf};

use crate::talk::{Order, Talk};

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program, looked for on the path.
    pub program: &'static str,
    /// Its words.
    pub words: Vec<String>,
}

impl Launch {
    /// Adds an option with its value, if there is one.
    pub(crate) fn with(mut self, option: &str, value: Option<&str>) -> Self {
        self.words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value.to_owned()]));
        self
    }

    /// Adds a word, if there is one.
    pub(crate) fn and(mut self, word: Option<String>) -> Self {
        self.words.extend(word);
        self
    }

    pub(crate) fn new<'a>(program: &'static str, words: impl IntoIterator<Item = &'a str>) -> Self {
        Launch { program, words: words.into_iter().map(str::to_owned).collect() }
    }
}

/// A new session in a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening<'a> {
    /// Its id, a UUID; for agents that take one ([`Live::takes_id`](crate::live::Live::takes_id)).
    pub id: Option<&'a str>,
    /// What it begins with.
    pub prompt: Option<&'a str>,
    /// The model.
    pub model: Option<&'a str>,
}

/// How an agent's sessions are taken up again.
pub trait Drive: Sync {
    /// Opens a session in a terminal, under its own provider.
    fn resume(&self, session: &str, provider: Option<&str>) -> Launch;

    /// Runs one turn of a session without a terminal; the program ends with it.
    fn turn(&self, session: &str, provider: Option<&str>, prompt: &str) -> Launch;

    /// Opens a new session in a terminal.
    fn open(&self, opening: &Opening<'_>) -> Launch;

    /// Runs the first turn of a new session without a terminal; the program ends with it.
    fn begin_turn(&self, prompt: &str) -> Launch;

    /// Begins a talk without a terminal.
    ///
    /// # Errors
    /// What this agent can't do of the order, in a sentence that goes on from its name.
    fn talk(&self, order: &Order) -> Result<Talk, &'static str>;

    /// Says whether a session goes on in another directory than its own.
    fn resumes_elsewhere(&self) -> bool {
        false
    }

    /// Says whether another start of the agent spoils a session that goes on at the time.
    fn resumes_alone(&self) -> bool {
        false
    }

    /// Files that a turn leaves beside a session's own file, and for which the agent deletes the session when it starts next.
    fn strays(&self, _session: &str, _file: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

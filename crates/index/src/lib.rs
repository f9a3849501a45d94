//! Catalogue and search over every agent's sessions.
//!
//! [`Index::refresh`] walks the roots, reads appended bytes only, and commits in batches;
//! [`Index::sessions`], [`Index::search`], [`Index::transcript`] and [`Index::usage`] answer from what was
//! committed last.
//!
//! **Invariants.** Deleting the whole directory loses nothing. A file is read up to its last complete
//! record. No row refers to bytes that were not read. One process writes at a time, and a reader never
//! waits for it. Memory does not follow the size of a file or of the corpus.
//!
//! **Knows nothing of** HTTP, tmux, or which agent a byte came from after [`marline_agents::Reader::read`].

mod catalogue;
mod lineage;
mod part;
mod pending;
mod price;
mod query;
mod scan;
mod search;
mod sessions;
mod sources;
mod terms;
mod text_index;
mod transcript;
mod usage;
mod watch;
mod write;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use marline_agents::Env;
use rusqlite::Connection;

pub use catalogue::{CatalogueError, SetAside};
pub use price::table_date;
pub use query::{Query, QueryError, time};
pub use scan::{Progress, Report, Stop};
pub use search::{Hit, HitSession, Searched};
pub use sessions::{FileSize, Filter, Inherited, Page, Session, Sort};
pub use sources::{Finding, SourceReport, findings};
pub use text_index::TextIndexError;
pub use transcript::{Entry, Place, Tool, Transcript, TranscriptPage};
pub use usage::{UsageBy, UsageLine, UsageReport};
pub use watch::{WatchError, watch};

/// Why the index could not do what was asked. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The catalogue failed.
    #[error("the catalogue failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The catalogue could not be opened.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The search index failed.
    #[error(transparent)]
    Text(#[from] TextIndexError),
    /// The search index failed while answering.
    #[error("the search index failed")]
    Tantivy(#[from] tantivy::TantivyError),
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No session has this id, or one that begins so.
    #[error("no session is called {0}")]
    NotFound(String),
    /// Several sessions have ids that begin so.
    #[error("{given} names {} sessions: {}", .found.len(), .found.join(", "))]
    Ambiguous {
        /// What was given.
        given: String,
        /// The ids it may mean, at most ten.
        found: Vec<String>,
    },
    /// The words of a query or a cursor make no sense.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Refreshed {
    /// Everything is up to date.
    Done(Report),
    /// Another process is indexing; what it has committed can be read.
    Busy,
}

/// The index of one user.
pub struct Index {
    dir: PathBuf,
    connection: Connection,
    set_aside: Option<SetAside>,
}

impl Index {
    /// Opens the index in a directory, making or upgrading it as needed.
    ///
    /// # Errors
    /// [`IndexError::Catalogue`] when the directory can't be used.
    pub fn open(dir: &Path) -> Result<Self, IndexError> {
        if let Some(connection) = catalogue::open_read_only(dir).ok().flatten() {
            // A reader's connection may write later; that costs nothing now.
            connection.execute_batch(
                "PRAGMA query_only = 0; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY",
            )?;
            return Ok(Index { dir: dir.to_owned(), connection, set_aside: None });
        }
        let (connection, set_aside) = catalogue::open(dir)?;
        Ok(Index { dir: dir.to_owned(), connection, set_aside })
    }

    /// Returns what became of a catalogue that could not be used.
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// Returns the directory of the index.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn search_dir(&self) -> PathBuf {
        self.dir.join("search")
    }

    /// Brings the index up to what is on disk, unless another process is at it.
    ///
    /// # Errors
    /// [`IndexError`]; batches that were committed before stay, and the next refresh goes on from there.
    pub fn refresh(
        &self,
        env: &Env,
        stop: &Stop,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Refreshed, IndexError> {
        let Some(_lock) = self.lock()? else { return Ok(Refreshed::Busy) };
        let text_index = self.text_index_for_writing()?;
        scan::scan(&self.connection, &text_index, env, stop, progress).map(Refreshed::Done)
    }

    /// Forgets everything that can be read again, so that the next refresh reads it all. Sessions whose file is
    /// gone can't be read again and are kept.
    ///
    /// # Errors
    /// [`IndexError`]; nothing was forgotten.
    pub fn forget(&self) -> Result<bool, IndexError> {
        let Some(_lock) = self.lock()? else { return Ok(false) };
        self.forget_locked()?;
        Ok(true)
    }

    fn forget_locked(&self) -> Result<(), IndexError> {
        let search = self.search_dir();
        if search.exists() {
            std::fs::remove_dir_all(&search).map_err(|source| IndexError::Io { path: search, source })?;
        }
        self.connection.execute_batch(
            "BEGIN IMMEDIATE;
             DELETE FROM items WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM messages WHERE place >> 32 IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM usage WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM usage_days WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM touched WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM sessions WHERE missing = 0;
             DELETE FROM files WHERE missing = 0;
             DELETE FROM pending; DELETE FROM titles; DELETE FROM meta;
             COMMIT",
        )?;
        Ok(())
    }

    /// The search index must hold at least the batches that the catalogue counts on; else both begin anew.
    fn text_index_for_writing(&self) -> Result<text_index::TextIndex, IndexError> {
        let path = self.search_dir();
        let known: u64 = self.connection.query_row(
            "SELECT COALESCE((SELECT value FROM meta WHERE name = 'batch'), 0)",
            [],
            |row| row.get::<_, i64>(0),
        )? as u64;
        if let Ok(index) = text_index::TextIndex::open(&path)
            && index.last_batch().is_ok_and(|last| last >= known)
        {
            return Ok(index);
        }
        tracing::warn!(path = %path.display(), "the search index is not the catalogue's; both are made anew");
        self.forget_locked()?;
        Ok(text_index::TextIndex::open(&path)?)
    }

    /// Takes the lock that keeps indexing to one process. It goes when the process does.
    fn lock(&self) -> Result<Option<File>, IndexError> {
        let path = self.dir.join("index.lock");
        let fail = |source| IndexError::Io { path: path.clone(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// Says whether texts are still on their way into the search index.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn is_complete(&self) -> Result<bool, IndexError> {
        let sql =
            "SELECT NOT EXISTS (SELECT 1 FROM pending) AND EXISTS (SELECT 1 FROM meta WHERE name = 'batch')
                   AND NOT EXISTS (SELECT 1 FROM files WHERE size < 0 AND missing = 0)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }
}

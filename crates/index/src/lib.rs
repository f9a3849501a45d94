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
mod changes;
mod facets;
mod files;
mod lineage;
mod overlay;
mod part;
mod pending;
mod price;
mod query;
mod reach;
mod scan;
mod search;
mod sessions;
mod snippet;
mod sources;
mod text_index;
mod texts;
mod transcript;
mod usage;
mod watch;
mod window;
mod write;

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use marline_agents::{Env, Shape};
use marline_model::SessionId;
use marline_text::Doc;
use rusqlite::Connection;

use crate::text_index::TextWriter;
use crate::write::Writer;
pub use catalogue::{CatalogueError, SetAside};
pub use changes::{Changed, Changes, ParsePositionError, Position};
pub use facets::{Facet, Facets};
pub use overlay::{Overlaid, Overlay};
pub use price::{cost_micro_usd, table_date};
pub use query::{Meaning, MeaningKind, Query, QueryError, time};
pub use scan::{Progress, Report, Stop};
pub use search::{Answer, Hit, HitSession, Order, Searched};
pub use sessions::{FileSize, Filter, Inherited, Page, Project, Projects, Session, Sort, Touched};
pub use sources::{Finding, Retention, SourceReport, findings};
pub use text_index::TextIndexError;
pub use transcript::{Entry, PICTURE, Place, Tool, Transcript, TranscriptPage};
pub use usage::{UsageBy, UsageLine, UsageReport};
pub use watch::{WatchError, watch};
pub use window::{ItemKey, ItemPage, Mark, MarkKind, Outline, ParseItemKeyError, Window};

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
    /// The session has no such item, or the item no such record or picture.
    #[error("the session {session} has no {what}")]
    Lacks {
        /// The session.
        session: SessionId,
        /// What was asked for.
        what: String,
    },
    /// Several sessions have ids that begin so.
    #[error("`{given}` names {}", sessions_named(.found, *.more))]
    Ambiguous {
        /// What was given.
        given: String,
        /// The ids it may mean, at most ten.
        found: Vec<String>,
        /// It may mean others as well.
        more: bool,
    },
    /// The words of a query or a cursor make no sense.
    #[error(transparent)]
    Query(#[from] QueryError),
}

fn sessions_named(found: &[String], more: bool) -> String {
    let (least, rest) = if more { ("more than ", ", …") } else { ("", "") };
    format!("{least}{} sessions: {}{rest}", found.len(), found.join(", "))
}

impl IndexError {
    /// Says whether the disk is full, or fails: then nothing is wrong with the index itself.
    pub fn is_about_the_disk(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let of_disk = |kind| matches!(kind, StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem);
        let sqlite = match self {
            IndexError::Sqlite(error)
            | IndexError::Catalogue(CatalogueError::Sqlite { source: error, .. }) => {
                error.sqlite_error_code()
            }
            IndexError::Catalogue(CatalogueError::Io { source, .. })
            | IndexError::Text(TextIndexError { source, .. })
            | IndexError::Io { source, .. } => return of_disk(source.kind()),
            _ => None,
        };
        use rusqlite::ErrorCode::{DiskFull, ReadOnly, SystemIoFailure};
        matches!(sqlite, Some(DiskFull | SystemIoFailure | ReadOnly))
    }
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Refreshed {
    /// Everything is up to date.
    Done(Report),
    /// Another process is indexing; what it has committed can be read.
    Busy,
}

/// What became of the search index when it was looked at.
enum Search {
    Whole,
    BegunAnew,
}

/// The index of one user.
pub struct Index {
    dir: PathBuf,
    connection: Connection,
    set_aside: Option<SetAside>,
    inode: Option<u64>,
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
            return Ok(Index::of(dir, connection, None));
        }
        let (connection, set_aside) = catalogue::open(dir)?;
        Ok(Index::of(dir, connection, set_aside))
    }

    /// Opens it for one who stays and seldom asks: less of it is kept in memory.
    ///
    /// # Errors
    /// Like [`Index::open`].
    pub fn open_small(dir: &Path) -> Result<Self, IndexError> {
        let index = Index::open(dir)?;
        index.connection.execute_batch("PRAGMA cache_size = -2000")?;
        Ok(index)
    }

    fn of(dir: &Path, connection: Connection, set_aside: Option<SetAside>) -> Self {
        let inode = std::fs::metadata(dir.join(catalogue::FILE_NAME)).ok().map(|catalogue| catalogue.ino());
        Index { dir: dir.to_owned(), connection, set_aside, inode }
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
        self.scan(scan::walk_all(env), stop, progress).map(Refreshed::Done)
    }

    /// The caller holds the lock.
    fn scan(
        &self,
        found: scan::Found,
        stop: &Stop,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Report, IndexError> {
        let found = match self.ensure_search()? {
            Search::Whole => found,
            // What is read again is everything, or nothing yet.
            Search::BegunAnew if found.is_everything => found,
            Search::BegunAnew => return Ok(Report::default()),
        };
        scan::scan(&self.connection, &self.search_dir(), found, stop, progress)
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
        self.connection.execute_batch(
            "BEGIN IMMEDIATE;
             DELETE FROM items WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM messages WHERE place >> 32 IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM usage WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM usage_days WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM touched WHERE session IN (SELECT number FROM sessions WHERE missing = 0);
             DELETE FROM sessions WHERE missing = 0;
             DELETE FROM files WHERE missing = 0;
             DELETE FROM pending;
             DELETE FROM titles WHERE id NOT IN (SELECT id FROM overlay WHERE title IS NOT NULL); DELETE FROM meta WHERE name <> 'segment';
             DELETE FROM segments;",
        )?;
        let outcome = self.keep_missing().and_then(|()| Ok(changes::begin_epoch(&self.connection)?));
        self.connection.execute_batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }

    /// Forgets every word of a session that was deleted for good, and of its sub-agents. An indexing that is under way is
    /// waited for.
    ///
    /// # Errors
    /// [`IndexError`]; nothing was forgotten.
    pub fn purge(&self, id: &SessionId) -> Result<(), IndexError> {
        let lock = self.open_lock()?;
        lock.lock().map_err(|source| IndexError::Io { path: self.lock_path(), source })?;
        let family = "WITH RECURSIVE family (id) AS (VALUES (?1) UNION SELECT s.id FROM sessions s
                          JOIN family ON s.parent_id = family.id WHERE s.kind = 'subagent')
                      SELECT s.number, s.id, f.path, f.shape FROM sessions s JOIN family USING (id)
                      LEFT JOIN files f ON f.number = s.file";
        let numbers: Vec<i64> = {
            let mut query = self.connection.prepare(family)?;
            let rows = query.query_map([id.to_string()], |row| {
                let path: Option<String> = row.get(2)?;
                let is_one_of_many = row.get(3).is_ok_and(|shape: i64| shape == Shape::Database as i64);
                let is_there = path.is_some_and(|path| Path::new(&path).exists()) && !is_one_of_many;
                let is_own: bool = row.get::<_, String>(1)? == id.to_string();
                Ok((row.get(0)?, is_own || !is_there))
            })?;
            // A sub-agent's session that is there all the same was not deleted with it.
            let gone =
                rows.filter_map(|row| row.map(|(number, is_gone)| is_gone.then_some(number)).transpose());
            gone.collect::<Result<_, _>>()?
        };
        let mut writer = Writer::begin(&self.connection, &self.search_dir())?;
        let outcome = numbers.into_iter().try_for_each(|number| writer.purge_session(number));
        match outcome.and_then(|()| scan::settle(&mut writer, false)) {
            Ok(()) => writer.finish(),
            Err(error) => {
                self.connection.execute_batch("ROLLBACK")?;
                Err(error)
            }
        }
    }

    /// Puts the messages of sessions whose file is gone into the new search index.
    fn keep_missing(&self) -> Result<(), IndexError> {
        let mut text = TextWriter::begin(&self.connection, &self.search_dir())?;
        let mut statement = self.connection.prepare(
            "SELECT m.place >> 32, m.place & 0xffffffff, m.text, COALESCE(i.kind, 0), COALESCE(i.at, 0)
             FROM messages m LEFT JOIN items i ON i.session = m.place >> 32 AND i.seq = m.place & 0xffffffff",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (session, seq) = (row.get(0)?, row.get(1)?);
            let doc = Doc { session, seq, kind: row.get(3)?, at: row.get(4)?, tool: 0 };
            text.add(&self.connection, doc, row.get_ref(2)?.as_str().unwrap_or_default())?;
        }
        text.prepare_commit(&self.connection)
    }

    /// What the catalogue counts on must be there to its last byte; else everything is read again.
    fn ensure_search(&self) -> Result<Search, IndexError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'segment')";
        let has_begun: bool = self.connection.query_row(sql, [], |row| row.get(0))?;
        if has_begun && text_index::is_whole(&self.connection, &self.search_dir())? {
            return Ok(Search::Whole);
        }
        self.forget_locked()?;
        Ok(Search::BegunAnew)
    }

    /// Takes the lock that keeps indexing to one process. It goes when the process does.
    fn lock(&self) -> Result<Option<File>, IndexError> {
        let file = self.open_lock()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(IndexError::Io { path: self.lock_path(), source }),
        }
    }

    fn open_lock(&self) -> Result<File, IndexError> {
        let path = self.lock_path();
        let open = File::options().create(true).append(true).open(&path);
        open.map_err(|source| IndexError::Io { path, source })
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("index.lock")
    }

    /// Says whether texts are still on their way into the search index.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn is_complete(&self) -> Result<bool, IndexError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM pending)
                   AND NOT EXISTS (SELECT 1 FROM files INDEXED BY files_at_a_glance WHERE size < 0 AND missing = 0)";
        let is_indexed: bool = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(is_indexed && scan::has_note(&self.connection, scan::SCANNED)?)
    }
}

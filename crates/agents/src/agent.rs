//! What every agent's adapter offers.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use marline_model::Source;

use crate::drive::Drive;
use crate::event::Event;
use crate::json::{Malformed, Raw};
use crate::live::Live;

/// The environment, read once in `main`: libraries never look at `HOME` themselves.
#[derive(Debug, Clone, Default)]
pub struct Env {
    home: PathBuf,
    vars: HashMap<String, String>,
}

impl Env {
    /// Takes a home directory and the variables that agents honour.
    pub fn new(home: PathBuf, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Env { home, vars: vars.into_iter().collect() }
    }

    /// Returns the home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns a variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the directory that a variable names, else `default` below the home directory.
    pub fn dir(&self, name: &str, default: &str) -> PathBuf {
        self.var(name).map_or_else(|| self.home.join(default), PathBuf::from)
    }

    /// Returns the XDG data directory.
    pub fn data_home(&self) -> PathBuf {
        self.dir("XDG_DATA_HOME", ".local/share")
    }
}

/// How a file is cut into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object a line, appended to.
    Lines,
    /// The same, compressed as a whole; offsets count decompressed bytes.
    CompressedLines,
    /// One JSON document with an array `messages`, written anew each time.
    Document,
    /// A SQLite database with many sessions; see [`SessionDatabase`].
    Database,
    /// A directory of small JSON files with many sessions; see [`SessionDatabase`].
    Tree,
}

/// What a file is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRole {
    /// It holds a session.
    Session,
    /// It holds a sub-agent's session.
    Subagent {
        /// The parent's raw id, if the place of the file tells it.
        parent: Option<String>,
    },
    /// It holds facts about other sessions (names), and is none itself.
    Sidecar,
    /// It holds many sessions.
    Store,
}

/// A file that was found, with what its place and name tell.
#[derive(Debug, Clone)]
pub struct SessionFile {
    /// Where it is.
    pub path: PathBuf,
    /// Who wrote it.
    pub source: Source,
    /// How it is cut into records.
    pub shape: Shape,
    /// What it is for.
    pub role: FileRole,
    /// The session's raw id, if the name tells it.
    pub session: Option<String>,
    /// It lies among the archived ones.
    pub archived: bool,
    /// Size, times and identity on disk.
    pub stat: Stat,
}

/// What the file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Time of the last change of the file or of what is known of it, which nobody can set back.
    pub ctime_ns: i64,
    /// The inode number.
    pub inode: u64,
}

impl Stat {
    /// Takes what matters from a file's metadata.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stat {
            size: metadata.len(),
            mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// What one walk over an agent's roots found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The roots that exist.
    pub roots: Vec<PathBuf>,
    /// The files.
    pub files: Vec<SessionFile>,
    /// Places that could not be looked into.
    pub problems: Vec<(PathBuf, io::Error)>,
    /// Directories to watch for changes.
    pub directories: Vec<PathBuf>,
}

/// How much of a record a reader is to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Facts, and the text of prompts and answers; other texts stay empty.
    Messages,
    /// Every text.
    Everything,
    /// Every text of one record taken out of its file: nothing is held back for what came before.
    Expand,
}

/// Reads one file's records in order.
pub trait Reader {
    /// Reads one record and tells what it holds.
    ///
    /// # Errors
    /// [`Malformed`] when the record is broken; the reader goes on with the next one.
    fn read(&mut self, record: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>))
    -> Result<(), Malformed>;

    /// Returns what the reader must remember to go on from here, as JSON.
    fn state(&self) -> String;
}

/// One agent's adapter.
pub trait Agent: Sync {
    /// Which agent this is.
    fn source(&self) -> Source;

    /// The agent's name as people write it.
    fn name(&self) -> &'static str;

    /// Returns the directory below which the agent keeps its sessions; it need not be there.
    fn home(&self, env: &Env) -> PathBuf;

    /// Looks for the agent's files. A root that is not there is no problem.
    fn discover(&self, env: &Env) -> Discovery;

    /// Makes a reader for a file; `state` is what an earlier reader of the same file remembered.
    fn reader(&self, file: &SessionFile, state: Option<&str>) -> Box<dyn Reader + Send>;

    /// Every record kind that was seen, and whether it gives items or facts; the others are known and passed over.
    fn inventory(&self) -> Vec<(&'static str, bool)>;

    /// Says how sessions are taken up again.
    fn drive(&self) -> &dyn Drive;

    /// Says what tells of sessions that it has open.
    fn live(&self) -> &dyn Live;

    /// Returns the reader of this agent's databases, if it keeps sessions in any.
    fn database(&self) -> Option<&dyn SessionDatabase> {
        None
    }

    /// Returns the agent's retention: sessions not touched for that many days are deleted by it.
    fn retention_days(&self, _env: &Env) -> Option<u64> {
        None
    }
}

/// A store of many sessions that is no sequence of records.
pub trait SessionDatabase: Sync {
    /// Reads the sessions whose fingerprint is not the known one.
    ///
    /// `known` gives the fingerprint that was returned for a session last time. `emit` gets events in
    /// order, each with its session's raw id and the place it came from.
    ///
    /// # Errors
    /// [`DatabaseError`]; what was emitted before is whole sessions and stays valid.
    fn read(
        &self,
        file: &SessionFile,
        known: &dyn Fn(&str) -> Option<u64>,
        emit: &mut dyn FnMut(Stored<'_>),
    ) -> Result<(), DatabaseError>;

    /// Reads the bytes at a place that [`SessionDatabase::read`] gave.
    ///
    /// # Errors
    /// [`DatabaseError`] when the place is no longer there.
    fn fetch(&self, file: &SessionFile, place: u64) -> Result<Vec<u8>, DatabaseError>;
}

/// What a [`SessionDatabase`] tells.
#[derive(Debug)]
pub enum Stored<'a> {
    /// A session that changed begins; all of it follows.
    Begin {
        /// Its raw id.
        session: &'a str,
        /// Changes when the session does.
        fingerprint: u64,
        /// It is archived.
        archived: bool,
    },
    /// An event of the session that began last.
    Event {
        /// Where it came from; for [`SessionDatabase::fetch`].
        place: u64,
        /// How many bytes lie there.
        length: u64,
        /// What it says.
        event: Event<'a>,
    },
    /// The session that began last is whole.
    End,
    /// A session that is still there and did not change.
    Unchanged {
        /// Its raw id.
        session: &'a str,
    },
    /// A row that could not be read.
    Skipped {
        /// Why.
        reason: &'a str,
    },
}

/// Why a store could not be read. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database is locked, damaged, or lacks what is needed.
    #[error("{path}: {source}", path = path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A table or column that is needed is not there: an older or newer release wrote it.
    #[error("{path} has no column {column}; its release is not known to Marline", path = path.display())]
    Schema {
        /// The database.
        path: PathBuf,
        /// What was looked for.
        column: &'static str,
    },
    /// A file could not be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The place that was asked for is gone.
    #[error("{path} no longer holds what was read from it", path = path.display())]
    Gone {
        /// The store.
        path: PathBuf,
    },
}

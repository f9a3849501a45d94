//! The sessions that agents have, or had, open: what a restart finds again.
//!
//! A session is its agent's own: the row's key is `<source>:<the agent's own id>`, from its first moment. The window that it
//! runs in is an attribute. Older tables gave a session an id of its own beside the agent's (`id`, `cli_session`), which was the
//! window's name; they are taken over so, in one transaction.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use marline_model::{SessionId, Source, Timestamp};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::database::{self, internal};
use crate::work::WorkError;

/// What is not open any more is remembered for so long, in milliseconds.
const REMEMBERED: i64 = 30 * 24 * 3_600_000;

/// A session that an agent has, or had, open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The canonical id.
    pub id: SessionId,
    /// The tmux window that it runs in.
    pub window_id: Option<String>,
    /// What that is called.
    pub window_name: Option<String>,
    /// It was open at the last look.
    pub is_open: bool,
    /// What else is known.
    pub facts: OpenFacts,
}

/// What else is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OpenFacts {
    /// Where it works.
    pub cwd: Option<String>,
    /// The socket of the tmux server that its window is in.
    pub tmux: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// When it was opened.
    pub started_at: Option<Timestamp>,
    /// When it was last seen open.
    pub seen_at: Option<Timestamp>,
    /// A person ended it on purpose: not to be opened again with the others.
    pub was_stopped: bool,
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Sessions that are known now.
    pub taken: Vec<SessionId>,
    /// Rows that were not taken, with the reason.
    pub left: Vec<(String, &'static str)>,
}

/// The table of open sessions.
pub struct OpenSessions {
    connection: Mutex<Connection>,
}

impl OpenSessions {
    /// Opens the database.
    ///
    /// # Errors
    /// [`WorkError::Internal`] when it can't be opened, or was written by a newer Marline.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        Ok(OpenSessions { connection: Mutex::new(database::open(path)?) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that are known, the last seen first.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn all(&self) -> Result<Vec<OpenSession>, WorkError> {
        let connection = self.lock();
        let ask = || -> rusqlite::Result<Vec<OpenSession>> {
            let sql = "SELECT id, window_id, window_name, is_open, body FROM live_sessions ORDER BY id";
            let mut sql = connection.prepare_cached(sql)?;
            let rows = sql.query_map([], |row| {
                let (id, body): (String, String) = (row.get(0)?, row.get(4)?);
                Ok(id.parse::<SessionId>().ok().map(|id| OpenSession {
                    id,
                    window_id: row.get(1).unwrap_or_default(),
                    window_name: row.get(2).unwrap_or_default(),
                    is_open: row.get(3).unwrap_or_default(),
                    facts: serde_json::from_str(&body).unwrap_or_default(),
                }))
            })?;
            rows.filter_map(Result::transpose).collect()
        };
        let mut all = ask().map_err(internal("marline.db could not be read"))?;
        all.sort_by_key(|one| std::cmp::Reverse(one.facts.seen_at));
        Ok(all)
    }

    /// Notes that a session was closed on purpose.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn close(&self, id: &SessionId, now: Timestamp) -> Result<(), WorkError> {
        let known = self.all()?.into_iter().find(|one| one.id == *id && one.is_open);
        known.map_or(Ok(()), |one| self.write(&[OpenSession { is_open: false, ..one }], now))
    }

    /// Writes down how it stands with some, all or none; what is long gone is forgotten.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn write(&self, sessions: &[OpenSession], now: Timestamp) -> Result<(), WorkError> {
        let mut connection = self.lock();
        let mut write = || -> rusqlite::Result<()> {
            let made = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for session in sessions {
                put(&made, session, "excluded.body")?;
            }
            let old = now.as_millis() - REMEMBERED;
            made.execute(
                "DELETE FROM live_sessions WHERE NOT is_open AND coalesce(json_extract(body, '$.seenAt'), '') < ?",
                [Timestamp::from_millis(old).to_string()],
            )?;
            made.commit()
        };
        write().map_err(internal("marline.db could not be written"))
    }

    /// Takes over the sessions of another product's database (ClawTap's), older or newer. Ours are kept as they are.
    ///
    /// # Errors
    /// [`WorkError::Invalid`] when the file is no such database, [`WorkError::Internal`]; nothing was taken over.
    pub fn import(&self, file: &Path) -> Result<Imported, WorkError> {
        let shown = file.display().to_string();
        let fail = internal(&shown);
        if !file.is_file() {
            return Err(WorkError::invalid(format!("{shown} is no file that is there")));
        }
        let other = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&fail)?;
        let columns =
            columns(&other).map_err(|_| WorkError::invalid(format!("{shown} is no SQLite database")))?;
        if !columns.iter().any(|column| column == "id") {
            return Err(WorkError::invalid(format!("{shown} has no table of sessions")));
        }
        let mut connection = self.lock();
        let made = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let imported = adopt(&made, &other, &columns).map_err(&fail)?;
        made.commit().map_err(&fail)?;
        Ok(imported)
    }
}

/// `body`: what the row becomes where there is one already.
fn put(connection: &Connection, session: &OpenSession, body: &str) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO live_sessions (id, source, source_session_id, window_id, window_name, is_open, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET window_id = excluded.window_id, window_name = excluded.window_name,
             is_open = excluded.is_open, body = {body}"
    );
    let facts = serde_json::to_string(&session.facts).unwrap_or_default();
    let (source, raw) = (session.id.source().as_str(), session.id.raw());
    connection.prepare_cached(&sql)?.execute(params![
        session.id.to_string(),
        source,
        raw,
        session.window_id,
        session.window_name,
        session.is_open,
        facts
    ])?;
    Ok(())
}

/// The columns of a table of sessions.
pub(crate) fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut sql = connection.prepare("SELECT name FROM pragma_table_info('sessions')")?;
    let names = sql.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Takes over the rows of a table `sessions`. Of two ids the agent's own wins (`cli_session`), and the other becomes the window's
/// name. What never had an id of its agent's can't be found again, and is left.
pub(crate) fn adopt(ours: &Connection, other: &Connection, columns: &[String]) -> rusqlite::Result<Imported> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let column = |name: &str| if has(name) { name.to_owned() } else { "NULL".to_owned() };
    let names = ["cli_session", "window_id", "window_name", "cwd", "adapter", "created_at", "last_activity"];
    let sql = format!("SELECT id, {} FROM sessions", names.map(column).join(", "));
    let mut sql = other.prepare(&sql)?;
    let mut rows = sql.query([])?;
    let mut imported = Imported::default();
    while let Some(row) = rows.next()? {
        let text =
            |at: usize| row.get::<_, Option<String>>(at).ok().flatten().filter(|text| !text.is_empty());
        let Some(given) = text(0) else {
            imported.left.push((String::new(), "it has no id"));
            continue;
        };
        // Without an id of the agent's, the row's own may be it: newer tables have no other.
        let own = text(1).filter(|own| *own != given);
        let raw = own.clone().unwrap_or_else(|| given.clone());
        let source = text(5).map_or(Some(Source::Claude), |agent| agent.parse::<Source>().ok());
        let Some(source) = source else {
            imported.left.push((given, "its agent is not known"));
            continue;
        };
        let is_uuid = raw.len() == 36 && raw.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let Some(id) = SessionId::new(source, &raw).ok().filter(|_| is_uuid) else {
            imported.left.push((given, "its agent never gave it an id"));
            continue;
        };
        let at = |n: usize| text(n).and_then(|text| format!("{}Z", text.replace(' ', "T")).parse().ok());
        let session = OpenSession {
            window_id: text(2),
            window_name: text(3).or(own.map(|_| given)),
            is_open: true,
            facts: OpenFacts { cwd: text(4), started_at: at(6), seen_at: at(7), ..OpenFacts::default() },
            id: id.clone(),
        };
        let known: bool = ours
            .prepare_cached("SELECT count(*) FROM live_sessions WHERE id = ?")?
            .query_row([id.to_string()], |row| row.get(0))?;
        if known {
            imported.left.push((id.to_string(), "it is known already"));
            continue;
        }
        put(ours, &session, "excluded.body")?;
        imported.taken.push(id);
    }
    Ok(imported)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: &str = "0f6e2a14-3c1b-4a64-9a0e-8b1f5d7c2e90";
    const CODEX: &str = "01a21560-4f4c-7281-8139-b99508b1aa59";
    const OLD: &str =
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, cli_session TEXT, cwd TEXT NOT NULL, window_id TEXT,
        adapter TEXT DEFAULT 'claude', permission_mode TEXT, created_at TEXT, last_activity TEXT);";

    fn old_rows() -> String {
        format!(
            "{OLD}
             INSERT INTO sessions VALUES ('claude-1742812345', '{CLAUDE}', '/p', '@3', 'claude', 'default',
                 '2026-03-24 10:00:00', '2026-03-24 10:30:00');
             INSERT INTO sessions VALUES ('{CODEX}', '{CODEX}', '/q', NULL, 'codex', 'default', NULL, NULL);
             INSERT INTO sessions VALUES ('codex-1742812399', NULL, '/q', '@4', 'codex', 'default', NULL, NULL);
             INSERT INTO sessions VALUES ('odd', '{CLAUDE}', '/q', '@5', 'unheard-of', 'default', NULL, NULL);"
        )
    }

    fn check(all: &[OpenSession]) {
        let ids: Vec<String> = all.iter().map(|one| one.id.to_string()).collect();
        assert_eq!(ids, [format!("claude:{CLAUDE}"), format!("codex:{CODEX}")]);
        assert_eq!(all[0].window_id.as_deref(), Some("@3"));
        assert_eq!(
            all[0].window_name.as_deref(),
            Some("claude-1742812345"),
            "the old id is the window's name"
        );
        assert_eq!(all[0].facts.started_at, "2026-03-24T10:00:00Z".parse().ok());
        assert_eq!(all[1].window_name, None);
    }

    #[test]
    fn an_older_table_with_two_ids_is_taken_over_in_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marline.db");
        drop(database::open(&path).unwrap());
        let old = Connection::open(&path).unwrap();
        old.execute_batch("DROP TABLE live_sessions; DROP TABLE reviews; DROP TABLE rules; DROP TABLE audit; DROP TABLE drafts;")
            .unwrap();
        old.execute_batch(&old_rows()).unwrap();
        old.pragma_update(None, "user_version", 2).unwrap();
        drop(old);
        let open = OpenSessions::open(&path).unwrap();
        check(&open.all().unwrap());
        let gone: i64 = open
            .lock()
            .query_row("SELECT count(*) FROM sqlite_master WHERE name = 'sessions'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(gone, 0);
        // And once: what is opened again is as it was.
        check(&OpenSessions::open(&path).unwrap().all().unwrap());
    }

    #[test]
    fn another_products_database_is_imported_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = dir.path().join("clawtap.db");
        Connection::open(&theirs).unwrap().execute_batch(&old_rows()).unwrap();
        let before = std::fs::read(&theirs).unwrap();
        let open = OpenSessions::open(&dir.path().join("marline.db")).unwrap();
        let imported = open.import(&theirs).unwrap();
        check(&open.all().unwrap());
        let left: Vec<&str> = imported.left.iter().map(|(_, why)| *why).collect();
        assert_eq!(left, ["its agent never gave it an id", "its agent is not known"]);
        assert!(open.import(&theirs).unwrap().taken.is_empty(), "a second time changes nothing");
        assert_eq!(std::fs::read(&theirs).unwrap(), before);

        let none = dir.path().join("none.db");
        std::fs::write(&none, "no database at all, but long enough to be looked at as one").unwrap();
        assert!(open.import(&none).is_err());
        assert!(open.import(&dir.path().join("absent.db")).is_err());
        check(&open.all().unwrap());
    }

    #[test]
    fn what_was_open_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marline.db");
        let now: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        let session = OpenSession {
            id: format!("claude:{CLAUDE}").parse().unwrap(),
            window_id: Some("@1".to_owned()),
            window_name: Some("shop".to_owned()),
            is_open: true,
            facts: OpenFacts { pid: Some(7), seen_at: Some(now), ..OpenFacts::default() },
        };
        OpenSessions::open(&path).unwrap().write(std::slice::from_ref(&session), now).unwrap();
        let open = OpenSessions::open(&path).unwrap();
        assert_eq!(open.all().unwrap(), std::slice::from_ref(&session));
        let closed = OpenSession { is_open: false, ..session };
        open.write(std::slice::from_ref(&closed), now).unwrap();
        assert_eq!(open.all().unwrap(), [closed]);
        // And is forgotten after a while.
        open.write(&[], Timestamp::from_millis(now.as_millis() + REMEMBERED + 1)).unwrap();
        assert_eq!(open.all().unwrap(), []);
    }
}

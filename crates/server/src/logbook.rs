//! What is open is written down, so that a restart, of Marline or of the machine, can open it again.

use std::collections::HashMap;
use std::path::Path;

use marline_control::live::{Control, LiveSession, Now};
use marline_model::{SessionId, Timestamp};
use marline_store::work::WorkError;
use marline_store::{OpenFacts, OpenSession, OpenSessions};

/// A session that is not seen any more is closed after so long: a machine that goes down ends agents first, and Marline then.
const UNTIL_CLOSED: i64 = 10_000;
/// What was open longer ago than this is not offered any more.
const OFFERED: i64 = 7 * 24 * 3_600_000;
/// That a session still is open is written down so often.
const SEEN: i64 = 10 * 60_000;

/// The book of what is open.
pub struct Logbook {
    store: OpenSessions,
    /// As it was last written.
    written: HashMap<SessionId, OpenSession>,
    /// When each was seen last.
    seen: HashMap<SessionId, Timestamp>,
    /// What was open when Marline looked last, before this one began.
    before: Vec<OpenSession>,
}

impl Logbook {
    /// Opens the book, and reads what was open.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn open(db: &Path, now: Timestamp) -> Result<Self, WorkError> {
        let store = OpenSessions::open(db)?;
        let is_offered = |one: &OpenSession| {
            let at = one.facts.seen_at.or(one.facts.started_at);
            one.is_open && at.is_none_or(|at| now.as_millis() - at.as_millis() < OFFERED)
        };
        let before = store.all()?.into_iter().filter(is_offered).collect();
        Ok(Logbook { store, written: HashMap::new(), seen: HashMap::new(), before })
    }

    /// Writes down how it stands now.
    ///
    /// # Errors
    /// [`WorkError::Internal`]; it is tried again with the next look.
    pub fn note(&mut self, now: &Now, at: Timestamp) -> Result<(), WorkError> {
        let mut changed = Vec::new();
        for live in now.sessions.iter().filter(|live| !matches!(live.control, Control::Marline { .. })) {
            self.seen.insert(live.id.clone(), at);
            let one = entry(live, at);
            let is_known = |known: &OpenSession| {
                let seen = known.facts.seen_at.map_or(0, Timestamp::as_millis);
                at.as_millis() - seen < SEEN
                    && OpenSession {
                        facts: OpenFacts { seen_at: one.facts.seen_at, ..known.facts.clone() },
                        ..known.clone()
                    } == one
            };
            if !self.written.get(&live.id).is_some_and(is_known) {
                changed.push(one);
            }
        }
        for (id, known) in self.written.iter().filter(|(_, known)| known.is_open) {
            let seen = self.seen.get(id).map_or(0, |seen| seen.as_millis());
            if at.as_millis() - seen > UNTIL_CLOSED {
                changed.push(OpenSession { is_open: false, ..known.clone() });
            }
        }
        if !changed.is_empty() {
            self.store.write(&changed, at)?;
            for one in changed {
                self.written.insert(one.id.clone(), one);
            }
        }
        self.seen.retain(|id, _| self.written.get(id).is_some_and(|known| known.is_open));
        self.before.retain(|one| !now.sessions.iter().any(|live| live.id == one.id));
        Ok(())
    }

    /// Notes that a session was ended on purpose.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn close(&mut self, id: &SessionId, at: Timestamp) -> Result<(), WorkError> {
        self.written.remove(id);
        self.store.close(id, at)
    }

    /// What was open before this Marline began, and is not now.
    pub fn lost(&self) -> &[OpenSession] {
        &self.before
    }

    /// Takes it that what is lost stays closed.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn forget(&mut self, at: Timestamp) -> Result<(), WorkError> {
        let closed: Vec<OpenSession> =
            self.before.iter().map(|one| OpenSession { is_open: false, ..one.clone() }).collect();
        self.store.write(&closed, at)?;
        self.before.clear();
        Ok(())
    }
}

fn entry(live: &LiveSession, at: Timestamp) -> OpenSession {
    let pane = live.control.pane();
    OpenSession {
        id: live.id.clone(),
        window_id: pane.map(|pane| pane.window_id.clone()),
        window_name: pane.map(|pane| pane.window_name.clone()),
        is_open: true,
        facts: OpenFacts {
            cwd: live.cwd.clone(),
            tmux: pane.map(|pane| pane.socket.display().to_string()),
            pid: live.pid,
            started_at: live.started_at,
            seen_at: Some(at),
            was_stopped: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(ids: &[&str]) -> Now {
        let live = |id: &&str| -> LiveSession {
            let (source, raw) = id.split_once(':').unwrap();
            serde_json::from_value(serde_json::json!({
                "id": id, "source": source, "sourceSessionId": raw, "state": "idle", "evidence": [],
                "control": {"by": "none", "why": "it is a test"}, "pid": 7, "cwd": "/p",
            }))
            .unwrap()
        };
        Now { sessions: ids.iter().map(live).collect(), ..Now::default() }
    }

    fn lost(book: &Logbook) -> Vec<String> {
        book.lost().iter().map(|one| one.id.to_string()).collect()
    }

    #[test]
    fn what_was_open_when_all_went_down_is_offered_again() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("marline.db");
        let at = |seconds: i64| Timestamp::from_millis(1_790_000_000_000 + seconds * 1000);
        let mut book = Logbook::open(&db, at(0)).unwrap();
        assert!(lost(&book).is_empty());
        book.note(&now(&["claude:a", "codex:b", "gemini:c"]), at(0)).unwrap();
        // One is ended by its person; the others end with the machine, and Marline a moment later.
        book.note(&now(&["claude:a", "codex:b"]), at(5)).unwrap();
        book.note(&now(&["claude:a", "codex:b"]), at(20)).unwrap();
        book.note(&now(&[]), at(22)).unwrap();

        let mut book = Logbook::open(&db, at(100)).unwrap();
        assert_eq!(lost(&book), ["claude:a", "codex:b"]);
        // One runs again; the other is still offered, until it is said that it is not wanted.
        book.note(&now(&["claude:a"]), at(101)).unwrap();
        assert_eq!(lost(&book), ["codex:b"]);
        assert_eq!(lost(&Logbook::open(&db, at(110)).unwrap()), ["claude:a", "codex:b"]);
        book.forget(at(111)).unwrap();
        assert_eq!(lost(&Logbook::open(&db, at(120)).unwrap()), ["claude:a"]);
        assert!(lost(&Logbook::open(&db, at(20 * 86_400)).unwrap()).is_empty(), "long ago");
    }
}

//! What one look leaves for the next, so that looking at many sessions that do nothing costs next to nothing.
//!
//! It also tells of what was open at the look before and is not any more: that it has ended.
//!
//! Nothing of it is believed where it could have changed: a file's end is read again when its size or time is another, and the
//! list of terminals when other agents run or some seconds are over.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use marline_model::{Channel, LiveState, Timestamp};

use super::evidence::evidence;
use super::find::still;
use super::terminals::Shown;
use super::tmux::Pane;
use super::turn::Turn;
use super::types::{Control, LiveSession};

/// Names of windows and sessions may be this old; a list that lacks a terminal in which an agent runs, this.
const PANES_LAST: Duration = Duration::from_secs(10);
const GAPS_LAST: Duration = Duration::from_secs(1);

/// That a session has ended is told for so long.
const ENDED_TOLD: i64 = 10 * 60_000;

/// A terminal: the socket of its server, and its id there.
pub type Place = (PathBuf, String);

/// What is remembered.
#[derive(Default)]
pub struct Memory {
    turns: Mutex<HashMap<PathBuf, Known>>,
    panes: Mutex<Option<Panes>>,
    sessions: Mutex<Sessions>,
    shown: Mutex<Shown>,
}

/// Sessions that were open, and those that are not any more.
#[derive(Default)]
struct Sessions {
    open: Vec<LiveSession>,
    ended: Vec<LiveSession>,
}

struct Known {
    length: u64,
    modified: Option<SystemTime>,
    turn: Option<Turn>,
    is_asked: bool,
}

struct Panes {
    of: HashSet<Place>,
    until: Instant,
    all: HashMap<Place, Pane>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// Where the last turn of a file stands, if nobody has written since; else as `read` finds it.
    pub(super) fn turn(&self, file: &Path, read: impl FnOnce() -> Option<Turn>) -> Option<Turn> {
        let facts = |metadata: Metadata| (metadata.len(), metadata.modified().ok());
        let (length, modified) = std::fs::metadata(file).ok().map(facts)?;
        let mut turns = lock(&self.turns);
        if let Some(known) = turns.get_mut(file)
            && (known.length, known.modified) == (length, modified)
        {
            known.is_asked = true;
            return known.turn;
        }
        let turn = read();
        turns.insert(file.to_owned(), Known { length, modified, turn, is_asked: true });
        turn
    }

    /// What was seen of terminals and the threads in them.
    pub(super) fn shown(&self, see: impl FnOnce(&mut Shown)) {
        see(&mut lock(&self.shown));
    }

    /// Forgets the files that nobody asked for since this was done last.
    pub(super) fn sweep(&self) {
        lock(&self.turns).retain(|_, known| std::mem::take(&mut known.is_asked));
    }

    /// The terminals that there are, as of a moment ago.
    pub(super) fn panes(
        &self,
        of: HashSet<Place>,
        list: impl FnOnce() -> HashMap<Place, Pane>,
    ) -> HashMap<Place, Pane> {
        let mut panes = lock(&self.panes);
        let known = panes.as_ref().filter(|known| known.of == of && Instant::now() < known.until);
        if let Some(known) = known {
            return known.all.clone();
        }
        let all = list();
        let is_there = |(socket, name): &Place| {
            all.values().any(|pane| {
                pane.socket == *socket && (pane.pane_id == *name || pane.pid.to_string() == *name)
            })
        };
        let lasts = if of.iter().all(is_there) { PANES_LAST } else { GAPS_LAST };
        *panes = Some(Panes { of, until: Instant::now() + lasts, all: all.clone() });
        all
    }

    /// The sessions that were open and have ended, beside those that are `open` at `now`; `reopen` tells how one is taken up.
    pub(super) fn ended(
        &self,
        open: &[LiveSession],
        now: Timestamp,
        reopen: impl Fn(&LiveSession) -> Option<String>,
    ) -> Vec<LiveSession> {
        let mut known = lock(&self.sessions);
        let Sessions { open: before, ended } = &mut *known;
        let is_open = |one: &LiveSession| open.iter().any(|live| live.id == one.id);
        let mut rest: Vec<LiveSession> = Vec::new();
        for one in before.drain(..).filter(|one| !is_open(one)) {
            match why_ended(&one, open) {
                Some(why) => ended.push(as_ended(one, &why, now, &reopen)),
                // Its agent lives and says nothing: what it has open is seen again by the next look, or not at all.
                None => rest.push(one),
            }
        }
        let is_told =
            |one: &LiveSession| one.since.is_some_and(|at| now.as_millis() - at.as_millis() < ENDED_TOLD);
        ended.retain(|one| !is_open(one) && is_told(one));
        rest.extend(open.iter().filter(|live| live.pid.is_some()).cloned());
        *before = rest;
        ended.clone()
    }
}

/// Why a session that is not seen any more has ended, if it has.
fn why_ended(one: &LiveSession, open: &[LiveSession]) -> Option<String> {
    let (pid, began) = one.pid.zip(one.started_at)?;
    if still(pid, began).is_none() {
        return Some(format!("process {pid} is gone"));
    }
    let other = open.iter().find(|live| live.pid == Some(pid))?;
    Some(format!("process {pid} has another session open: {}", other.id))
}

fn as_ended(
    one: LiveSession,
    why: &str,
    now: Timestamp,
    reopen: impl Fn(&LiveSession) -> Option<String>,
) -> LiveSession {
    LiveSession {
        state: LiveState::Ended,
        since: Some(now),
        evidence: vec![evidence(Channel::Process, why, Some(LiveState::Ended), Some(now))],
        asks: None,
        control: Control::None { why: "its agent has ended".to_owned(), command: reopen(&one) },
        pid: None,
        helpers: Vec::new(),
        ..one
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use marline_model::SessionId;

    use super::*;
    use crate::live::find::process_of;

    fn live(raw: &str, pid: u32) -> LiveSession {
        let began = process_of(marline_model::Source::Claude, pid).unwrap().began;
        serde_json::from_value(serde_json::json!({
            "id": format!("claude:{raw}"), "source": "claude", "sourceSessionId": raw, "state": "working", "evidence": [],
            "control": {"by": "none", "why": "it is a test"}, "pid": pid, "startedAt": began,
        }))
        .unwrap()
    }

    #[test]
    fn a_session_has_ended_when_its_process_is_gone_or_has_another() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let memory = Memory::default();
        let at = |seconds: i64| Timestamp::from_millis(1_790_000_000_000 + seconds * 1000);
        let told = |open: &[LiveSession], seconds: i64| -> Vec<(SessionId, LiveState, String)> {
            let ended = memory.ended(open, at(seconds), |_| None).into_iter();
            ended.map(|one| (one.id, one.state, one.evidence[0].says.clone())).collect()
        };
        let (first, second) = (live("a", child.id()), live("b", child.id()));
        assert!(told(std::slice::from_ref(&first), 0).is_empty());
        // Its registry can't be read for a moment: nothing is said of it.
        assert!(told(&[], 1).is_empty());
        let cleared = told(std::slice::from_ref(&second), 2);
        assert_eq!(cleared.len(), 1);
        assert_eq!((&cleared[0].0, cleared[0].1), (&first.id, LiveState::Ended));
        assert!(cleared[0].2.ends_with("another session open: claude:b"), "{cleared:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        let both = told(&[], 3);
        assert_eq!(both.iter().map(|one| &one.0).collect::<Vec<_>>(), [&first.id, &second.id]);
        assert!(both[1].2.ends_with("is gone"), "{both:?}");
        // One that is taken up again has not ended; of the other it is told for a while.
        let again = LiveSession { pid: None, ..second.clone() };
        assert_eq!(told(std::slice::from_ref(&again), 4).len(), 1);
        assert!(told(&[again], 3600).is_empty());
    }
}

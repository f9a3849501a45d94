//! What one look leaves for the next, so that looking at many sessions that do nothing costs next to nothing.
//!
//! Nothing of it is believed where it could have changed: a file's end is read again when its size or time is another, and the
//! list of terminals when other agents run or some seconds are over.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::tmux::Pane;
use super::turn::Turn;

/// Names of windows and sessions may be this old.
const PANES_LAST: Duration = Duration::from_secs(10);

/// A terminal: the socket of its server, and its id there.
pub type Place = (PathBuf, String);

/// What is remembered.
#[derive(Default)]
pub struct Memory {
    turns: Mutex<HashMap<PathBuf, Known>>,
    panes: Mutex<Option<Panes>>,
}

struct Known {
    length: u64,
    modified: Option<SystemTime>,
    turn: Option<Turn>,
    is_asked: bool,
}

struct Panes {
    of: HashSet<Place>,
    at: Instant,
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
        let known = panes.as_ref().filter(|known| known.of == of && known.at.elapsed() < PANES_LAST);
        if let Some(known) = known {
            return known.all.clone();
        }
        let all = list();
        *panes = Some(Panes { of, at: Instant::now(), all: all.clone() });
        all
    }
}

//! Keeping the index fresh: file events, coalesced, and a walk now and then because events get lost.
//!
//! A file that is known to hold a session is looked at alone when it changes. Any other name may be a new session, so
//! all roots are walked once for it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use marline_agents::agent::Stat;
use marline_agents::{Env, FileRole, SessionFile, registry};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::scan::{Found, Stop, walk_all};
use crate::{Index, IndexError, Progress, Refreshed, Report};

/// Events of one burst are taken together.
const COALESCE: Duration = Duration::from_millis(15);
/// A file that is written to all the time must not hold the refresh back.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// Lost events are made good by a walk; at 15,000 files it takes some 70 ms.
const RECONCILE: Duration = Duration::from_secs(300);
/// Walks take this share of the time at most: what writes new files all the time must not keep us walking.
const REST_PER_WALK: u32 = 10;
/// While another process indexes, it is asked so often whether it has ended.
const BUSY: Duration = Duration::from_millis(300);
/// Names of files that are no sessions are remembered up to this number.
const MAX_OTHERS: usize = 10_000;

/// Why watching ended or could not begin. The index is as the last refresh left it.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system has no more watches to give, or none at all.
    #[error(
        "could not watch for changes ({source}); raise fs.inotify.max_user_watches, or run `marline index` now and then"
    )]
    Notify {
        /// What the system said.
        #[from]
        source: notify::Error,
    },
    /// A refresh failed.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What is to be looked at.
enum Look {
    Everywhere,
    At(Vec<SessionFile>),
}

/// Paths of one event; none: events were lost.
type Change = Option<Vec<PathBuf>>;

/// Refreshes whenever something changes, until `stop` is set or the index is deleted. `progress` hears of a refresh while it works, `told` gets
/// the report of every one.
///
/// # Errors
/// [`WatchError`].
pub fn watch(
    index: &Index,
    env: &Env,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
    told: &mut dyn FnMut(&Report),
) -> Result<(), WatchError> {
    let (sender, changes) = channel::<Change>();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let change = match event {
            Ok(event) if event.need_rescan() => None,
            // Our own reading is no change.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) => Some(event.paths),
            Err(_) => None,
        };
        let _ = sender.send(change);
    })?;
    let mut seen = Seen::default();
    let mut look = Look::Everywhere;
    loop {
        match refresh(index, env, stop, look, &mut seen, progress)? {
            Refreshed::Done(report) => {
                let has_more = seen.watch_directories(&mut watcher, &report.directories)?;
                let awaits_more = seen.await_homes(&mut watcher, env)?;
                told(&report);
                if has_more || awaits_more {
                    // What was written between the walk and the watch made no event.
                    look = Look::Everywhere;
                    continue;
                }
            }
            Refreshed::Busy => {
                std::thread::sleep(BUSY);
                look = Look::Everywhere;
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                continue;
            }
        }
        match next(index, &changes, env, stop, &mut seen)? {
            Some(next) => look = next,
            None => return Ok(()),
        }
    }
}

fn refresh(
    index: &Index,
    env: &Env,
    stop: &Stop,
    look: Look,
    seen: &mut Seen,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Refreshed, IndexError> {
    let Some(_lock) = index.lock()? else { return Ok(Refreshed::Busy) };
    let found = match look {
        Look::Everywhere => {
            let started = Instant::now();
            let found = walk_all(env);
            seen.note_walk(&found, started.elapsed());
            found
        }
        Look::At(files) => {
            Found { files, problems: Vec::new(), directories: Vec::new(), is_everything: false }
        }
    };
    index.scan(found, stop, progress).map(Refreshed::Done)
}

/// Waits for changes that matter. `None`: it is time to stop.
fn next(
    index: &Index,
    changes: &Receiver<Change>,
    env: &Env,
    stop: &Stop,
    seen: &mut Seen,
) -> Result<Option<Look>, IndexError> {
    let started = Instant::now();
    loop {
        if stop.load(Ordering::Relaxed) || !index.is_current() {
            return Ok(None);
        }
        // Woken every second only to see whether to stop.
        let first = match changes.recv_timeout(Duration::from_secs(1)) {
            Ok(change) => change,
            Err(RecvTimeoutError::Timeout) if started.elapsed() >= RECONCILE => {
                return Ok(Some(Look::Everywhere));
            }
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        };
        let mut all = vec![first];
        let burst = Instant::now();
        while burst.elapsed() < MAX_WAIT
            && let Ok(change) = changes.recv_timeout(COALESCE)
        {
            all.push(change);
        }
        match seen.look(all, env) {
            Some(Look::At(files)) if files.is_empty() => {}
            Some(look) => return Ok(Some(look)),
            None => {
                std::thread::sleep(seen.rest());
                // What came meanwhile is seen by the walk.
                while changes.try_recv().is_ok() {}
                return Ok(Some(Look::Everywhere));
            }
        }
    }
}

/// What the last walk came across.
#[derive(Default)]
struct Seen {
    files: HashMap<PathBuf, SessionFile>,
    /// Changed, but no session after a walk.
    others: HashSet<PathBuf>,
    /// Changed since the last walk and not known.
    unknown: HashSet<PathBuf>,
    directories: HashSet<PathBuf>,
    /// Where agents that were never run here would begin to keep sessions: their homes, or the directories in which
    /// these would be made.
    awaited: HashSet<PathBuf>,
    walked: Option<(Instant, Duration)>,
}

impl Seen {
    fn note_walk(&mut self, found: &Found, took: Duration) {
        self.files = found.files.iter().map(|file| (file.path.clone(), file.clone())).collect();
        if self.others.len() > MAX_OTHERS {
            self.others.clear();
        }
        let others = self.unknown.drain().filter(|path| !self.files.contains_key(path) && !path.is_dir());
        self.others.extend(others);
        self.walked = Some((Instant::now(), took));
    }

    /// How long the next walk has to wait.
    fn rest(&self) -> Duration {
        self.walked.map_or(Duration::ZERO, |(at, took)| (took * REST_PER_WALK).saturating_sub(at.elapsed()))
    }

    /// Watches directories that are not watched yet; says whether there were any.
    fn watch_directories(
        &mut self,
        watcher: &mut RecommendedWatcher,
        directories: &[PathBuf],
    ) -> Result<bool, notify::Error> {
        let mut has_more = false;
        for dir in directories {
            if self.directories.contains(dir) {
                continue;
            }
            match watcher.watch(dir, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.directories.insert(dir.clone());
                    has_more = true;
                }
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        if !directories.is_empty() {
            self.directories.retain(|dir| dir.exists());
        }
        Ok(has_more)
    }

    /// Watches for the first session of an agent; says whether there is anything new to watch.
    fn await_homes(&mut self, watcher: &mut RecommendedWatcher, env: &Env) -> Result<bool, notify::Error> {
        let homes = registry::all().iter().map(|agent| agent.home(env));
        let near = homes.filter_map(|home| home.ancestors().find(|dir| dir.is_dir()).map(Path::to_owned));
        let near: HashSet<PathBuf> = near.filter(|dir| !self.directories.contains(dir)).collect();
        for gone in self.awaited.difference(&near).filter(|dir| !self.directories.contains(*dir)) {
            let _ = watcher.unwatch(gone);
        }
        let mut has_more = false;
        for dir in near.difference(&self.awaited) {
            match watcher.watch(dir, RecursiveMode::NonRecursive) {
                Ok(()) => has_more = true,
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        self.awaited = near;
        Ok(has_more)
    }

    /// Says whether a change in an awaited directory may be the beginning of an agent's sessions.
    fn is_awaited(&self, path: &Path, env: &Env) -> bool {
        let is_only_awaited =
            path.parent().is_some_and(|dir| self.awaited.contains(dir) && !self.directories.contains(dir));
        !is_only_awaited
            || registry::all().iter().map(|agent| agent.home(env)).any(|home| {
                let may_hold = path.is_dir() || path.extension().is_some_and(|kind| kind == "db");
                home.starts_with(path) || (path.parent() == Some(home.as_path()) && may_hold)
            })
    }

    /// The files to look at; `None` where only a walk can tell.
    fn look(&mut self, changes: Vec<Change>, env: &Env) -> Option<Look> {
        let paths: HashSet<PathBuf> =
            changes.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        let mut files = Vec::new();
        let mut is_known = true;
        for path in paths {
            if self.others.contains(&path) || !self.is_awaited(&path, env) {
                continue;
            }
            match self.files.get(store_of(&path).as_deref().unwrap_or(&path)) {
                Some(file) => files.push(look_again(file, env)?),
                None => {
                    self.unknown.insert(path);
                    is_known = false;
                }
            }
        }
        is_known.then_some(Look::At(files))
    }
}

/// The database that a write-ahead log belongs to.
fn store_of(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?;
    ["-wal", "-shm", "-journal"].iter().find_map(|ending| name.strip_suffix(ending)).map(PathBuf::from)
}

/// The file as it is now; `None` if it is gone.
fn look_again(file: &SessionFile, env: &Env) -> Option<SessionFile> {
    if file.role == FileRole::Store {
        // Only its adapter knows what belongs to a store.
        let found = registry::agent(file.source)?.discover(env).files;
        return found.into_iter().find(|found| found.path == file.path);
    }
    let metadata = std::fs::metadata(&file.path).ok()?;
    Some(SessionFile { stat: Stat::of(&metadata), ..file.clone() })
}

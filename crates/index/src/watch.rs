//! Keeping the index fresh: file events, coalesced, and a walk now and then because events get lost.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use marline_agents::Env;
use notify::{EventKind, RecursiveMode, Watcher};

use crate::scan::{Progress, Stop};
use crate::{Index, IndexError, Refreshed, Report};

/// Events of one burst are taken together.
const COALESCE: Duration = Duration::from_millis(15);
/// A file that is written to all the time must not hold the refresh back.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// Lost events are made good by a walk; at 15,000 files it takes some 30 ms.
const RECONCILE: Duration = Duration::from_secs(60);

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

/// Refreshes whenever something changes, until `stop` is set. `told` gets the report of every refresh.
///
/// # Errors
/// [`WatchError`].
pub fn watch(index: &Index, env: &Env, stop: &Stop, told: &mut dyn FnMut(&Report)) -> Result<(), WatchError> {
    let (sender, receiver) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is no change.
        let matters = event
            .as_ref()
            .map_or(true, |event| !matches!(event.kind, EventKind::Access(_)) || event.need_rescan());
        if matters {
            let _ = sender.send(());
        }
    })?;
    let mut watched: std::collections::HashSet<PathBuf> = std::collections::HashSet::new();
    loop {
        if let Refreshed::Done(report) = index.refresh(env, stop, &|_: Progress| ())? {
            for dir in &report.directories {
                if !watched.contains(dir) {
                    match watcher.watch(dir, RecursiveMode::NonRecursive) {
                        Ok(()) => {
                            watched.insert(dir.clone());
                        }
                        Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            watched.retain(|dir| dir.exists());
            told(&report);
        }
        let started = Instant::now();
        loop {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(());
            }
            // Woken every second only to see whether to stop.
            match receiver.recv_timeout(Duration::from_secs(1)) {
                Ok(()) => break,
                Err(RecvTimeoutError::Timeout) if started.elapsed() >= RECONCILE => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
        let first = Instant::now();
        while first.elapsed() < MAX_WAIT && receiver.recv_timeout(COALESCE).is_ok() {}
    }
}

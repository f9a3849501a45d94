//! Working through groups and queues while the board is up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use marline_control::work::{Desk, Engine, Means};
use marline_store::drafts::Drafts;
use marline_store::work::{LocalWorkStore, WorkError, WorkStore as _};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;

use crate::board::{Board, Config};
use crate::problem::{Problem, sentence};

/// How often agents are heard while any works.
const TICK: Duration = Duration::from_millis(15);
/// How often it is asked whether anybody wrote, where the system does not tell.
const IDLE: Duration = Duration::from_millis(40);
/// Writes within this time are one.
const TOGETHER: Duration = Duration::from_millis(10);
/// How often runs are looked for whose Marline is gone.
const LOOK: Duration = Duration::from_secs(1);
/// Why nothing could be written is said once in so long.
const SAY: Duration = Duration::from_secs(30);

/// Groups and queues, and whoever works through them.
pub struct Worker {
    desk: Desk,
    drafts: Drafts,
    ticks: watch::Sender<u64>,
    stop: AtomicBool,
}

impl Worker {
    /// Opens groups and queues; nothing is worked at yet.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn open(config: &Config) -> Result<Self, WorkError> {
        let file = config.data_dir.join("marline.db");
        let (store, drafts) = (LocalWorkStore::open(&file)?, Drafts::open(&file)?);
        let desk = Desk::new(Box::new(store), config.now, config.random);
        let (ticks, stop) = (watch::Sender::new(0), AtomicBool::new(false));
        Ok(Worker { desk, drafts, ticks, stop })
    }

    /// Does something with groups and queues, on this thread.
    ///
    /// # Errors
    /// What `ask` fails with.
    pub fn ask<T>(&self, ask: impl FnOnce(&Desk) -> Result<T, WorkError>) -> Result<T, WorkError> {
        ask(&self.desk)
    }

    /// What people have half written.
    pub fn drafts(&self) -> &Drafts {
        &self.drafts
    }

    /// Changes whenever anything of groups and queues was written, by anybody.
    pub fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    /// Starts the thread that works until the board stops. Agents that work then work on.
    pub fn start(self: &Arc<Self>, board: &Board) -> JoinHandle<()> {
        let (bell, rung) = sync_channel(1);
        let (told, flag, stopping) = (board.stop.clone(), self.clone(), bell.clone());
        tokio::spawn(async move {
            told.wait().await;
            flag.stop.store(true, Ordering::Relaxed);
            let _ = stopping.try_send(());
        });
        let (worker, board) = (self.clone(), board.clone());
        std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || worker.work(&board, bell, &rung))
            .expect("the system gives a thread")
    }

    /// Works, and sleeps until the bell rings.
    fn work(&self, board: &Board, bell: SyncSender<()>, rung: &Receiver<()>) {
        let config = &board.config;
        let db = config.data_dir.join("marline.db");
        let writes = watch_writes(&config.data_dir, bell).ok();
        // One asks whether others wrote, this engine included; the other is the engine's own.
        let (watcher, store) = match (LocalWorkStore::open(&db), LocalWorkStore::open(&db)) {
            (Ok(watcher), Ok(store)) => (watcher, store),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(error = %sentence(&error), "groups and queues can't be worked at");
                return;
            }
        };
        let mut engine = Engine::new(Means {
            store: Box::new(store),
            index_dir: config.index_dir.clone(),
            acts: board.acts.clone(),
            env: config.env.clone(),
            dir: config.data_dir.join("work"),
            marline: config.marline.clone(),
            path: config.path.clone(),
            now: config.now,
        });
        let (mut seen, mut looked, mut said) = (None, None::<Instant>, None::<Instant>);
        while !self.stop.load(Ordering::Relaxed) {
            let mut round = || -> Result<bool, WorkError> {
                let version = watcher.version()?;
                if seen != Some(version) {
                    seen = Some(version);
                    self.ticks.send_modify(|ticks| *ticks += 1);
                    looked = None;
                }
                if looked.is_none_or(|looked| looked.elapsed() > LOOK) {
                    looked = Some(Instant::now());
                    engine.take_orphans()?;
                }
                engine.step()
            };
            match round() {
                Ok(true) => std::thread::sleep(TICK),
                Ok(false) if writes.is_some() => {
                    let _ = rung.recv_timeout(LOOK);
                    std::thread::sleep(TOGETHER);
                }
                Ok(false) => std::thread::sleep(IDLE),
                Err(error) => {
                    if said.is_none_or(|said| said.elapsed() > SAY) {
                        said = Some(Instant::now());
                        tracing::warn!(error = %sentence(&error), "groups and queues are not worked at for now");
                    }
                    std::thread::sleep(LOOK);
                }
            }
        }
        let agents = engine.agents();
        match engine.let_go() {
            Ok(left) if !left.is_empty() => {
                let names: Vec<String> = left.into_iter().map(|run| run.name).collect();
                tracing::warn!("{agents} agents work on; the next Marline goes on with {}", names.join(", "));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %sentence(&error), "what runs was not let go"),
        }
    }
}

/// Has a bell rung when somebody writes into `marline.db`, so that nobody has to ask while nobody works. Fails where the system
/// does not tell.
fn watch_writes(dir: &Path, bell: SyncSender<()>) -> notify::Result<RecommendedWatcher> {
    let is_db = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("marline.db"))
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_write = |event: &notify::Event| !matches!(event.kind, EventKind::Access(_));
        if event.is_ok_and(|event| is_write(&event) && event.paths.iter().any(is_db)) {
            // One that rings already is enough.
            let _ = bell.try_send(());
        }
    })?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

impl Board {
    /// Does something with groups and queues.
    ///
    /// # Errors
    /// What `ask` fails with.
    pub(crate) async fn desk<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Desk) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, Problem> {
        let worker = self.worker.clone();
        let answer = tokio::task::spawn_blocking(move || worker.ask(ask));
        Ok(answer
            .await
            .map_err(|_| Problem::FAILED.because("Answering the request failed inside Marline."))??)
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        let words = sentence(&error);
        match error {
            WorkError::NotFound { .. } => Problem::NOT_FOUND.because(words),
            WorkError::Conflict { .. } => Problem::CONFLICT.because(words),
            WorkError::Invalid { .. } => Problem::INVALID.because(words),
            _ => {
                tracing::error!(error = %words, "groups and queues failed");
                Problem::FAILED.because(words)
            }
        }
    }
}

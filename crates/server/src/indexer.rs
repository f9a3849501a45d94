//! Keeping the index fresh while the board runs, and telling how far it is.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use marline_index::{Index, Progress, WatchError};
use tokio::sync::watch;

use crate::board::Board;
use crate::problem::sentence;
use crate::wire::{Indexing, Phase};

/// After a failure the next try comes so much later.
const PAUSE: Duration = Duration::from_secs(5);
/// Progress is told so often.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// Work that ends sooner is not worth a word.
const WORTH_TELLING: Duration = Duration::from_millis(300);

struct Meter {
    now: Indexing,
    began: Instant,
    told: Instant,
}

/// What is being indexed.
pub struct Indexer {
    meter: Mutex<Meter>,
    ticks: watch::Sender<u64>,
    stop: AtomicBool,
}

impl Default for Indexer {
    fn default() -> Self {
        let now = Instant::now();
        let meter = Meter { now: at(Phase::Messages, 0, 0), began: now, told: now };
        Indexer { meter: Mutex::new(meter), ticks: watch::Sender::new(0), stop: AtomicBool::new(false) }
    }
}

fn at(phase: Phase, bytes: u64, of_bytes: u64) -> Indexing {
    Indexing { phase, bytes, of_bytes, bytes_per_second: None, seconds_left: None, problem: None }
}

impl Indexer {
    /// Starts the thread that indexes and watches until the board stops.
    pub fn start(self: &Arc<Self>, board: &Board) -> JoinHandle<()> {
        let indexer = self.clone();
        let board = board.clone();
        let told = board.stop.clone();
        let flag = self.clone();
        tokio::spawn(async move {
            told.wait().await;
            flag.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        std::thread::Builder::new()
            .name("indexer".to_owned())
            .spawn(move || indexer.work(&board))
            .expect("the system gives a thread")
    }

    /// How far it is.
    pub fn state(&self) -> Indexing {
        self.lock().now.clone()
    }

    /// Changes whenever something was committed or got on.
    pub fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    fn work(&self, board: &Board) {
        let stopped = || self.stop.load(std::sync::atomic::Ordering::Relaxed);
        while !stopped() {
            let failed = match Index::open(&board.config.index_dir) {
                Ok(index) => self.watch(&index, board).err().map(|error| sentence(&error)),
                Err(error) => Some(sentence(&error)),
            };
            let Some(problem) = failed else { continue };
            tracing::warn!(%problem, "indexing failed");
            self.set(Indexing { problem: Some(problem), ..at(Phase::Idle, 0, 0) });
            let began = Instant::now();
            while began.elapsed() < PAUSE && !stopped() {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    fn watch(&self, index: &Index, board: &Board) -> Result<(), WatchError> {
        let env = &board.config.env;
        match board.acts.overlaid() {
            Ok(overlay) => index.overlay(&overlay)?,
            Err(error) => tracing::warn!(error = %sentence(&error), "what Marline alone says is not read"),
        }
        marline_index::watch(index, env, &self.stop, &|progress| self.note(progress), &mut |_| {
            self.set(at(Phase::Idle, 0, 0));
        })
    }

    fn note(&self, progress: Progress) {
        let mut meter = self.lock();
        let (phase, bytes, of_bytes) = match progress {
            Progress::Planned { bytes, .. } => (Phase::Messages, 0, bytes),
            Progress::Read(bytes) => (Phase::Messages, bytes, meter.now.of_bytes),
            Progress::MessagesSearchable => (Phase::Texts, 0, 0),
            Progress::Indexed { bytes, of } => (Phase::Texts, bytes, of),
        };
        let now = Instant::now();
        if phase != meter.now.phase || matches!(progress, Progress::Planned { .. }) {
            meter.began = now;
        }
        let elapsed = now - meter.began;
        let rate = (bytes as f64 / elapsed.as_secs_f64().max(1e-3)) as u64;
        let known = elapsed > WORTH_TELLING && rate > 0;
        meter.now = Indexing {
            bytes_per_second: known.then_some(rate),
            seconds_left: known.then(|| of_bytes.saturating_sub(bytes).div_ceil(rate)),
            ..at(phase, bytes, of_bytes)
        };
        if now - meter.told > TOLD_EVERY {
            meter.told = now;
            drop(meter);
            self.tick();
        }
    }

    fn set(&self, state: Indexing) {
        self.lock().now = state;
        self.tick();
    }

    fn tick(&self) {
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

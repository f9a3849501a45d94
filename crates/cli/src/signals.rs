//! Being told to end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// What this process was told since it listens.
#[derive(Clone, Default)]
pub struct Signals {
    interrupts: Arc<AtomicU32>,
    is_told_to_go: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on; signals end this process no more.
    pub fn listen() -> Result<Self, Failure> {
        let fail = |error| Failure::file(Path::new("signals"), &error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(fail)?;
        let inside = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(fail)?;
        drop(inside);
        let signals = Signals::default();
        let tell = signals.clone();
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {
                            tell.interrupts.fetch_add(1, Ordering::Relaxed);
                        }
                        _ = terminate.recv() => tell.is_told_to_go.store(true, Ordering::Relaxed),
                        _ = hangup.recv() => tell.is_told_to_go.store(true, Ordering::Relaxed),
                    }
                }
            });
        });
        Ok(signals)
    }

    /// Any signal came.
    pub fn are_heard(&self) -> bool {
        self.interrupts() > 0 || self.is_told_to_go()
    }

    /// How often a person has pressed Ctrl-C.
    pub fn interrupts(&self) -> u32 {
        self.interrupts.load(Ordering::Relaxed)
    }

    /// The system wants it gone, or its terminal is.
    pub fn is_told_to_go(&self) -> bool {
        self.is_told_to_go.load(Ordering::Relaxed)
    }
}

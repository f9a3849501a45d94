//! Readers of the index, lent to one request at a time.
//!
//! Reading is synchronous, so it happens on threads made for blocking; a permit bounds how many at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use marline_index::{Index, IndexError};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Readers at once. SQLite and the search index are bound by the processor; more would only wait for it.
const READERS: usize = 4;

/// Lends readers of one index.
#[derive(Clone)]
pub struct Readers {
    dir: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Index>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Readers of the index in a directory.
    pub fn new(dir: PathBuf) -> Self {
        Readers { dir: Arc::new(dir), idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Asks the index something.
    ///
    /// # Errors
    /// What `ask` fails with, or [`Problem::FAILED`] when the index can't be opened.
    pub async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Index) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let _permit = self.permits.clone().acquire_owned().await.map_err(|_| Problem::FAILED)?;
        let readers = self.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let reader = readers.take()?;
            let answer = ask(&reader);
            readers.lock().push(reader);
            answer
        });
        answer
            .await
            .unwrap_or_else(|_| Err(Problem::FAILED.because("Answering the request failed inside Marline.")))
    }

    fn take(&self) -> Result<Index, IndexError> {
        while let Some(reader) = { self.lock().pop() } {
            // The catalogue may be deleted at any time; the next one is another file.
            if reader.is_current() {
                return Ok(reader);
            }
        }
        Index::open(&self.dir)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Index>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

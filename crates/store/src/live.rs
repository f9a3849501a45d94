//! One active thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use marline_model::{HistoryMode, ThreadId, ThreadMetadata, ThreadMetadataPatch, Timestamp};

use crate::derive::Derived;
use crate::{HistoryItem, NewThread, ResumeThread, StoreError, StoredThread, ThreadStore};

/// A touch of the update time is sent at most so often, in milliseconds.
const TOUCH_MS: i64 = 5_000;

/// Owns an active thread: what is appended to it is filtered, kept, and its metadata derived.
///
/// A new thread is created when there is history to keep, not before. Dropping it gives the thread up: what was
/// acknowledged is flushed; a thread without history leaves no trace.
pub struct LiveThread {
    store: Arc<dyn ThreadStore>,
    id: ThreadId,
    mode: HistoryMode,
    state: Mutex<State>,
}

struct State {
    /// As the store has it, with what is on its way.
    known: ThreadMetadata,
    /// What the store has not been told.
    pending: ThreadMetadataPatch,
    touched_at: Option<Timestamp>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    /// Nothing is to be seen of it.
    New,
    /// The store has it.
    Kept,
    /// Given up.
    Over,
}

impl LiveThread {
    /// Begins a thread.
    ///
    /// # Errors
    /// Those of [`ThreadStore::create_thread`].
    pub fn create(store: Arc<dyn ThreadStore>, new: NewThread) -> Result<Self, StoreError> {
        let (id, mode, known) = (new.id.clone(), new.history_mode, new.metadata.clone());
        store.create_thread(new)?;
        Ok(Self::of(store, id, mode, known, Stage::New))
    }

    /// Takes a thread up again.
    ///
    /// # Errors
    /// Those of [`ThreadStore::resume_thread`].
    pub fn resume(store: Arc<dyn ThreadStore>, id: &ThreadId, how: ResumeThread) -> Result<Self, StoreError> {
        store.resume_thread(id, how)?;
        match store.read_thread(id) {
            Ok(thread) => Ok(Self::of(store, id.clone(), thread.history_mode, thread.metadata, Stage::Kept)),
            Err(error) => {
                let _ = store.shutdown_thread(id);
                Err(error)
            }
        }
    }

    fn of(
        store: Arc<dyn ThreadStore>,
        id: ThreadId,
        mode: HistoryMode,
        known: ThreadMetadata,
        stage: Stage,
    ) -> Self {
        let pending = ThreadMetadataPatch::default();
        let state = Mutex::new(State { known, pending, touched_at: None, stage });
        LiveThread { store, id, mode, state }
    }

    /// Returns its id.
    pub fn id(&self) -> &ThreadId {
        &self.id
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stage == Stage::Over {
            return Err(StoreError::conflict(format!("thread {} was given up", self.id)));
        }
        Ok(state)
    }

    /// Appends what is durable, and tells the store what follows from it.
    ///
    /// # Errors
    /// Those of [`ThreadStore::append_items`].
    pub fn append(&self, items: &[HistoryItem], now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let (durable, derived): (Vec<HistoryItem>, Vec<Derived>) = items
            .iter()
            .filter_map(|item| Some((item.clone(), Derived::of_durable(item, self.mode)?)))
            .unzip();
        if durable.is_empty() {
            return Ok(());
        }
        self.store.append_items(&self.id, &durable)?;
        let mut says_more = false;
        for (item, derived) in durable.iter().zip(derived) {
            let patch = derived.patch(&state.known, item.at.unwrap_or(now));
            let is_touch =
                ThreadMetadataPatch { updated_at: patch.updated_at.clone(), ..Default::default() } == patch;
            says_more |= !is_touch;
            state.known.apply(&patch);
            state.pending.merge(patch);
        }
        if state.stage == Stage::New {
            self.store.persist_thread(&self.id)?;
            state.stage = Stage::Kept;
            says_more = true;
        }
        let is_due = state.touched_at.is_none_or(|at| now.as_millis() - at.as_millis() >= TOUCH_MS);
        if says_more || is_due { self.tell(&mut state, now) } else { Ok(()) }
    }

    /// Changes metadata. Of a thread that is not kept yet, it is told with its first history.
    ///
    /// # Errors
    /// Those of [`ThreadStore::update_thread_metadata`].
    pub fn update_metadata(&self, patch: ThreadMetadataPatch, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if let Some(field) = patch.cleared_in_vain() {
            return Err(StoreError::invalid(format!("{field} can't be cleared")));
        }
        state.known.apply(&patch);
        state.pending.merge(patch);
        if state.stage == Stage::Kept { self.tell(&mut state, now) } else { Ok(()) }
    }

    fn tell(&self, state: &mut State, now: Timestamp) -> Result<(), StoreError> {
        if !state.pending.is_empty() {
            self.store.update_thread_metadata(&self.id, &state.pending)?;
            state.pending = ThreadMetadataPatch::default();
            state.touched_at = Some(now);
        }
        Ok(())
    }

    /// Returns the thread as the store has it.
    ///
    /// # Errors
    /// Those of [`ThreadStore::read_thread`].
    pub fn read(&self) -> Result<StoredThread, StoreError> {
        drop(self.state()?);
        self.store.read_thread(&self.id)
    }

    /// Returns when everything is durable.
    ///
    /// # Errors
    /// Those of [`ThreadStore::flush_thread`].
    pub fn flush(&self) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.stage == Stage::New {
            return Ok(());
        }
        let touched_at = state.touched_at.or(state.known.updated_at).unwrap_or(Timestamp::from_millis(0));
        self.tell(&mut state, touched_at)?;
        self.store.flush_thread(&self.id)
    }

    /// Flushes and gives the thread up.
    ///
    /// # Errors
    /// Those of [`ThreadStore::shutdown_thread`].
    pub fn shutdown(&self) -> Result<(), StoreError> {
        self.flush()?;
        self.state()?.stage = Stage::Over;
        self.store.shutdown_thread(&self.id)
    }

    /// Gives a thread up whose start failed: a new one leaves no trace.
    ///
    /// # Errors
    /// Those of [`ThreadStore::discard_thread`].
    pub fn discard(&self) -> Result<(), StoreError> {
        self.state()?.stage = Stage::Over;
        self.store.discard_thread(&self.id)
    }
}

impl Drop for LiveThread {
    fn drop(&mut self) {
        let is_over = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).stage == Stage::Over;
        if !is_over && self.shutdown().is_err() {
            let _ = self.store.discard_thread(&self.id);
        }
    }
}

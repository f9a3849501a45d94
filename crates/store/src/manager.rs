//! Finds the right way to a thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use marline_model::{ThreadId, ThreadMetadataPatch, Timestamp};

use crate::{LiveThread, NewThread, ResumeThread, StoreError, StoredThread, ThreadStore};

/// Knows which threads are active: a change of one of those goes through its [`LiveThread`], which else would overwrite
/// it with what it derives; a change of any other goes to the store.
pub struct ThreadManager {
    store: Arc<dyn ThreadStore>,
    live: Mutex<HashMap<ThreadId, Weak<LiveThread>>>,
}

impl ThreadManager {
    /// Manages the threads of a store.
    pub fn new(store: Arc<dyn ThreadStore>) -> Self {
        ThreadManager { store, live: Mutex::default() }
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<dyn ThreadStore> {
        &self.store
    }

    fn live(&self) -> MutexGuard<'_, HashMap<ThreadId, Weak<LiveThread>>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, thread| thread.strong_count() > 0);
        live
    }

    /// Begins a thread. It is active as long as somebody holds what this returns.
    ///
    /// # Errors
    /// Those of [`ThreadStore::create_thread`].
    pub fn start(&self, new: NewThread) -> Result<Arc<LiveThread>, StoreError> {
        let thread = Arc::new(LiveThread::create(self.store.clone(), new)?);
        self.live().insert(thread.id().clone(), Arc::downgrade(&thread));
        Ok(thread)
    }

    /// Takes a thread up again, or joins those who have.
    ///
    /// # Errors
    /// Those of [`ThreadStore::resume_thread`].
    pub fn resume(&self, id: &ThreadId, how: ResumeThread) -> Result<Arc<LiveThread>, StoreError> {
        let mut live = self.live();
        if let Some(thread) = live.get(id).and_then(Weak::upgrade) {
            return Ok(thread);
        }
        let thread = Arc::new(LiveThread::resume(self.store.clone(), id, how)?);
        live.insert(id.clone(), Arc::downgrade(&thread));
        Ok(thread)
    }

    /// Changes what is known of a thread beside its history.
    ///
    /// # Errors
    /// Those of [`ThreadStore::update_thread_metadata`].
    pub fn update_thread_metadata(
        &self,
        id: &ThreadId,
        patch: ThreadMetadataPatch,
        now: Timestamp,
    ) -> Result<Option<StoredThread>, StoreError> {
        let live = self.live().get(id).and_then(Weak::upgrade);
        match live {
            Some(thread) => thread.update_metadata(patch, now).map(|()| thread.read().ok()),
            None => self.store.update_thread_metadata(id, &patch).map(Some),
        }
    }
}

//! The contract that every store keeps. One suite runs on all of them: `tests/it/conformance.rs`.

use std::ops::ControlFlow;

use marline_model::{ThreadId, ThreadMetadataPatch, Timestamp};

use crate::query::{self, Found, ListThreads, PageOf, ThreadPage};
use crate::thread::{
    HistoryItem, ItemPage, Lineage, NewThread, ResumeThread, StoredItem, StoredThread, TurnPage,
};

/// Why a store could not do it. Unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such thread.
    #[error("there is no thread {id}")]
    NotFound {
        /// Which was asked for.
        id: ThreadId,
    },
    /// What was asked makes no sense, whatever the state of things.
    #[error("{message}")]
    InvalidRequest {
        /// What and why.
        message: String,
    },
    /// Somebody else is at it, or it is not in the state that was asked for.
    #[error("{message}")]
    Conflict {
        /// Who or what.
        message: String,
    },
    /// This store can't.
    #[error("{operation} is not possible here: {reason}")]
    Unsupported {
        /// What was asked.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// The store's own means failed. What was acknowledged before stands.
    #[error("{context}")]
    Internal {
        /// What was being done, to what.
        context: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        StoreError::InvalidRequest { message: message.into() }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        StoreError::Conflict { message: message.into() }
    }

    pub(crate) fn internal(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        StoreError::Internal { context: context.into(), source: source.into() }
    }
}

/// Keeps threads.
///
/// **Writing.** [`create_thread`](ThreadStore::create_thread) or [`resume_thread`](ThreadStore::resume_thread) makes this
/// store the thread's one writer, until [`shutdown_thread`](ThreadStore::shutdown_thread) or
/// [`discard_thread`](ThreadStore::discard_thread). A new thread is nowhere to be seen before
/// [`persist_thread`](ThreadStore::persist_thread); what is appended before is held until then.
///
/// **Reading** needs no writer, and sees what was appended and persisted. Methods block; they may be called from any
/// thread.
pub trait ThreadStore: Send + Sync {
    /// Begins a thread, and becomes its writer.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of that id.
    fn create_thread(&self, new: NewThread) -> Result<(), StoreError>;

    /// Becomes the writer of a thread that is there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when somebody else writes it, or it is archived.
    fn resume_thread(&self, id: &ThreadId, how: ResumeThread) -> Result<(), StoreError>;

    /// Appends canonical history as it is, and infers nothing from it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when this store is not the thread's writer.
    fn append_items(&self, id: &ThreadId, items: &[HistoryItem]) -> Result<(), StoreError>;

    /// Makes a new thread visible, with what was appended to it. Does nothing when it is.
    ///
    /// # Errors
    /// As for appending.
    fn persist_thread(&self, id: &ThreadId) -> Result<(), StoreError>;

    /// Returns when everything that was persisted and appended is durable.
    ///
    /// # Errors
    /// As for appending.
    fn flush_thread(&self, id: &ThreadId) -> Result<(), StoreError>;

    /// Flushes and gives the thread up. A new thread that was never persisted leaves nothing.
    ///
    /// # Errors
    /// As for appending.
    fn shutdown_thread(&self, id: &ThreadId) -> Result<(), StoreError>;

    /// Gives a thread up at once: what was appended and not persisted is gone.
    ///
    /// # Errors
    /// As for appending.
    fn discard_thread(&self, id: &ThreadId) -> Result<(), StoreError>;

    /// Shows a thread's history in order, what it inherits first, until the visitor breaks.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]. A missing origin is no error: [`Lineage::missing`] says so.
    fn load_history(
        &self,
        id: &ThreadId,
        visit: &mut dyn FnMut(StoredItem) -> ControlFlow<()>,
    ) -> Result<Lineage, StoreError>;

    /// Returns what a model must be told to go on: from the last compaction, or from the beginning.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    fn load_latest_model_context(&self, id: &ThreadId) -> Result<Vec<StoredItem>, StoreError>;

    /// Returns a thread.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    fn read_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError>;

    /// Lists threads.
    ///
    /// # Errors
    /// [`StoreError::InvalidRequest`] for a cursor of another list.
    fn list_threads(&self, list: &ListThreads) -> Result<ThreadPage, StoreError>;

    /// Finds threads in whose prompts and answers a text stands, whatever the case; the last active first.
    ///
    /// # Errors
    /// [`StoreError::InvalidRequest`] for an empty text.
    fn search_threads(&self, text: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        query::search(self, text, limit)
    }

    /// Lists a thread's turns.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    fn list_turns(&self, id: &ThreadId, page: PageOf) -> Result<TurnPage, StoreError> {
        query::turns(self, id, page)
    }

    /// Lists a thread's items.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    fn list_items(&self, id: &ThreadId, page: PageOf) -> Result<ItemPage, StoreError> {
        query::items(self, id, page)
    }

    /// Changes what is known of a thread beside its history: the only way to do so.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::InvalidRequest`] for a value that can't be.
    fn update_thread_metadata(
        &self,
        id: &ThreadId,
        patch: &ThreadMetadataPatch,
    ) -> Result<StoredThread, StoreError>;

    /// Puts a thread away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when somebody writes it, or it is archived already.
    fn archive_thread(&self, id: &ThreadId, now: Timestamp) -> Result<(), StoreError>;

    /// Takes a thread back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when it is not archived.
    fn unarchive_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError>;

    /// Deletes a thread and all that is known of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when somebody writes it, or another thread inherits from it.
    fn delete_thread(&self, id: &ThreadId) -> Result<(), StoreError>;
}

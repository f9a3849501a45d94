//! Threads in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use marline_model::{ThreadId, ThreadMetadataPatch, Timestamp};

use crate::query::{ListThreads, ThreadPage};
use crate::thread::{HistoryBase, HistoryItem, Lineage, NewThread, ResumeThread, StoredItem, StoredThread};
use crate::{StoreError, ThreadStore, query};

/// Keeps threads as long as it lives: for tests, and for programs that embed this crate.
#[derive(Default)]
pub struct InMemoryThreadStore {
    threads: Mutex<BTreeMap<ThreadId, Thread>>,
    default_provider: Option<String>,
}

struct Thread {
    thread: StoredThread,
    base: Option<HistoryBase>,
    own: Vec<HistoryItem>,
    is_persisted: bool,
    has_writer: bool,
}

type Threads<'a> = MutexGuard<'a, BTreeMap<ThreadId, Thread>>;

impl InMemoryThreadStore {
    /// A store whose lists show the threads of one provider, unless they are asked for others.
    pub fn with_default_provider(provider: &str) -> Self {
        InMemoryThreadStore { default_provider: Some(provider.to_owned()), ..Self::default() }
    }

    fn threads(&self) -> Threads<'_> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seen<'a>(threads: &'a Threads<'_>, id: &ThreadId) -> Result<&'a Thread, StoreError> {
    let thread = threads.get(id).filter(|thread| thread.is_persisted);
    thread.ok_or_else(|| StoreError::NotFound { id: id.clone() })
}

fn written<'a>(threads: &'a mut Threads<'_>, id: &ThreadId) -> Result<&'a mut Thread, StoreError> {
    let thread = threads.get_mut(id).filter(|thread| thread.has_writer);
    thread.ok_or_else(|| StoreError::conflict(format!("thread {id} has no writer here")))
}

fn idle<'a>(threads: &'a mut Threads<'_>, id: &ThreadId) -> Result<&'a mut Thread, StoreError> {
    seen(threads, id)?;
    match threads.get_mut(id) {
        Some(thread) if !thread.has_writer => Ok(thread),
        Some(_) => Err(StoreError::conflict(format!("thread {id} is being written"))),
        None => Err(StoreError::NotFound { id: id.clone() }),
    }
}

fn history(threads: &Threads<'_>, id: &ThreadId, lineage: &mut Lineage) -> Vec<StoredItem> {
    let Some(thread) = threads.get(id) else { return Vec::new() };
    let mut items = Vec::new();
    if let Some(base) = &thread.base {
        if lineage.origins.contains(&base.thread_id) || base.thread_id == *id {
            lineage.missing.push(format!("{} is its own origin", base.thread_id));
        } else if threads.contains_key(&base.thread_id) {
            lineage.origins.push(base.thread_id.clone());
            items = history(threads, &base.thread_id, lineage);
            items.truncate(base.end_ordinal_exclusive as usize);
            items.iter_mut().for_each(|item| item.is_inherited = true);
        } else {
            lineage.missing.push(format!("the origin {} is gone", base.thread_id));
        }
    }
    // The header has the first number.
    let first = thread.base.as_ref().map_or(1, |base| base.end_ordinal_exclusive + 1);
    let own = thread.own.iter().zip(first..);
    items.extend(own.map(|(item, ordinal)| StoredItem { ordinal, is_inherited: false, item: item.clone() }));
    items
}

impl ThreadStore for InMemoryThreadStore {
    fn create_thread(&self, new: NewThread) -> Result<(), StoreError> {
        let mut threads = self.threads();
        if threads.contains_key(&new.id) {
            return Err(StoreError::conflict(format!("there is a thread {} already", new.id)));
        }
        let thread = StoredThread {
            id: new.id.clone(),
            history_mode: new.history_mode,
            forked_from: new.forked_from,
            parent: new.parent,
            archived_at: None,
            metadata: new.metadata,
        };
        let base = new.history_base;
        threads
            .insert(new.id, Thread { thread, base, own: Vec::new(), is_persisted: false, has_writer: true });
        Ok(())
    }

    fn resume_thread(&self, id: &ThreadId, how: ResumeThread) -> Result<(), StoreError> {
        let mut threads = self.threads();
        let thread = idle(&mut threads, id)?;
        if thread.thread.archived_at.is_some() && !how.include_archived {
            return Err(StoreError::conflict(format!("thread {id} is archived")));
        }
        thread.has_writer = true;
        Ok(())
    }

    fn append_items(&self, id: &ThreadId, items: &[HistoryItem]) -> Result<(), StoreError> {
        written(&mut self.threads(), id)?.own.extend_from_slice(items);
        Ok(())
    }

    fn persist_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        written(&mut self.threads(), id)?.is_persisted = true;
        Ok(())
    }

    fn flush_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        written(&mut self.threads(), id).map(|_| ())
    }

    fn shutdown_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        self.discard_thread(id)
    }

    fn discard_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        let mut threads = self.threads();
        let thread = written(&mut threads, id)?;
        thread.has_writer = false;
        if !thread.is_persisted {
            threads.remove(id);
        }
        Ok(())
    }

    fn load_history(
        &self,
        id: &ThreadId,
        visit: &mut dyn FnMut(StoredItem) -> ControlFlow<()>,
    ) -> Result<Lineage, StoreError> {
        let mut lineage = Lineage::default();
        let items = {
            let threads = self.threads();
            seen(&threads, id)?;
            history(&threads, id, &mut lineage)
        };
        let _ = items.into_iter().try_for_each(visit);
        Ok(lineage)
    }

    fn load_latest_model_context(&self, id: &ThreadId) -> Result<Vec<StoredItem>, StoreError> {
        let mut items = Vec::new();
        self.load_history(id, &mut |item| {
            if &*item.item.kind == "compacted" {
                items.clear();
            }
            items.push(item);
            ControlFlow::Continue(())
        })?;
        Ok(items)
    }

    fn read_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError> {
        Ok(seen(&self.threads(), id)?.thread.clone())
    }

    fn list_threads(&self, list: &ListThreads) -> Result<ThreadPage, StoreError> {
        let threads = self.threads();
        let all: Vec<StoredThread> = threads
            .values()
            .filter(|thread| thread.is_persisted)
            .map(|thread| thread.thread.clone())
            .collect();
        let related = list.relation.as_ref().map(|relation| query::related(&all, relation));
        let held = all.into_iter().filter(|thread| {
            list.holds(thread, self.default_provider.as_deref())
                && related.as_ref().is_none_or(|related| related.contains(&thread.id))
        });
        list.page(held.collect())
    }

    fn update_thread_metadata(
        &self,
        id: &ThreadId,
        patch: &ThreadMetadataPatch,
    ) -> Result<StoredThread, StoreError> {
        query::check(patch)?;
        let mut threads = self.threads();
        seen(&threads, id)?;
        let thread = threads.get_mut(id).ok_or_else(|| StoreError::NotFound { id: id.clone() })?;
        thread.thread.metadata.apply(patch);
        Ok(thread.thread.clone())
    }

    fn archive_thread(&self, id: &ThreadId, now: Timestamp) -> Result<(), StoreError> {
        let mut threads = self.threads();
        let thread = idle(&mut threads, id)?;
        if thread.thread.archived_at.is_some() {
            return Err(StoreError::conflict(format!("thread {id} is archived already")));
        }
        thread.thread.archived_at = Some(now);
        Ok(())
    }

    fn unarchive_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError> {
        let mut threads = self.threads();
        let thread = idle(&mut threads, id)?;
        if thread.thread.archived_at.take().is_none() {
            return Err(StoreError::conflict(format!("thread {id} is not archived")));
        }
        Ok(thread.thread.clone())
    }

    fn delete_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        let mut threads = self.threads();
        idle(&mut threads, id)?;
        let heir =
            threads.values().find(|thread| thread.base.as_ref().is_some_and(|base| base.thread_id == *id));
        if let Some(heir) = heir {
            return Err(StoreError::conflict(format!("thread {} inherits from {id}", heir.thread.id)));
        }
        threads.remove(id);
        Ok(())
    }
}

//! Threads that go on from another one.

use std::ops::ControlFlow;
use std::path::Path;

use marline_model::{HistoryMode, ThreadId};

use super::{LocalThreadStore, history, internal, not_found};
use crate::thread::{HistoryBase, NewThread};
use crate::{StoreError, ThreadStore as _};

/// Who begins threads that Codex lists unless it is asked for others. Source: 0.169.
pub const LISTED: [&str; 2] = ["cli", "vscode"];

impl LocalThreadStore {
    /// Returns the number of the record that stands at a byte of one of the rollouts that a thread is made of.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::InvalidRequest`] when no record begins there.
    pub fn ordinal_at(&self, id: &ThreadId, file: &Path, offset: u64) -> Result<u64, StoreError> {
        let places = self.record_places(id)?;
        let found = places.iter().find(|place| place.bytes.start == offset && same_file(&place.path, file));
        let found = found.ok_or_else(|| {
            StoreError::invalid(format!(
                "no record of thread {id} begins at byte {offset} of {}",
                file.display()
            ))
        })?;
        Ok(found.ordinal)
    }

    /// Says whether something was added to a fork since it was made: whatever is its own of one by reference, and of a
    /// copy what its origin does not have in the same place.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    pub fn fork_has_own_items(&self, fork: &ThreadId, origin: &ThreadId) -> Result<bool, StoreError> {
        let mut own = Vec::new();
        self.load_history(fork, &mut |item| {
            if !item.is_inherited {
                own.push(item.item);
            }
            ControlFlow::Continue(())
        })?;
        if self.read_thread(fork)?.history_mode == HistoryMode::Paginated {
            return Ok(!own.is_empty());
        }
        let mut same = 0;
        self.load_history(origin, &mut |item| {
            let is_same = own.get(same).is_some_and(|copy| {
                copy.kind == item.item.kind && copy.payload.get() == item.item.payload.get()
            });
            same += usize::from(is_same);
            if is_same { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(same < own.len())
    }

    fn record_places(&self, id: &ThreadId) -> Result<Vec<history::Place>, StoreError> {
        let rollout = self.rollout(id)?;
        let find = |id: &ThreadId, heir: &Path| self.origin(id, heir);
        history::places(rollout.path.clone(), &find).map_err(internal(&rollout.path))
    }

    /// Makes a thread that goes on from another one: by reference where the origin's records bear numbers, else by a
    /// copy, as Codex does. `before` is the first record that is left out,
    /// `provider` its model provider, if it is not the origin's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when there is a thread of the new id.
    pub fn fork_thread(
        &self,
        origin: &ThreadId,
        id: &ThreadId,
        before: Option<u64>,
        provider: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut thread = self.read_thread(origin)?;
        if let Some(provider) = provider {
            thread.metadata.model_provider = Some(provider.to_owned());
        }
        let mut new = NewThread::new(id.clone(), "", "");
        new.history_mode = thread.history_mode;
        new.forked_from = Some(origin.clone());
        new.metadata = thread.metadata;
        (new.metadata.created_at, new.metadata.updated_at, new.metadata.recency_at) =
            (None, Some(self.now()), None);
        if !LISTED.contains(&new.metadata.source.as_deref().unwrap_or_default()) {
            // A person makes it: Codex' own fork of a script's thread is listed, too, and keeps the name.
            new.metadata.source = Some(LISTED[0].to_owned());
        }
        let places = self.record_places(origin)?;
        let first_out = places.iter().find(|place| before.is_some_and(|before| place.ordinal >= before));
        let mut copied = Vec::new();
        match thread.history_mode {
            HistoryMode::Paginated => {
                let (at, end) = match first_out {
                    Some(place) => ((place.thread.clone(), place.bytes.start), place.ordinal),
                    None => {
                        let last = places.last().ok_or_else(|| not_found(origin))?;
                        ((last.thread.clone(), last.bytes.end), last.ordinal + 1)
                    }
                };
                new.history_base =
                    Some(HistoryBase { thread_id: at.0, end_ordinal_exclusive: end, end_byte_offset: at.1 });
            }
            HistoryMode::Legacy => {
                let end = first_out.map(|place| place.ordinal);
                self.load_history(origin, &mut |item| {
                    if end.is_some_and(|end| item.ordinal >= end) {
                        return ControlFlow::Break(());
                    }
                    copied.push(item.item);
                    ControlFlow::Continue(())
                })?;
            }
        }
        self.create_thread(new)?;
        let fill = || {
            self.append_items(id, &copied)?;
            self.persist_thread(id)?;
            self.shutdown_thread(id)
        };
        fill().inspect_err(|_| {
            let _ = self.discard_thread(id);
        })
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

//! What can be asked of a store.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use marline_model::{ThreadId, ThreadMetadataPatch, Timestamp};

use crate::derive::Derived;
use crate::{ItemPage, StoreError, StoredThread, ThreadStore, Turn, TurnPage};

/// By which time threads are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// When they began.
    Created,
    /// When they changed last.
    #[default]
    Updated,
    /// When a person worked on them last.
    Recency,
}

/// From which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The last first.
    #[default]
    Descending,
    /// The first first.
    Ascending,
}

/// Threads that belong to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// Those that it began.
    ChildrenOf(ThreadId),
    /// Those, and all that they began.
    DescendantsOf(ThreadId),
}

/// Which threads, and in what order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListThreads {
    /// At most so many; 0 means 50.
    pub page_size: usize,
    /// Where the last page ended.
    pub cursor: Option<Cursor>,
    /// The order.
    pub sort: SortKey,
    /// Its direction.
    pub direction: Direction,
    /// Only those that such clients began; `None`: all.
    pub sources: Option<Vec<String>>,
    /// Absent: those of the store's default provider. Empty: all. Else: those of these.
    pub model_providers: Option<Vec<String>>,
    /// Absent: all. Empty: none. Else: those that work in one of these directories.
    pub cwds: Option<Vec<String>>,
    /// Those that were put away, instead of the others.
    pub archived: bool,
    /// Words that the name, the title or the preview holds, whatever the case.
    pub search_term: Option<String>,
    /// Only those that belong to another one.
    pub relation: Option<Relation>,
}

impl ListThreads {
    /// All of all providers.
    pub fn all() -> Self {
        ListThreads { model_providers: Some(Vec::new()), ..ListThreads::default() }
    }

    pub(crate) fn limit(&self) -> usize {
        if self.page_size == 0 { 50 } else { self.page_size.min(1000) }
    }

    /// Says whether a thread is one of those; `default_provider` is the store's.
    pub(crate) fn holds(&self, thread: &StoredThread, default_provider: Option<&str>) -> bool {
        let metadata = &thread.metadata;
        let is_one_of = |value: &Option<String>, list: &[String]| {
            value.as_ref().is_some_and(|value| list.iter().any(|one| one == value))
        };
        let provider = match &self.model_providers {
            None => default_provider.is_none_or(|name| metadata.model_provider.as_deref() == Some(name)),
            Some(list) => list.is_empty() || is_one_of(&metadata.model_provider, list),
        };
        let words = self.search_term.as_ref().map(|term| term.to_lowercase());
        provider
            && thread.archived_at.is_some() == self.archived
            && self.sources.as_ref().is_none_or(|list| is_one_of(&metadata.source, list))
            && self.cwds.as_ref().is_none_or(|list| is_one_of(&metadata.cwd, list))
            && words.is_none_or(|words| {
                [&metadata.name, &metadata.title, &metadata.preview]
                    .into_iter()
                    .flatten()
                    .any(|text| text.to_lowercase().contains(&words))
            })
    }

    pub(crate) fn key(&self, thread: &StoredThread) -> i64 {
        let of = |at: Option<Timestamp>| at.map_or(0, Timestamp::as_millis);
        let metadata = &thread.metadata;
        match self.sort {
            SortKey::Created => of(metadata.created_at),
            SortKey::Updated => of(metadata.updated_at),
            SortKey::Recency => of(metadata.recency_at.or(metadata.updated_at)),
        }
    }

    /// Orders threads, takes those behind the cursor, and cuts them to a page.
    pub(crate) fn page(&self, mut threads: Vec<StoredThread>) -> Result<ThreadPage, StoreError> {
        let place = |thread: &StoredThread| (self.key(thread), thread.id.clone());
        threads.sort_by_key(place);
        if self.direction == Direction::Descending {
            threads.reverse();
        }
        if let Some(cursor) = &self.cursor {
            cursor.check(self)?;
            let last = (cursor.key, cursor.id.clone());
            threads.retain(|thread| match self.direction {
                Direction::Descending => place(thread) < last,
                Direction::Ascending => place(thread) > last,
            });
        }
        let is_more = threads.len() > self.limit();
        threads.truncate(self.limit());
        let next = threads.last().filter(|_| is_more).map(|last| Cursor::of(self, last));
        Ok(ThreadPage { threads, next })
    }
}

/// The place behind the last thread of a page. Threads that come later stand before it or behind it, and no page shows
/// one twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    sort: SortKey,
    direction: Direction,
    pub(crate) key: i64,
    pub(crate) id: ThreadId,
}

impl Cursor {
    pub(crate) fn of(list: &ListThreads, last: &StoredThread) -> Self {
        Cursor { sort: list.sort, direction: list.direction, key: list.key(last), id: last.id.clone() }
    }

    pub(crate) fn check(&self, list: &ListThreads) -> Result<(), StoreError> {
        if (self.sort, self.direction) == (list.sort, list.direction) {
            return Ok(());
        }
        Err(StoreError::invalid("the cursor is one of a list in another order"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match self.sort {
            SortKey::Created => 'c',
            SortKey::Updated => 'u',
            SortKey::Recency => 'r',
        };
        let direction = if self.direction == Direction::Ascending { 'a' } else { 'd' };
        write!(f, "{sort}{direction}.{}.{}", self.key, self.id)
    }
}

impl FromStr for Cursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || StoreError::invalid("that is no cursor of this store");
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or_else(invalid);
        let (order, key, id) = (next()?, next()?, next()?);
        let (sort, direction) = match order {
            "ca" => (SortKey::Created, Direction::Ascending),
            "cd" => (SortKey::Created, Direction::Descending),
            "ua" => (SortKey::Updated, Direction::Ascending),
            "ud" => (SortKey::Updated, Direction::Descending),
            "ra" => (SortKey::Recency, Direction::Ascending),
            "rd" => (SortKey::Recency, Direction::Descending),
            _ => return Err(invalid()),
        };
        let (key, id) = (key.parse().map_err(|_| invalid())?, id.parse().map_err(|_| invalid())?);
        Ok(Cursor { sort, direction, key, id })
    }
}

/// Threads in order.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadPage {
    /// The threads.
    pub threads: Vec<StoredThread>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<Cursor>,
}

/// A thread in which something was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The thread.
    pub thread: StoredThread,
    /// The number of the record that holds it.
    pub ordinal: u64,
    /// The words around it.
    pub snippet: String,
}

/// Which part of a long list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// The first one's ordinal.
    pub from: u64,
    /// At most so many.
    pub limit: usize,
}

impl PageOf {
    /// From the beginning.
    pub fn first(limit: usize) -> Self {
        PageOf { from: 0, limit }
    }
}

/// The threads that belong to one.
pub(crate) fn related(all: &[StoredThread], relation: &Relation) -> HashSet<ThreadId> {
    let (root, is_deep) = match relation {
        Relation::ChildrenOf(id) => (id, false),
        Relation::DescendantsOf(id) => (id, true),
    };
    let mut found = HashSet::new();
    let mut todo = vec![root.clone()];
    while let Some(parent) = todo.pop() {
        for child in all.iter().filter(|thread| thread.parent.as_ref() == Some(&parent)) {
            // Threads that name each other are met once.
            if child.id != *root && found.insert(child.id.clone()) && is_deep {
                todo.push(child.id.clone());
            }
        }
    }
    found
}

/// A name that is longer is no name.
const LONGEST_NAME: usize = 1000;

/// Says what of a patch can't be.
pub(crate) fn check(patch: &ThreadMetadataPatch) -> Result<(), StoreError> {
    if let Some(field) = patch.cleared_in_vain() {
        return Err(StoreError::invalid(format!("{field} can't be cleared")));
    }
    if let Some(name) = patch.name.set() {
        if name.trim().is_empty() {
            return Err(StoreError::invalid("a name must not be empty; clear it instead"));
        }
        if name.chars().any(char::is_control) {
            return Err(StoreError::invalid("a name is one line, without control characters"));
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(StoreError::invalid(format!("a name has at most {LONGEST_NAME} characters")));
        }
    }
    Ok(())
}

/// Bytes of a snippet before and behind what was found.
const AROUND: (usize, usize) = (48, 96);

/// Looks for a text in what was said in all threads, the last active first.
pub(crate) fn search<S: ThreadStore + ?Sized>(
    store: &S,
    text: &str,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Err(StoreError::invalid("there is nothing to look for"));
    }
    let mut list = ListThreads { page_size: 1000, ..ListThreads::all() };
    let mut found = Vec::new();
    loop {
        let page = store.list_threads(&list)?;
        for thread in page.threads {
            if found.len() == limit {
                return Ok(found);
            }
            let mut hit = None;
            store.load_history(&thread.id, &mut |item| {
                let derived = Derived::of(&item.item);
                for said in [derived.prompt, derived.answer].into_iter().flatten() {
                    if let Some(snippet) = snippet(&said, &wanted) {
                        hit = Some((item.ordinal, snippet));
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
            found.extend(hit.map(|(ordinal, snippet)| Found { thread, ordinal, snippet }));
        }
        list.cursor = page.next;
        if list.cursor.is_none() {
            return Ok(found);
        }
    }
}

fn snippet(said: &str, wanted: &str) -> Option<String> {
    // Lower case may be longer: places are told in the lower one, and only roughly in the text.
    let at = said.to_lowercase().find(wanted)?;
    let from = said.floor_char_boundary(at.saturating_sub(AROUND.0).min(said.len()));
    let to = said.ceil_char_boundary((at + wanted.len() + AROUND.1).min(said.len()));
    Some(said[from..to].split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Cuts a history into turns.
pub(crate) fn turns<S: ThreadStore + ?Sized>(
    store: &S,
    id: &ThreadId,
    page: PageOf,
) -> Result<TurnPage, StoreError> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut is_open = false;
    let mut last = 0;
    store.load_history(id, &mut |item| {
        let derived = Derived::of(&item.item);
        last = item.ordinal + 1;
        // Old threads have no events that begin a turn: a prompt does.
        let has_prompt = turns.last().is_some_and(|turn| turn.prompt.is_some());
        if derived.begins_turn || (derived.prompt.is_some() && (!is_open || has_prompt)) {
            if let Some(turn) = turns.last_mut().filter(|_| is_open) {
                turn.to = item.ordinal;
            }
            let (from, is_inherited) = (item.ordinal, item.is_inherited);
            turns.push(Turn { id: derived.turn.clone(), from, to: u64::MAX, prompt: None, is_inherited });
            is_open = true;
        }
        if let Some(turn) = turns.last_mut().filter(|_| is_open) {
            turn.prompt = turn.prompt.take().or(derived.prompt);
            turn.id = turn.id.take().or(derived.turn);
            if derived.ends_turn {
                turn.to = item.ordinal + 1;
                is_open = false;
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some(turn) = turns.last_mut().filter(|turn| turn.to == u64::MAX) {
        turn.to = last;
    }
    turns.retain(|turn| turn.from >= page.from);
    let next = turns.get(page.limit).map(|turn| turn.from);
    turns.truncate(page.limit);
    Ok(TurnPage { turns, next })
}

/// Cuts a page out of a history.
pub(crate) fn items<S: ThreadStore + ?Sized>(
    store: &S,
    id: &ThreadId,
    page: PageOf,
) -> Result<ItemPage, StoreError> {
    let (mut items, mut next) = (Vec::new(), None);
    store.load_history(id, &mut |item| {
        if item.ordinal < page.from {
            return ControlFlow::Continue(());
        }
        if items.len() == page.limit {
            next = Some(item.ordinal);
            return ControlFlow::Break(());
        }
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(ItemPage { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_written_and_read() {
        let text = "ud.1795274014078.01a1feab-7d7a-7890-bcbf-780589f2f386";
        assert_eq!(text.parse::<Cursor>().expect("a cursor").to_string(), text);
        for text in ["", "ud", "xx.1.01a1feab-7d7a-7890-bcbf-780589f2f386", "ud.x.y", "ud.1.nothing"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}

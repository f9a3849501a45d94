//! A transcript in pages, both ways, from anywhere: what a session inherits by reference, then what is its own.
//!
//! Forks of forks make a chain of stretches, the oldest first. An item's place in all of it is its [`ItemKey`]: how
//! many forks back it lies, and its number there. Keys don't change when a session grows, so that they can be linked
//! to; a page costs what its items cost, wherever it lies.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use marline_agents::action::{Action, starts_agent};
use marline_agents::image::{Image, images};
use marline_model::{ItemKind, SessionId, Timestamp, ToolStatus};
use rusqlite::{OptionalExtension, params};
use serde::{Serialize, Serializer};

use crate::part::INHERITED;
use crate::sessions::Session;
use crate::transcript::{Entry, ITEM_COLUMNS, ItemPlace, Records, item_place};
use crate::{Index, IndexError};

/// How many forks of forks are followed; a guard against records that name each other.
const MAX_LINEAGE: usize = 32;
/// Marks of an outline.
const MAX_MARKS: usize = 5_000;
/// Errors whose words are read for an outline; others are told by their kind alone.
const MAX_ERRORS_READ: usize = 100;
/// Calls whose inputs are read for an outline; others are told by their tool alone.
const MAX_CALLS_READ: usize = 300;
/// Inputs beyond this are not looked into for what they are about.
const MAX_INPUT: usize = 256 << 10;
/// The length of a mark's words in characters.
const MARK_LENGTH: usize = 120;

/// An item's place in a transcript, written `<seq>`, or `<forks back>.<seq>` where it is inherited by reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ItemKey {
    /// How many forks back; 0: the session's own.
    pub back: u32,
    /// Its number there.
    pub seq: u64,
}

/// The text is no item's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not the key of an item, such as 12 or 1.12")]
pub struct ParseItemKeyError {
    found: String,
}

impl ItemKey {
    /// The place of a session's own item.
    pub const fn own(seq: u64) -> Self {
        ItemKey { back: 0, seq }
    }

    fn order(self) -> (Reverse<u32>, u64) {
        (Reverse(self.back), self.seq)
    }
}

impl PartialOrd for ItemKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ItemKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.back > 0 {
            write!(f, "{}.", self.back)?;
        }
        write!(f, "{}", self.seq)
    }
}

impl FromStr for ItemKey {
    type Err = ParseItemKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (back, seq) = text.split_once('.').unwrap_or(("0", text));
        match (back.parse(), seq.parse()) {
            // Numbers of rows are signed.
            (Ok(back), Ok(seq)) if seq <= i64::MAX as u64 => Ok(ItemKey { back, seq }),
            _ => Err(ParseItemKeyError { found: text.to_owned() }),
        }
    }
}

impl Serialize for ItemKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which page of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The first one.
    Start,
    /// The last one.
    End,
    /// What follows an item.
    After(ItemKey),
    /// What comes before an item.
    Before(ItemKey),
    /// An item in the middle of the page.
    Around(ItemKey),
}

/// A page of a transcript.
#[derive(Debug)]
pub struct ItemPage {
    /// The session.
    pub session: Session,
    /// The items in their order.
    pub items: Vec<Entry>,
    /// The first item, if there are more before it.
    pub previous: Option<ItemKey>,
    /// The last item, if there are more behind it.
    pub next: Option<ItemKey>,
    /// What is missing from the history, in words.
    pub warnings: Vec<String>,
}

/// A place to jump to.
#[derive(Debug)]
pub struct Mark {
    /// The item.
    pub key: ItemKey,
    /// What it is.
    pub kind: MarkKind,
    /// When.
    pub at: Option<Timestamp>,
    /// Its first words.
    pub text: String,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// The human said something.
    Prompt,
    /// The history was summed up.
    Compaction,
    /// The agent reported a failure.
    Error,
    /// A tool failed or was refused.
    FailedTool,
    /// A sub-agent was started.
    Subagent,
    /// Here the session leaves its origin.
    Fork,
}

/// Marks of a session.
#[derive(Debug)]
pub struct Outline {
    /// The marks in their order.
    pub marks: Vec<Mark>,
    /// There are more.
    pub truncated: bool,
}

/// The child sessions of one, with the key of the call that started each, where the child records it.
struct Children(Vec<(Option<i64>, SessionId)>);

impl Children {
    /// The child that a call started: the one that names the call, or the one that the call's records name.
    fn started_by(
        &self,
        index: &Index,
        records: &mut Records,
        place: &ItemPlace,
    ) -> Result<Option<SessionId>, IndexError> {
        if self.0.is_empty() || !place.tool.as_deref().is_some_and(starts_agent) {
            return Ok(None);
        }
        if let Some((_, id)) = self.0.iter().find(|(call, _)| *call == Some(place.key)) {
            return Ok(Some(id.clone()));
        }
        let found = records.of(index, place)?;
        let is_named = |id: &SessionId| {
            // Claude names its file `agent-<id>` and the agent `<id>`.
            let raw = id.raw().strip_prefix("agent-").unwrap_or(id.raw());
            found.iter().any(|record| memchr::memmem::find(record, raw.as_bytes()).is_some())
        };
        let mut unclaimed = self.0.iter().filter(|(call, _)| call.is_none());
        Ok(unclaimed.find(|(_, id)| is_named(id)).map(|(_, id)| id.clone()))
    }
}

/// A piece of the history: a session's items, all of them or those before a byte of its file.
pub(crate) struct Stretch {
    pub back: u32,
    pub number: i64,
    pub id: String,
    pub end: i64,
}

/// Which items of a stretch.
#[derive(Clone, Copy)]
enum From {
    Edge,
    Behind(u64),
    At(u64),
}

impl Index {
    /// Reads a page of a transcript. A page around an item that is not there is the nearest one.
    ///
    /// # Errors
    /// [`IndexError::NotFound`]; [`IndexError::Sqlite`].
    pub fn items(&self, id: &SessionId, window: Window, limit: usize) -> Result<ItemPage, IndexError> {
        let (session, number) = self.row_by_id(id)?;
        let mut warnings = Vec::new();
        let stretches = self.stretches(&session.id, number, &mut warnings)?;
        if session.missing {
            warnings.push("The session's file is gone; its prompts and answers are kept.".to_owned());
        }
        let (mut places, has_before, has_after) = match window {
            Window::Start => {
                let (places, more) = self.onwards(&stretches, None, limit)?;
                (places, false, more)
            }
            Window::End => {
                let (places, more) = self.backwards(&stretches, None, limit)?;
                (places, more, false)
            }
            Window::After(key) => {
                let (places, more) = self.onwards(&stretches, Some((key, false)), limit)?;
                (places, true, more)
            }
            Window::Before(key) => {
                let (places, more) = self.backwards(&stretches, Some(key), limit)?;
                (places, more, true)
            }
            Window::Around(key) => {
                let (mut before, more_before) = self.backwards(&stretches, Some(key), limit / 2)?;
                let (after, more_after) =
                    self.onwards(&stretches, Some((key, true)), limit.saturating_sub(before.len()))?;
                before.extend(after);
                (before, more_before, more_after)
            }
        };
        let edge = |place: Option<&(u32, ItemPlace)>, more: bool| {
            place.filter(|_| more).map(|(back, place)| ItemKey { back: *back, seq: place.seq })
        };
        let (previous, next) = (edge(places.first(), has_before), edge(places.last(), has_after));
        let mut records = Records::default();
        let mut items = Vec::with_capacity(places.len());
        let children = self.children_of(number)?;
        for (back, place) in places.drain(..) {
            let mut entry = records.entry(self, &place)?;
            entry.key.back = back;
            if let Some(stretch) = stretches.iter().find(|stretch| stretch.back == back && back > 0) {
                entry.inherited = true;
                entry.inherited_from = Some(stretch.id.clone());
            }
            if back == 0 {
                entry.child_id = children.started_by(self, &mut records, &place)?;
            }
            items.push(entry);
        }
        for run in items.chunk_by_mut(|one, other| one.key.back == other.key.back) {
            let back = run[0].key.back;
            if let Some(stretch) = stretches.iter().find(|stretch| stretch.back == back) {
                self.add_requests(session.source, stretch.number, run)?;
            }
        }
        Ok(ItemPage { session, items, previous, next, warnings })
    }

    /// Reads one item.
    ///
    /// # Errors
    /// [`IndexError::Lacks`] when there is no such item; else as [`Index::items`].
    pub fn item_at(&self, id: &SessionId, key: ItemKey) -> Result<Entry, IndexError> {
        let page = self.items(id, Window::Around(key), 1)?;
        let found = page.items.into_iter().find(|item| item.key == key);
        found.ok_or_else(|| IndexError::Lacks { session: page.session.id, what: format!("item {key}") })
    }

    /// Returns the bytes of an item's record as the agent wrote them, and those of its call's output, if they lie apart.
    ///
    /// # Errors
    /// [`IndexError::Lacks`] when there is no such item or its record can't be read any more; [`IndexError::NotFound`].
    pub fn records_at(&self, id: &SessionId, key: ItemKey) -> Result<Vec<Vec<u8>>, IndexError> {
        let (session, number) = self.row_by_id(id)?;
        let lacks = |what| IndexError::Lacks { session: session.id.clone(), what };
        let no_item = || lacks(format!("item {key}"));
        let stretches = self.stretches(&session.id, number, &mut Vec::new())?;
        let stretch = stretches.iter().find(|stretch| stretch.back == key.back).ok_or_else(no_item)?;
        let place = self.item(stretch.number, key.seq)?.ok_or_else(no_item)?;
        let found = Records::default().of(self, &place)?;
        if found.is_empty() { Err(lacks(format!("record of item {key} any more"))) } else { Ok(found) }
    }

    /// Returns a picture of an item.
    ///
    /// # Errors
    /// [`IndexError::Lacks`] when there is none; else as [`Index::records_at`].
    pub fn image(&self, id: &SessionId, key: ItemKey, number: usize) -> Result<Image, IndexError> {
        let records = self.records_at(id, key)?;
        let mut found = records.iter().flat_map(|record| images(record));
        let lacks =
            || IndexError::Lacks { session: id.clone(), what: format!("picture {number} in item {key}") };
        found.nth(number).ok_or_else(lacks)
    }

    /// Returns what one jumps to in a session: prompts, errors, compactions, sub-agents, where it was forked.
    ///
    /// # Errors
    /// As [`Index::items`].
    pub fn outline(&self, id: &SessionId) -> Result<Outline, IndexError> {
        let (session, number) = self.row_by_id(id)?;
        let stretches = self.stretches(&session.id, number, &mut Vec::new())?;
        let children = self.children_of(number)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT i.seq, i.kind, i.at, i.status, i.flags, i.key, n.name, SUBSTR(m.text, 1, 400)
             FROM items i LEFT JOIN names n ON n.number = i.tool
             LEFT JOIN messages m ON m.place = (i.session << 32 | i.seq) AND i.kind = 0
             WHERE i.session = ?1 AND i.offset < ?2 AND i.kind IN (0, 3, 5, 8) ORDER BY i.session, i.seq",
        )?;
        let mut out = Outline { marks: Vec::new(), truncated: false };
        let mut records = Records::default();
        let (mut was_inherited, mut errors_read, mut calls_read) = (false, 0, 0);
        for stretch in &stretches {
            let mut rows = statement.query(params![stretch.number, stretch.end])?;
            while let Some(row) = rows.next()? {
                let key = ItemKey { back: stretch.back, seq: row.get::<_, i64>(0)? as u64 };
                let at = row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis);
                let is_inherited = stretch.back > 0 || row.get::<_, u8>(4)? & INHERITED != 0;
                if was_inherited && !is_inherited {
                    out.marks.push(Mark { key, kind: MarkKind::Fork, at, text: String::new() });
                }
                was_inherited = is_inherited;
                let status = row.get::<_, Option<u8>>(3)?.map(ToolStatus::from_number);
                let tool: String = row.get::<_, Option<String>>(6)?.unwrap_or_default();
                let mut child = None;
                if stretch.back == 0 && !children.0.is_empty() && starts_agent(&tool) {
                    let place = self.item(stretch.number, key.seq)?;
                    let started = place.map(|place| children.started_by(self, &mut records, &place));
                    child = started.transpose()?.flatten();
                }
                let (kind, text) = match ItemKind::from_number(row.get(1)?) {
                    ItemKind::Prompt => {
                        (MarkKind::Prompt, row.get::<_, Option<String>>(7)?.unwrap_or_default())
                    }
                    ItemKind::Compaction => (MarkKind::Compaction, String::new()),
                    ItemKind::Error if errors_read < MAX_ERRORS_READ => {
                        errors_read += 1;
                        let place = self.item(stretch.number, key.seq)?;
                        let entry = place.map(|place| records.entry(self, &place)).transpose()?;
                        (MarkKind::Error, entry.map(|entry| entry.text).unwrap_or_default())
                    }
                    ItemKind::Error => (MarkKind::Error, String::new()),
                    _ if child.is_some() => (MarkKind::Subagent, tool),
                    _ if matches!(status, Some(ToolStatus::Failed | ToolStatus::Declined)) => {
                        (MarkKind::FailedTool, tool)
                    }
                    _ => continue,
                };
                let text = match kind {
                    MarkKind::Subagent | MarkKind::FailedTool if calls_read < MAX_CALLS_READ => {
                        calls_read += 1;
                        self.said_of(&mut records, stretch.number, key.seq, text)?
                    }
                    _ => text,
                };
                if out.marks.len() >= MAX_MARKS {
                    out.truncated = true;
                    return Ok(out);
                }
                out.marks.push(Mark { key, kind, at, text: first_words(&text) });
            }
        }
        Ok(out)
    }

    /// A call's tool and what it is about.
    fn said_of(
        &self,
        records: &mut Records,
        session: i64,
        seq: u64,
        tool: String,
    ) -> Result<String, IndexError> {
        let Some(place) = self.item(session, seq)? else { return Ok(tool) };
        let input = records.entry(self, &place)?.tool.and_then(|tool| tool.input);
        let target =
            input.filter(|input| input.len() <= MAX_INPUT).map(|input| Action::of(&tool, &input).target());
        Ok(target
            .filter(|target| !target.is_empty())
            .map_or(tool.clone(), |target| format!("{tool} {target}")))
    }

    fn children_of(&self, number: i64) -> Result<Children, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT c.parent_call, c.id FROM sessions s JOIN sessions c ON c.parent_id = s.id
             WHERE s.number = ?1 AND c.listed = 1",
        )?;
        let rows = statement.query_map([number], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let mut out = Vec::new();
        for row in rows {
            let (call, id) = row?;
            if let Ok(id) = id.parse() {
                out.push((call, id));
            }
        }
        Ok(Children(out))
    }

    /// The chain of what a session inherits by reference, the oldest first, and the session itself.
    pub(crate) fn stretches(
        &self,
        id: &SessionId,
        number: i64,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Stretch>, IndexError> {
        let mut chain = vec![Stretch { back: 0, number, id: id.to_string(), end: i64::MAX }];
        let mut links = self.connection.prepare_cached(
            "SELECT s.forked_from_id, s.shared_bytes, o.number FROM sessions s
             LEFT JOIN sessions o ON o.id = s.forked_from_id
             WHERE s.number = ?1 AND s.forked_from_id IS NOT NULL AND s.shared_bytes IS NOT NULL",
        )?;
        while let Some(last) = chain.last() {
            let link: Option<(String, i64, Option<i64>)> = links
                .query_row([last.number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((origin, end, number)) = link else { break };
            let Some(number) = number else {
                warnings
                    .push(format!("The history shared with {origin} is missing: that session is not here."));
                break;
            };
            if chain.len() > MAX_LINEAGE || chain.iter().any(|stretch| stretch.number == number) {
                warnings.push(format!("{origin} is its own origin; the history stops there."));
                break;
            }
            chain.push(Stretch { back: chain.len() as u32, number, id: origin, end });
        }
        chain.reverse();
        Ok(chain)
    }

    /// Items from a place on, and whether there are more.
    fn onwards(
        &self,
        stretches: &[Stretch],
        from: Option<(ItemKey, bool)>,
        limit: usize,
    ) -> Result<(Vec<(u32, ItemPlace)>, bool), IndexError> {
        let mut out = Vec::new();
        for stretch in stretches {
            let start = match from {
                Some((key, _)) if key.back < stretch.back => continue,
                Some((key, true)) if key.back == stretch.back => From::At(key.seq),
                Some((key, false)) if key.back == stretch.back => From::Behind(key.seq),
                _ => From::Edge,
            };
            let left = limit + 1 - out.len();
            let first = match start {
                From::Edge => 0,
                From::At(seq) => seq,
                From::Behind(seq) => seq.saturating_add(1),
            };
            let sql = format!(
                "SELECT {ITEM_COLUMNS} WHERE i.session = ?1 AND i.seq >= ?2 AND i.offset < ?3
                 ORDER BY i.session, i.seq LIMIT ?4"
            );
            let values = params![stretch.number, first.min(i64::MAX as u64) as i64, stretch.end, left as i64];
            let mut statement = self.connection.prepare_cached(&sql)?;
            for place in statement.query_map(values, item_place)? {
                out.push((stretch.back, place?));
            }
            if out.len() > limit {
                out.truncate(limit);
                return Ok((out, true));
            }
        }
        Ok((out, false))
    }

    /// Items before a place, in their order, and whether there are more.
    fn backwards(
        &self,
        stretches: &[Stretch],
        before: Option<ItemKey>,
        limit: usize,
    ) -> Result<(Vec<(u32, ItemPlace)>, bool), IndexError> {
        let mut out = Vec::new();
        let mut more = false;
        for stretch in stretches.iter().rev() {
            let end = match before {
                Some(key) if key.back > stretch.back => continue,
                Some(key) if key.back == stretch.back => key.seq as i64,
                _ => i64::MAX,
            };
            let left = limit + 1 - out.len();
            let sql = format!(
                "SELECT {ITEM_COLUMNS} WHERE i.session = ?1 AND i.seq < ?2 AND i.offset < ?3
                 ORDER BY i.session DESC, i.seq DESC LIMIT ?4"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            for place in
                statement.query_map(params![stretch.number, end, stretch.end, left as i64], item_place)?
            {
                out.push((stretch.back, place?));
            }
            if out.len() > limit {
                out.truncate(limit);
                more = true;
                break;
            }
        }
        out.reverse();
        Ok((out, more))
    }
}

fn first_words(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(MARK_LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_further_back_comes_first() {
        let keys: Vec<ItemKey> = ["2.7", "1.0", "0", "3"].iter().map(|text| text.parse().unwrap()).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys.iter().map(ItemKey::to_string).collect::<Vec<_>>(), ["2.7", "1.0", "0", "3"]);
        for bad in ["", ".", "1.", "-1", "1.2.3", "18446744073709551615", "x"] {
            assert!(bad.parse::<ItemKey>().is_err(), "{bad}");
        }
    }
}

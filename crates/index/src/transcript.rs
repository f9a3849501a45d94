//! A session's items with their texts, read from where they lie.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use marline_agents::action::Action;
use marline_agents::image::{images, may_hold_images};
use marline_agents::json::Raw;
use marline_agents::placed::{Places, places};
use marline_agents::{Event, SessionFile, Shape, Want, registry};
use marline_model::{ItemKind, SessionId, Source, Timestamp, ToolStatus, Usage};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::lineage::usage_at;
use crate::part::INHERITED;
use crate::scan::file_row;
use crate::sessions::Session;
use crate::window::{ItemKey, Window};
use crate::{Index, IndexError};

/// What readers put in the place of a picture.
pub const PICTURE: &str = "[image]";
/// What stands in a record that holds a picture, or names one.
const PICTURE_SIGNS: [&[u8]; 3] = [b"image/", b"\"image\"", b"_image\""];

/// So many bytes between a call and its output are looked through for what it has changed.
const MAX_BETWEEN: u64 = 4 << 20;

/// Where a record lies.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Place {
    /// The file.
    pub path: String,
    /// Where the record starts, in bytes; in a database, its row.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// A tool call with its output.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The tool's name.
    pub name: String,
    /// The agent's id of the call.
    pub call_id: Option<String>,
    /// The input as the agent wrote it.
    pub input: Option<String>,
    /// The output.
    pub output: Option<String>,
    /// How it ended.
    pub status: ToolStatus,
    /// The exit code of a command.
    pub exit_code: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

/// One item of a transcript, as `show --json` prints it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number; items inherited by reference bear their origin's.
    pub seq: u64,
    /// Its place in the transcript as shown.
    pub key: ItemKey,
    /// What it is.
    pub kind: ItemKind,
    /// When.
    pub at: Option<Timestamp>,
    /// Its text; for a tool call, nothing.
    pub text: String,
    /// The model that said or did it.
    pub model: Option<String>,
    /// The call, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// What the model request cost that it came of; said once for each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The origin's, not this session's own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
    /// The session that an inherited item lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<String>,
    /// The child session that this call started, where the agent records which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_id: Option<SessionId>,
    /// How many pictures it holds.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: usize,
    /// Lines of its texts that are [`PICTURE`] stand for pictures: its records hold some, or can't be read any more.
    #[serde(skip)]
    pub has_pictures: bool,
    /// Where in their files the changes of an edit took place, as far as its records tell.
    #[serde(skip)]
    pub places: Vec<Places>,
    /// Its record.
    pub raw: Place,
    /// The record can't be read any more, or not as it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A session's items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptPage {
    /// The session.
    pub session: Session,
    /// The items.
    pub items: Vec<Entry>,
    /// The seq where the next page begins; absent on the last one.
    pub next_cursor: Option<u64>,
    /// What is missing from the history, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Which items of a session are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Transcript {
    /// From a seq on, so many.
    From(u64, usize),
    /// The last ones, so many.
    Tail(usize),
}

/// An item's row.
pub(crate) struct ItemPlace {
    pub seq: u64,
    pub kind: ItemKind,
    at: Option<i64>,
    file: i64,
    offset: u64,
    length: u64,
    part: u16,
    pub key: i64,
    flags: u8,
    pub tool: Option<String>,
    status: Option<u8>,
    exit_code: Option<i64>,
    duration_ms: Option<i64>,
    output: Option<(u64, u64, u16)>,
    message: Option<String>,
}

pub(crate) const ITEM_COLUMNS: &str =
    "i.seq, i.kind, i.at, i.file, i.offset, i.length, i.part, i.flags, n.name,
    i.status, i.exit_code, i.duration_ms, i.out_offset, i.out_length, i.out_part, m.text, i.key
    FROM items i LEFT JOIN names n ON n.number = i.tool
    LEFT JOIN messages m ON m.place = (i.session << 32 | i.seq)";

pub(crate) fn item_place(row: &Row<'_>) -> rusqlite::Result<ItemPlace> {
    let number = |n: usize| row.get::<_, i64>(n).map(|number| number as u64);
    let output = match row.get::<_, Option<i64>>(12)? {
        Some(offset) => Some((offset as u64, number(13)?, row.get(14)?)),
        None => None,
    };
    Ok(ItemPlace {
        seq: number(0)?,
        kind: ItemKind::from_number(row.get(1)?),
        at: row.get(2)?,
        file: row.get(3)?,
        offset: number(4)?,
        length: number(5)?,
        part: row.get(6)?,
        flags: row.get(7)?,
        tool: row.get(8)?,
        status: row.get(9)?,
        exit_code: row.get(10)?,
        duration_ms: row.get(11)?,
        output,
        message: row.get(15)?,
        key: row.get(16)?,
    })
}

/// Reads records of several files, keeping each open.
#[derive(Default)]
pub(crate) struct Records {
    files: HashMap<i64, Option<(SessionFile, Option<File>)>>,
}

impl Records {
    fn file(
        &mut self,
        index: &Index,
        number: i64,
    ) -> Result<Option<&mut (SessionFile, Option<File>)>, IndexError> {
        let slot = match self.files.entry(number) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => slot.insert(file_row(&index.connection, number)?.map(|file| {
                let open = if file.shape == Shape::Tree { None } else { File::open(&file.path).ok() };
                (file, open)
            })),
        };
        Ok(slot.as_mut())
    }

    /// Reads the bytes at a place; `None` if they can't be read.
    fn bytes(
        &mut self,
        index: &Index,
        number: i64,
        offset: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, IndexError> {
        let Some((file, open)) = self.file(index, number)? else { return Ok(None) };
        let length = length as usize;
        let mut bytes = Vec::new();
        match file.shape {
            Shape::Database | Shape::Tree => {
                let database = registry::agent(file.source).and_then(|agent| agent.database());
                Ok(database.and_then(|database| database.fetch(file, offset).ok()))
            }
            Shape::CompressedLines => {
                let Some(open) = open else { return Ok(None) };
                let read = open.seek(SeekFrom::Start(0)).and_then(|_| {
                    let mut input = zstd::stream::read::Decoder::new(open)?;
                    std::io::copy(&mut (&mut input).take(offset), &mut std::io::sink())?;
                    input.take(length as u64).read_to_end(&mut bytes)
                });
                Ok((read.is_ok() && bytes.len() == length).then_some(bytes))
            }
            Shape::Lines | Shape::Document => {
                let Some(open) = open else { return Ok(None) };
                let read = open
                    .seek(SeekFrom::Start(offset))
                    .and_then(|_| open.take(length as u64).read_to_end(&mut bytes));
                Ok((read.is_ok() && bytes.len() == length).then_some(bytes))
            }
        }
    }

    /// Reads the bytes of an item's records: its own, and that of its call's output where it lies apart.
    pub(crate) fn of(&mut self, index: &Index, item: &ItemPlace) -> Result<Vec<Vec<u8>>, IndexError> {
        let output = item.output.filter(|output| (output.0, output.1) != (item.offset, item.length));
        let places = [Some((item.offset, item.length)), output.map(|output| (output.0, output.1))];
        let mut out = Vec::new();
        for (offset, length) in places.into_iter().flatten() {
            out.extend(self.bytes(index, item.file, offset, length)?);
        }
        Ok(out)
    }

    /// Counts the pictures of an item's records.
    fn count_pictures(
        &mut self,
        index: &Index,
        item: &ItemPlace,
        entry: &mut Entry,
    ) -> Result<(), IndexError> {
        let records = self.of(index, item)?;
        let is_sign =
            |record: &[u8]| PICTURE_SIGNS.iter().any(|sign| memchr::memmem::find(record, sign).is_some());
        entry.images = records.iter().map(|record| images(record).len()).sum();
        entry.has_pictures = records.is_empty() || records.iter().any(|record| is_sign(record));
        Ok(())
    }

    /// The places that records between a call and its output tell, which bear the call's id: Codex writes there what a patch
    /// has changed (`patch_apply_end`, and `item_completed` since 0.145).
    fn places_between(
        &mut self,
        index: &Index,
        item: &ItemPlace,
        output: u64,
        call: Option<&str>,
    ) -> Result<Vec<Places>, IndexError> {
        let from = item.offset + item.length;
        let (Some(call), Some(length)) =
            (call, output.checked_sub(from).filter(|length| *length <= MAX_BETWEEN))
        else {
            return Ok(Vec::new());
        };
        let is_lines = self.file(index, item.file)?.is_some_and(|(file, _)| file.shape == Shape::Lines);
        let between = if is_lines { self.bytes(index, item.file, from, length)? } else { None };
        let between = between.unwrap_or_default();
        let lines = between.split(|byte| *byte == b'\n');
        let told = lines.filter(|line| memchr::memmem::find(line, call.as_bytes()).is_some());
        Ok(told.flat_map(places).collect())
    }

    /// Reads an item's texts: its own, its call's input and output.
    pub(crate) fn entry(&mut self, index: &Index, item: &ItemPlace) -> Result<Entry, IndexError> {
        let source_and_path = self.file(index, item.file)?.map(|(file, _)| (file.clone(), file.path.clone()));
        let path =
            source_and_path.as_ref().map(|(_, path)| path.to_string_lossy().into_owned()).unwrap_or_default();
        let mut entry = Entry {
            seq: item.seq,
            key: ItemKey::own(item.seq),
            kind: item.kind,
            at: item.at.map(Timestamp::from_millis),
            text: String::new(),
            tool: None,
            inherited: item.flags & INHERITED != 0,
            inherited_from: None,
            child_id: None,
            images: 0,
            has_pictures: false,
            places: Vec::new(),
            model: None,
            usage: None,
            raw: Place { path, offset: item.offset, length: item.length },
            unreadable: false,
        };
        if let Some(message) = &item.message {
            entry.text.clone_from(message);
            if message.contains(PICTURE) {
                self.count_pictures(index, item, &mut entry)?;
            }
            return Ok(entry);
        }
        let Some((file, _)) = source_and_path else {
            entry.unreadable = true;
            return Ok(entry);
        };
        let Some(agent) = registry::agent(file.source) else { return Ok(entry) };
        let mut tool = (item.kind == ItemKind::Tool).then(|| Tool {
            name: item.tool.clone().unwrap_or_default(),
            status: item.status.map_or(ToolStatus::Pending, ToolStatus::from_number),
            exit_code: item.exit_code,
            duration_ms: item.duration_ms.map(|ms| ms as u64),
            ..Tool::default()
        });
        let mut found = false;
        if let Some(bytes) = self.bytes(index, item.file, item.offset, item.length)?
            && let Ok((value, _)) = Raw::first(&bytes)
        {
            let mut reader = agent.reader(&file, None);
            let _ = reader.read(value, Want::Expand, &mut |event| {
                if let Event::Item(read) = event
                    && read.part == item.part
                {
                    found = true;
                    entry.text = read.text.into_owned();
                    if let (Some(tool), Some(call)) = (&mut tool, read.tool) {
                        tool.call_id = Some(call.call_id.into_owned());
                        tool.input = Some(call.input.into_owned());
                    }
                }
            });
        }
        entry.unreadable = !found;
        if tool.is_none() && entry.text.contains(PICTURE) {
            self.count_pictures(index, item, &mut entry)?;
        }
        if let (Some(tool), Some((offset, length, part))) = (&mut tool, item.output)
            && let Some(bytes) = self.bytes(index, item.file, offset, length)?
            && let Ok((value, _)) = Raw::first(&bytes)
        {
            if may_hold_images(&bytes) {
                self.count_pictures(index, item, &mut entry)?;
            }
            if Action::edits(&tool.name) {
                entry.places = places(&bytes);
                if entry.places.is_empty() {
                    entry.places = self.places_between(index, item, offset, tool.call_id.as_deref())?;
                }
            }
            let mut reader = agent.reader(&file, None);
            let _ = reader.read(value, Want::Expand, &mut |event| {
                if let Event::ToolEnd(end) = event
                    && end.part == Some(part)
                {
                    tool.output = Some(end.text.into_owned());
                    // Rows that an earlier release wrote may lack what the record says.
                    tool.exit_code = tool.exit_code.or(end.exit_code);
                    // Where no record says how long it took, their times do.
                    let between =
                        || end.at?.as_millis().checked_sub(item.at?).and_then(|ms| u64::try_from(ms).ok());
                    tool.duration_ms = tool.duration_ms.or(end.duration_ms).or_else(between);
                }
            });
        }
        entry.tool = tool;
        Ok(entry)
    }
}

impl Index {
    /// Returns the row of an item.
    pub(crate) fn item(&self, session: i64, seq: u64) -> Result<Option<ItemPlace>, IndexError> {
        let sql = format!("SELECT {ITEM_COLUMNS} WHERE i.session = ?1 AND i.seq = ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params![session, seq as i64], item_place).optional()?)
    }

    /// Reads a session's items, with what a copy-on-write fork inherits before its own.
    ///
    /// # Errors
    /// [`IndexError::NotFound`], [`IndexError::Ambiguous`] for the id; [`IndexError::Sqlite`].
    pub fn transcript(&self, given: &str, wanted: Transcript) -> Result<TranscriptPage, IndexError> {
        let (session, number) = self.session_row(given)?;
        let mut warnings = Vec::new();
        self.stretches(&session.id, number, &mut warnings)?;
        let mut records = Records::default();
        let mut items = Vec::new();
        if matches!(wanted, Transcript::From(0, _)) {
            // What is inherited by reference comes before the session's own.
            let page = self.items(&session.id, Window::Before(ItemKey::own(0)), usize::MAX - 1)?;
            items.extend(page.items);
        }
        let (from, limit, tail) = match wanted {
            Transcript::From(seq, limit) => (seq, limit, false),
            Transcript::Tail(limit) => (0, limit, true),
        };
        let order = if tail { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {ITEM_COLUMNS} WHERE i.session = ?1 AND i.seq >= ?2 ORDER BY i.session, i.seq {order} LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let limit_and_one = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut places: Vec<ItemPlace> = statement
            .query_map(params![number, from as i64, limit_and_one], item_place)?
            .collect::<Result<_, _>>()?;
        let mut next_cursor = None;
        if places.len() > limit {
            let next = places.pop();
            if !tail {
                next_cursor = next.map(|item| item.seq);
            }
        }
        if tail {
            places.reverse();
        }
        let own = items.len();
        for place in &places {
            items.push(records.entry(self, place)?);
        }
        self.add_requests(session.source, number, &mut items[own..])?;
        if session.missing {
            warnings.push("The session's file is gone; its prompts and answers are kept.".to_owned());
        }
        Ok(TranscriptPage { session, items, next_cursor, warnings })
    }

    /// Adds models and usage of the requests that items came of.
    pub(crate) fn add_requests(
        &self,
        source: Source,
        number: i64,
        items: &mut [Entry],
    ) -> Result<(), IndexError> {
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return Ok(()) };
        let mut statement = self.connection.prepare_cached(
            "SELECT u.seq, n.name, u.input, u.cached, u.written, u.written_1h, u.output, u.reasoning
             FROM usage u LEFT JOIN names n ON n.number = u.model
             WHERE u.session = ?1 AND u.seq BETWEEN ?2 AND ?3 ORDER BY u.seq",
        )?;
        let requests = statement
            .query_map(params![number, first.seq as i64, last.seq as i64 + 1], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get::<_, Option<String>>(1)?, usage_at(row, 2)?))
            })?;
        let requests: Vec<_> = requests.collect::<Result<_, _>>()?;
        // OpenCode tells what a request cost before what came of it, the others after.
        let tells_before = source == Source::OpenCode;
        let is_models = |kind| matches!(kind, ItemKind::Answer | ItemKind::Reasoning | ItemKind::Tool);
        for (seq, _, usage) in &requests {
            let mut rest = items.iter_mut().filter(|item| is_models(item.kind) && item.usage.is_none());
            let end = if tells_before {
                rest.find(|item| item.seq >= *seq)
            } else {
                rest.rfind(|item| item.seq < *seq)
            };
            if let Some(item) = end {
                item.usage = Some(*usage);
            }
        }
        for item in items.iter_mut().filter(|item| is_models(item.kind)) {
            let request = if tells_before {
                requests.iter().rev().find(|(seq, ..)| *seq <= item.seq)
            } else {
                requests.iter().find(|(seq, ..)| *seq > item.seq)
            };
            item.model = request.and_then(|(_, model, _)| model.clone());
        }
        Ok(())
    }

    /// Returns a record's bytes as the agent wrote them.
    ///
    /// # Errors
    /// [`IndexError::Lacks`] when there is no such item or its record can't be read any more; [`IndexError::NotFound`].
    pub fn raw_record(&self, given: &str, seq: u64) -> Result<Vec<u8>, IndexError> {
        let (session, number) = self.session_row(given)?;
        let lacks = |what| IndexError::Lacks { session: session.id.clone(), what };
        let item = self.item(number, seq)?.ok_or_else(|| lacks(format!("item {seq}")))?;
        let record = Records::default().bytes(self, item.file, item.offset, item.length)?;
        record.ok_or_else(|| lacks(format!("record of item {seq} any more")))
    }
}

//! Events of one file → rows, in parts of bounded size.

use std::collections::HashMap;

use marline_agents::{Event, FileAct, Item, Meta, TitleKind, ToolEnd};
use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};

/// A part is handed on when it has so many rows …
const MAX_ROWS: usize = 2500;
/// … or so many bytes of text.
const MAX_TEXT: usize = 1 << 20;
/// Calls whose output may still come are remembered up to this number; beyond it the oldest are given up.
const MAX_OPEN: usize = 512;
/// A first prompt is kept up to this length, in bytes: it is for lists.
const MAX_FIRST_PROMPT: usize = 2000;

/// Flag of an item: copied from the session's origin or parent.
pub const INHERITED: u8 = 1;
/// Flag of an item: it goes on with the message before.
pub const CONTINUES: u8 = 2;

/// An item as the catalogue keeps it.
#[derive(Debug)]
pub struct ItemRow {
    pub member: usize,
    pub seq: u64,
    pub kind: ItemKind,
    pub at: Option<i64>,
    pub offset: u64,
    pub length: u64,
    pub part: u16,
    pub key: u64,
    pub flags: u8,
    pub tool: Option<String>,
    pub end: Option<EndRow>,
    /// The words of a message, or every word where the file can't be read again piece by piece.
    pub text: String,
}

/// How a call ended.
#[derive(Debug, Clone, Default)]
pub struct EndRow {
    pub place: Option<(u64, u64, u16)>,
    pub status: Option<ToolStatus>,
    pub exit_code: Option<i64>,
    pub duration_ms: Option<u64>,
    pub text: String,
    /// What a record says outright goes before what is read out of an output.
    pub is_explicit: bool,
}

/// Anything that becomes a row.
#[derive(Debug)]
pub enum Row {
    Item(ItemRow),
    /// The end of a call that was handed on in an earlier part.
    End {
        member: usize,
        seq: u64,
        at: Option<i64>,
        tool: Option<String>,
        end: EndRow,
    },
    Usage {
        member: usize,
        seq: u64,
        key: u64,
        at: Option<i64>,
        model: Option<String>,
        usage: Usage,
    },
    Touched {
        member: usize,
        path: String,
        act: FileAct,
    },
    Title {
        session: String,
        title: String,
    },
}

/// What a part says about a session as a whole; `None` says nothing.
#[derive(Debug, Default)]
pub struct Facts {
    pub cwd: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub remote: Option<String>,
    pub version: Option<String>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub given_title: Option<String>,
    pub generated_title: Option<String>,
    pub first_prompt: Option<String>,
    pub parent: Option<(String, Option<u64>)>,
    pub forked_from: Option<(String, Option<u64>)>,
    pub started_at: Option<i64>,
    pub updated_at: Option<i64>,
    pub first_key: Option<u64>,
    pub warm_up: bool,
    pub prompts: u64,
    pub answers: u64,
    pub tool_calls: u64,
    pub errors: u64,
    pub items: u64,
}

/// What is remembered of a file between two readings of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct FileState {
    /// The reader's own state.
    pub reader: String,
    /// The session's raw id, once it is known.
    pub session: Option<String>,
    /// The raw ids of inline child sessions.
    pub children: Vec<String>,
    /// The next seq of the session and of each child.
    pub next: Vec<u64>,
    /// Calls whose output may still come: key, member, seq, tool.
    pub open: Vec<(u64, usize, u64, String)>,
}

/// A bounded number of rows.
#[derive(Debug, Default)]
pub struct Part {
    pub rows: Vec<Row>,
    pub facts: Vec<Facts>,
    pub unknown: HashMap<String, u64>,
    pub skipped: HashMap<String, u64>,
    pub records: u64,
}

/// Turns events into parts.
pub struct Builder {
    pub state: FileState,
    part: Part,
    text_bytes: usize,
    /// Rows of this part by the key of their call.
    rows_by_call: HashMap<u64, usize>,
    open: HashMap<u64, usize>,
    keeps_all_text: bool,
}

impl Builder {
    /// Goes on from a state. With `keeps_all_text` every text is put into the rows, not messages alone.
    pub fn new(mut state: FileState, keeps_all_text: bool) -> Self {
        if state.next.is_empty() {
            state.next.push(0);
        }
        let open = state.open.iter().enumerate().map(|(n, open)| (open.0, n)).collect();
        let mut builder = Builder {
            state,
            part: Part::default(),
            text_bytes: 0,
            rows_by_call: HashMap::new(),
            open,
            keeps_all_text,
        };
        builder.part.facts.resize_with(builder.state.next.len(), Facts::default);
        builder
    }

    /// Says whether the part has grown to its bound.
    pub fn is_full(&self) -> bool {
        self.part.rows.len() >= MAX_ROWS || self.text_bytes >= MAX_TEXT
    }

    /// Takes the part that was built so far.
    pub fn take(&mut self) -> Part {
        self.rows_by_call.clear();
        self.text_bytes = 0;
        let mut empty = Part::default();
        empty.facts.resize_with(self.state.next.len(), Facts::default);
        std::mem::replace(&mut self.part, empty)
    }

    /// Counts a record.
    pub fn record(&mut self) {
        self.part.records += 1;
    }

    /// Counts a record that could not be read.
    pub fn skip(&mut self, reason: &str) {
        *self.part.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Takes an event of the record that lies at `offset`.
    pub fn event(&mut self, event: Event<'_>, offset: u64, length: u64) {
        match event {
            Event::Item(item) => self.item(item, offset, length),
            Event::ToolEnd(end) => self.end(end, offset, length),
            Event::Usage { key, usage, model, at, child } => {
                let member = self.member(child.as_deref());
                self.part.rows.push(Row::Usage {
                    member,
                    seq: self.state.next[member],
                    key,
                    at: at.map(Timestamp::as_millis),
                    model: model.map(Into::into),
                    usage,
                });
            }
            Event::Meta(meta) => self.meta(meta),
            Event::Identity(id) => self.state.session = Some(id.into_owned()),
            Event::Title { session: Some(session), text, .. } => {
                self.part.rows.push(Row::Title { session: session.into_owned(), title: text.into_owned() });
            }
            Event::Title { kind, text, session: None } => {
                let facts = &mut self.part.facts[0];
                let title = match kind {
                    TitleKind::Given => &mut facts.given_title,
                    TitleKind::Generated => &mut facts.generated_title,
                };
                *title = Some(text.into_owned());
            }
            Event::Parent { session, call } => self.part.facts[0].parent = Some((session.into_owned(), call)),
            Event::ForkedFrom { session, shared_bytes } => {
                self.part.facts[0].forked_from = Some((session.into_owned(), shared_bytes));
            }
            Event::NotASession => self.part.facts[0].warm_up = true,
            Event::UnknownKind(kind) => *self.part.unknown.entry(kind.into_owned()).or_default() += 1,
            Event::SeenAt(at) => self.seen(0, at.as_millis()),
        }
    }

    fn member(&mut self, child: Option<&str>) -> usize {
        let Some(child) = child else { return 0 };
        if let Some(n) = self.state.children.iter().position(|known| known == child) {
            return n + 1;
        }
        self.state.children.push(child.to_owned());
        self.state.next.push(0);
        let facts = Facts { parent: Some((String::new(), None)), ..Facts::default() };
        self.part.facts.push(facts);
        self.state.children.len()
    }

    fn seen(&mut self, member: usize, at: i64) {
        let facts = &mut self.part.facts[member];
        facts.started_at = Some(facts.started_at.map_or(at, |first| first.min(at)));
        facts.updated_at = Some(facts.updated_at.map_or(at, |last| last.max(at)));
    }

    fn meta(&mut self, meta: Meta<'_>) {
        fn first(slot: &mut Option<String>, value: Option<std::borrow::Cow<'_, str>>) {
            if slot.is_none() {
                *slot = value.map(Into::into);
            }
        }
        fn last(slot: &mut Option<String>, value: Option<std::borrow::Cow<'_, str>>) {
            if let Some(value) = value.filter(|value| slot.as_deref() != Some(value)) {
                *slot = Some(value.into());
            }
        }
        let facts = &mut self.part.facts[0];
        first(&mut facts.cwd, meta.cwd);
        last(&mut facts.branch, meta.branch);
        first(&mut facts.commit, meta.commit);
        first(&mut facts.remote, meta.remote);
        last(&mut facts.version, meta.version);
        last(&mut facts.model, meta.model);
        last(&mut facts.provider, meta.provider);
    }

    fn item(&mut self, item: Item<'_>, offset: u64, length: u64) {
        let member = self.member(item.child.as_deref());
        let seq = self.state.next[member];
        self.state.next[member] += 1;
        let at = item.at.map(Timestamp::as_millis);
        if let Some(at) = at.filter(|_| member > 0) {
            self.seen(member, at);
        }
        let facts = &mut self.part.facts[member];
        facts.items += 1;
        let own = !item.inherited;
        match item.kind {
            ItemKind::Prompt => {
                facts.prompts += u64::from(own);
                if facts.first_prompt.is_none() {
                    let end = item.text.floor_char_boundary(MAX_FIRST_PROMPT);
                    facts.first_prompt = Some(item.text[..end].to_owned());
                }
            }
            ItemKind::Answer => facts.answers += u64::from(own && !item.continues),
            ItemKind::Tool => facts.tool_calls += u64::from(own),
            ItemKind::Error => facts.errors += u64::from(own),
            _ => {}
        }
        if facts.first_key.is_none() && is_said(item.kind) {
            // The catalogue keeps the first one that it is told of.
            facts.first_key = Some(item.key);
        }
        let tool = item.tool.as_ref().map(|tool| tool.name.clone().into_owned());
        let keeps_text = item.kind.is_message() || self.keeps_all_text;
        let mut text = if keeps_text { item.text.into_owned() } else { String::new() };
        if let Some(tool) = item.tool {
            for (path, act) in tool.files {
                self.part.rows.push(Row::Touched { member, path: path.into_owned(), act });
            }
            if self.keeps_all_text {
                text = tool.input.into_owned();
            }
            self.open_call(item.key, member, seq, &tool.name);
            self.rows_by_call.insert(item.key, self.part.rows.len());
        }
        self.text_bytes += text.len();
        let flags = u8::from(item.inherited) * INHERITED + u8::from(item.continues) * CONTINUES;
        self.part.rows.push(Row::Item(ItemRow {
            member,
            seq,
            kind: item.kind,
            at,
            offset,
            length,
            part: item.part,
            key: item.key,
            flags,
            tool,
            end: None,
            text,
        }));
    }

    fn open_call(&mut self, key: u64, member: usize, seq: u64, tool: &str) {
        if self.state.open.len() >= MAX_OPEN {
            self.state.open.drain(..MAX_OPEN / 2);
            self.open = self.state.open.iter().enumerate().map(|(n, open)| (open.0, n)).collect();
        }
        self.open.insert(key, self.state.open.len());
        self.state.open.push((key, member, seq, tool.to_owned()));
    }

    fn end(&mut self, end: ToolEnd<'_>, offset: u64, length: u64) {
        let Some(n) = self.open.get(&end.call).copied() else {
            if end.part.is_some() {
                // The call stands nowhere; its output is kept and found all the same.
                let part = end.part.unwrap_or(0);
                self.item(Item::new(ItemKind::Context, part, end.at, end.call, end.text), offset, length);
            }
            return;
        };
        let (_, member, seq, tool) = self.state.open[n].clone();
        let text = if self.keeps_all_text { end.text.into_owned() } else { String::new() };
        self.text_bytes += text.len();
        let row = EndRow {
            place: end.part.map(|part| (offset, length, part)),
            status: end.status,
            exit_code: end.exit_code,
            duration_ms: end.duration_ms,
            text,
            is_explicit: end.part.is_none(),
        };
        let at = end.at.map(Timestamp::as_millis);
        match self.rows_by_call.get(&end.call).map(|n| &mut self.part.rows[*n]) {
            Some(Row::Item(item)) => item.end.get_or_insert_default().merge(row),
            _ => self.part.rows.push(Row::End { member, seq, at, tool: Some(tool), end: row }),
        }
    }
}

/// Items that a copy of the history repeats; what stands around them may be the copy's own.
pub fn is_said(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Prompt | ItemKind::Answer | ItemKind::Tool)
}

impl EndRow {
    fn merge(&mut self, other: EndRow) {
        self.place = other.place.or(self.place);
        if !other.text.is_empty() {
            self.text = other.text;
        }
        self.duration_ms = other.duration_ms.or(self.duration_ms);
        if other.is_explicit || !self.is_explicit {
            self.status = other.status.or(self.status);
            self.exit_code = other.exit_code.or(self.exit_code);
        } else {
            self.status = self.status.or(other.status);
            self.exit_code = self.exit_code.or(other.exit_code);
        }
        self.is_explicit |= other.is_explicit;
    }
}

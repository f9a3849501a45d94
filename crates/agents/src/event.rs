//! What a record turns into.

use std::borrow::Cow;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};

/// One thing learnt from a record. A record may give several, or none.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A new item of the session.
    Item(Item<'a>),
    /// The output of an earlier tool call.
    ToolEnd(ToolEnd<'a>),
    /// Tokens of one model request. The same key may come again with larger figures.
    Usage {
        /// Names the request across files, so that a copied history is counted once.
        key: u64,
        /// The figures so far.
        usage: Usage,
        /// The model that answered, if the record says so.
        model: Option<Cow<'a, str>>,
        /// When.
        at: Option<Timestamp>,
        /// The inline child session that it belongs to.
        child: Option<Cow<'a, str>>,
    },
    /// Facts about the session as a whole.
    Meta(Meta<'a>),
    /// The session's own id, as the header says it.
    Identity(Cow<'a, str>),
    /// A name for this session, or for another one of the same agent.
    Title {
        /// Who gave it.
        kind: TitleKind,
        /// The name.
        text: Cow<'a, str>,
        /// The raw id of the session it is for; `None`: this one.
        session: Option<Cow<'a, str>>,
    },
    /// The session is a child of the named one.
    Parent {
        /// The parent's raw id.
        session: Cow<'a, str>,
        /// The tool call that started it: with nested children it tells which of them is the parent.
        call: Option<u64>,
    },
    /// The session was forked from the named one.
    ForkedFrom {
        /// The origin's raw id; the canonical one of another agent's session.
        session: Cow<'a, str>,
        /// Copy-on-write: the length of the origin's file that is shared. `None`: the history was copied.
        shared_bytes: Option<u64>,
    },
    /// What looks like a session is none: a warm-up run.
    NotASession,
    /// A record kind that the adapter does not know.
    UnknownKind(Cow<'a, str>),
    /// The record's time, for sessions whose records are mostly not items.
    SeenAt(Timestamp),
}

/// One item as it is read.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// What it is.
    pub kind: ItemKind,
    /// Which of the record's items it is; counted from 0, the same on every reading.
    pub part: u16,
    /// When, if the record says so.
    pub at: Option<Timestamp>,
    /// Names the item across copies of the history: a hash of the agent's own id where it has one.
    pub key: u64,
    /// Its text; empty when the reader was asked for messages only and this is none.
    pub text: Cow<'a, str>,
    /// The call, if it is one.
    pub tool: Option<ToolCall<'a>>,
    /// It goes on with the message of the item before: not counted again.
    pub continues: bool,
    /// It was copied from the session's origin or parent.
    pub inherited: bool,
    /// The raw id of the inline child session that it belongs to.
    pub child: Option<Cow<'a, str>>,
}

impl<'a> Item<'a> {
    /// Makes an item with only the fields that every item has.
    pub fn new(kind: ItemKind, part: u16, at: Option<Timestamp>, key: u64, text: Cow<'a, str>) -> Self {
        Item { kind, part, at, key, text, tool: None, continues: false, inherited: false, child: None }
    }
}

/// What was called.
#[derive(Debug, Clone)]
pub struct ToolCall<'a> {
    /// The tool's name as the agent writes it.
    pub name: Cow<'a, str>,
    /// The agent's id of the call.
    pub call_id: Cow<'a, str>,
    /// The input, as text: a string as it is, anything else as JSON.
    pub input: Cow<'a, str>,
    /// Files that the input names.
    pub files: Vec<(Cow<'a, str>, FileAct)>,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAct {
    /// Only looked at.
    Read,
    /// Made or changed.
    Write,
}

/// How a tool call ended.
#[derive(Debug, Clone)]
pub struct ToolEnd<'a> {
    /// [`hash`] of the call's id.
    pub call: u64,
    /// Which of the record's items it is, counted together with [`Item::part`]. `None`: the record tells
    /// how the call ended but does not hold the output to show.
    pub part: Option<u16>,
    /// The output.
    pub text: Cow<'a, str>,
    /// How it ended, if the record says so.
    pub status: Option<ToolStatus>,
    /// The exit code of a command.
    pub exit_code: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// When.
    pub at: Option<Timestamp>,
}

/// Facts about a session; `None` says nothing.
#[derive(Debug, Clone, Default)]
pub struct Meta<'a> {
    /// The working directory.
    pub cwd: Option<Cow<'a, str>>,
    /// The git branch.
    pub branch: Option<Cow<'a, str>>,
    /// The git commit.
    pub commit: Option<Cow<'a, str>>,
    /// The git remote.
    pub remote: Option<Cow<'a, str>>,
    /// The agent's version.
    pub version: Option<Cow<'a, str>>,
    /// The model.
    pub model: Option<Cow<'a, str>>,
    /// The model provider.
    pub provider: Option<Cow<'a, str>>,
}

/// Who gave a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitleKind {
    /// A person.
    Given,
    /// A model.
    Generated,
}

/// Hashes parts into a number that is the same on every machine and in every release (FNV-1a, 64 bits).
pub fn hash(parts: &[&[u8]]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in *part {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        state = (state ^ 0xff).wrapping_mul(0x100_0000_01b3);
    }
    state
}

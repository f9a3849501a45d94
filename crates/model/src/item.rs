//! What a session consists of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What one item of a session is, the same word for every agent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ItemKind {
    /// What the human said.
    Prompt = 0,
    /// What the agent said to the human.
    Answer = 1,
    /// What the model thought.
    Reasoning = 2,
    /// A tool call, joined with its output.
    Tool = 3,
    /// A change of a file that stands for itself, outside a tool call.
    FileChange = 4,
    /// The history was summed up and the model went on from the summary.
    Compaction = 5,
    /// Text put before the model that no human typed: reminders, environments, a sub-agent's task.
    Context = 6,
    /// Something the human sees beside the conversation: an interruption, a command, a new title.
    Notice = 7,
    /// A failure that the agent reported.
    Error = 8,
    /// A record of a kind that the adapter does not know, kept as it is.
    Unknown = 9,
}

impl ItemKind {
    /// All kinds; the position of each is its number in the catalogue.
    pub const ALL: [ItemKind; 10] = [
        ItemKind::Prompt,
        ItemKind::Answer,
        ItemKind::Reasoning,
        ItemKind::Tool,
        ItemKind::FileChange,
        ItemKind::Compaction,
        ItemKind::Context,
        ItemKind::Notice,
        ItemKind::Error,
        ItemKind::Unknown,
    ];

    /// Returns the word used in JSON, filters and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            ItemKind::Prompt => "prompt",
            ItemKind::Answer => "answer",
            ItemKind::Reasoning => "reasoning",
            ItemKind::Tool => "tool",
            ItemKind::FileChange => "file_change",
            ItemKind::Compaction => "compaction",
            ItemKind::Context => "context",
            ItemKind::Notice => "notice",
            ItemKind::Error => "error",
            ItemKind::Unknown => "unknown",
        }
    }

    /// Returns the kind of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Returns the kind of a catalogue number; numbers from the future are [`ItemKind::Unknown`].
    pub fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(ItemKind::Unknown)
    }

    /// Prompts and answers: the few bytes that are searchable first and kept in the catalogue too.
    pub const fn is_message(self) -> bool {
        matches!(self, ItemKind::Prompt | ItemKind::Answer)
    }
}

/// How a tool call ended, as far as the agent recorded it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ToolStatus {
    /// No output was recorded (yet).
    #[default]
    Pending = 0,
    /// It ended without an error.
    Completed = 1,
    /// It ended with an error or a non-zero exit code.
    Failed = 2,
    /// A person or a rule refused it.
    Declined = 3,
}

impl ToolStatus {
    /// Returns the status of a catalogue number; numbers from the future are [`ToolStatus::Pending`].
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => ToolStatus::Completed,
            2 => ToolStatus::Failed,
            3 => ToolStatus::Declined,
            _ => ToolStatus::Pending,
        }
    }

    /// Returns the word used in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            ToolStatus::Pending => "pending",
            ToolStatus::Completed => "completed",
            ToolStatus::Failed => "failed",
            ToolStatus::Declined => "declined",
        }
    }
}

/// Whose conversation a session is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// A human's.
    Main,
    /// A sub-agent's: its prompts are another agent's.
    Subagent,
}

/// How many of each a session holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// What the human said.
    pub prompts: u64,
    /// Assistant messages with visible text; a message split over records is one.
    pub answers: u64,
    /// Tool calls, refused ones included.
    pub tool_calls: u64,
    /// Failures the agent reported, tool failures excluded.
    pub errors: u64,
    /// Child sessions.
    pub subagents: u64,
}

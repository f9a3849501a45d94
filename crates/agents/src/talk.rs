//! Talking with an agent that has no terminal: what is said to it, and what its words mean, as values.
//!
//! [`Drive::talk`](crate::drive::Drive::talk) says how its program is started and gives a [`Protocol`], which is told each
//! line of the program's output and says what to answer. It has no clock and no process, and reads no file but the
//! pictures of its order: fed with the same lines it says the same, so that a talk can be taken up again from what was written down of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marline_model::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::drive::Launch;
use crate::image::media_type;

/// Where a talk begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Begin {
    /// In a new session; with this id, where the agent takes one.
    New {
        /// A UUID.
        id: String,
    },
    /// In a session, which goes on.
    Resume {
        /// Its raw id.
        session: String,
    },
    /// In a new session that goes on from one, which stays as it is.
    Fork {
        /// The raw id of that one.
        session: String,
    },
}

/// What an agent may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// Look at files.
    Read,
    /// Nothing that changes anything: each such act is asked for.
    Ask,
    /// Change files.
    Edits,
    /// Everything.
    All,
}

/// What is asked of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Where it begins.
    pub begin: Begin,
    /// The prompt.
    pub prompt: String,
    /// Names the prompt, once for all: a UUID.
    pub key: String,
    /// The directory to work in.
    pub cwd: PathBuf,
    /// Pictures that belong to the prompt.
    pub images: Vec<PathBuf>,
    /// The provider of the session that is resumed.
    pub provider: Option<String>,
    /// The model; nothing: the one of the session, or of the agent's settings.
    pub model: Option<String>,
    /// What it may do; nothing: what the agent's settings say.
    pub permission: Option<Permission>,
    /// Words for the program, as they are.
    pub more: Vec<String>,
    /// Variables for the program.
    pub env: BTreeMap<String, String>,
    /// The agent's way that only prints, instead of the one that can be asked and told.
    pub is_plain: bool,
}

/// A talk that can begin.
pub struct Talk {
    /// The program.
    pub launch: Launch,
    /// Variables that it needs beside those of the person.
    pub env: Vec<(&'static str, String)>,
    /// All that is ever said to it; nothing: its language says what and when.
    pub input: Option<String>,
    /// Its language.
    pub protocol: Box<dyn Protocol>,
}

/// What one can do with a talk, once it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Powers {
    /// It asks for leave, and can be answered.
    pub asks: bool,
    /// Another prompt can be sent in it.
    pub sends: bool,
    /// A turn can be interrupted without ending the program.
    pub interrupts: bool,
    /// Pictures can be sent with a prompt.
    pub images: bool,
}

/// The language of a program without a terminal.
pub trait Protocol: Send {
    /// What can be done.
    fn powers(&self) -> Powers;

    /// What is said first; nothing, where the program's words say all.
    fn open(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Hears a line: what it means goes to `out`, what is to be said to it is returned.
    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String>;

    /// Answers a question. Nothing, when there is no such question (any more).
    fn answer(&mut self, _question: &str, _decision: &Decision) -> Option<String> {
        None
    }

    /// Sends another prompt, `key` is its name. Nothing, when it can't be done now.
    fn send(&mut self, _key: &str, _prompt: &str) -> Option<String> {
        None
    }

    /// It works at something that nobody here asked for, and that would be cut off with its end.
    fn is_busy(&self) -> bool {
        false
    }

    /// Interrupts the turn. Nothing, when it can't be done now.
    fn interrupt(&mut self) -> Option<String> {
        None
    }
}

/// What an agent does, in one shape for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AgentEvent {
    /// The session has this raw id.
    Session {
        /// The id.
        session: String,
    },
    /// The agent has the prompt.
    Began,
    /// It says something: a piece of an answer, or a whole one.
    Said {
        /// The words.
        text: String,
        /// They go on with those before.
        more: bool,
    },
    /// It calls a tool, or a call went on.
    Tool {
        /// Names the call.
        call: String,
        /// What is done, in a line.
        title: String,
        /// How it stands.
        status: CallStatus,
    },
    /// It asks for leave.
    Asks {
        /// What it asks.
        question: Question,
    },
    /// A question is no longer open.
    Answered {
        /// Which.
        question: String,
    },
    /// Tokens of this talk so far.
    Tokens {
        /// All of them.
        usage: Usage,
    },
    /// Something worth a line: a retry, a warning.
    Note {
        /// The line.
        text: String,
    },
    /// The turn is over.
    Ended {
        /// How.
        end: TurnEnd,
    },
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CallStatus {
    /// It runs, or waits for leave.
    Running,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It was refused.
    Declined,
}

/// What an agent asks leave for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Names it within its talk.
    pub id: String,
    /// The tool, as the agent calls it.
    pub tool: String,
    /// What would be run, or done.
    pub what: String,
    /// The directory that it would be done in, if the agent says it.
    pub cwd: Option<String>,
    /// Files that it would touch.
    pub files: Vec<String>,
    /// Why, in the agent's words.
    pub why: Option<String>,
    /// The change that an edit would make.
    pub diff: Option<String>,
    /// It can be allowed for the rest of the session.
    pub for_session: bool,
}

/// What a person says to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "say", rename_all = "camelCase")]
pub enum Decision {
    /// This once.
    Allow,
    /// From now on in this session.
    AllowForSession,
    /// No.
    Deny {
        /// A word to the agent.
        reason: Option<String>,
    },
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "how", rename_all = "camelCase")]
pub enum TurnEnd {
    /// It was answered.
    Completed,
    /// Somebody interrupted it.
    Interrupted,
    /// It failed.
    Failed {
        /// Why.
        why: String,
    },
    /// The account has no more to spend for now.
    Limited {
        /// What the agent says of it.
        why: String,
        /// When there is more, in milliseconds since 1970, if it is said.
        until: Option<i64>,
    },
}

/// A picture as base64 with its media type, if it can be read.
pub(crate) fn picture(path: &Path) -> Option<(&'static str, String)> {
    let bytes = std::fs::read(path).ok()?;
    Some((media_type(&bytes).unwrap_or("image/png"), STANDARD.encode(bytes)))
}

/// A string of an agent's, or nothing.
pub(crate) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// How many characters of a title are kept.
const TITLE: usize = 200;

/// The first line, cut.
pub(crate) fn title(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(TITLE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// An end for words of failure, which may speak of a limit.
pub(crate) fn failed(why: String) -> TurnEnd {
    let low = why.to_ascii_lowercase().replace("disk quota", "");
    let is_limit = [
        "usage limit",
        "rate limit",
        "rate_limit",
        "too many requests",
        "quota",
        "resource_exhausted",
        "429",
    ]
    .iter()
    .any(|word| low.contains(word));
    if is_limit { TurnEnd::Limited { until: None, why } } else { TurnEnd::Failed { why } }
}

//! What tells of a session that an agent has open: words, records and screens, as values. Nothing is looked at here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use marline_model::{LiveState, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::json::Raw;
use crate::screen::Screen;
use crate::talk::{Decision, Question};

/// What a record says of the turn that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The agent has a prompt, or goes on with it.
    Began,
    /// The same, and its end will be told.
    Announced,
    /// The agent calls a tool.
    Called {
        /// The call's id.
        call: String,
    },
    /// A tool's output is there.
    Returned {
        /// The call's id.
        call: String,
    },
    /// The agent has answered; where the turn was announced, more may follow.
    Spoke,
    /// The agent has proposed a plan, and its screen asks about that once the turn is over.
    Planned,
    /// The turn is over.
    Ended,
}

/// What an agent in a terminal may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LiveMode {
    /// It asks before each thing.
    Ask,
    /// It changes files of its project, and asks for the rest.
    Edits,
    /// It looks and plans, and changes nothing.
    Plan,
    /// It decides by itself what to ask.
    Auto,
}

impl LiveMode {
    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            LiveMode::Ask => "ask",
            LiveMode::Edits => "edits",
            LiveMode::Plan => "plan",
            LiveMode::Auto => "auto",
        }
    }
}

/// How full a model's context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Tokens of the last request with its answer.
    pub tokens: u64,
    /// How many fit, where the agent writes that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub window: Option<u64>,
}

/// How an agent calls programs of other people's when something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// The settings file below its home: `{"hooks": {EVENT: [{"hooks": [{"type": "command", "command": …}]}]}}`.
    pub file: &'static str,
    /// The events that tell how it stands.
    pub events: &'static [&'static str],
    /// For how long it waits for the program, in its own unit.
    pub timeout: u32,
    /// It can be told not to wait.
    pub is_async: bool,
    /// The event at which it does what the program says, and for how long it then waits; nothing: at none.
    pub decides: Option<(&'static str, u32)>,
    /// What is to be known of them.
    pub note: &'static str,
}

/// What a hook tells of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The session.
    pub session: String,
    /// How it stands with it; nothing: the hook does not tell.
    pub state: Option<LiveState>,
    /// What happened, in words.
    pub says: String,
    /// What it asks leave for, where the hook tells that.
    pub asks: Option<Question>,
}

/// What is known of an agent that runs.
pub trait Live: Sync {
    /// The session that a process was started on, by its words.
    fn session(&self, words: &[String]) -> Option<String>;

    /// Says whether a process, by its words, is one that a person talks with: no server, no helper, no short command.
    fn is_a_talk(&self, words: &[String]) -> bool;

    /// What a record says of its turn.
    fn sign(&self, record: Raw<'_>) -> Option<Sign>;

    /// The same of a record in a sub-agent's own file.
    fn sign_of_helper(&self, record: Raw<'_>) -> Option<Sign> {
        self.sign(record)
    }

    /// How full the context is after a record, if it tells.
    fn context(&self, _record: Raw<'_>) -> Option<Context> {
        None
    }

    /// What a screen shows.
    fn screen(&self, screen: &str) -> Screen;

    /// Directories below its home in which files come and go with the agents that run.
    fn signals(&self) -> &'static [&'static str] {
        &[]
    }

    /// How it can be had to tell what it does.
    fn hooks(&self) -> Option<Hooks> {
        None
    }

    /// What a hook prints that is asked for leave, so that the agent takes it for the answer.
    fn decided(&self, decision: &Decision) -> Option<Value> {
        let (event, _) = self.hooks()?.decides?;
        let decision = match decision {
            Decision::Allow | Decision::AllowForSession => json!({"behavior": "allow"}),
            Decision::Deny { reason } => {
                let message = reason.as_deref().unwrap_or("The user said no from another device.");
                json!({"behavior": "deny", "message": message})
            }
        };
        Some(json!({"hookSpecificOutput": {"hookEventName": event, "decision": decision}}))
    }

    /// What an event of a hook tells.
    fn told(&self, _event: &Value) -> Option<Told> {
        None
    }

    /// What a hook told that it asks, with its place, if a dialog about these lines is about just that.
    fn shown(&self, _asks: &Question, _about: &[String], _cwd: &Path) -> Option<Question> {
        None
    }

    /// The socket of a process of its own that holds the sessions which terminals only show, if it has such a thing.
    fn service(&self, _home: &Path) -> Option<PathBuf> {
        None
    }

    /// What it may do without asking, by its screen; and the key that goes to the next of these.
    fn mode(&self, _screen: &str) -> Option<(LiveMode, &'static str)> {
        None
    }

    /// What is typed so that it goes on with another model.
    fn model_words(&self, _model: &str) -> Option<String> {
        None
    }

    /// For how long after a paste it takes keys for a part of that.
    fn settles(&self) -> Duration {
        Duration::from_millis(150)
    }

    /// For how long after a dialog was drawn it lets keys fall.
    fn heeds_after(&self) -> Duration {
        Duration::ZERO
    }

    /// Says whether a new session can be given its id.
    fn takes_id(&self) -> bool {
        false
    }

    /// Says whether a prompt that is typed while it works waits until it can be said.
    fn queues_prompts(&self) -> bool {
        false
    }

    /// Says whether a session has its id before anything is said in it.
    fn is_named_at_start(&self) -> bool {
        self.takes_id()
    }
}

/// Says whether a call of this tool is itself a question to the person, on which no leave can be given: its terminal's own dialog
/// takes the answer. Claude Code 2.1 calls its hook for leave with these, and draws the dialog all the same.
pub fn asks_person(tool: &str) -> bool {
    ["AskUserQuestion", "ExitPlanMode"].contains(&tool)
}

/// What an event in the shape of Claude Code's tells, which others took over: by its name, and what it is about.
pub(crate) fn told_by(event: &Value, states: &[(&str, LiveState, &str)]) -> Option<Told> {
    let session = event["session_id"].as_str()?.to_owned();
    let name = event["hook_event_name"].as_str()?;
    let known = states.iter().find(|(known, ..)| *known == name);
    let (mut state, mut says) = known.map_or_else(
        || (None, format!("called {name}")),
        |(_, state, says)| (Some(*state), (*says).to_owned()),
    );
    if state == Some(LiveState::NeedsApproval) && event["tool_name"].as_str().is_some_and(asks_person) {
        (state, says) = (Some(LiveState::NeedsInput), "it asks a question".to_owned());
    }
    Some(Told { session, state, says, asks: None })
}

/// When a record was written.
pub fn time_of(record: Raw<'_>) -> Option<Timestamp> {
    record.get("timestamp")?.text()?.parse().ok()
}

/// The word behind an option, or behind its `=`.
pub(crate) fn option<'a>(words: &'a [String], names: &[&str]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| match word.strip_prefix(name)? {
            "" => words.get(at + 1).map(String::as_str),
            rest => rest.strip_prefix('='),
        })
    })
}

/// Says whether a word can be a model's name: it is typed behind a command of the agent's.
pub(crate) fn is_model(word: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-._[]:/@".contains(c);
    !word.is_empty() && word.chars().all(is_of_name)
}

/// A word that can be a session's id.
pub(crate) fn id(word: &str) -> Option<String> {
    let is_one = word.len() >= 20 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    is_one.then(|| word.to_owned())
}

//! What is told of agents that run.

use std::path::PathBuf;

use marline_agents::live::Context;
use marline_agents::talk::Question;
use marline_model::{Evidence, LiveState, SessionId, Source, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tmux::Pane;
use crate::risk::Risk;

/// A session that an agent has open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveSession {
    /// The canonical id.
    pub id: SessionId,
    /// The agent.
    pub source: Source,
    /// The agent's own id.
    pub source_session_id: String,
    /// How it stands.
    pub state: LiveState,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub since: Option<Timestamp>,
    /// Everything that tells of it.
    pub evidence: Vec<Evidence>,
    /// What the agent asks, as far as it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub asks: Option<Asks>,
    /// How it can be steered.
    pub control: Control,
    /// The agent's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<u32>,
    /// When the agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub started_at: Option<Timestamp>,
    /// Where the agent works now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// How full its model's context is, where its records tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub context: Option<Context>,
    /// Its sub-agents that work now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helpers: Vec<SessionId>,
    /// What the agent calls it, where it is no title yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Its records, where they are a file.
    #[serde(skip)]
    pub transcript: Option<PathBuf>,
}

/// What an agent asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asks {
    /// Tells this question from every other one; an answer bears it.
    pub key: String,
    /// The question.
    pub question: String,
    /// What it is about: the command, the change.
    pub about: Vec<String>,
    /// The answers that can be given.
    pub replies: Vec<Reply>,
    /// It asks for leave; else for something else.
    pub is_approval: bool,
    /// It is answered in words of one's own, not by an answer that stands there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub takes_words: bool,
    /// It can be allowed for the rest of the session.
    #[serde(default)]
    pub for_session: bool,
    /// What it is about is not to be seen, as in a terminal that is too small: it can't be allowed from here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub is_blind: bool,
    /// What it is about, as far as the agent tells it in a form that can be read: the command or the change, where, which files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub what: Option<Question>,
    /// What is to be minded of it; a change or command that could not be read says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<Risk>,
}

/// An answer that can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Its words.
    pub label: String,
    /// What the agent says more of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub more: Option<String>,
    /// It is one of several that can be chosen together, and is chosen already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_chosen: Option<bool>,
    /// Chosen, it takes words of one's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub takes_words: bool,
    /// It allows it this once, always, or not at all; nothing: it means something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub means: Option<ReplyMeans>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReplyMeans {
    /// This once.
    Allow,
    /// From now on.
    AllowMore,
    /// No.
    Deny,
}

/// How a session can be steered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schema(as = LiveControl)]
pub enum Control {
    /// By typing into its terminal.
    Tmux {
        /// Where that is.
        pane: Pane,
    },
    /// Through the agent's own daemon, which holds it; what is said there shows in its terminal.
    Service {
        /// The daemon's socket.
        #[schema(value_type = String)]
        socket: PathBuf,
        /// The terminal that shows it, if that is in tmux.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        pane: Option<Pane>,
    },
    /// Marline runs it, without a terminal.
    Marline {
        /// The run.
        run: String,
        /// The prompt.
        task: String,
    },
    /// Not at all.
    None {
        /// Why.
        why: String,
        /// The command that opens it so that it can be steered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        command: Option<String>,
    },
}

/// An agent that runs, and whose session is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stray {
    /// The agent.
    pub source: Source,
    /// Its process.
    pub pid: u32,
    /// Where it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// Why its session is not known.
    pub why: String,
}

/// Everything that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Now {
    /// Sessions, those that need a person first.
    pub sessions: Vec<LiveSession>,
    /// Sessions whose agents have ended a short while ago, the last first.
    #[serde(default)]
    pub ended: Vec<LiveSession>,
    /// Agents whose session is not known.
    pub strays: Vec<Stray>,
}

impl Control {
    /// The terminal that shows it, where that is in tmux.
    pub fn pane(&self) -> Option<&Pane> {
        match self {
            Control::Tmux { pane } => Some(pane),
            Control::Service { pane, .. } => pane.as_ref(),
            Control::Marline { .. } | Control::None { .. } => None,
        }
    }
}

impl Now {
    /// Puts those first that need a person.
    pub fn sort(&mut self) {
        self.sessions.sort_by_key(|one| (rank(one.state), std::cmp::Reverse(one.since)));
        self.ended.sort_by_key(|one| std::cmp::Reverse(one.since));
    }
}

/// Who needs a person comes first.
fn rank(state: LiveState) -> u8 {
    match state {
        LiveState::NeedsApproval => 0,
        LiveState::NeedsInput => 1,
        LiveState::Working => 2,
        LiveState::Starting => 3,
        LiveState::Unknown => 4,
        LiveState::Idle => 5,
        LiveState::Ended => 6,
    }
}

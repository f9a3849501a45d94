//! The document.

use marline_model::{SessionId, Source, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What of a session is reviewed; items are named by their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "camelCase")]
#[schema(as = ReviewAnchor)]
pub enum Anchor {
    /// The last answer.
    Last,
    /// An answer, with the edits that belong to it; or an edit.
    Item {
        /// Its key.
        key: String,
    },
    /// All from one item to another.
    Stretch {
        /// The first one's key.
        from: String,
        /// The last one's key.
        to: String,
    },
    /// What has changed in the project and is not committed.
    Project,
}

/// What a part of the context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContextPartKind)]
pub enum PartKind {
    /// What was to be done.
    Task,
    /// What was said.
    Text,
    /// The edits of the session.
    Diff,
    /// What has changed in the project.
    Project,
}

/// A part of what the reviewer is shown. Its text stands in the first prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextPart {
    /// What it is.
    pub kind: PartKind,
    /// Its length in bytes, as it is shown.
    pub bytes: u64,
    /// So many bytes were left out of its middle.
    pub cut_bytes: u64,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It breaks something, or loses something.
    Critical,
    /// It is wrong.
    Major,
    /// It could be better.
    Minor,
    /// A remark.
    Note,
}

impl Severity {
    /// The word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
            Severity::Note => "note",
        }
    }
}

/// Something that a reviewer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReviewFinding)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as the reviewer names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub file: Option<String>,
    /// The line there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<u64>,
    /// What.
    pub text: String,
}

/// How a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RoundState {
    /// The reviewer has it, or will.
    Running,
    /// It was answered.
    Answered,
    /// It failed.
    Failed,
    /// It was stopped, or cut off.
    Stopped,
}

/// One prompt for the reviewer and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReviewRound)]
pub struct Round {
    /// What the reviewer is told. In lists its beginning.
    pub prompt: String,
    /// The client's own name for it: said again under it, it is not begun again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
    /// The run that it is.
    pub run: String,
    /// The prompt of that run.
    pub task: String,
    /// How it stands.
    pub state: RoundState,
    /// Why it failed or was stopped, or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub why: Option<String>,
    /// What the reviewer says, without the findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// What it found.
    pub findings: Vec<Finding>,
    /// The reviewer gave its findings in the form that it was asked for.
    pub is_structured: bool,
    /// Its tokens.
    pub usage: Usage,
    /// Its cost in millionths of a US dollar; nothing: its model has no price here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cost_micro_usd: Option<u64>,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
}

/// What came of sending something back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SendOutcome {
    /// The session has it.
    Delivered {
        /// What shows it.
        proof: String,
    },
    /// Nothing was sent.
    Refused {
        /// Why.
        why: String,
    },
    /// It may have been sent or not; it is not tried again.
    Unknown {
        /// What was seen.
        seen: String,
    },
    /// An agent without a terminal works at it.
    Running,
}

/// Findings that were said to the session that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentBack {
    /// The client's own name for it: said again under it, it is not sent again.
    pub key: String,
    /// The prompt.
    pub prompt: String,
    /// When.
    pub at: Timestamp,
    /// The run that it is, where no terminal was typed into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub task: Option<String>,
    /// What came of it.
    pub outcome: SendOutcome,
}

/// How a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReviewState {
    /// The reviewer is at it.
    Running,
    /// It has answered.
    Answered,
    /// Its last round failed or was stopped.
    Failed,
    /// It is over: nothing more is asked.
    Ended,
}

impl ReviewState {
    /// The word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewState::Running => "running",
            ReviewState::Answered => "answered",
            ReviewState::Failed => "failed",
            ReviewState::Ended => "ended",
        }
    }
}

/// A review of a session's work by another agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// A UUID.
    pub id: String,
    /// The client's own name for what was begun; reviewers that began together have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
    /// The session whose work is reviewed.
    pub parent: SessionId,
    /// What of it.
    pub anchor: Anchor,
    /// What the reviewer is shown of it.
    pub context: Vec<ContextPart>,
    /// The reviewer.
    pub source: Source,
    /// Its model; nothing: the one of its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub model: Option<String>,
    /// Where it works.
    pub cwd: String,
    /// Its session, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub child: Option<SessionId>,
    /// How it stands.
    pub state: ReviewState,
    /// The rounds in order.
    pub rounds: Vec<Round>,
    /// No more than so many.
    pub max_rounds: u32,
    /// What was said to the session, in order.
    pub sent_back: Vec<SentBack>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

impl Review {
    /// How it stands, by its rounds.
    pub fn state_now(&self) -> ReviewState {
        match self.rounds.last().map(|round| round.state) {
            _ if self.ended_at.is_some() => ReviewState::Ended,
            Some(RoundState::Running) | None => ReviewState::Running,
            Some(RoundState::Answered) => ReviewState::Answered,
            Some(RoundState::Failed | RoundState::Stopped) => ReviewState::Failed,
        }
    }

    /// How many rounds are left. One that failed cost a try and no round.
    pub fn rounds_left(&self) -> u32 {
        let used = self.rounds.iter().filter(|round| round.state != RoundState::Failed).count();
        self.max_rounds.saturating_sub(used as u32)
    }

    /// What its rounds cost, as far as their models have a price.
    pub fn cost_micro_usd(&self) -> u64 {
        self.rounds.iter().filter_map(|round| round.cost_micro_usd).sum()
    }
}

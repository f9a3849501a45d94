//! How a session stands that an agent has open.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// How it stands with a session that an agent has open.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// Its agent has just been started.
    Starting,
    /// The agent works at a prompt.
    Working,
    /// The agent asks for leave to do something.
    NeedsApproval,
    /// The agent asks something else, and waits.
    NeedsInput,
    /// The agent waits for the next prompt.
    Idle,
    /// The agent is gone.
    Ended,
    /// What is seen does not tell, or contradicts itself.
    Unknown,
}

impl LiveState {
    /// The word for it, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            LiveState::Starting => "starting",
            LiveState::Working => "working",
            LiveState::NeedsApproval => "needs_approval",
            LiveState::NeedsInput => "needs_input",
            LiveState::Idle => "idle",
            LiveState::Ended => "ended",
            LiveState::Unknown => "unknown",
        }
    }

    /// A person is waited for.
    pub fn needs_you(self) -> bool {
        matches!(self, LiveState::NeedsApproval | LiveState::NeedsInput)
    }
}

/// Where something that tells of a session's state was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The table of processes.
    Process,
    /// What the agent itself says of its state in a file.
    Registry,
    /// A lock that the agent holds.
    Lock,
    /// The session's own records.
    Transcript,
    /// The screen of the terminal that the agent runs in.
    Screen,
    /// A hook that the agent called.
    Hook,
    /// What the agent said to Marline, which runs it.
    Talk,
    /// What the agent's own daemon says, which holds the session.
    Service,
}

/// Something that tells of a session's state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Where it was seen.
    pub channel: Channel,
    /// What it says, in words.
    pub says: String,
    /// The state that it speaks for; nothing: it only says that the session is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<LiveState>,
    /// Since when, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub at: Option<Timestamp>,
}

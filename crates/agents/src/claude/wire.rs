//! Claude's records exactly as they are written.

use crate::json::{Malformed, Raw};

/// How a kind of record is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Gives items.
    Items,
    /// Gives facts, no items.
    Facts,
    /// Repeats or lists what nobody searches for: known and passed over.
    Passed,
}

use Treatment::{Facts, Items, Passed};

/// Every record kind that was seen, `type` or `type/subtype`, and how it is treated.
///
/// 2.1.329: `attachment/prompt_snapshot`, `api-request*` and `skill_listing` are four fifths of the bytes and
/// repeat prompt text; a search that took them in would hit each prompt three times.
pub const INVENTORY: &[(&str, Treatment)] = &[
    ("user", Items),
    ("assistant", Items),
    ("summary", Items),
    ("custom-title", Items),
    ("ai-title", Items),
    ("agent-name", Facts),
    ("queue-operation", Items),
    ("last-prompt", Passed),
    ("mode", Passed),
    ("permission-mode", Passed),
    ("atis-latch", Passed),
    ("tools-used", Passed),
    ("cost-state", Passed),
    ("file-history-snapshot", Passed),
    ("file-history-delta", Passed),
    ("progress", Passed),
    ("pr-link", Passed),
    ("worktree-state", Passed),
    ("bridge-session", Passed),
    ("started", Passed),
    ("result", Passed),
    ("api-request", Passed),
    ("api-request-shape", Passed),
    ("api-request-blob", Passed),
    ("fork-context-ref", Passed),
    ("relocated", Passed),
    ("frame-link", Passed),
    ("system/compact_boundary", Items),
    ("system/microcompact_boundary", Items),
    ("system/local_command", Items),
    ("system/api_error", Items),
    ("system/informational", Items),
    ("system/away_summary", Items),
    ("system/scheduled_task_fire", Items),
    ("system/session_start", Passed),
    ("system/stop_hook_summary", Passed),
    ("system/turn_duration", Passed),
    ("system/bridge_status", Passed),
    ("system/file_snapshot", Passed),
    ("system/model_refusal_fallback", Passed),
    ("system/memory_saved", Passed),
    ("system/agents_killed", Passed),
    ("attachment/queued_command", Items),
    ("attachment/file", Items),
    ("attachment/edited_text_file", Items),
    ("attachment/selected_lines_in_ide", Items),
    ("attachment/nested_memory", Items),
    ("attachment/plan_file_reference", Items),
    ("attachment/diagnostics", Items),
    ("attachment/directory", Items),
    ("attachment/edited_image_file", Passed),
    ("attachment/already_read_file", Passed),
    ("attachment/compact_file_reference", Passed),
    ("attachment/opened_file_in_ide", Passed),
    ("attachment/environment", Passed),
    ("attachment/model", Passed),
    ("attachment/prompt_snapshot", Passed),
    ("attachment/deferred_tools_delta", Passed),
    ("attachment/agent_listing_delta", Passed),
    ("attachment/mcp_instructions_delta", Passed),
    ("attachment/skill_listing", Passed),
    ("attachment/invoked_skills", Passed),
    ("attachment/session_context", Passed),
    ("attachment/date", Passed),
    ("attachment/date_change", Passed),
    ("attachment/remote_session_change", Passed),
    ("attachment/task_status", Passed),
    ("attachment/task_reminder", Passed),
    ("attachment/todo_reminder", Passed),
    ("attachment/todo", Passed),
    ("attachment/plan_mode", Passed),
    ("attachment/plan_mode_exit", Passed),
    ("attachment/plan_mode_reentry", Passed),
    ("attachment/auto_mode", Passed),
    ("attachment/auto_mode_exit", Passed),
    ("attachment/command_permissions", Passed),
    ("attachment/dynamic_skill", Passed),
    ("attachment/hook_success", Passed),
    ("attachment/hook_additional_context", Passed),
    ("attachment/hook_system_message", Passed),
    ("attachment/hook_non_blocking_error", Passed),
    ("attachment/hook_blocking_error", Passed),
    ("attachment/hook_cancelled", Passed),
    ("attachment/hook_stopped_continuation", Passed),
    ("attachment/async_hook_response", Passed),
    ("attachment/ultrathink_effort", Passed),
    ("attachment/critical_system_reminder", Passed),
    ("attachment/output_style", Passed),
    ("attachment/context_efficiency", Passed),
    ("attachment/batching_reminder_sent", Passed),
    ("attachment/read_truncation_notice", Passed),
    ("attachment/silent_turn_reminder", Passed),
    ("attachment/total_tokens_reminder", Passed),
    ("attachment/ultra_effort_enter", Passed),
    ("attachment/ultra_effort_exit", Passed),
    ("attachment/token_usage", Passed),
    ("attachment/budget_usd", Passed),
    ("attachment/max_turns_reached", Passed),
    ("attachment/teammate_mailbox", Passed),
    ("attachment/team_context", Passed),
    ("attachment/agent_mention", Passed),
    ("attachment/relevant_memories", Passed),
    ("attachment/goal_status", Passed),
    ("attachment/workflow_keyword_request", Passed),
    ("attachment/verify_plan_reminder", Passed),
    ("attachment/companion_intro", Passed),
    ("attachment/structured_output", Passed),
];

/// Returns how a kind is treated; `None` for one that was never seen.
pub fn treatment(kind: &str) -> Option<Treatment> {
    INVENTORY.iter().find(|(known, _)| *known == kind).map(|(_, treatment)| *treatment)
}

/// The fields of a record that matter, still undecoded.
#[derive(Default)]
pub struct Record<'a> {
    pub kind: &'a [u8],
    pub subtype: &'a [u8],
    pub uuid: &'a [u8],
    pub parent_uuid: &'a [u8],
    pub timestamp: &'a [u8],
    pub session_id: &'a [u8],
    pub agent_id: &'a [u8],
    pub request_id: &'a [u8],
    pub prompt_source: &'a [u8],
    pub cwd: Option<Raw<'a>>,
    pub version: Option<Raw<'a>>,
    pub branch: Option<Raw<'a>>,
    pub message: Option<Raw<'a>>,
    pub attachment: Option<Raw<'a>>,
    pub tool_result: Option<Raw<'a>>,
    pub content: Option<Raw<'a>>,
    pub summary: Option<Raw<'a>>,
    pub title: Option<Raw<'a>>,
    pub leaf_uuid: &'a [u8],
    pub origin: Option<Raw<'a>>,
    pub forked_from: Option<Raw<'a>>,
    /// Written by Marline: the session that the record came from.
    pub handed_over: Option<Raw<'a>>,
    pub compact: Option<Raw<'a>>,
    pub error: Option<Raw<'a>>,
    pub is_sidechain: bool,
    pub is_meta: bool,
    pub is_compact_summary: bool,
    pub is_api_error: bool,
    pub is_denied: bool,
    pub has_plan: bool,
}

impl<'a> Record<'a> {
    /// Takes the fields of a record; those it does not name are left alone.
    pub fn parse(value: Raw<'a>) -> Result<Self, Malformed> {
        let mut record = Record::default();
        for field in value.fields() {
            let (key, value) = field?;
            match key {
                b"type" => record.kind = value.word(),
                b"subtype" => record.subtype = value.word(),
                b"uuid" => record.uuid = value.word(),
                b"parentUuid" => record.parent_uuid = value.word(),
                b"timestamp" => record.timestamp = value.word(),
                b"sessionId" => record.session_id = value.word(),
                b"agentId" => record.agent_id = value.word(),
                b"requestId" => record.request_id = value.word(),
                b"promptSource" => record.prompt_source = value.word(),
                b"cwd" => record.cwd = Some(value),
                b"version" => record.version = Some(value),
                b"gitBranch" => record.branch = Some(value),
                b"message" => record.message = Some(value),
                b"attachment" => record.attachment = Some(value),
                b"toolUseResult" => record.tool_result = Some(value),
                b"content" => record.content = Some(value),
                b"summary" => record.summary = Some(value),
                b"customTitle" | b"aiTitle" => record.title = Some(value),
                b"leafUuid" => record.leaf_uuid = value.word(),
                b"origin" => record.origin = Some(value),
                b"forkedFrom" => record.forked_from = Some(value),
                b"handedOver" => record.handed_over = Some(value),
                b"compactMetadata" => record.compact = Some(value),
                b"error" => record.error = Some(value),
                b"isSidechain" => record.is_sidechain = value.is_true(),
                b"isMeta" => record.is_meta = value.is_true(),
                b"isCompactSummary" => record.is_compact_summary = value.is_true(),
                b"isApiErrorMessage" => record.is_api_error = value.is_true(),
                b"toolDenialKind" => record.is_denied = value.is_string(),
                b"planContent" => record.has_plan = value.is_string(),
                _ => {}
            }
        }
        Ok(record)
    }
}

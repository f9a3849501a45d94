//! Codex's records exactly as they are written.

use crate::json::{Malformed, Raw};

/// Every record kind that was seen: `type`, `type/payload.type`, and for completed items
/// `item_completed/<item type>`; `true` where it gives items or facts, `false` where it is known and passed
/// over because another record holds the same.
pub const INVENTORY: &[(&str, bool)] = &[
    ("session_meta", true),
    ("turn_context", true),
    ("compacted", true),
    ("token_usage_record", true),
    ("world_state", false),
    ("inter_agent_communication", false),
    ("inter_agent_communication_metadata", false),
    ("state", false),
    ("response_item/message", true),
    ("response_item/agent_message", true),
    ("response_item/reasoning", true),
    ("response_item/function_call", true),
    ("response_item/function_call_output", true),
    ("response_item/custom_tool_call", true),
    ("response_item/custom_tool_call_output", true),
    ("response_item/local_shell_call", true),
    ("response_item/local_shell_call_output", true),
    ("response_item/web_search_call", true),
    ("response_item/tool_search_call", true),
    ("response_item/tool_search_output", true),
    ("response_item/tool_search_call_output", true),
    ("response_item/image_generation_call", true),
    ("response_item/ghost_snapshot", false),
    ("response_item/compaction", false),
    ("response_item/compaction_summary", false),
    ("response_item/context_compaction", false),
    ("response_item/additional_tools", false),
    ("response_item/compaction_trigger", false),
    ("response_item/other", false),
    ("event_msg/user_message", true),
    ("event_msg/agent_message", true),
    ("event_msg/error", true),
    ("event_msg/stream_error", true),
    ("event_msg/warning", true),
    ("event_msg/task_complete", true),
    ("event_msg/turn_complete", true),
    ("event_msg/turn_aborted", true),
    ("event_msg/turn_failed", true),
    ("event_msg/token_count", true),
    ("event_msg/thread_settings_applied", true),
    ("event_msg/thread_name_updated", true),
    ("event_msg/thread_rolled_back", true),
    ("event_msg/exec_command_end", true),
    ("event_msg/patch_apply_end", true),
    ("event_msg/mcp_tool_call_end", true),
    ("event_msg/agent_reasoning", false),
    ("event_msg/agent_reasoning_raw_content", false),
    ("event_msg/agent_reasoning_section_break", false),
    ("event_msg/task_started", false),
    ("event_msg/turn_started", false),
    ("event_msg/context_compacted", false),
    ("event_msg/exec_command_begin", false),
    ("event_msg/patch_apply_begin", false),
    ("event_msg/mcp_tool_call_begin", false),
    ("event_msg/web_search_begin", false),
    ("event_msg/web_search_end", false),
    ("event_msg/image_generation_end", false),
    ("event_msg/view_image_tool_call", false),
    ("event_msg/turn_diff", false),
    ("event_msg/undo_completed", false),
    ("event_msg/plan_update", false),
    ("event_msg/thread_goal_updated", false),
    ("event_msg/sub_agent_activity", false),
    ("event_msg/entered_review_mode", false),
    ("event_msg/exited_review_mode", false),
    ("event_msg/dynamic_tool_call_request", false),
    ("event_msg/dynamic_tool_call_response", false),
    ("event_msg/collab_agent_spawn_begin", false),
    ("event_msg/collab_agent_spawn_end", false),
    ("event_msg/collab_agent_interaction_begin", false),
    ("event_msg/collab_agent_interaction_end", false),
    ("event_msg/collab_waiting_begin", false),
    ("event_msg/collab_waiting_end", false),
    ("event_msg/collab_close_begin", false),
    ("event_msg/collab_close_end", false),
    ("event_msg/collab_resume_begin", false),
    ("event_msg/collab_resume_end", false),
    ("event_msg/guardian_assessment", false),
    ("item_completed/UserMessage", true),
    ("item_completed/AgentMessage", true),
    ("item_completed/CommandExecution", true),
    ("item_completed/FileChange", true),
    ("item_completed/McpToolCall", true),
    ("item_completed/Reasoning", false),
    ("item_completed/ContextCompaction", false),
    ("item_completed/SubAgentActivity", false),
    ("item_completed/CollabAgentToolCall", false),
    ("item_completed/WebSearch", false),
    ("item_completed/DynamicToolCall", false),
    ("item_completed/ImageView", false),
    ("item_completed/ImageGeneration", false),
    ("item_completed/Plan", false),
    ("item_completed/Sleep", false),
    ("item_completed/Extension", false),
    ("item_completed/TodoList", false),
    ("item_completed/HookPrompt", false),
    ("item_completed/EnteredReviewMode", false),
    ("item_completed/ExitedReviewMode", false),
];

/// Returns whether a kind gives items; `None` for one that was never seen.
pub fn gives_items(kind: &str) -> Option<bool> {
    INVENTORY.iter().find(|(known, _)| *known == kind).map(|(_, gives)| *gives)
}

/// One line.
#[derive(Default)]
pub struct Line<'a> {
    pub timestamp: &'a [u8],
    pub ordinal: Option<u64>,
    pub kind: &'a [u8],
    pub payload: Option<Raw<'a>>,
}

impl<'a> Line<'a> {
    /// Reads a line; in the first generation (before autumn 2025) the item stands bare, without an envelope.
    pub fn parse(value: Raw<'a>) -> Result<Self, Malformed> {
        let mut line = Line::default();
        let mut bare_header = false;
        for field in value.fields() {
            let (key, value) = field?;
            match key {
                b"timestamp" => line.timestamp = value.word(),
                b"ordinal" => line.ordinal = value.count(),
                b"type" => line.kind = value.word(),
                b"payload" => line.payload = Some(value),
                b"record_type" => line.kind = b"state",
                b"instructions" | b"id" => bare_header = true,
                _ => {}
            }
        }
        if line.payload.is_none() {
            match line.kind {
                b"" if bare_header => (line.kind, line.payload) = (b"session_meta", Some(value)),
                b"state" => {}
                _ => (line.kind, line.payload) = (b"response_item", Some(value)),
            }
        }
        Ok(line)
    }

    /// Returns a field of the payload.
    pub fn field(&self, name: &str) -> Option<Raw<'a>> {
        self.payload?.get(name)
    }
}

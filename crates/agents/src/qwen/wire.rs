//! Qwen's records exactly as they are written.

/// Every record kind that was seen, `type` or `type/subtype` or `ui_telemetry/<event>`, and whether it gives items.
pub const INVENTORY: &[(&str, bool)] = &[
    ("user", true),
    ("assistant", true),
    ("tool_result", true),
    ("system/chat_compression", true),
    ("system/slash_command", true),
    ("system/custom_title", true),
    ("system/ui_telemetry", true),
    ("system/attribution_snapshot", false),
    ("system/file_history_snapshot", false),
    ("system/at_command", false),
    ("system/session_artifact_snapshot", false),
];

/// Returns whether a kind gives items; `None` for one that was never seen.
pub fn gives_items(kind: &str) -> Option<bool> {
    INVENTORY.iter().find(|(known, _)| *known == kind).map(|(_, gives)| *gives)
}

//! OpenCode's part types.

/// Every part type that was seen, and whether it gives items.
pub const INVENTORY: &[(&str, bool)] = &[
    ("text", true),
    ("reasoning", true),
    ("tool", true),
    ("file", true),
    ("patch", true),
    ("compaction", true),
    ("subtask", true),
    ("retry", true),
    ("agent", false),
    ("snapshot", false),
    ("step-start", false),
    ("step-finish", false),
];

/// Returns whether a type gives items; `None` for one that was never seen.
pub fn gives_items(kind: &str) -> Option<bool> {
    INVENTORY.iter().find(|(known, _)| *known == kind).map(|(_, gives)| *gives)
}

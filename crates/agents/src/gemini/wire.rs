//! Gemini's records exactly as they are written.

/// Every message type that was seen, and whether it gives items.
pub const INVENTORY: &[(&str, bool)] = &[
    ("header", true),
    ("$set", true),
    ("$rewindTo", true),
    ("user", true),
    ("gemini", true),
    ("info", true),
    ("warning", true),
    ("error", true),
];

/// Returns whether a type is known.
pub fn is_known(kind: &str) -> bool {
    INVENTORY.iter().any(|(known, _)| *known == kind)
}

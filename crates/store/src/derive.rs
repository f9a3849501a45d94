//! What items say of their thread: which of them are durable, and what metadata follows from them.
//!
//! Stores infer nothing; this stands above them, and is what a store without a database reads its answers from.
//! Record kinds are those of Codex 0.80 to 0.169.

use marline_model::{HistoryMode, ThreadMetadata, ThreadMetadataPatch, Timestamp};
use serde::Deserialize;

use crate::HistoryItem;

/// Events that both modes keep.
const KEPT: [&str; 9] = [
    "token_count",
    "thread_goal_updated",
    "thread_rolled_back",
    "turn_aborted",
    "task_started",
    "turn_started",
    "task_complete",
    "turn_complete",
    "thread_settings_applied",
];
/// Events that say in legacy threads what `item_completed` says in paginated ones.
const KEPT_IN_LEGACY: [&str; 13] = [
    "user_message",
    "agent_message",
    "agent_reasoning",
    "agent_reasoning_raw_content",
    "entered_review_mode",
    "exited_review_mode",
    "patch_apply_end",
    "context_compacted",
    "mcp_tool_call_end",
    "web_search_end",
    "image_generation_end",
    "sub_agent_activity",
    "collab_tool_call_end",
];
/// Events that are over when they have been shown.
const TRANSIENT: [&str; 14] = [
    "error",
    "warning",
    "stream_error",
    "background_event",
    "exec_command_end",
    "turn_diff",
    "plan_update",
    "session_configured",
    "shutdown_complete",
    "deprecation_notice",
    "hook_completed",
    "mcp_startup_update",
    "mcp_startup_complete",
    "model_reroute",
];
/// Records that say something of their thread.
const SPEAKING: [&str; 2] = ["event_msg", "turn_context"];
const TRANSIENT_ENDINGS: [&str; 5] = ["_delta", "_begin", "_request", "_started", "_updated"];
/// Lists show no more of a prompt.
const PREVIEW: usize = 200;

/// What is looked at in a payload; all else is passed over.
#[derive(Deserialize, Default)]
struct Payload<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    message: Option<serde_json::Value>,
    #[serde(default)]
    item: Option<Item>,
    #[serde(default)]
    info: Option<Info>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    cwd: Option<String>,
    #[serde(default)]
    approval_policy: Option<serde_json::Value>,
    #[serde(default)]
    turn_id: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    content: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    total_token_usage: Option<Total>,
}

#[derive(Deserialize)]
struct Total {
    #[serde(default)]
    total_tokens: u64,
}

fn payload(item: &HistoryItem) -> Payload<'_> {
    serde_json::from_str(item.payload.get()).unwrap_or_default()
}

/// Says whether an item belongs into a history of this mode. What is not known is kept.
pub fn is_durable(item: &HistoryItem, mode: HistoryMode) -> bool {
    is_kept(&item.kind, &payload(item), mode)
}

fn is_kept(kind: &str, payload: &Payload<'_>, mode: HistoryMode) -> bool {
    let record = kind;
    let kind = payload.kind.as_deref().unwrap_or_default();
    match record {
        "response_item" => !matches!(kind, "additional_tools" | "compaction_trigger" | "other"),
        "event_msg" if KEPT.contains(&kind) => true,
        "event_msg" if KEPT_IN_LEGACY.contains(&kind) => mode == HistoryMode::Legacy,
        "event_msg" if kind == "item_completed" => {
            let item = payload.item.as_ref().map_or("", |item| &item.kind);
            mode == HistoryMode::Paginated || matches!(item, "Plan" | "Sleep")
        }
        "event_msg" => {
            !TRANSIENT.contains(&kind) && !TRANSIENT_ENDINGS.iter().any(|ending| kind.ends_with(ending))
        }
        _ => true,
    }
}

/// What one item says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derived {
    /// A person said this.
    pub prompt: Option<String>,
    /// The agent said this.
    pub answer: Option<String>,
    /// A turn begins.
    pub begins_turn: bool,
    /// A turn ends.
    pub ends_turn: bool,
    /// The agent's id of the turn.
    pub turn: Option<String>,
    model: Option<String>,
    effort: Option<String>,
    cwd: Option<String>,
    approval_mode: Option<String>,
    tokens: Option<u64>,
}

impl Derived {
    /// Looks at an item.
    pub fn of(item: &HistoryItem) -> Self {
        if !SPEAKING.contains(&&*item.kind) {
            return Derived::default();
        }
        Self::of_payload(&item.kind, payload(item))
    }

    /// Looks at an item if it is durable.
    pub(crate) fn of_durable(item: &HistoryItem, mode: HistoryMode) -> Option<Self> {
        let payload = payload(item);
        is_kept(&item.kind, &payload, mode).then(|| Self::of_payload(&item.kind, payload))
    }

    fn of_payload(kind: &str, payload: Payload<'_>) -> Self {
        if !SPEAKING.contains(&kind) {
            return Derived::default();
        }
        let mut derived = Derived { turn: payload.turn_id, ..Derived::default() };
        if kind == "turn_context" {
            derived.model = payload.model;
            derived.effort = payload.effort;
            derived.cwd = payload.cwd;
            derived.approval_mode = payload.approval_policy.as_ref().map(|policy| match policy.as_str() {
                Some(word) => word.to_owned(),
                None => policy.to_string(),
            });
            return derived;
        }
        let message = || payload.message.as_ref().and_then(|text| text.as_str()).map(str::to_owned);
        match payload.kind.as_deref().unwrap_or_default() {
            "user_message" => derived.prompt = message(),
            "agent_message" => derived.answer = message(),
            "item_completed" => {
                let Some(item) = payload.item else { return derived };
                let texts: Vec<String> = item.content.into_iter().filter_map(|part| part.text).collect();
                let text = Some(texts.join("\n")).filter(|text| !text.is_empty());
                match item.kind.as_str() {
                    "UserMessage" => derived.prompt = text,
                    "AgentMessage" => derived.answer = text,
                    _ => {}
                }
            }
            "task_started" | "turn_started" => derived.begins_turn = true,
            "task_complete" | "turn_complete" | "turn_aborted" => derived.ends_turn = true,
            "token_count" => {
                let total = payload.info.and_then(|info| info.total_token_usage);
                derived.tokens = total.map(|total| total.total_tokens);
            }
            _ => {}
        }
        derived
    }

    /// The change of metadata that follows; `known` is what is known already, `at` when it happened.
    pub fn patch(&self, known: &ThreadMetadata, at: Timestamp) -> ThreadMetadataPatch {
        let mut patch = ThreadMetadataPatch { updated_at: at.into(), ..ThreadMetadataPatch::default() };
        let is_new = |known: &Option<String>| known.as_ref().is_none_or(String::is_empty);
        if let Some(prompt) = self.prompt.as_deref().map(str::trim).filter(|prompt| !prompt.is_empty()) {
            let preview: String = prompt.chars().take(PREVIEW).collect();
            if is_new(&known.first_user_message) {
                patch.first_user_message = prompt.to_owned().into();
            }
            if is_new(&known.preview) {
                patch.preview = preview.clone().into();
            }
            if is_new(&known.title) {
                patch.title = preview.into();
            }
        }
        if self.begins_turn || self.prompt.is_some() {
            patch.recency_at = at.into();
        }
        let differs = |value: &Option<String>, known: &Option<String>, take: &mut dyn FnMut(String)| {
            if let Some(value) = value.as_ref().filter(|value| known.as_ref() != Some(*value)) {
                take(value.clone());
            }
        };
        differs(&self.model, &known.model, &mut |value| patch.model = value.into());
        differs(&self.effort, &known.reasoning_effort, &mut |value| patch.reasoning_effort = value.into());
        differs(&self.cwd, &known.cwd, &mut |value| patch.cwd = value.into());
        differs(&self.approval_mode, &known.approval_mode, &mut |value| patch.approval_mode = value.into());
        if let Some(tokens) = self.tokens.filter(|tokens| known.token_usage != Some(*tokens)) {
            patch.token_usage = tokens.into();
        }
        patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &str, payload: &str) -> HistoryItem {
        HistoryItem::new(kind, payload).expect("JSON")
    }

    #[test]
    fn what_is_durable_depends_on_the_mode() {
        let durable = |kind: &str, payload: &str, mode| is_durable(&item(kind, payload), mode);
        let user = r#"{"type":"user_message","message":"hi"}"#;
        let completed = r#"{"type":"item_completed","item":{"type":"UserMessage","content":[]}}"#;
        let plan = r#"{"type":"item_completed","item":{"type":"Plan"}}"#;
        assert!(
            durable("event_msg", user, HistoryMode::Legacy)
                && !durable("event_msg", user, HistoryMode::Paginated)
        );
        assert!(
            !durable("event_msg", completed, HistoryMode::Legacy)
                && durable("event_msg", plan, HistoryMode::Legacy)
        );
        assert!(durable("event_msg", completed, HistoryMode::Paginated));
        for transient in
            ["agent_message_delta", "exec_command_begin", "exec_approval_request", "error", "item_started"]
        {
            assert!(
                !durable("event_msg", &format!(r#"{{"type":"{transient}"}}"#), HistoryMode::Paginated),
                "{transient}"
            );
        }
        for kept in ["task_started", "thread_goal_updated", "something_of_tomorrow"] {
            assert!(durable("event_msg", &format!(r#"{{"type":"{kept}"}}"#), HistoryMode::Legacy), "{kept}");
        }
        assert!(durable("kind_of_tomorrow", "[1]", HistoryMode::Legacy));
        assert!(!durable("response_item", r#"{"type":"compaction_trigger"}"#, HistoryMode::Legacy));
    }

    #[test]
    fn metadata_follows_from_what_is_said() {
        let mut known = ThreadMetadata::default();
        let at = Timestamp::from_millis(5);
        for (kind, payload) in [
            ("event_msg", r#"{"type":"task_started","turn_id":"t1"}"#),
            (
                "turn_context",
                r#"{"turn_id":"t1","cwd":"/w","model":"gpt-5.5","effort":"high","approval_policy":"never"}"#,
            ),
            ("event_msg", r#"{"type":"user_message","message":"First words"}"#),
            ("event_msg", r#"{"type":"user_message","message":"Later words"}"#),
            ("event_msg", r#"{"type":"token_count","info":{"total_token_usage":{"total_tokens":12}}}"#),
            ("event_msg", r#"{"type":"token_count","info":null}"#),
        ] {
            let patch = Derived::of(&item(kind, payload)).patch(&known, at);
            known.apply(&patch);
        }
        let expected = ThreadMetadata {
            preview: Some("First words".into()),
            title: Some("First words".into()),
            first_user_message: Some("First words".into()),
            model: Some("gpt-5.5".into()),
            reasoning_effort: Some("high".into()),
            cwd: Some("/w".into()),
            approval_mode: Some("never".into()),
            token_usage: Some(12),
            updated_at: Some(at),
            recency_at: Some(at),
            ..ThreadMetadata::default()
        };
        assert_eq!(known, expected);
    }
}

//! What tells how it stands with a Codex that runs. Source: 0.169, and rollouts since 0.80.

use marline_model::LiveState;
use serde_json::Value;

use crate::json::Raw;
use crate::live::{Context, Hooks, Live, Sign, Told, id, told_by};
use crate::screen::{Dialog, Screen, dialog, field};

pub struct CodexLive;

/// Words of the agent's own tools, and of servers.
const COMMANDS: [&str; 22] = [
    "app-server",
    "mcp",
    "mcp-server",
    "login",
    "logout",
    "archive",
    "unarchive",
    "delete",
    "queue",
    "completion",
    "sandbox",
    "debug",
    "apply",
    "doctor",
    "features",
    "migrate-rollouts",
    "migrate-nfs-db",
    "remote-control",
    "update",
    "agents",
    "help",
    "exec-server",
];

/// What its hooks tell.
const STATES: [(&str, LiveState, &str); 5] = [
    ("SessionStart", LiveState::Idle, "the session was opened"),
    ("UserPromptSubmit", LiveState::Working, "it has a prompt"),
    ("PermissionRequest", LiveState::NeedsApproval, "it asks for leave"),
    ("PostToolUse", LiveState::Working, "a tool has run"),
    ("Stop", LiveState::Idle, "its turn is over"),
];

impl Live for CodexLive {
    fn session(&self, words: &[String]) -> Option<String> {
        let at = words.iter().position(|word| word == "resume")?;
        words[at + 1..].iter().find_map(|word| id(word).filter(|id| id.len() == 36))
    }

    fn is_a_talk(&self, words: &[String]) -> bool {
        let is_command = words.iter().skip(1).any(|word| COMMANDS.contains(&word.as_str()));
        let is_question =
            words.iter().any(|word| ["--version", "-V", "--help", "-h"].contains(&word.as_str()));
        !is_command && !is_question
    }

    fn sign(&self, record: Raw<'_>) -> Option<Sign> {
        let payload = record.get("payload")?;
        let kind = payload.get("type")?.word();
        let call = || Some(payload.get("call_id")?.text()?.into_owned());
        match record.get("type")?.word() {
            b"event_msg" => match kind {
                b"task_started" | b"turn_started" => Some(Sign::Announced),
                b"user_message" => Some(Sign::Began),
                b"agent_message" => Some(Sign::Spoke),
                // Since 0.169 at the latest; in plan mode.
                b"item_completed" if payload.path(&["item", "type"])?.word() == b"Plan" => {
                    Some(Sign::Planned)
                }
                b"task_complete" | b"turn_complete" | b"turn_aborted" => Some(Sign::Ended),
                _ => None,
            },
            b"response_item" => match kind {
                b"function_call" | b"custom_tool_call" | b"local_shell_call" => {
                    Some(Sign::Called { call: call()? })
                }
                b"function_call_output" | b"custom_tool_call_output" | b"local_shell_call_output" => {
                    Some(Sign::Returned { call: call()? })
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn context(&self, record: Raw<'_>) -> Option<Context> {
        let payload = record.get("payload")?;
        if payload.get("type")?.word() != b"token_count" {
            return None;
        }
        let count = |path: &[&str]| payload.path(path).and_then(Raw::count);
        let tokens = count(&["info", "last_token_usage", "total_tokens"])?;
        Some(Context { tokens, window: count(&["info", "model_context_window"]) })
    }

    fn hooks(&self) -> Option<Hooks> {
        Some(Hooks {
            file: "hooks.json",
            events: &[
                "SessionStart",
                "UserPromptSubmit",
                "PermissionRequest",
                "PostToolUse",
                "Stop",
                "SessionEnd",
            ],
            timeout: 5,
            is_async: false,
            decides: Some(("PermissionRequest", 600)),
            note: "Codex asks once, at its next start, whether you trust them: choose \"Trust all\" or look at them first.",
        })
    }

    fn told(&self, event: &Value) -> Option<Told> {
        told_by(event, &STATES)
    }

    fn signals(&self) -> &'static [&'static str] {
        &["thread-writer-locks", "app-server-control"]
    }

    fn service(&self, home: &std::path::Path) -> Option<std::path::PathBuf> {
        Some(super::service::socket(home))
    }

    /// By the lock that it takes.
    fn is_named_at_start(&self) -> bool {
        true
    }

    fn queues_prompts(&self) -> bool {
        true
    }

    fn screen(&self, screen: &str) -> Screen {
        // The mark before it blinks.
        let is_busy = |line: &str| line.starts_with(['•', '◦']) && line.contains("esc to interrupt)");
        // A thread that another process holds; the page has a key to try again, and no answers.
        let held = screen.lines().find(|line| line.contains("conversation is open in another app"));
        let held = held.map(|line| Dialog {
            question: line.trim_matches(|c: char| !c.is_alphanumeric()).to_owned(),
            ..Dialog::default()
        });
        let dialog = held.or_else(|| dialog(screen, false));
        Screen::of(dialog, screen.lines().any(is_busy), || field(screen, '›', false))
    }
}

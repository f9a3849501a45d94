//! What tells how it stands with a Claude Code that runs. Source: 2.1.329.

use std::time::Duration;

use marline_model::LiveState;
use serde_json::Value;

use crate::json::Raw;
use crate::live::{Context, Hooks, Live, LiveMode, Sign, Told, id, is_model, option, told_by};
use crate::screen::{Screen, dialog, field};

pub struct ClaudeLive;

/// Words of the agent's own tools.
const COMMANDS: [&str; 12] = [
    "mcp",
    "config",
    "update",
    "doctor",
    "install",
    "plugin",
    "setup-token",
    "agents",
    "daemon",
    "auth",
    "logs",
    "stop",
];

/// What its hooks tell.
const STATES: [(&str, LiveState, &str); 7] = [
    ("SessionStart", LiveState::Idle, "the session was opened"),
    ("UserPromptSubmit", LiveState::Working, "it has a prompt"),
    ("PermissionRequest", LiveState::NeedsApproval, "it asks for leave"),
    ("PostToolUse", LiveState::Working, "a tool has run"),
    ("PostToolUseFailure", LiveState::Working, "a tool has failed"),
    ("Stop", LiveState::Idle, "its turn is over"),
    ("StopFailure", LiveState::Idle, "its turn has failed"),
];

impl Live for ClaudeLive {
    fn session(&self, words: &[String]) -> Option<String> {
        let is_fork = words.iter().any(|word| word == "--fork-session");
        let names: &[&str] = if is_fork { &["--session-id"] } else { &["--session-id", "--resume", "-r"] };
        id(option(words, names)?)
    }

    fn is_a_talk(&self, words: &[String]) -> bool {
        let is_command = words.get(1).is_some_and(|word| COMMANDS.contains(&word.as_str()));
        let is_question =
            words.iter().any(|word| ["--version", "-v", "--help", "-h"].contains(&word.as_str()));
        !is_command && !is_question
    }

    fn sign(&self, record: Raw<'_>) -> Option<Sign> {
        if record.get("isSidechain").is_some_and(Raw::is_true) { None } else { self.sign_of_helper(record) }
    }

    fn sign_of_helper(&self, record: Raw<'_>) -> Option<Sign> {
        let is_true = |name: &str| record.get(name).is_some_and(Raw::is_true);
        let content = record.path(&["message", "content"]);
        match record.get("type")?.word() {
            b"user" if is_true("isMeta") || is_true("isCompactSummary") => None,
            b"user" => user(content?),
            b"assistant" if is_true("isApiErrorMessage") => Some(Sign::Ended),
            b"assistant" => {
                let called = content?.elements().find(|block| kind(*block) == b"tool_use");
                if let Some(call) = called {
                    return Some(Sign::Called { call: call.get("id")?.text()?.into_owned() });
                }
                let stop = record.path(&["message", "stop_reason"]).map(Raw::word).unwrap_or_default();
                [&b"end_turn"[..], b"stop_sequence", b"max_tokens", b"refusal"]
                    .contains(&stop)
                    .then_some(Sign::Ended)
            }
            b"system" => {
                let subtype = record.get("subtype")?.word();
                (subtype == b"turn_duration").then_some(Sign::Ended)
            }
            _ => None,
        }
    }

    fn context(&self, record: Raw<'_>) -> Option<Context> {
        if record.get("type")?.word() != b"assistant" || record.get("isSidechain").is_some_and(Raw::is_true) {
            return None;
        }
        let usage = record.path(&["message", "usage"])?;
        let count = |name: &str| usage.get(name).and_then(Raw::count).unwrap_or(0);
        let names =
            ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
        let tokens = names.into_iter().map(count).sum::<u64>();
        // How many fit is written down nowhere.
        (tokens > 0).then_some(Context { tokens, window: None })
    }

    fn queues_prompts(&self) -> bool {
        true
    }

    fn screen(&self, screen: &str) -> Screen {
        let mut dialog = dialog(screen, true);
        // What it advises beside is no part of what it asks.
        if let Some(dialog) = &mut dialog {
            dialog.about.retain(|line| !line.starts_with("Tip:"));
        }
        let last = screen.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        Screen::of(dialog, last.contains("esc to interrupt"), || field(screen, '❯', true))
    }

    fn hooks(&self) -> Option<Hooks> {
        Some(Hooks {
            file: "settings.json",
            events: &[
                "SessionStart",
                "UserPromptSubmit",
                "PermissionRequest",
                "PostToolUse",
                "PostToolUseFailure",
                "Stop",
                "StopFailure",
                "SessionEnd",
            ],
            timeout: 5,
            is_async: true,
            decides: Some(("PermissionRequest", 600)),
            note: "Sessions that run already call them from their next start on.",
        })
    }

    fn told(&self, event: &Value) -> Option<Told> {
        told_by(event, &STATES)
    }

    fn signals(&self) -> &'static [&'static str] {
        &["sessions"]
    }

    fn mode(&self, screen: &str) -> Option<(LiveMode, &'static str)> {
        let last = screen.lines().rfind(|line| !line.trim().is_empty())?;
        let modes = [
            ("manual mode on", LiveMode::Ask),
            ("accept edits on", LiveMode::Edits),
            ("plan mode on", LiveMode::Plan),
            ("auto mode on", LiveMode::Auto),
        ];
        modes.into_iter().find(|(words, _)| last.contains(words)).map(|(_, mode)| (mode, "BTab"))
    }

    fn model_words(&self, model: &str) -> Option<String> {
        is_model(model).then(|| format!("/model {model}"))
    }

    /// What stands in its field has been read to the end: keys behind it are keys.
    fn settles(&self) -> Duration {
        Duration::ZERO
    }

    /// Claude Code 2.1.329 lets all keys of the first 100 to 150 ms fall, so that nobody answers a dialog they have not seen.
    fn heeds_after(&self) -> Duration {
        Duration::from_millis(250)
    }

    fn takes_id(&self) -> bool {
        true
    }
}

fn kind(block: Raw<'_>) -> &[u8] {
    block.get("type").map(Raw::word).unwrap_or_default()
}

fn user(content: Raw<'_>) -> Option<Sign> {
    const INTERRUPTED: &str = "[Request interrupted by user";
    // What the agent itself wrote down of a command is no prompt.
    const COMMANDS: [&str; 4] = ["<local-command", "<command-name>", "<command-message>", "<bash-"];
    if let Some(text) = content.text() {
        return match &*text {
            text if text.starts_with(INTERRUPTED) => Some(Sign::Ended),
            text if COMMANDS.iter().any(|command| text.starts_with(command)) => None,
            _ => Some(Sign::Began),
        };
    }
    let mut sign = None;
    for block in content.elements() {
        match kind(block) {
            b"tool_result" => {
                sign = Some(Sign::Returned { call: block.get("tool_use_id")?.text()?.into_owned() });
            }
            b"text" => {
                let text = block.get("text").and_then(Raw::text).unwrap_or_default();
                return Some(if text.starts_with(INTERRUPTED) { Sign::Ended } else { Sign::Began });
            }
            _ => {}
        }
    }
    sign
}

//! What tells how it stands with a Gemini CLI, or a Qwen Code, that runs. Source: 0.61, 0.24.

use marline_model::LiveState;
use serde_json::Value;

use crate::json::Raw;
use crate::live::{Context, Hooks, Live, Sign, Told, id, option, told_by};
use crate::screen::{Screen, dialog, field};

pub struct GeminiLive;

/// Words of the agent's own tools.
const COMMANDS: [&str; 6] = ["mcp", "extensions", "skills", "hooks", "gemma", "channel"];

pub(crate) fn is_a_talk(words: &[String]) -> bool {
    let is_command = words.get(1).is_some_and(|word| COMMANDS.contains(&word.as_str()));
    let questions = ["--version", "-v", "--help", "-h", "--list-sessions", "--list-extensions", "-l"];
    !is_command && !words.iter().any(|word| questions.contains(&word.as_str()))
}

pub(crate) fn screen(screen: &str) -> Screen {
    // A turning mark, words, and how to stop it with the time so far.
    let is_busy = |line: &str| {
        let line = line.trim_start();
        line.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c)) && line.contains("(esc to cancel")
    };
    let dialog = dialog(screen, true);
    let draft = if dialog.is_some() { None } else { field(screen, '>') };
    Screen { is_busy: dialog.is_none() && screen.lines().any(is_busy), dialog, draft }
}

/// What its hooks tell.
const STATES: [(&str, LiveState, &str); 5] = [
    ("SessionStart", LiveState::Idle, "the session was opened"),
    ("BeforeAgent", LiveState::Working, "it has a prompt"),
    ("AfterTool", LiveState::Working, "a tool has run"),
    ("AfterAgent", LiveState::Idle, "its turn is over"),
    ("Notification", LiveState::NeedsApproval, "it asks for leave"),
];

impl Live for GeminiLive {
    fn session(&self, words: &[String]) -> Option<String> {
        id(option(words, &["--session-id", "--resume", "-r"])?)
    }

    fn is_a_talk(&self, words: &[String]) -> bool {
        is_a_talk(words)
    }

    fn sign(&self, record: Raw<'_>) -> Option<Sign> {
        let content = record.get("content");
        match record.get("type")?.word() {
            b"user" => {
                let parts = content?;
                let text = parts.elements().next().and_then(|part| part.get("text")).and_then(Raw::text);
                let is_context = text.is_some_and(|text| text.starts_with("<session_context>"));
                (!is_context).then_some(Sign::Began)
            }
            b"gemini" => {
                let calls = record.get("toolCalls").is_some_and(|calls| calls.elements().next().is_some());
                let speaks = content.and_then(Raw::text).is_some_and(|text| !text.trim().is_empty());
                Some(if speaks && !calls { Sign::Ended } else { Sign::Began })
            }
            b"error" => Some(Sign::Ended),
            b"info" => {
                let words = content.and_then(Raw::text).unwrap_or_default();
                words.starts_with("Request cancelled").then_some(Sign::Ended)
            }
            _ => None,
        }
    }

    fn context(&self, record: Raw<'_>) -> Option<Context> {
        let tokens = record.path(&["tokens", "total"]).and_then(Raw::count)?;
        Some(Context { tokens, window: None })
    }

    fn screen(&self, text: &str) -> Screen {
        screen(text)
    }

    fn hooks(&self) -> Option<Hooks> {
        Some(Hooks {
            file: "settings.json",
            // Not `AfterModel`: that comes with every piece of an answer.
            events: &["SessionStart", "BeforeAgent", "AfterTool", "AfterAgent", "Notification", "SessionEnd"],
            timeout: 5000,
            is_async: false,
            decides: None,
            note: "Sessions that run already call them from their next start on.",
        })
    }

    fn told(&self, event: &Value) -> Option<Told> {
        let asks = event["notification_type"] == "ToolPermission";
        let mut told = told_by(event, &STATES)?;
        if event["hook_event_name"] == "Notification" && !asks {
            told.state = None;
        }
        Some(told)
    }

    fn takes_id(&self) -> bool {
        true
    }
}

//! What tells how it stands with a Gemini CLI, or a Qwen Code, that runs. Source: 0.61, 0.24.

use std::path::Path;

use marline_model::LiveState;
use serde_json::Value;

use crate::json::Raw;
use crate::live::{Context, Hooks, Live, LiveMode, Sign, Told, id, is_model, option, told_by};
use crate::screen::{Screen, dialog, field, form};
use crate::talk::Question;

pub struct GeminiLive;

/// What it asks leave for, by the details of its notification (0.61): a command, or a change as `diff -u` writes it.
fn asked(details: &Value) -> Option<Question> {
    let word = |name: &str| details[name].as_str().map(str::to_owned);
    let diff =
        word("fileDiff").and_then(|diff| Some(diff.split_once("\n@@")?.1.split_once('\n')?.1.to_owned()));
    let (tool, what, files) = match details["type"].as_str()? {
        "exec" => ("command", word("command")?, Vec::new()),
        "edit" => ("edit", "change files".to_owned(), vec![word("filePath").or_else(|| word("fileName"))?]),
        _ => return None,
    };
    let (id, tool) = (String::new(), tool.to_owned());
    Some(Question { id, tool, what, cwd: None, files, why: None, diff, for_session: false })
}

/// Words of the agent's own tools.
const COMMANDS: [&str; 6] = ["mcp", "extensions", "skills", "hooks", "gemma", "channel"];

pub(crate) fn is_a_talk(words: &[String]) -> bool {
    let is_command = words.get(1).is_some_and(|word| COMMANDS.contains(&word.as_str()));
    let questions = ["--version", "-v", "--help", "-h", "--list-sessions", "--list-extensions", "-l"];
    !is_command && !words.iter().any(|word| questions.contains(&word.as_str()))
}

pub(crate) fn screen(screen: &str) -> Screen {
    // A turning mark, words, and how to stop it with the time so far; or the hook that it waits for.
    let is_busy = |line: &str| {
        let line = line.trim_start();
        line.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c))
            && (line.contains("(esc to cancel") || line.contains("Executing Hook"))
    };
    let dialog = dialog(screen, true).or_else(|| form(screen));
    Screen::of(dialog, screen.lines().any(is_busy), || field(screen, '>', false))
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
        if event["hook_event_name"] == "Notification" {
            told.state = told.state.filter(|_| asks);
            told.asks = asked(&event["details"]).filter(|_| asks);
        }
        Some(told)
    }

    /// Its dialog begins with `? TOOL  COMMAND`, and `[in DIRECTORY]` where that is not its own.
    fn shown(&self, asks: &Question, about: &[String], cwd: &Path) -> Option<Question> {
        let first = about.first()?;
        if !asks.files.is_empty() {
            let name = |file: &String| file.rsplit('/').next().unwrap_or(file).to_owned();
            let is_it = asks.files.iter().all(|file| first.contains(&name(file)));
            return is_it.then(|| asks.clone());
        }
        let (_, words) = first.strip_prefix("? ")?.split_once("  ")?;
        let place = match words.trim().strip_prefix(&asks.what).map(str::trim) {
            Some("") => Some(cwd.to_owned()),
            Some(rest) => Some(cwd.join(rest.strip_prefix("[in ")?.strip_suffix(']')?)),
            // The model's own words may head it; the command stands below, broken where the screen ends.
            None => {
                let packed = |words: &str| words.split_whitespace().collect::<String>();
                (packed(&about[1..].concat()) == packed(&asks.what)).then_some(None)?
            }
        };
        Some(Question { cwd: place.map(|place| place.display().to_string()), ..asks.clone() })
    }

    fn mode(&self, screen: &str) -> Option<(LiveMode, &'static str)> {
        // Above its field: `auto-accept edits Shift+Tab to plan`.
        let line = screen.lines().rev().map(str::trim).find(|line| line.contains("Shift+Tab to "))?;
        let modes = [
            ("Shift+Tab to accept edits", LiveMode::Ask),
            ("auto-accept edits", LiveMode::Edits),
            ("plan", LiveMode::Plan),
        ];
        let (_, mode) = modes.into_iter().find(|(words, _)| line.starts_with(words))?;
        Some((mode, "BTab"))
    }

    fn model_words(&self, model: &str) -> Option<String> {
        is_model(model).then(|| format!("/model set {model}"))
    }

    fn takes_id(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hook_says_is_asked_counts_where_the_dialog_shows_just_that() {
        let event = |details: Value| {
            serde_json::json!({"session_id": "s", "hook_event_name": "Notification", "notification_type": "ToolPermission",
                "details": details})
        };
        let told =
            GeminiLive.told(&event(serde_json::json!({"type": "exec", "command": "cargo test"}))).unwrap();
        assert_eq!(told.state, Some(LiveState::NeedsApproval));
        let asks = told.asks.unwrap();
        let place = |about: &str| {
            let shown = GeminiLive.shown(&asks, &[about.to_owned(), "cargo te…".to_owned()], Path::new("/p"));
            shown.map(|shown| shown.cwd.unwrap())
        };
        assert_eq!(place("? Shell  cargo test").as_deref(), Some("/p"));
        assert_eq!(place("? Shell  cargo test [in sub]").as_deref(), Some("/p/sub"));
        let headed = ["? Shell  It tests", "cargo", "test"].map(str::to_owned);
        assert_eq!(GeminiLive.shown(&asks, &headed, Path::new("/p")).unwrap().cwd, None);
        let hidden = ["? Shell  It tests", "... 3 hidden (Ctrl+O) ...", "test"].map(str::to_owned);
        assert!(GeminiLive.shown(&asks, &hidden, Path::new("/p")).is_none());
        for other in [
            "? Shell  cargo test --all",
            "? Shell  cargo tes…",
            "? Shell  cargo test [in /very/lo…",
            "cargo test",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
        let diff = "Index: a\n===\n--- a\tCurrent\n+++ a\tProposed\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n";
        let edit =
            serde_json::json!({"type": "edit", "filePath": "/p/a.rs", "fileName": "a.rs", "fileDiff": diff});
        let asks = GeminiLive.told(&event(edit)).unwrap().asks.unwrap();
        assert_eq!(
            (asks.files.as_slice(), asks.diff.as_deref()),
            (&["/p/a.rs".to_owned()][..], Some(" one\n-two\n+2\n"))
        );
        assert!(GeminiLive.shown(&asks, &["? Edit  a.rs: two => 2".to_owned()], Path::new("/p")).is_some());
        assert!(GeminiLive.shown(&asks, &["? Edit  b.rs: two => 2".to_owned()], Path::new("/p")).is_none());
    }
}

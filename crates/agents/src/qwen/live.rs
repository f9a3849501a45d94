//! What tells how it stands with a Qwen Code that runs. Source: 0.24.

use crate::gemini::live::{is_a_talk, screen};
use crate::json::Raw;
use crate::live::{Live, Sign, id, option};
use crate::screen::Screen;

pub struct QwenLive;

impl Live for QwenLive {
    fn session(&self, words: &[String]) -> Option<String> {
        id(option(words, &["--session-id", "--resume", "-r"])?)
    }

    fn is_a_talk(&self, words: &[String]) -> bool {
        is_a_talk(words)
    }

    fn sign(&self, record: Raw<'_>) -> Option<Sign> {
        let holds = |name: &str| {
            let parts = record.path(&["message", "parts"]);
            parts.is_some_and(|parts| parts.elements().any(|part| part.get(name).is_some()))
        };
        match record.get("type")?.word() {
            b"user" | b"tool_result" => Some(Sign::Began),
            b"assistant" => Some(if holds("functionCall") { Sign::Began } else { Sign::Ended }),
            _ => None,
        }
    }

    fn screen(&self, text: &str) -> Screen {
        screen(text)
    }
}

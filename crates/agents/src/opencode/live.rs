//! What tells how it stands with an OpenCode that runs. Source: 1.18.

use crate::json::Raw;
use crate::live::{Live, Sign, id, option};
use crate::screen::{Screen, dialog};

pub struct OpenCodeLive;

/// Words of the agent's own tools, and of servers.
const COMMANDS: [&str; 16] = [
    "serve",
    "web",
    "acp",
    "mcp",
    "models",
    "auth",
    "agent",
    "upgrade",
    "uninstall",
    "stats",
    "export",
    "import",
    "github",
    "pr",
    "session",
    "debug",
];

impl Live for OpenCodeLive {
    fn session(&self, words: &[String]) -> Option<String> {
        id(option(words, &["--session", "-s"])?)
    }

    fn is_a_talk(&self, words: &[String]) -> bool {
        let is_command = words.get(1).is_some_and(|word| COMMANDS.contains(&word.as_str()));
        !is_command && !words.iter().any(|word| ["--version", "-v", "--help", "-h"].contains(&word.as_str()))
    }

    /// Its sessions are rows; the index says what they tell.
    fn sign(&self, _: Raw<'_>) -> Option<Sign> {
        None
    }

    fn screen(&self, screen: &str) -> Screen {
        let dialog = dialog(screen, true);
        let is_busy = screen.lines().any(|line| line.contains("esc interrupt"));
        Screen::of(dialog, is_busy, || None)
    }
}

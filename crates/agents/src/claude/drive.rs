//! What to say to Claude Code. Source: 2.1.329.

use super::talk;
use crate::drive::{Drive, Launch, Opening};
use crate::talk::{Order, Talk};

pub struct ClaudeDrive;

/// A prompt that begins with a dash would be an option.
pub(super) fn undashed(prompt: &str) -> String {
    if prompt.starts_with('-') { format!(" {prompt}") } else { prompt.to_owned() }
}

impl Drive for ClaudeDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("claude", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        let prompt = undashed(prompt);
        Launch::new(
            "claude",
            ["-p", &prompt, "--resume", session, "--output-format", "stream-json", "--verbose"],
        )
    }

    fn open(&self, opening: &Opening<'_>) -> Launch {
        let launch = Launch::new("claude", []);
        launch
            .with("--session-id", opening.id)
            .with("--model", opening.model)
            .and(opening.prompt.map(undashed))
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("claude", ["-p", &undashed(prompt), "--output-format", "stream-json", "--verbose"])
    }

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        Ok(talk::talk(order))
    }

    fn resumes_elsewhere(&self) -> bool {
        true
    }
}

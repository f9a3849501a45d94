//! What to say to Claude Code. Source: 2.1.329.

use crate::drive::{Drive, Launch};

pub struct ClaudeDrive;

impl Drive for ClaudeDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("claude", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        // A prompt that begins with a dash would be an option.
        let prompt = if prompt.starts_with('-') { format!(" {prompt}") } else { prompt.to_owned() };
        Launch::new(
            "claude",
            ["-p", &prompt, "--resume", session, "--output-format", "stream-json", "--verbose"],
        )
    }
}

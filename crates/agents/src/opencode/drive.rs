//! What to say to OpenCode. Source: 1.18.

use super::talk;
use crate::drive::{Drive, Launch, Opening};
use crate::talk::{Order, Talk};

pub struct OpenCodeDrive;

impl Drive for OpenCodeDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("opencode", ["--session", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("opencode", ["run", "--format", "json", "--session", session, "--", prompt])
    }

    fn open(&self, opening: &Opening<'_>) -> Launch {
        let prompt = opening.prompt.map(|prompt| format!("--prompt={prompt}"));
        Launch::new("opencode", []).with("--model", opening.model).and(prompt)
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("opencode", ["run", "--format", "json", "--", prompt])
    }

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        talk::talk(order)
    }
}

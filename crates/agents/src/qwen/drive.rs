//! What to say to Qwen Code. Source: 0.24.

use super::talk;
use crate::drive::{Drive, Launch, Opening};
use crate::talk::{Order, Talk};

pub struct QwenDrive;

impl Drive for QwenDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("qwen", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("qwen", ["--resume", session, "-o", "stream-json", &format!("--prompt={prompt}")])
    }

    fn open(&self, opening: &Opening<'_>) -> Launch {
        let prompt = opening.prompt.map(|prompt| format!("--prompt-interactive={prompt}"));
        Launch::new("qwen", []).with("--model", opening.model).and(prompt)
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("qwen", ["-o", "stream-json", &format!("--prompt={prompt}")])
    }

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        talk::talk(order)
    }
}

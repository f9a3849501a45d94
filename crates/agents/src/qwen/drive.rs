//! What to say to Qwen Code. Source: 0.24.

use crate::drive::{Drive, Launch};

pub struct QwenDrive;

impl Drive for QwenDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("qwen", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("qwen", ["--resume", session, "-o", "stream-json", &format!("--prompt={prompt}")])
    }
    fn begin(&self, prompt: &str) -> Launch {
        Launch::new("qwen", [format!("--prompt-interactive={prompt}").as_str()])
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("qwen", ["-o", "stream-json", &format!("--prompt={prompt}")])
    }
}

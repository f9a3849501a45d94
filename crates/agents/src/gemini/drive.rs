//! What to say to Gemini CLI. Source: 0.61.

use crate::drive::{Drive, Launch};

pub struct GeminiDrive;

impl Drive for GeminiDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("gemini", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("gemini", ["--resume", session, "-o", "stream-json", &format!("--prompt={prompt}")])
    }
    fn begin(&self, prompt: &str) -> Launch {
        Launch::new("gemini", [format!("--prompt-interactive={prompt}").as_str()])
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("gemini", ["-o", "stream-json", &format!("--prompt={prompt}")])
    }
}

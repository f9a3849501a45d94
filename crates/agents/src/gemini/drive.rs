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
}

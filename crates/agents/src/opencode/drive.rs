//! What to say to OpenCode. Source: 1.18.

use crate::drive::{Drive, Launch};

pub struct OpenCodeDrive;

impl Drive for OpenCodeDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("opencode", ["--session", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("opencode", ["run", "--format", "json", "--session", session, "--", prompt])
    }
    fn begin(&self, prompt: &str) -> Launch {
        Launch::new("opencode", [format!("--prompt={prompt}").as_str()])
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("opencode", ["run", "--format", "json", "--", prompt])
    }
}

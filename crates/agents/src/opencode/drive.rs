//! What to say to OpenCode. Source: 1.18.

use super::talk;
use crate::drive::{Drive, Launch};
use crate::talk::{Order, Talk};

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

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        talk::talk(order)
    }
}

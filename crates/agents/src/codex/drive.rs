//! What to say to Codex. Source: 0.169.

use super::talk;
use crate::drive::{Drive, Launch, Opening};
use crate::talk::{Order, Talk};

pub struct CodexDrive;

/// Codex refuses a thread under another provider than its own: the configured one may have changed since.
pub(super) fn provider(provider: Option<&str>) -> Vec<String> {
    // As TOML: an id has no quotation marks in it.
    let known = provider.filter(|name| !name.is_empty() && !name.contains(['"', '\\', '\n']));
    known.map_or(Vec::new(), |name| vec!["-c".to_owned(), format!("model_provider=\"{name}\"")])
}

impl Drive for CodexDrive {
    fn resume(&self, session: &str, own: Option<&str>) -> Launch {
        let mut words = vec!["resume".to_owned()];
        words.extend(provider(own));
        words.push(session.to_owned());
        Launch { program: "codex", words }
    }

    fn turn(&self, session: &str, own: Option<&str>, prompt: &str) -> Launch {
        let mut words: Vec<String> = ["exec", "--json", "--skip-git-repo-check"].map(str::to_owned).to_vec();
        words.extend(provider(own));
        words.extend(["resume", session, "--", prompt].map(str::to_owned));
        Launch { program: "codex", words }
    }

    fn open(&self, opening: &Opening<'_>) -> Launch {
        Launch::new("codex", []).with("--model", opening.model).with("--", opening.prompt)
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("codex", ["exec", "--json", "--skip-git-repo-check", "--", prompt])
    }

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        Ok(talk::talk(order))
    }

    fn resumes_elsewhere(&self) -> bool {
        true
    }
}

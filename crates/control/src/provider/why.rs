//! Why an agent does not show a session, with the cure.

use std::ops::ControlFlow;

use marline_agents::codex::config::Config;
use marline_index::{Finding, Session};
use marline_model::{SessionKind, Source, ThreadId};
use marline_store::{LISTED, LocalThreadStore, ThreadStore as _};

use super::DEFAULT;
use crate::target::agent;
use crate::{ActError, Acts};

impl Acts {
    /// Finds why a session's agent does not list it, or would not resume it. What is right is not told.
    pub fn why_hidden(&self, session: &Session) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut say = |problem: String, cure: String| found.push(Finding { problem, cure });
        let who = agent(session.source).name();
        let id = &session.id;
        if session.missing {
            say(
                format!("Its file is gone: {who} can't show what it does not have."),
                format!("Its prompts and answers are kept: marline show {id}"),
            );
            return found;
        }
        if session.kind == SessionKind::Subagent {
            let began = session.parent_id.as_deref().unwrap_or_default();
            say(
                format!("It is a sub-agent's session: {who} shows it within the one that began it."),
                format!("marline show {id}, or the other one: marline show {began}"),
            );
            return found;
        }
        if session.archived {
            say("It is archived.".to_owned(), format!("marline unarchive {id}"));
        }
        if let Some(cwd) = &session.cwd {
            if !std::path::Path::new(cwd).is_dir() {
                say(
                    format!("Its directory, {cwd}, is gone."),
                    format!("marline resume {id} --cwd DIRECTORY"),
                );
            } else {
                say(
                    format!(
                        "{who} lists the sessions of the directory that it is started in, and this one worked in {cwd}."
                    ),
                    format!("Start it there, or: marline resume {id}"),
                );
            }
        }
        if session.source == Source::Codex
            && let Ok(thread) = id.raw().parse()
        {
            self.why_codex_hides(session, &thread, &mut say);
        }
        found
    }

    /// Finds what is wrong with all of Codex' sessions together.
    ///
    /// # Errors
    /// [`ActError::Failed`] when its home can't be read.
    pub fn codex_findings(&self) -> Result<Vec<Finding>, ActError> {
        let mut found = Vec::from_iter(self.codex_doubt());
        for one in self.provider_sessions()?.into_iter().filter(|one| !one.known) {
            found.push(Finding {
                problem: format!(
                    "Codex: its configuration has no entry of the provider {:?}, which {} sessions have: they can't be resumed.",
                    one.provider, one.sessions
                ),
                cure: format!(
                    "Put the entry back (marline provider use NAME --alias {}), or give them another one: marline rehome --help",
                    one.provider
                ),
            });
        }
        let gone = LocalThreadStore::new(self.codex()).without_rollout()?;
        if let Some(first) = gone.first() {
            found.push(Finding {
                problem: format!(
                    "Codex: {} of its database's threads have no file any more, {first} for one.",
                    gone.len()
                ),
                cure: "Codex lists them and can't open them: codex delete ID takes one away.".to_owned(),
            });
        }
        Ok(found)
    }

    fn why_codex_hides(&self, session: &Session, thread: &ThreadId, say: &mut dyn FnMut(String, String)) {
        let id = &session.id;
        let store = LocalThreadStore::new(self.codex());
        if let Some(doubt) = store.doubt() {
            say(
                format!("Codex' database can't be asked: {doubt}."),
                "Start Codex once: it makes the database of its files.".to_owned(),
            );
        } else if store.has_row(thread) == Some(false) {
            say(
                "It has no row in Codex' database, which archived and quick lists are made of.".to_owned(),
                "Codex makes it when it lists its files; `codex resume` does so.".to_owned(),
            );
        }
        let config = Config::read(&self.codex().home);
        let current = config.model_provider.clone().unwrap_or_else(|| DEFAULT.to_owned());
        match store.read_thread(thread) {
            Err(error) => say(
                format!("Codex can't read it: {error}."),
                format!("Its prompts and answers can be read all the same: marline show {id}"),
            ),
            Ok(stored) => {
                let provider = stored.metadata.model_provider.unwrap_or_else(|| DEFAULT.to_owned());
                if provider != current {
                    say(
                        format!(
                            "Codex is configured for the provider {current:?} and lists its sessions alone; this one has {provider:?}."
                        ),
                        format!(
                            "marline resume {id} opens it under its own; marline rehome --help tells of other ways"
                        ),
                    );
                }
                if !config.knows(&provider) {
                    say(
                        format!(
                            "Codex' configuration has no entry of its provider {provider:?}: it would not be resumed."
                        ),
                        format!(
                            "Put the entry back, or give it another provider: marline rehome --mode fork --session {id} --to PROVIDER"
                        ),
                    );
                }
                let source = stored.metadata.source.unwrap_or_default();
                if !LISTED.contains(&source.as_str()) {
                    say(
                        format!(
                            "It was begun by {source:?}; Codex' lists show those of a terminal and of editors."
                        ),
                        format!("marline resume {id}, or `codex exec resume`"),
                    );
                }
                if stored.metadata.preview.is_none_or(|preview| preview.trim().is_empty()) {
                    say(
                        "No person said anything in it; Codex hides such sessions.".to_owned(),
                        format!("marline resume {id}"),
                    );
                }
            }
        }
        if let Ok(lineage) = store.load_history(thread, &mut |_| ControlFlow::Break(())) {
            for missing in lineage.missing {
                say(
                    format!("It goes on from a session that can't be read: {missing}."),
                    "Bring that one back (marline undo, or a backup); Codex refuses it until then."
                        .to_owned(),
                );
            }
        }
    }
}

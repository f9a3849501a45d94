//! Handing work over to another agent.
//!
//! | way | what the other agent is given |
//! |---|---|
//! | [`Way::Native`] | a session in its own format, with the history: it is resumed as any other |
//! | [`Way::Brief`] | a document that sums the work up |
//! | [`Way::Pack`] | a document that tells how to read the original when it is needed |
//!
//! The original is left alone. A [`Report`] says what is carried, changed and dropped.

mod conversation;
mod document;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use marline_agents::claude::write::{self as claude, NewSession};
use marline_agents::codex::config::Config;
use marline_agents::codex::write::TurnWriter;
use marline_agents::said::Said;
use marline_model::{HistoryMode, SessionId, Source, ThreadId, ThreadSource, Timestamp};
use marline_store::{HistoryItem, LiveThread, LocalThreadStore, NewThread};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;

pub use self::conversation::{Conversation, Range};
pub use self::report::{Fate, Report, ReportLine};
use crate::surgery::Sum;
use crate::{ActError, Acts, Plan, Step, Target};

/// How work is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// As a session of the other agent's own.
    Native,
    /// As a document that sums it up.
    Brief,
    /// As a document that tells how to read it.
    Pack,
}

impl Way {
    /// The word used in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Way::Native => "native",
            Way::Brief => "brief",
            Way::Pack => "pack",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct HandOver<'a> {
    /// The agent that goes on.
    pub to: Source,
    /// How.
    pub way: Way,
    /// The directory that it works in; the session's own, if nothing is said.
    pub cwd: Option<&'a Path>,
    /// The command by which Marline is called: the other agent reads the original with it.
    pub marline: &'a str,
}

/// A hand-over that is prepared.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handoff {
    /// What is carried, changed and dropped.
    pub report: Report,
    /// What the other agent is told, unless it is given a session of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// How the session is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

impl Acts {
    /// Prepares a hand-over.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when it is handed over to its own agent, or its directory is gone; [`ActError::Unsupported`]
    /// when sessions of that agent can't be written.
    pub fn hand_over(
        &self,
        target: &Target,
        conversation: &Conversation,
        asked: &HandOver<'_>,
    ) -> Result<Handoff, ActError> {
        if asked.to == target.source() {
            return Err(ActError::Invalid {
                message: format!("{} is a session of {} already", target.id, target.agent().name()),
                hint: Some(format!("Go on from a copy of it: marline fork {}", target.id)),
            });
        }
        let document = match asked.way {
            Way::Native => None,
            Way::Brief => Some(document::brief(conversation, asked.marline)),
            Way::Pack => Some(document::pack(conversation, asked.marline)),
        };
        let plan = match asked.way {
            Way::Native => Some(self.write(target, conversation, asked)?),
            Way::Brief | Way::Pack => None,
        };
        let report = Report::of(&conversation.tally, asked.to, asked.way, document.as_deref());
        Ok(Handoff { report, document, plan })
    }

    /// Plans a session of another agent's own.
    fn write(
        &self,
        target: &Target,
        conversation: &Conversation,
        asked: &HandOver<'_>,
    ) -> Result<Plan, ActError> {
        let (to, cwd) = (asked.to, target.directory(asked.cwd)?);
        let said: Vec<Said> = conversation.said.iter().map(|(_, said)| said.clone()).collect();
        let text = cwd.to_str().ok_or_else(|| {
            ActError::invalid(format!("{} can't be told to an agent: it is no text", cwd.display()))
        })?;
        let (raw, file, step) = match to {
            Source::Codex => {
                let thread = self.new_thread();
                (thread.to_string(), PathBuf::new(), self.codex_thread(target, &said, text, thread)?)
            }
            Source::Claude => {
                let id = self.uuid();
                let folder = claude::folder_of(text).ok_or_else(|| {
                    ActError::invalid(format!("{} is too long a path to keep sessions of", cwd.display()))
                })?;
                let home = crate::target::agent(to).home(&self.places.env);
                let path = home.join("projects").join(folder).join(format!("{id}.jsonl"));
                let from = target.id.to_string();
                let session = NewSession { id: &id, cwd: text, from: &from };
                let content = claude::transcript(&session, &said, &mut || self.uuid());
                let sum = Sum::of(&content);
                (id, path.clone(), Step::Create { path, sum, content })
            }
            _ => {
                return Err(ActError::Unsupported {
                    agent: crate::target::agent(to).name(),
                    cannot: "can't be given a history of another agent's: hand over a brief or a pack (--as brief)"
                        .to_owned(),
                });
            }
        };
        let makes = SessionId::new(to, &raw).map_err(|error| ActError::invalid(error.to_string()))?;
        Ok(Plan {
            act: "handoff".to_owned(),
            session: Some(target.id.clone()),
            says: format!("{makes} goes on with {}, which is left alone", target.id),
            shown_by: Some(crate::target::agent(to).name().to_owned()),
            makes: Some(makes),
            file,
            discards: None,
            synced: None,
            steps: vec![step],
        })
    }

    fn codex_thread(
        &self,
        target: &Target,
        said: &[Said],
        cwd: &str,
        thread: ThreadId,
    ) -> Result<Step, ActError> {
        let config = Config::read(&self.codex().home);
        let mut writer = TurnWriter::new(thread.as_str(), HistoryMode::Legacy, cwd, config.model.as_deref());
        for said in said {
            writer.say(said);
        }
        writer.end(said.last().map_or((self.places.now)(), |said| said.at));
        let items: Vec<HistoryItem> = writer
            .into_records()
            .into_iter()
            .map(|record| Ok(HistoryItem::new(record.kind, record.payload.to_string())?.at(record.at)))
            .collect::<Result<_, ActError>>()?;
        Ok(Step::CodexCreate {
            thread: CodexThread {
                id: thread,
                cwd: cwd.to_owned(),
                // What Codex takes where nothing is said.
                provider: config.model_provider.unwrap_or_else(|| "openai".to_owned()),
                from: target.id.clone(),
                records: items.len() as u64,
            },
            items,
        })
    }
}

/// A thread of Codex that is made of another agent's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodexThread {
    /// Its id.
    pub id: ThreadId,
    /// Where it works.
    pub cwd: String,
    /// Its model provider.
    pub provider: String,
    /// The session that it goes on from.
    pub from: SessionId,
    /// How many records it begins with.
    pub records: u64,
}

impl CodexThread {
    /// Writes it.
    pub(crate) fn create(
        &self,
        store: LocalThreadStore,
        items: &[HistoryItem],
        now: Timestamp,
    ) -> Result<(), ActError> {
        let mut new = NewThread::new(self.id.clone(), &self.cwd, &self.provider);
        // Every release of Codex reads it.
        new.history_mode = HistoryMode::Legacy;
        new.metadata.thread_source = Some(ThreadSource::User);
        let handed = json!({"handed_over": {"from": self.from, "records": self.records}});
        new.more = Some(
            RawValue::from_string(handed.to_string())
                .map_err(|error| ActError::failed("the header", error))?,
        );
        let live = LiveThread::create(Arc::new(store), new)?;
        if let Err(error) = live.append(items, now) {
            let _ = live.discard();
            return Err(error.into());
        }
        Ok(live.shutdown()?)
    }
}

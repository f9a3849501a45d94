//! The session that is acted on.

use std::path::{Path, PathBuf};

use marline_agents::{Agent, registry};
use marline_index::Session;
use marline_model::{SessionId, SessionKind, Source};

use crate::ActError;

/// What an act must know of a session.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its id.
    pub id: SessionId,
    /// The file that holds it, or the database.
    pub file: PathBuf,
    /// The directory that it works in.
    pub cwd: Option<PathBuf>,
    /// Its model provider.
    pub provider: Option<String>,
    /// Its name, as lists show it.
    pub title: Option<String>,
}

pub(crate) fn agent(source: Source) -> &'static dyn Agent {
    registry::agent(source).expect("every source has an adapter")
}

impl Target {
    /// Takes what the index knows of a session.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for a sub-agent's session, and for one whose file is gone.
    pub fn of(session: &Session) -> Result<Self, ActError> {
        if session.kind != SessionKind::Main {
            let message =
                format!("{} is a sub-agent's session; it belongs to the one that began it", session.id);
            let hint = session.parent_id.as_ref().map(|parent| format!("Act on {parent}."));
            return Err(ActError::Invalid { message, hint });
        }
        let file = session.files.first().filter(|_| !session.missing).ok_or_else(|| ActError::Invalid {
            message: format!("{} is gone: its file was deleted", session.id),
            hint: Some(format!(
                "Its prompts and answers are kept: marline show {}. What Marline deleted comes back: marline undo",
                session.id
            )),
        })?;
        Ok(Target {
            id: session.id.clone(),
            file: PathBuf::from(&file.path),
            cwd: session.cwd.as_ref().map(PathBuf::from),
            provider: session.provider.clone(),
            title: session.title.clone(),
        })
    }

    /// Where one goes on with it: its own directory, or another one.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when it is gone.
    pub fn directory(&self, other: Option<&Path>) -> Result<PathBuf, ActError> {
        let gone = |message: String, hint: &str| ActError::Invalid { message, hint: Some(hint.to_owned()) };
        let cwd = other.or(self.cwd.as_deref()).ok_or_else(|| {
            gone(format!("{} does not say where it worked", self.id), "Say where: --cwd DIRECTORY")
        })?;
        // As an agent that runs there sees it.
        cwd.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(|| {
            gone(
                match other {
                    Some(other) => format!("{} is no directory that is there", other.display()),
                    None => format!("{}, where {} worked, is gone", cwd.display(), self.id),
                },
                "Put it back, or go on in another directory (on the command line: `--cwd DIRECTORY`)",
            )
        })
    }

    /// The agent.
    pub fn source(&self) -> Source {
        self.id.source()
    }

    pub(crate) fn agent(&self) -> &'static dyn Agent {
        agent(self.source())
    }

    pub(crate) fn unsupported(&self, cannot: impl Into<String>) -> ActError {
        ActError::Unsupported { agent: self.agent().name(), cannot: cannot.into() }
    }
}

//! Why an act was not done.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use marline_model::SessionId;
use marline_store::StoreError;

/// Why an act was not done. Unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// Somebody is at it.
    #[error("{session} is in use: {by}")]
    InUse {
        /// The session.
        session: String,
        /// Who.
        by: String,
    },
    /// The agent has no way to do it, and Marline none of its own.
    #[error("{agent} {cannot}")]
    Unsupported {
        /// The agent.
        agent: &'static str,
        /// What it can't.
        cannot: String,
    },
    /// What was asked makes no sense.
    #[error("{message}")]
    Invalid {
        /// What and why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is not as it was when the plan was made, or when the act was done.
    #[error("{message}")]
    Changed {
        /// What.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A step failed. The steps before it were taken back, unless `undone` says otherwise.
    #[error("{what}")]
    Failed {
        /// What was being done.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ActError {
    /// What the act needs to know of a session could not be read.
    pub fn failed_to_read(
        session: &SessionId,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ActError::failed(format!("{session} could not be read"), source)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        ActError::Invalid { message: message.into(), hint: None }
    }

    pub(crate) fn changed(message: impl Into<String>) -> Self {
        ActError::Changed { message: message.into(), hint: None }
    }

    pub(crate) fn failed(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ActError::Failed { what: what.into(), source: source.into() }
    }

    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> ActError + use<> {
        let path: PathBuf = path.to_owned();
        move |error| ActError::failed(path.display().to_string(), error)
    }
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { message } => ActError::changed(message),
            StoreError::InvalidRequest { message } => ActError::Invalid { message, hint: None },
            error => ActError::failed("the thread could not be changed", error),
        }
    }
}

/// Joins an error and its causes.
pub fn chain(error: &dyn Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !out.contains(&text) {
            out += ": ";
            out += &text;
        }
        cause = error.source();
    }
    out
}

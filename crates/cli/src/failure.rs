//! Errors as people read them: a sentence, a hint, an exit code.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use marline_control::{ActError, chain};
use marline_index::{IndexError, QueryError, WatchError};
use marline_store::work::WorkError;

/// What went wrong, in words.
pub struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Wrong use of the command line.
    pub fn usage(message: &str, hint: &str) -> Self {
        Failure { message: message.to_owned(), hint: Some(hint.to_owned()), code: 2 }
    }

    /// Something is in the way that only its owner can move.
    pub fn refused(message: &str, hint: &str) -> Self {
        Failure { message: message.to_owned(), hint: Some(hint.to_owned()), code: 3 }
    }

    /// Nothing of that name is there.
    pub fn none(message: &str, hint: &str) -> Self {
        Failure { message: message.to_owned(), hint: Some(hint.to_owned()), code: 1 }
    }

    /// A file or directory of Marline's own could not be used.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Failure { message: format!("{}: {error}.", path.display()), hint: None, code: 4 }
    }

    /// The board could not go on.
    pub fn board(error: &dyn Error) -> Self {
        Failure { message: format!("{}.", chain(error).trim_end_matches('.')), hint: None, code: 4 }
    }

    /// An agent did not what it was asked to; `words` are its own.
    pub fn agent(message: &str, words: &str) -> Self {
        let hint = (!words.is_empty()).then(|| format!("Its last words: {words}"));
        Failure { message: message.to_owned(), hint, code: 4 }
    }

    /// Something could not be done; `why`, in words of ours or of the system.
    pub fn because(message: &str, why: &dyn Error) -> Self {
        let message = format!("{} {}.", message, chain(why).trim_end_matches('.'));
        Failure { message, hint: None, code: 4 }
    }

    /// Standard output could not be written. A closed pipe is the reader's right.
    pub fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure { message: String::new(), hint: None, code: 0 };
        }
        Failure { message: format!("Could not write: {error}."), hint: None, code: 4 }
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says it on standard error.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            anstream::eprintln!("error: {}", crate::terminal::harmless(&self.message));
        }
        if let Some(hint) = &self.hint {
            anstream::eprintln!("hint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        let (hint, code) = match &error {
            WorkError::NotFound { what } if !what.starts_with("group") && !what.starts_with("queue") => {
                (None, 1)
            }
            WorkError::NotFound { .. } => {
                (Some("`marline group list` and `marline queue list` tell what there is."), 1)
            }
            WorkError::Conflict { .. } => (None, 3),
            WorkError::Invalid { .. } => (None, 2),
            _ => (Some("Is there room on the disk?"), 4),
        };
        let message = format!("{}.", chain(&error).trim_end_matches('.'));
        Failure { message, hint: hint.map(str::to_owned), code }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        let message = format!("{}.", chain(&error).trim_end_matches('.'));
        let (hint, code) = match &error {
            IndexError::NotFound(_) => (Some("`marline ls --all` lists every session."), 1),
            IndexError::Lacks { .. } => (Some("`marline show ID` numbers a session's items."), 1),
            IndexError::Ambiguous { .. } => (Some("Give more of the id."), 2),
            IndexError::Query(QueryError::OtherOrder(_)) => {
                (Some("Give `--sort` as the list had it, or begin without a cursor."), 2)
            }
            IndexError::Query(_) => (Some("`marline search --help` tells what a query may hold."), 2),
            error if error.is_about_the_disk() => (
                Some(
                    "Is there room on the disk, and may it be written to? What was committed stays; run it again then.",
                ),
                4,
            ),
            _ => (Some("`marline index --full` makes the index anew; the agents' files are not touched."), 4),
        };
        Failure { message, hint: hint.map(str::to_owned), code }
    }
}

impl From<ActError> for Failure {
    fn from(error: ActError) -> Self {
        let message = format!("{}.", chain(&error).trim_end_matches('.'));
        let (hint, code) = match error {
            ActError::InUse { .. } => (Some("End it there first.".to_owned()), 3),
            ActError::Changed { hint, .. } => (hint, 3),
            ActError::Unsupported { .. } => (None, 3),
            ActError::Invalid { hint, .. } => (hint, 2),
            _ => (None, 4),
        };
        Failure { message, hint, code }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        IndexError::Query(error).into()
    }
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        Failure { message: format!("{}.", chain(&error)), hint: None, code: 4 }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::output(error)
    }
}

//! The contract of a store of work.

use std::error::Error;

use marline_model::Timestamp;

use super::types::{Asked, Audited, Group, Logged, Queue, Rule, Run, Task};
use crate::reviews::{Review, ReviewStore};

/// Why a store could not do it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Somebody else wrote first, or it is not in the state that was asked for.
    #[error("{message}")]
    Conflict {
        /// Who or what.
        message: String,
    },
    /// What was asked makes no sense.
    #[error("{message}")]
    Invalid {
        /// What and why.
        message: String,
    },
    /// The store's own means failed.
    #[error("{context}")]
    Internal {
        /// What was being done.
        context: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl WorkError {
    /// Says that something is not in the state for that.
    pub fn conflict(message: impl Into<String>) -> Self {
        WorkError::Conflict { message: message.into() }
    }

    /// Says that something makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        WorkError::Invalid { message: message.into() }
    }
}

/// One write. A document's `revision` is the one that the write was made from; the store counts it up.
#[derive(Debug, Clone)]
pub enum Change {
    /// Writes a group.
    Group(Group),
    /// Deletes a group with its runs and what happened in them.
    DeleteGroup(Group),
    /// Writes a queue.
    Queue(Queue),
    /// Deletes a queue with its prompts and runs.
    DeleteQueue(Queue),
    /// Writes a run. Of one group or queue only one is without an end.
    Run(Run),
    /// Writes a task. Of a queue only one is claimed or running.
    Task(Task),
    /// Deletes a task.
    DeleteTask(Task),
    /// Tells what happened.
    Event(Logged),
    /// Writes a question.
    Question(Asked),
    /// Writes a rule.
    Rule(Rule),
    /// Takes a rule away.
    DeleteRule(Rule),
    /// Notes that something was allowed or refused; of what has a number, what became of it since.
    Audit(Audited),
    /// Writes a review.
    Review(Review),
}

/// What came of a command that was noted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandEnd {
    /// This, as its doer wrote it down.
    Known(String),
    /// Nobody knows: it goes on, or its doer died.
    Unknown,
}

/// Which runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs<'a> {
    /// Those without an end.
    Open,
    /// Of a group or queue, the last first, at most so many.
    Of(&'a str, usize),
}

/// Keeps groups, queues, runs, tasks, questions and events; and reviews, whose rounds are runs.
pub trait WorkStore: ReviewStore + Send + Sync {
    /// All groups by name.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn groups(&self) -> Result<Vec<Group>, WorkError>;

    /// All queues by name.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn queues(&self) -> Result<Vec<Queue>, WorkError>;

    /// Some runs.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn runs(&self, which: Runs<'_>) -> Result<Vec<Run>, WorkError>;

    /// A run by its id or number.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn run(&self, id: &str) -> Result<Run, WorkError>;

    /// The tasks of a queue or of a group's run, in their order.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn tasks(&self, list: &str) -> Result<Vec<Task>, WorkError>;

    /// A task.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn task(&self, id: &str) -> Result<Task, WorkError>;

    /// All tasks that are claimed or running, of whatever list.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn held(&self) -> Result<Vec<Task>, WorkError>;

    /// What happened in a run after an event, in order, at most so much.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Logged>, WorkError>;

    /// The questions that are open, or the last ones that are not, at most so many.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn questions(&self, is_open: bool, limit: usize) -> Result<Vec<Asked>, WorkError>;

    /// A question by its number.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn question(&self, number: u64) -> Result<Asked, WorkError>;

    /// All rules, also those whose time is over.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn rules(&self) -> Result<Vec<Rule>, WorkError>;

    /// What was allowed and refused before a number, the last first, at most so much.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn audit(&self, before: u64, limit: usize) -> Result<Vec<Audited>, WorkError>;

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when a document was written since, a name is taken, or a second one would run;
    /// [`WorkError::Internal`]
    fn commit(&self, changes: &[Change]) -> Result<(), WorkError>;

    /// Notes that a command is about to be done, under a key that nobody else may use. If it was noted before: what came of it,
    /// which nobody knows if its doer died.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn begin_command(&self, key: &str, at: Timestamp) -> Result<Option<CommandEnd>, WorkError>;

    /// Notes what came of a command.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn end_command(&self, key: &str, outcome: &str) -> Result<(), WorkError>;

    /// A number that is another one whenever somebody else, here or in another process, has written since.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn version(&self) -> Result<u64, WorkError>;

    /// A group by its name or id.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn group(&self, name: &str) -> Result<Group, WorkError> {
        let mut groups = self.groups()?.into_iter();
        let found = groups.find(|group| group.name == name || group.id == name);
        found.ok_or_else(|| WorkError::NotFound { what: format!("group {name:?}") })
    }

    /// A queue by its name or id.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn queue(&self, name: &str) -> Result<Queue, WorkError> {
        let mut queues = self.queues()?.into_iter();
        let found = queues.find(|queue| queue.name == name || queue.id == name);
        found.ok_or_else(|| WorkError::NotFound { what: format!("queue {name:?}") })
    }
}

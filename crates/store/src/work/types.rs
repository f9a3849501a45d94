//! The documents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use marline_agents::talk::{AgentEvent, Decision, Permission, Question};
use marline_model::{SessionId, Source, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A session of a group, or one that is yet to begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The agent.
    pub source: Source,
    /// The session; nothing: the first run begins one, which is the member from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// Where a new session works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
}

/// A named set of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// A UUID.
    pub id: String,
    /// What people call it; no two groups have the same.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Its sessions, in the order in which they begin.
    pub members: Vec<Member>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

/// What is done with a prompt whose agent died in the middle of its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum HalfDone {
    /// It is marked as interrupted, for a person to look at.
    #[default]
    Interrupt,
    /// Its session is taken up again and told to go on.
    Resume,
}

/// Where the sessions of a run work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Workplace)]
pub enum Place {
    /// In their own directories, one after the other where several share one.
    #[default]
    Own,
    /// The same, side by side.
    Shared,
    /// New sessions each in a new directory below theirs.
    Directory,
    /// Each in a git worktree of its own.
    Worktree,
}

/// How prompts are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    /// The model; nothing: the session's own, or the one of the agent's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub model: Option<String>,
    /// What the agent may do without asking; nothing: what its settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub permission: Option<Permission>,
    /// A prompt that takes longer is interrupted, in seconds.
    pub timeout_seconds: u64,
    /// A question that nobody answers for so long is answered with no, in seconds.
    pub approval_seconds: u64,
    /// How often a prompt that failed is tried again.
    pub retries: u32,
    /// At a usage limit wait for its end, instead of failing.
    pub waits_for_limit: bool,
    /// How long to wait where the agent does not say when there is more, in seconds.
    pub limit_seconds: u64,
    /// What is done with a prompt whose agent died in the middle of it.
    pub half_done: HalfDone,
    /// The agent's way that only prints.
    pub is_plain: bool,
    /// Variables for the agent. They may be secrets: they are not told.
    #[schema(ignore)]
    pub env: BTreeMap<String, String>,
    /// More words for the agent's program.
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            model: None,
            permission: None,
            timeout_seconds: 2 * 3600,
            approval_seconds: 30 * 60,
            retries: 0,
            waits_for_limit: true,
            limit_seconds: 5 * 60,
            half_done: HalfDone::default(),
            is_plain: false,
            env: BTreeMap::new(),
            arguments: Vec::new(),
        }
    }
}

/// Where the prompts of a queue are said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Each in a session of its own.
    #[default]
    Fresh,
    /// All in one session.
    Continue,
}

/// Prompts for one project, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// A UUID.
    pub id: String,
    /// What people call it; no two queues have the same.
    pub name: String,
    /// The directory that its prompts work in.
    pub project: String,
    /// The agent.
    pub source: Source,
    /// Where its prompts are said.
    pub mode: Mode,
    /// Stop when a prompt fails, instead of going on with the next.
    pub stops_on_failure: bool,
    /// How its prompts are run.
    pub options: Options,
    /// The session of a queue that says all in one; nothing: the first prompt begins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

/// A process that works. The start tells it from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// When it began, as its system counts.
    pub began: u64,
}

/// Who works at something, and until when they said they would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Who.
    pub holder: Holder,
    /// After this, others may take over.
    pub until: Timestamp,
}

/// What people want of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Wish {
    /// Go on.
    Run,
    /// Let those that run finish, and begin no more.
    Pause,
    /// Interrupt what runs, and end.
    Stop,
}

/// How a prompt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskStatus)]
pub enum Status {
    /// It waits for its turn.
    Pending,
    /// Somebody is about to begin it.
    Claimed,
    /// An agent is at it.
    Running,
    /// It was answered.
    Completed,
    /// It failed.
    Failed,
    /// It was cut off: nobody knows how far it came.
    Interrupted,
    /// It was taken back before it began.
    Cancelled,
}

impl Status {
    /// It is at its end.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Completed | Status::Failed | Status::Interrupted | Status::Cancelled)
    }

    /// Somebody is at it.
    pub fn is_held(self) -> bool {
        matches!(self, Status::Claimed | Status::Running)
    }

    /// The word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Claimed => "claimed",
            Status::Running => "running",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Interrupted => "interrupted",
            Status::Cancelled => "cancelled",
        }
    }
}

/// One prompt for one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// A UUID.
    pub id: String,
    /// What it belongs to: a queue, or a run of a group.
    pub list: String,
    /// Its number there, which it keeps; 0: the next one.
    pub number: u64,
    /// Its place there: smaller ones come first.
    pub position: u64,
    /// The prompt.
    pub prompt: String,
    /// Pictures that belong to it.
    #[schema(value_type = Vec<String>)]
    pub images: Vec<PathBuf>,
    /// How it stands.
    pub status: Status,
    /// It waits until a person releases it.
    pub is_manual: bool,
    /// Another one, which must be completed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after: Option<String>,
    /// The agent.
    pub source: Source,
    /// Which member of its group it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<usize>,
    /// The session that it is said in; nothing: a new one, which is told here once it has an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// It began the session.
    pub is_new: bool,
    /// Where its agent works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// How often it was begun.
    pub attempt: u32,
    /// How many of those came to nothing, of which a limit is none.
    #[serde(default)]
    pub failures: u32,
    /// Its last attempt is one that goes on where another was cut off.
    pub goes_on: bool,
    /// The run that works or worked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<String>,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub claim: Option<Claim>,
    /// How many items the session had before.
    pub items_before: u64,
    /// How many of the agent's events were kept: a holder that takes over hears all again.
    pub heard: u64,
    /// What the agent answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answer: Option<String>,
    /// Why it is at its end, where that is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub why: Option<String>,
    /// Tokens of this prompt.
    pub usage: Usage,
    /// When it was added.
    pub added_at: Timestamp,
    /// When an agent first had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub completed_at: Option<Timestamp>,
    /// It is not begun before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub not_before: Option<Timestamp>,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

impl Task {
    /// Tells one attempt at it from another: `ID-ATTEMPT`.
    pub fn attempt_name(&self) -> String {
        format!("{}-{}", self.id, self.attempt)
    }

    /// A prompt that nobody has begun, for a list of an agent's.
    pub fn new(
        id: String,
        list: &str,
        source: Source,
        position: u64,
        prompt: String,
        now: Timestamp,
    ) -> Self {
        Task {
            id,
            list: list.to_owned(),
            number: 0,
            position,
            prompt,
            images: Vec::new(),
            status: Status::Pending,
            is_manual: false,
            after: None,
            source,
            member: None,
            session: None,
            is_new: false,
            cwd: None,
            attempt: 0,
            failures: 0,
            goes_on: false,
            run: None,
            claim: None,
            items_before: 0,
            heard: 0,
            answer: None,
            why: None,
            usage: Default::default(),
            added_at: now,
            started_at: None,
            completed_at: None,
            not_before: None,
            revision: 0,
        }
    }
}

/// How many tasks stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskCounts)]
pub struct Counts {
    /// Waiting.
    pub pending: u64,
    /// With an agent.
    pub running: u64,
    /// Answered.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Cut off.
    pub interrupted: u64,
    /// Taken back.
    pub cancelled: u64,
}

impl Counts {
    /// Counts tasks.
    pub fn of<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let mut counts = Counts::default();
        for task in tasks {
            *match task.status {
                Status::Pending => &mut counts.pending,
                Status::Claimed | Status::Running => &mut counts.running,
                Status::Completed => &mut counts.completed,
                Status::Failed => &mut counts.failed,
                Status::Interrupted => &mut counts.interrupted,
                Status::Cancelled => &mut counts.cancelled,
            } += 1;
        }
        counts
    }
}

/// A time of working through a group or a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// A UUID.
    pub id: String,
    /// Its number, which people say; 0: the next one.
    pub number: u64,
    /// The group or queue, or the review.
    pub list: String,
    /// It is a queue's.
    pub is_queue: bool,
    /// It is a round of a review, or what goes back from one: `list` is the review.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub is_review: bool,
    /// What the group or queue was called.
    pub name: String,
    /// The prompt that a group was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prompt: Option<String>,
    /// How its prompts are run; those of a queue say it themselves.
    pub options: Options,
    /// At most so many at a time.
    pub max_concurrency: usize,
    /// Where its sessions work.
    pub place: Place,
    /// What people want of it.
    pub wish: Wish,
    /// Attempts at prompts that people have interrupted, by [`Task::attempt_name`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupted: Vec<String>,
    /// Who works at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub claim: Option<Claim>,
    /// What came of it; of one that goes on, when it was last written.
    pub counts: Counts,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

impl Run {
    /// The list that its tasks are in: a queue keeps its own, those of a group's run are made for it.
    pub fn list_of_tasks(&self) -> &str {
        if self.is_queue { &self.list } else { &self.id }
    }

    /// Says whether somebody has interrupted the attempt that is made at a prompt.
    pub fn interrupts(&self, task: &Task) -> bool {
        self.interrupted.contains(&task.attempt_name())
    }
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WorkEvent {
    /// An agent was started.
    Started {
        /// For which time.
        attempt: u32,
    },
    /// An agent that runs was found again by another Marline.
    Adopted,
    /// The agent did something.
    Item {
        /// What.
        item: AgentEvent,
    },
    /// The agent asks for leave.
    NeedsApproval {
        /// The number to answer with.
        number: u64,
        /// What it asks.
        question: Question,
    },
    /// It was answered, or needs no answer any more.
    Answered {
        /// The number.
        number: u64,
        /// The answer, where somebody gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        decision: Option<Decision>,
        /// Who gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        by: Option<String>,
    },
    /// It is tried again later.
    Waits {
        /// Why.
        why: String,
        /// When.
        until: Timestamp,
    },
    /// The prompt was answered.
    Completed {
        /// The answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        answer: Option<String>,
    },
    /// The prompt failed.
    Failed {
        /// Why.
        why: String,
    },
    /// The prompt was cut off.
    Interrupted {
        /// Why.
        why: String,
    },
    /// The prompt was taken back.
    Cancelled,
    /// How the whole run stands.
    Progress {
        /// In numbers.
        counts: Counts,
    },
    /// What is wanted of the run is another now.
    Wished {
        /// What.
        wish: Wish,
    },
    /// The run is over.
    Ended {
        /// What came of it.
        counts: Counts,
    },
    /// Something worth a line.
    Note {
        /// The line.
        text: String,
    },
}

/// An event with its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logged {
    /// Its place among all; later ones have larger. 0: the next one.
    pub seq: u64,
    /// The run.
    pub run: String,
    /// The prompt that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub task: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: WorkEvent,
}

/// A question of an agent that somebody has to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The number to answer with; 0: the next one.
    pub number: u64,
    /// The run.
    pub run: String,
    /// What the group or queue is called.
    pub name: String,
    /// The prompt that the agent works at.
    pub task: String,
    /// For which time it does.
    pub attempt: u32,
    /// The agent.
    pub source: Source,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// What it asks.
    pub question: Question,
    /// When it asked.
    pub at: Timestamp,
    /// When it is answered with no.
    pub until: Timestamp,
    /// What it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decision: Option<Decision>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub by: Option<String>,
    /// The agent waits for an answer.
    pub is_open: bool,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

/// Something that is allowed without asking, for a while, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Of one agent alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<Source>,
    /// The directory in which it holds, with those below it.
    pub project: String,
    /// The words that a command begins with.
    pub words: Vec<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub by: String,
    /// How often it was written; 0: never yet.
    #[serde(skip)]
    pub revision: u64,
}

/// That something was allowed or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audited {
    /// Its number; 0: the next one.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Whose question it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// What would be run, or done.
    pub what: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// The answer.
    pub decision: Decision,
    /// Who gave it: a device, the command line, a rule.
    pub by: String,
    /// The rule that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<String>,
    /// What came of it: `delivered`, `refused`, `unknown`.
    pub outcome: String,
    /// What shows that.
    pub proof: String,
    /// The call that was asked about, by the agent's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<String>,
    /// When it was seen that what was allowed has run: that an agent has heard the answer is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ran_at: Option<Timestamp>,
}

//! Groups and queues as JSON that other programs can read. Source: codex-agent's `groups.json` and `queues.json`, whose
//! fields these are; what is ours alone is optional.

use std::path::PathBuf;

use marline_model::{SessionId, Source, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::contract::WorkError;
use super::types::{Group, Member, Mode, Options, Queue, Status, Task};

/// A group in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its sessions; an id without a source is one of Codex'.
    pub session_ids: Vec<String>,
    /// Sessions that are yet to begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_sessions: Vec<Member>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// A queue in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it works.
    pub project_path: String,
    /// Its agent; nothing: Codex.
    #[serde(default)]
    pub source: Option<Source>,
    /// Where its prompts are said.
    #[serde(default)]
    pub mode: Mode,
    /// Stop when a prompt fails.
    #[serde(default)]
    pub stops_on_failure: bool,
    /// How its prompts are run, without words and variables for the agent's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// Its prompts in their order.
    pub prompts: Vec<PromptFile>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A prompt in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptFile {
    /// Its id.
    pub id: String,
    /// Its words.
    pub prompt: String,
    /// Its pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<PathBuf>,
    /// How it stands.
    pub status: Status,
    /// The id of the one that must be completed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// `auto` or `manual`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<PromptResult>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// What came of a prompt.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptResult {
    /// 0 when it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The session that it was said in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Exchanged {
    /// Groups.
    pub groups: Vec<GroupFile>,
    /// Queues.
    pub queues: Vec<QueueFile>,
}

/// Reads a file of groups or queues: `{"groups": […]}`, `{"queues": […]}`, a list, or a single one.
///
/// # Errors
/// [`WorkError::Invalid`] says what is wrong with it.
pub fn read_exchanged(text: &str) -> Result<Exchanged, WorkError> {
    let wrong = |error: serde_json::Error| {
        WorkError::invalid(format!("it can't be read as groups or queues: {error}"))
    };
    let mut value: Value = serde_json::from_str(text).map_err(wrong)?;
    let mut all = Vec::new();
    for name in ["groups", "queues"] {
        match value.get_mut(name).map(Value::take) {
            Some(Value::Array(some)) => all.extend(some),
            None => {}
            Some(_) => return Err(WorkError::invalid(format!("its {name} are no list"))),
        }
    }
    match value {
        Value::Array(some) => all.extend(some),
        one if one.get("name").is_some() => all.push(one),
        rest if all.is_empty() && !rest.is_object() => {
            return Err(WorkError::invalid("it holds no groups or queues"));
        }
        _ => {}
    }
    let mut found = Exchanged::default();
    for one in all {
        if one.get("prompts").is_some() {
            found.queues.push(serde_json::from_value(one).map_err(wrong)?);
        } else {
            found.groups.push(serde_json::from_value(one).map_err(wrong)?);
        }
    }
    Ok(found)
}

impl GroupFile {
    /// A group as a file has it.
    pub fn of(group: &Group) -> Self {
        let sessions = group.members.iter().filter_map(|member| member.session.as_ref());
        GroupFile {
            id: group.id.clone(),
            name: group.name.clone(),
            description: group.description.clone(),
            session_ids: sessions.map(SessionId::to_string).collect(),
            new_sessions: group.members.iter().filter(|member| member.session.is_none()).cloned().collect(),
            created_at: group.created_at,
            updated_at: Some(group.updated_at),
        }
    }

    /// The group of a file.
    ///
    /// # Errors
    /// [`WorkError::Invalid`] names an id that is none.
    pub fn into_group(self) -> Result<Group, WorkError> {
        let member = |id: String| {
            let parsed = if id.contains(':') { id.parse() } else { format!("codex:{id}").parse() };
            let session: SessionId =
                parsed.map_err(|_| WorkError::invalid(format!("{id:?} is no session's id")))?;
            Ok(Member { source: session.source(), session: Some(session), cwd: None })
        };
        let mut members = self.session_ids.into_iter().map(member).collect::<Result<Vec<_>, WorkError>>()?;
        members.extend(self.new_sessions);
        Ok(Group {
            id: self.id,
            name: self.name,
            description: self.description,
            members,
            created_at: self.created_at,
            updated_at: self.updated_at.unwrap_or(self.created_at),
            revision: 0,
        })
    }
}

impl QueueFile {
    /// A queue and its prompts as a file has them.
    pub fn of(queue: &Queue, tasks: &[Task]) -> Self {
        let prompt = |task: &Task| PromptFile {
            id: task.id.clone(),
            prompt: task.prompt.clone(),
            images: task.images.clone(),
            status: task.status,
            after: task.after.clone(),
            mode: Some(if task.is_manual { "manual" } else { "auto" }.to_owned()),
            result: task.status.is_over().then(|| PromptResult {
                exit_code: Some(i64::from(task.status != Status::Completed)),
                answer: task.answer.clone(),
                why: task.why.clone(),
                session_id: task.session.clone(),
            }),
            added_at: task.added_at,
            started_at: task.started_at,
            completed_at: task.completed_at,
        };
        QueueFile {
            id: queue.id.clone(),
            name: queue.name.clone(),
            project_path: queue.project.clone(),
            source: Some(queue.source),
            mode: queue.mode,
            stops_on_failure: queue.stops_on_failure,
            options: Some(Options {
                arguments: Vec::new(),
                env: Default::default(),
                ..queue.options.clone()
            }),
            prompts: tasks.iter().map(prompt).collect(),
            created_at: queue.created_at,
        }
    }

    /// The queue of a file and its prompts. What ran there is nobody's here: it is interrupted.
    pub fn into_queue(self) -> (Queue, Vec<Task>) {
        let source = self.source.unwrap_or(Source::Codex);
        let queue = Queue {
            id: self.id,
            name: self.name,
            project: self.project_path,
            source,
            mode: self.mode,
            stops_on_failure: self.stops_on_failure,
            options: self.options.unwrap_or_default(),
            session: None,
            created_at: self.created_at,
            updated_at: self.created_at,
            revision: 0,
        };
        let task = |(at, prompt): (usize, PromptFile)| {
            let result = prompt.result.unwrap_or_default();
            let was_cut_off = prompt.status.is_held();
            Task {
                status: if was_cut_off { Status::Interrupted } else { prompt.status },
                after: prompt.after,
                images: prompt.images,
                is_manual: prompt.mode.as_deref() == Some("manual"),
                session: result.session_id,
                answer: result.answer,
                why: if was_cut_off {
                    Some("it was running when it was exported".to_owned())
                } else {
                    result.why
                },
                added_at: prompt.added_at,
                started_at: prompt.started_at,
                completed_at: prompt.completed_at,
                cwd: Some(queue.project.clone()),
                ..Task::new(prompt.id, &queue.id, queue.source, at as u64 + 1, prompt.prompt, prompt.added_at)
            }
        };
        let tasks = self.prompts.into_iter().enumerate().map(task).collect();
        (queue, tasks)
    }
}

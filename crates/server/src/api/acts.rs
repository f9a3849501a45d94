//! Acts on one session: done in its agent's own way, and taken back.

use std::path::Path;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use marline_control::{
    ActError, Acts, Conversation, Entry, Fork, HandOver, Handoff, Outcome, Plan, Range, Report, Target, Way,
    quoted,
};
use marline_index::{Index, ItemKey};
use marline_model::{ItemKind, SessionId, Source};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::board::Board;
use crate::params::Id;
use crate::problem::{Problem, sentence};

/// What an act made is waited for so long.
const UNTIL_INDEXED: Duration = Duration::from_secs(3);

/// What can be done.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(rename_all = "lowercase")]
pub enum ActName {
    /// Give it another name.
    Rename,
    /// Put it away.
    Archive,
    /// Take it back that was put away.
    Unarchive,
    /// Delete it.
    Delete,
    /// Make a new session that goes on from it.
    Fork,
}

/// What is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActRequest {
    /// The act.
    act: ActName,
    /// For `rename`: the name.
    #[serde(default)]
    name: Option<String>,
    /// For `fork`: the key of the prompt from before which it is forked; without it, from its end.
    #[serde(default)]
    before: Option<String>,
    /// For `delete`: lay nothing aside, so that it can't be taken back.
    #[serde(default)]
    for_good: bool,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActAnswer {
    /// The act's number, by which it is taken back; none where nothing was done, or it was done for good.
    number: Option<u64>,
    /// What is so now, in a sentence.
    says: String,
    /// The agent that shows it so, too; none: Marline alone keeps it.
    shown_by: Option<String>,
    /// The session that came to be.
    makes: Option<SessionId>,
}

/// Which act is to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// Its number.
    number: u64,
}

impl ActAnswer {
    fn of(plan: Plan, number: Option<u64>) -> Self {
        ActAnswer { number, says: plan.says, shown_by: plan.shown_by, makes: plan.makes }
    }

    fn done(entry: Entry) -> Self {
        let number = (entry.outcome == Outcome::Done).then_some(entry.number);
        Self::of(entry.plan, number)
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        let mut words = sentence(&error);
        match error {
            ActError::InUse { .. } | ActError::Changed { .. } => Problem::CONFLICT.because(words),
            ActError::Unsupported { .. } => Problem::UNSUPPORTED.because(words),
            ActError::Invalid { hint, .. } => {
                words.extend(hint.map(|hint| format!(" {hint}")));
                Problem::INVALID.because(words)
            }
            _ => {
                tracing::error!(error = %words, "an act failed");
                Problem::FAILED.because(words)
            }
        }
    }
}

fn plan(index: &Index, acts: &Acts, target: &Target, request: &ActRequest) -> Result<Plan, Problem> {
    Ok(match request.act {
        ActName::Rename => {
            let name = request.name.as_deref();
            acts.rename(target, name.ok_or_else(|| Problem::INVALID.because("A name is missing."))?)?
        }
        ActName::Archive => acts.archive(target, true)?,
        ActName::Unarchive => acts.archive(target, false)?,
        ActName::Delete => acts.delete(target, request.for_good)?,
        ActName::Fork => {
            let at = match &request.before {
                None => Fork::Head,
                Some(key) => {
                    let invalid = |_| Problem::INVALID.because(format!("{key:?} is no item's key."));
                    let item = index.item_at(&target.id, key.parse::<ItemKey>().map_err(invalid)?)?;
                    if item.kind != ItemKind::Prompt {
                        return Err(Problem::INVALID.because(format!("Item {key} is no prompt.")));
                    }
                    Fork::Before { file: item.raw.path.into(), offset: item.raw.offset }
                }
            };
            acts.fork(target, &at)?
        }
    })
}

/// Acts on a session, in its agent's own way. A session that is in use is left alone.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/acts", tag = "acts",
    params(("id" = SessionId, Path, description = "The canonical id")), request_body = ActRequest,
    responses((status = 200, body = ActAnswer), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn act(
    State(board): State<Board>,
    Id(id): Id,
    request: Result<Json<ActRequest>, JsonRejection>,
) -> Result<Json<ActAnswer>, Problem> {
    let Json(request) = request.map_err(|error| Problem::INVALID.because(error.body_text()))?;
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |index| {
        let target = Target::of(&index.session_by_id(&id)?)?;
        let plan = plan(index, &acts, &target, &request)?;
        if request.dry_run {
            acts.check(&target, &plan)?;
            return Ok(ActAnswer::of(plan, None));
        }
        let entry = acts.carry_out(&target, plan)?;
        index.overlay(&acts.overlaid()?)?;
        if entry.outcome == Outcome::Final {
            index.purge(&target.id)?;
        }
        Ok(ActAnswer::done(entry))
    });
    let answer = answer.await?;
    if let (Some(made), Some(_)) = (&answer.makes, answer.number) {
        indexed(&board, made).await;
    }
    Ok(Json(answer))
}

/// Returns when a session that was made can be asked for, or after a while.
async fn indexed(board: &Board, id: &SessionId) {
    let mut ticks = board.indexer.ticks();
    let look = async {
        loop {
            let id = id.clone();
            let found = board.readers.ask(move |index| Ok(index.session_by_id(&id).is_ok()));
            if !matches!(found.await, Ok(false)) || ticks.changed().await.is_err() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(UNTIL_INDEXED, look).await;
}

/// Takes an act back. What somebody has written since is left alone.
#[utoipa::path(post, path = "/api/v1/acts/undo", tag = "acts", request_body = UndoRequest,
    responses((status = 200, body = ActAnswer), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn undo(
    State(board): State<Board>,
    request: Result<Json<UndoRequest>, JsonRejection>,
) -> Result<Json<ActAnswer>, Problem> {
    let Json(request) = request.map_err(|error| Problem::INVALID.because(error.body_text()))?;
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |index| {
        let entry = acts.undo(Some(request.number))?;
        index.overlay(&acts.overlaid()?)?;
        Ok(ActAnswer::done(entry))
    });
    Ok(Json(answer.await?))
}

/// Who is to go on with a session, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandoffRequest {
    /// The agent that goes on.
    to: Source,
    /// How it is handed over.
    way: Way,
    /// The number of the first item that is handed over; without it, from the beginning.
    #[serde(default)]
    from: Option<u64>,
    /// The number of the last one; without it, up to the end.
    #[serde(default)]
    to_seq: Option<u64>,
    /// Where the other agent works, instead of where this one did: a directory that a session has worked in.
    #[serde(default)]
    cwd: Option<String>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What is handed over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandoffAnswer {
    /// The act's number, by which it is taken back; none where nothing was made.
    number: Option<u64>,
    /// The session that came to be; none where nothing was made.
    makes: Option<SessionId>,
    /// What is carried, changed and dropped.
    report: Report,
    /// What the other agent is told, unless it is given a session of its own.
    document: Option<String>,
    /// The command that starts the other agent on it.
    command: String,
}

/// Hands a session over to another agent. Documents are made and nothing is started: that is done in a terminal.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/handoff", tag = "acts",
    params(("id" = SessionId, Path, description = "The canonical id")), request_body = HandoffRequest,
    responses((status = 200, body = HandoffAnswer), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn hand_over(
    State(board): State<Board>,
    Id(id): Id,
    request: Result<Json<HandoffRequest>, JsonRejection>,
) -> Result<Json<HandoffAnswer>, Problem> {
    let Json(request) = request.map_err(|error| Problem::INVALID.because(error.body_text()))?;
    if let Some(directory) = &request.cwd {
        board.check_directory(directory.clone()).await?;
    }
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |index| {
        let target = Target::of(&index.session_by_id(&id)?)?;
        let range = Range { from: request.from, to: request.to_seq };
        let conversation = Conversation::read(index, &id, range)?;
        let cwd = request.cwd.as_deref().map(Path::new);
        let asked = HandOver { to: request.to, way: request.way, cwd, marline: "marline" };
        let Handoff { report, document, plan, .. } = acts.hand_over(&target, &conversation, &asked)?;
        let done = match plan {
            Some(plan) if !request.dry_run => Some(acts.carry_out(&target, plan)?),
            _ => None,
        };
        let makes = done.as_ref().and_then(|entry| entry.plan.makes.clone());
        let command = match &makes {
            Some(made) => format!("marline resume {made}"),
            None => request.command(&id),
        };
        Ok(HandoffAnswer { number: done.map(|entry| entry.number), makes, report, document, command })
    });
    let answer = answer.await?;
    if let Some(made) = &answer.makes {
        indexed(&board, made).await;
    }
    Ok(Json(answer))
}

impl HandoffRequest {
    /// The same on the command line.
    fn command(&self, id: &SessionId) -> String {
        let mut command = format!("marline handoff {id} --to {} --as {}", self.to, self.way.as_str());
        for (name, seq) in [("from", self.from), ("to-seq", self.to_seq)] {
            if let Some(seq) = seq {
                command.push_str(&format!(" --{name} {seq}"));
            }
        }
        if let Some(directory) = &self.cwd {
            command.push_str(&format!(" --cwd {}", quoted(directory)));
        }
        command
    }
}

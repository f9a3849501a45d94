//! Runs of groups and queues, what agents ask, and what both kinds share.

use std::path::Path as FilePath;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use marline_agents::talk::Decision;
use marline_control::work::Desk;
use marline_control::{Risk, risks};
use marline_store::work::{Asked, Logged, Member, Options, Run, Runs, Task, Wish, WorkError, read_exchanged};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::board::Board;
use crate::params::Query;
use crate::problem::Problem;

/// Runs of a group or queue in one answer.
const RUNS: usize = 50;
/// Events in one answer.
const EVENTS: usize = 1_000;
/// Questions that were answered in one answer.
const ANSWERED: usize = 50;
/// Directories in one answer.
const DIRECTORIES: usize = 200;

pub(super) type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn body<T>(request: Body<T>) -> Result<T, Problem> {
    request.map(|Json(request)| request).map_err(|error| Problem::INVALID.because(error.body_text()))
}

/// A run with its prompts.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunAnswer {
    /// The run.
    run: Run,
    /// Its prompts in order.
    tasks: Vec<Task>,
}

/// What happened in a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunEventsAnswer {
    /// The events in order; there may be more behind the last.
    events: Vec<Logged>,
}

/// From where to tell.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunEventParams {
    /// The `seq` of the last event that the client has.
    #[serde(default)]
    after: u64,
}

/// Which questions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ApprovalParams {
    /// Those alone that wait for an answer.
    #[serde(default)]
    open: bool,
}

/// What is wanted of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishRequest {
    /// What.
    wish: Wish,
}

/// What agents ask.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalsAnswer {
    /// What waits for an answer, the oldest first.
    open: Vec<OpenQuestion>,
    /// What was answered, the last first.
    answered: Vec<Asked>,
}

/// A question that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenQuestion {
    #[serde(flatten)]
    asked: Asked,
    /// What is to be minded of what is asked.
    risks: Vec<Risk>,
}

impl OpenQuestion {
    fn of(asked: Asked, task: Option<Task>, home: &FilePath) -> Self {
        let question = &asked.question;
        let project = task.and_then(|task| task.cwd).or_else(|| question.cwd.clone());
        let risks = project.map(|project| risks(question, FilePath::new(&project), home));
        OpenQuestion { risks: risks.unwrap_or_default(), asked }
    }
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// What the agent is told.
    decision: Decision,
}

/// Directories that sessions worked in.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectoriesAnswer {
    /// The last active first.
    directories: Vec<String>,
}

/// Names of what was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedAnswer {
    /// Groups and queues.
    names: Vec<String>,
}

/// Options that a client may give: what would run other programs, or run them otherwise, is the command line's.
pub(super) fn allowed(options: Options) -> Result<Options, Problem> {
    if options.arguments.is_empty() && options.env.is_empty() {
        return Ok(options);
    }
    Err(Problem::INVALID
        .because("Words and variables for an agent's program can be given on the command line alone."))
}

pub(super) fn plain_run(mut run: Run) -> Run {
    run.options.env.clear();
    run
}

pub(super) fn runs(desk: &Desk, list: &str) -> Result<Vec<Run>, WorkError> {
    Ok(desk.store().runs(Runs::Of(list, RUNS))?.into_iter().map(plain_run).collect())
}

impl Board {
    /// A directory comes from a client only where a session has worked in it.
    pub(super) async fn check_directory(&self, directory: String) -> Result<(), Problem> {
        let words = format!("No session has worked in {directory}; begin there on the command line.");
        let is_known = self.readers.ask(move |index| Ok(index.knows_directory(&directory)?)).await?;
        if is_known { Ok(()) } else { Err(Problem::INVALID.because(words)) }
    }

    pub(super) async fn check_members(&self, members: &[Member]) -> Result<(), Problem> {
        for member in members {
            match (&member.session, &member.cwd) {
                (Some(session), None) => {
                    if session.source() != member.source {
                        return Err(Problem::INVALID.because(format!("{session} is another agent's.")));
                    }
                    let session = session.clone();
                    self.readers.ask(move |index| Ok(index.session_by_id(&session).map(drop)?)).await?;
                }
                (None, Some(directory)) => self.check_directory(directory.clone()).await?,
                _ => {
                    return Err(
                        Problem::INVALID.because("A member is a session, or a directory for a new one.")
                    );
                }
            }
        }
        Ok(())
    }
}

/// Shows a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = RunAnswer), (status = 404, body = Problem)))]
pub async fn run(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<RunAnswer>, Problem> {
    let answer = board.desk(move |desk| {
        let run = desk.store().run(&id)?;
        let mut tasks = desk.store().tasks(run.list_of_tasks())?;
        tasks.retain(|task| !run.is_queue || task.run.as_ref() == Some(&run.id));
        Ok(RunAnswer { run: plain_run(run), tasks })
    });
    Ok(Json(answer.await?))
}

/// Tells what happened in a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}/events", tag = "work", params(("id" = String, Path), RunEventParams),
    responses((status = 200, body = RunEventsAnswer), (status = 404, body = Problem)))]
pub async fn run_events(
    State(board): State<Board>,
    Path(id): Path<String>,
    Query(params): Query<RunEventParams>,
) -> Result<Json<RunEventsAnswer>, Problem> {
    let events = board.desk(move |desk| {
        let run = desk.store().run(&id)?;
        desk.store().events(&run.id, params.after, EVENTS)
    });
    Ok(Json(RunEventsAnswer { events: events.await? }))
}

/// Pauses, goes on with, or stops a run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/wish", tag = "work", params(("id" = String, Path)),
    request_body = WishRequest, responses((status = 200, body = Run), (status = 409, body = Problem)))]
pub async fn wish(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<WishRequest>,
) -> Result<Json<Run>, Problem> {
    let WishRequest { wish } = body(request)?;
    let wished = board.desk(move |desk| {
        let run = desk.store().run(&id)?;
        if run.ended_at.is_some() {
            return Err(WorkError::conflict(format!("run {} is over", run.number)));
        }
        desk.wish(&run.list, &run.name, wish)
    });
    Ok(Json(plain_run(wished.await?)))
}

/// Lists what agents ask.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "work", params(ApprovalParams),
    responses((status = 200, body = ApprovalsAnswer)))]
pub async fn approvals(
    State(board): State<Board>,
    Query(params): Query<ApprovalParams>,
) -> Result<Json<ApprovalsAnswer>, Problem> {
    let home = board.config.env.home().to_owned();
    let answer = board.desk(move |desk| {
        let open = desk.store().questions(true, RUNS * ANSWERED)?.into_iter();
        let open = open.filter(|asked| asked.decision.is_none());
        let open =
            open.map(|asked| OpenQuestion::of(asked.clone(), desk.store().task(&asked.task).ok(), &home));
        let open = open.collect();
        let answered = if params.open { Vec::new() } else { desk.store().questions(false, ANSWERED)? };
        Ok(ApprovalsAnswer { open, answered })
    });
    Ok(Json(answer.await?))
}

/// Answers what an agent asks.
#[utoipa::path(post, path = "/api/v1/approvals/{number}", tag = "work", params(("number" = u64, Path)),
    request_body = DecisionRequest,
    responses((status = 200, body = Asked), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn decide(
    State(board): State<Board>,
    Path(number): Path<u64>,
    request: Body<DecisionRequest>,
) -> Result<Json<Asked>, Problem> {
    let DecisionRequest { decision } = body(request)?;
    Ok(Json(board.desk(move |desk| desk.decide(number, decision, "the board")).await?))
}

/// Lists the directories that a new session can work in: those of sessions, as far as they are there.
#[utoipa::path(get, path = "/api/v1/directories", tag = "work",
    responses((status = 200, body = DirectoriesAnswer)))]
pub async fn directories(State(board): State<Board>) -> Result<Json<DirectoriesAnswer>, Problem> {
    let all = board.readers.ask(|index| {
        let known = index.directories(DIRECTORIES)?.into_iter();
        Ok(known.filter(|directory| std::path::Path::new(directory).is_dir()).collect())
    });
    Ok(Json(DirectoriesAnswer { directories: all.await? }))
}

/// Takes in groups and queues from a file's text, all or nothing.
#[utoipa::path(post, path = "/api/v1/imports", tag = "work",
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = ImportedAnswer), (status = 409, body = Problem)))]
pub async fn import(State(board): State<Board>, text: String) -> Result<Json<ImportedAnswer>, Problem> {
    let names = board.desk(move |desk| desk.import(read_exchanged(&text)?));
    Ok(Json(ImportedAnswer { names: names.await? }))
}

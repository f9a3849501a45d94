//! Groups, queues, their runs, and what agents ask.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marline_agents::talk::Decision;
use marline_control::work::{Desk, GroupRun, MAX_CONCURRENCY, NewPrompt, NewQueue, PromptPatch};
use marline_index::Session;
use marline_model::{SessionId, Source};
use marline_store::work::{
    Asked, Counts, Group, GroupFile, Logged, Member, Mode, Options, Place, Queue, QueueFile, Run, Runs,
    Status, Task, Wish, WorkError, read_exchanged,
};
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

type Body<T> = Result<Json<T>, JsonRejection>;

fn body<T>(request: Body<T>) -> Result<T, Problem> {
    request.map(|Json(request)| request).map_err(|error| Problem::INVALID.because(error.body_text()))
}

/// A group as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupLine {
    /// The group.
    group: Group,
    /// Its last run.
    last_run: Option<Run>,
}

/// All groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupsAnswer {
    /// The groups by name.
    groups: Vec<GroupLine>,
}

/// A group with its sessions and runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupAnswer {
    /// The group.
    group: Group,
    /// Those of its sessions that are known, in no order.
    sessions: Vec<Session>,
    /// Its runs, the last first.
    runs: Vec<Run>,
}

/// A group to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// What to call it.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Its sessions.
    #[serde(default)]
    members: Vec<Member>,
}

/// What is changed in a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPatchRequest {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// What it is for; an empty text: nothing.
    #[serde(default)]
    description: Option<String>,
    /// Sessions to be added.
    #[serde(default)]
    add: Vec<Member>,
    /// Sessions to be taken out.
    #[serde(default)]
    remove: Vec<SessionId>,
    /// Sessions that are yet to begin are all taken out.
    #[serde(default)]
    remove_new: bool,
}

/// How a group is run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupRunRequest {
    /// What every session is told.
    prompt: String,
    /// At most so many at a time.
    #[serde(default)]
    max_concurrency: Option<usize>,
    /// Where its sessions work.
    #[serde(default)]
    place: Place,
    /// How. Words and variables for the agents' programs can't be given here.
    #[serde(default)]
    options: Options,
}

/// A queue as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueLine {
    /// The queue.
    queue: Queue,
    /// How its prompts stand.
    counts: Counts,
    /// The run that goes on.
    run: Option<Run>,
}

/// All queues.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuesAnswer {
    /// The queues by name.
    queues: Vec<QueueLine>,
}

/// A queue with its prompts and runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueAnswer {
    /// The queue.
    queue: Queue,
    /// Its prompts in order.
    prompts: Vec<Task>,
    /// The run that goes on.
    run: Option<Run>,
    /// Its runs, the last first.
    runs: Vec<Run>,
}

/// A queue to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueRequest {
    /// What to call it.
    name: String,
    /// A directory that a session has worked in.
    project: String,
    /// Who works.
    source: Source,
    /// Where its prompts are said.
    #[serde(default)]
    mode: Mode,
    /// The session that they are said in, of one that exists.
    #[serde(default)]
    session: Option<SessionId>,
    /// Stop when a prompt fails.
    #[serde(default)]
    stops_on_failure: bool,
    /// How. Words and variables for the agents' programs can't be given here.
    #[serde(default)]
    options: Options,
}

/// What is changed in a queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueuePatchRequest {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Where its prompts are said.
    #[serde(default)]
    mode: Option<Mode>,
    /// Stop when a prompt fails.
    #[serde(default)]
    stops_on_failure: Option<bool>,
    /// How.
    #[serde(default)]
    options: Option<Options>,
}

/// A prompt to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptRequest {
    /// Its words.
    prompt: String,
    /// Its pictures, in base64.
    #[serde(default)]
    images: Vec<String>,
    /// It waits until a person releases it.
    #[serde(default)]
    manual: bool,
    /// The number of the one that must be completed first.
    #[serde(default)]
    after: Option<u64>,
}

/// What is changed in a prompt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptPatchRequest {
    /// Its words.
    #[serde(default)]
    prompt: Option<String>,
    /// Whether it waits for a person.
    #[serde(default)]
    manual: Option<bool>,
    /// `pending`: it has its turn again; `cancelled`: it is taken back.
    #[serde(default)]
    status: Option<Status>,
}

/// Where a prompt is moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// Before this one; nothing: to the end.
    #[serde(default)]
    before: Option<String>,
}

/// Prompts in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromptsAnswer {
    /// The prompts.
    prompts: Vec<Task>,
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
    open: Vec<Asked>,
    /// What was answered, the last first.
    answered: Vec<Asked>,
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
fn allowed(options: Options) -> Result<Options, Problem> {
    if options.arguments.is_empty() && options.env.is_empty() {
        return Ok(options);
    }
    Err(Problem::INVALID
        .because("Words and variables for an agent's program can be given on the command line alone."))
}

fn plain_run(mut run: Run) -> Run {
    run.options.env.clear();
    run
}

fn plain_queue(mut queue: Queue) -> Queue {
    queue.options.env.clear();
    queue
}

fn runs(desk: &Desk, list: &str) -> Result<Vec<Run>, WorkError> {
    Ok(desk.store().runs(Runs::Of(list, RUNS))?.into_iter().map(plain_run).collect())
}

impl Board {
    /// A directory comes from a client only where a session has worked in it.
    async fn check_directory(&self, directory: String) -> Result<(), Problem> {
        let words = format!("No session has worked in {directory}; begin there on the command line.");
        let is_known = self.readers.ask(move |index| Ok(index.knows_directory(&directory)?)).await?;
        if is_known { Ok(()) } else { Err(Problem::INVALID.because(words)) }
    }

    async fn check_members(&self, members: &[Member]) -> Result<(), Problem> {
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

/// Lists groups.
#[utoipa::path(get, path = "/api/v1/groups", tag = "work", responses((status = 200, body = GroupsAnswer)))]
pub async fn groups(State(board): State<Board>) -> Result<Json<GroupsAnswer>, Problem> {
    let groups = board.desk(|desk| {
        let line = |group: Group| {
            let last_run = desk.store().runs(Runs::Of(&group.id, 1))?.pop().map(plain_run);
            Ok(GroupLine { group, last_run })
        };
        desk.store().groups()?.into_iter().map(line).collect()
    });
    Ok(Json(GroupsAnswer { groups: groups.await? }))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/groups", tag = "work", request_body = GroupRequest,
    responses((status = 200, body = Group), (status = 409, body = Problem)))]
pub async fn make_group(
    State(board): State<Board>,
    request: Body<GroupRequest>,
) -> Result<Json<Group>, Problem> {
    let GroupRequest { name, description, members } = body(request)?;
    board.check_members(&members).await?;
    let made = board.desk(move |desk| desk.create_group(&name, description.as_deref(), members));
    Ok(Json(made.await?))
}

/// Shows a group.
#[utoipa::path(get, path = "/api/v1/groups/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = GroupAnswer), (status = 404, body = Problem)))]
pub async fn group(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<GroupAnswer>, Problem> {
    let (group, runs) = board
        .desk(move |desk| {
            let group = desk.store().group(&id)?;
            let runs = runs(desk, &group.id)?;
            Ok((group, runs))
        })
        .await?;
    let ids: Vec<SessionId> = group.members.iter().filter_map(|member| member.session.clone()).collect();
    let known = board
        .readers
        .ask(move |index| Ok(ids.iter().filter_map(|id| index.session_by_id(id).ok()).collect()));
    Ok(Json(GroupAnswer { sessions: known.await?, group, runs }))
}

/// Changes a group.
#[utoipa::path(patch, path = "/api/v1/groups/{id}", tag = "work", params(("id" = String, Path)),
    request_body = GroupPatchRequest, responses((status = 200, body = Group), (status = 409, body = Problem)))]
pub async fn change_group(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<GroupPatchRequest>,
) -> Result<Json<Group>, Problem> {
    let patch = body(request)?;
    board.check_members(&patch.add).await?;
    let changed = board.desk(move |desk| {
        if !patch.remove.is_empty() {
            desk.remove_members(&id, &patch.remove)?;
        }
        if !patch.add.is_empty() {
            desk.add_members(&id, &patch.add)?;
        }
        desk.change_group(&id, |group| {
            if let Some(name) = &patch.name {
                group.name.clone_from(name);
            }
            if let Some(description) = &patch.description {
                group.description = Some(description.clone()).filter(|text| !text.is_empty());
            }
            if patch.remove_new {
                group.members.retain(|member| member.session.is_some());
            }
            Ok(())
        })
    });
    Ok(Json(changed.await?))
}

/// Deletes a group and its runs; its sessions stay.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
pub async fn delete_group(
    State(board): State<Board>,
    Path(id): Path<String>,
) -> Result<axum::http::StatusCode, Problem> {
    board.desk(move |desk| desk.delete_group(&id)).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Runs a prompt across a group, in this board.
#[utoipa::path(post, path = "/api/v1/groups/{id}/runs", tag = "work", params(("id" = String, Path)),
    request_body = GroupRunRequest, responses((status = 200, body = Run), (status = 409, body = Problem)))]
pub async fn run_group(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<GroupRunRequest>,
) -> Result<Json<Run>, Problem> {
    let request = body(request)?;
    let wanted = GroupRun {
        prompt: request.prompt,
        options: allowed(request.options)?,
        max_concurrency: request.max_concurrency.unwrap_or(MAX_CONCURRENCY),
        place: request.place,
    };
    Ok(Json(plain_run(board.desk(move |desk| desk.run_group(&id, wanted, None)).await?)))
}

/// Lists queues.
#[utoipa::path(get, path = "/api/v1/queues", tag = "work", responses((status = 200, body = QueuesAnswer)))]
pub async fn queues(State(board): State<Board>) -> Result<Json<QueuesAnswer>, Problem> {
    let queues = board.desk(|desk| {
        let line = |queue: Queue| {
            let counts = Counts::of(&desk.store().tasks(&queue.id)?);
            let run = desk.open_run(&queue.id)?.map(plain_run);
            Ok(QueueLine { queue: plain_queue(queue), counts, run })
        };
        desk.store().queues()?.into_iter().map(line).collect()
    });
    Ok(Json(QueuesAnswer { queues: queues.await? }))
}

/// Makes a queue.
#[utoipa::path(post, path = "/api/v1/queues", tag = "work", request_body = QueueRequest,
    responses((status = 200, body = Queue), (status = 409, body = Problem)))]
pub async fn make_queue(
    State(board): State<Board>,
    request: Body<QueueRequest>,
) -> Result<Json<Queue>, Problem> {
    let request = body(request)?;
    board.check_directory(request.project.clone()).await?;
    let wanted = NewQueue {
        name: request.name,
        project: PathBuf::from(request.project),
        source: request.source,
        mode: request.mode,
        session: request.session,
        stops_on_failure: request.stops_on_failure,
        options: allowed(request.options)?,
    };
    Ok(Json(plain_queue(board.desk(move |desk| desk.create_queue(wanted)).await?)))
}

/// Shows a queue.
#[utoipa::path(get, path = "/api/v1/queues/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = QueueAnswer), (status = 404, body = Problem)))]
pub async fn queue(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<QueueAnswer>, Problem> {
    let answer = board.desk(move |desk| {
        let queue = desk.store().queue(&id)?;
        let prompts = desk.store().tasks(&queue.id)?;
        let run = desk.open_run(&queue.id)?.map(plain_run);
        let runs = runs(desk, &queue.id)?;
        Ok(QueueAnswer { queue: plain_queue(queue), prompts, run, runs })
    });
    Ok(Json(answer.await?))
}

/// Changes a queue.
#[utoipa::path(patch, path = "/api/v1/queues/{id}", tag = "work", params(("id" = String, Path)),
    request_body = QueuePatchRequest, responses((status = 200, body = Queue), (status = 409, body = Problem)))]
pub async fn change_queue(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<QueuePatchRequest>,
) -> Result<Json<Queue>, Problem> {
    let patch = body(request)?;
    let options = patch.options.map(allowed).transpose()?;
    let changed = board.desk(move |desk| {
        desk.change_queue(&id, |queue| {
            if let Some(name) = &patch.name {
                queue.name.clone_from(name);
            }
            if let Some(mode) = patch.mode.filter(|mode| *mode != queue.mode) {
                queue.mode = mode;
                queue.session = None;
            }
            queue.stops_on_failure = patch.stops_on_failure.unwrap_or(queue.stops_on_failure);
            if let Some(options) = &options {
                // What was said on the command line stays.
                let own = std::mem::replace(&mut queue.options, options.clone());
                queue.options.env = own.env;
                queue.options.arguments = own.arguments;
            }
        })
    });
    Ok(Json(plain_queue(changed.await?)))
}

/// Deletes a queue and its prompts; sessions stay.
#[utoipa::path(delete, path = "/api/v1/queues/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
pub async fn delete_queue(
    State(board): State<Board>,
    Path(id): Path<String>,
) -> Result<axum::http::StatusCode, Problem> {
    board.desk(move |desk| desk.delete_queue(&id)).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Adds a prompt to a queue, which may run.
#[utoipa::path(post, path = "/api/v1/queues/{id}/prompts", tag = "work", params(("id" = String, Path)),
    request_body = PromptRequest, responses((status = 200, body = Task), (status = 404, body = Problem)))]
pub async fn add_prompt(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<PromptRequest>,
) -> Result<Json<Task>, Problem> {
    let request = body(request)?;
    let images = keep(&board, &request.images)?;
    let added = board.desk(move |desk| {
        desk.add_prompt(
            &id,
            NewPrompt { prompt: request.prompt, images, is_manual: request.manual, after: request.after },
        )
    });
    Ok(Json(added.await?))
}

/// Puts pictures where agents can read them.
fn keep(board: &Board, images: &[String]) -> Result<Vec<PathBuf>, Problem> {
    let folder = board.config.data_dir.join("work").join("images");
    let failed =
        |error: std::io::Error| Problem::FAILED.because(format!("A picture could not be kept: {error}."));
    let one = |image: &String| {
        let wrong = |_| Problem::INVALID.because("A picture is no base64.");
        let bytes = STANDARD.decode(image).map_err(wrong)?;
        let kind = match &bytes[..] {
            [0x89, b'P', b'N', b'G', ..] => "png",
            [0xff, 0xd8, ..] => "jpg",
            [b'G', b'I', b'F', ..] => "gif",
            [b'R', b'I', b'F', b'F', ..] => "webp",
            _ => return Err(Problem::INVALID.because("A picture is a PNG, JPEG, GIF or WebP file.")),
        };
        let name: String = (board.config.random)().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("{name}.{kind}"));
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut file =
            fs::File::options().create_new(true).write(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        Ok(path)
    };
    images.iter().map(one).collect()
}

/// Changes a prompt that does not run.
#[utoipa::path(patch, path = "/api/v1/queues/{id}/prompts/{prompt}", tag = "work",
    params(("id" = String, Path), ("prompt" = String, Path)), request_body = PromptPatchRequest,
    responses((status = 200, body = Task), (status = 409, body = Problem)))]
pub async fn change_prompt(
    State(board): State<Board>,
    Path((id, prompt)): Path<(String, String)>,
    request: Body<PromptPatchRequest>,
) -> Result<Json<Task>, Problem> {
    let request = body(request)?;
    let patch = PromptPatch {
        prompt: request.prompt,
        images: None,
        is_manual: request.manual,
        status: request.status,
    };
    Ok(Json(board.desk(move |desk| desk.update_prompt(&id, &prompt, patch)).await?))
}

/// Moves a prompt.
#[utoipa::path(post, path = "/api/v1/queues/{id}/prompts/{prompt}/move", tag = "work",
    params(("id" = String, Path), ("prompt" = String, Path)), request_body = MoveRequest,
    responses((status = 200, body = PromptsAnswer), (status = 409, body = Problem)))]
pub async fn move_prompt(
    State(board): State<Board>,
    Path((id, prompt)): Path<(String, String)>,
    request: Body<MoveRequest>,
) -> Result<Json<PromptsAnswer>, Problem> {
    let request = body(request)?;
    let moved = board.desk(move |desk| desk.move_prompt(&id, &prompt, request.before.as_deref()));
    Ok(Json(PromptsAnswer { prompts: moved.await? }))
}

/// Takes a prompt out of a queue.
#[utoipa::path(delete, path = "/api/v1/queues/{id}/prompts/{prompt}", tag = "work",
    params(("id" = String, Path), ("prompt" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
pub async fn remove_prompt(
    State(board): State<Board>,
    Path((id, prompt)): Path<(String, String)>,
) -> Result<axum::http::StatusCode, Problem> {
    board.desk(move |desk| desk.remove_prompt(&id, &prompt)).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Works through a queue, in this board.
#[utoipa::path(post, path = "/api/v1/queues/{id}/runs", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = Run), (status = 409, body = Problem)))]
pub async fn run_queue(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<Run>, Problem> {
    Ok(Json(plain_run(board.desk(move |desk| desk.run_queue(&id, None)).await?)))
}

/// Shows a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = RunAnswer), (status = 404, body = Problem)))]
pub async fn run(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<RunAnswer>, Problem> {
    let answer = board.desk(move |desk| {
        let run = desk.store().run(&id)?;
        let mut tasks = desk.store().tasks(if run.is_queue { &run.list } else { &run.id })?;
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
#[utoipa::path(get, path = "/api/v1/approvals", tag = "work", responses((status = 200, body = ApprovalsAnswer)))]
pub async fn approvals(State(board): State<Board>) -> Result<Json<ApprovalsAnswer>, Problem> {
    let answer = board.desk(|desk| {
        let mut open = desk.store().questions(true, RUNS * ANSWERED)?;
        open.retain(|asked| asked.decision.is_none());
        Ok(ApprovalsAnswer { open, answered: desk.store().questions(false, ANSWERED)? })
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

/// Lists the directories that a new session can work in.
#[utoipa::path(get, path = "/api/v1/directories", tag = "work",
    responses((status = 200, body = DirectoriesAnswer)))]
pub async fn directories(State(board): State<Board>) -> Result<Json<DirectoriesAnswer>, Problem> {
    let all = board.readers.ask(|index| Ok(index.directories(DIRECTORIES)?));
    Ok(Json(DirectoriesAnswer { directories: all.await? }))
}

/// Writes a group as other programs read it.
#[utoipa::path(get, path = "/api/v1/groups/{id}/export", tag = "work", params(("id" = String, Path)),
    responses((status = 200, description = "The group as a file has it", body = Object), (status = 404, body = Problem)))]
pub async fn export_group(
    State(board): State<Board>,
    Path(id): Path<String>,
) -> Result<Json<GroupFile>, Problem> {
    Ok(Json(board.desk(move |desk| desk.export_group(&id)).await?))
}

/// Writes a queue as other programs read it.
#[utoipa::path(get, path = "/api/v1/queues/{id}/export", tag = "work", params(("id" = String, Path)),
    responses((status = 200, description = "The queue as a file has it", body = Object), (status = 404, body = Problem)))]
pub async fn export_queue(
    State(board): State<Board>,
    Path(id): Path<String>,
) -> Result<Json<QueueFile>, Problem> {
    Ok(Json(board.desk(move |desk| desk.export_queue(&id)).await?))
}

/// Takes in groups and queues from a file's text, all or nothing.
#[utoipa::path(post, path = "/api/v1/imports", tag = "work",
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = ImportedAnswer), (status = 409, body = Problem)))]
pub async fn import(State(board): State<Board>, text: String) -> Result<Json<ImportedAnswer>, Problem> {
    let names = board.desk(move |desk| desk.import(read_exchanged(&text)?));
    Ok(Json(ImportedAnswer { names: names.await? }))
}

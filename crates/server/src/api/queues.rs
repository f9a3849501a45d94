//! Queues: many prompts, one after the other.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marline_agents::image::media_type;
use marline_control::work::{NewPrompt, NewQueue, PromptPatch};
use marline_model::{SessionId, Source};
use marline_store::work::{Counts, Mode, Options, Queue, QueueFile, Run, Status, Task};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::{Body, allowed, body, plain_run, runs};
use crate::board::Board;
use crate::problem::Problem;

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
    /// Its pictures, in base64, instead of those it has.
    #[serde(default)]
    images: Option<Vec<String>>,
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

fn plain_queue(mut queue: Queue) -> Queue {
    queue.options.env.clear();
    queue
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
pub async fn delete_queue(State(board): State<Board>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    board.desk(move |desk| desk.delete_queue(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
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
            NewPrompt {
                prompt: request.prompt,
                images,
                is_manual: request.manual,
                after: request.after.map(|number| number.to_string()),
            },
        )
    });
    Ok(Json(added.await?))
}

/// Puts pictures where agents can read them.
pub(super) fn keep(board: &Board, images: &[String]) -> Result<Vec<PathBuf>, Problem> {
    let folder = board.config.data_dir.join("work").join("images");
    let failed =
        |error: std::io::Error| Problem::FAILED.because(format!("A picture could not be kept: {error}."));
    let one = |image: &String| {
        let wrong = |_| Problem::INVALID.because("A picture is no base64.");
        let bytes = STANDARD.decode(image).map_err(wrong)?;
        let kind = media_type(&bytes)
            .and_then(|kind| kind.strip_prefix("image/"))
            .ok_or_else(|| Problem::INVALID.because("A picture is a PNG, JPEG, GIF or WebP file."))?;
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
    let images = request.images.map(|images| keep(&board, &images)).transpose()?;
    let patch =
        PromptPatch { prompt: request.prompt, images, is_manual: request.manual, status: request.status };
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
) -> Result<StatusCode, Problem> {
    board.desk(move |desk| desk.remove_prompt(&id, &prompt)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Works through a queue, in this board.
#[utoipa::path(post, path = "/api/v1/queues/{id}/runs", tag = "work", params(("id" = String, Path)),
    responses((status = 200, body = Run), (status = 409, body = Problem)))]
pub async fn run_queue(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<Run>, Problem> {
    Ok(Json(plain_run(board.desk(move |desk| desk.run_queue(&id, None)).await?)))
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

//! Groups: many sessions, one prompt.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use marline_control::work::{GroupRun, MAX_CONCURRENCY};
use marline_index::Session;
use marline_model::SessionId;
use marline_store::work::{Group, GroupFile, Member, Options, Place, Run, Runs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::queues::keep;
use super::work::{Body, allowed, body, plain_run, runs};
use crate::board::Board;
use crate::problem::Problem;

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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    /// Pictures that belong to it, in base64.
    #[serde(default)]
    images: Vec<String>,
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
pub async fn delete_group(State(board): State<Board>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    board.desk(move |desk| desk.delete_group(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
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
        images: keep(&board, &request.images)?,
        prompt: request.prompt,
        options: allowed(request.options)?,
        max_concurrency: request.max_concurrency.unwrap_or(MAX_CONCURRENCY),
        place: request.place,
    };
    Ok(Json(plain_run(board.desk(move |desk| desk.run_group(&id, wanted, None)).await?)))
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

//! Sessions: lists of them, and what is around one.

use axum::Json;
use axum::extract::State;
use marline_index::{Page, Projects, Session};
use marline_model::SessionId;
use marline_store::reviews::Reviews;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::board::Board;
use crate::params::{FilterParams, Id, Query, SortParam, limit};
use crate::problem::Problem;
use crate::wire::{OutlineAnswer, OutlineMark, Related, ReviewedSession, SessionDetail, TouchedFiles};

const MAX_SESSIONS: usize = 500;
const MAX_PROJECTS: usize = 200;
const MAX_FILES: usize = 2_000;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// What to order by, always downwards.
    #[serde(default)]
    #[param(inline)]
    sort: SortParam,
    /// How many at most, up to 500; by default 50.
    limit: Option<usize>,
    /// Where to go on, as the page before said.
    cursor: Option<String>,
}

/// Lists sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(FilterParams, ListParams),
    responses((status = 200, body = Page), (status = 400, body = Problem)))]
pub async fn list(
    State(board): State<Board>,
    Query(filter): Query<FilterParams>,
    Query(page): Query<ListParams>,
) -> Result<Json<Page>, Problem> {
    let mut filter = filter.list_filter(board.now())?;
    filter.reviewers = board.reviewers().await?;
    let limit = limit(page.limit, 50, MAX_SESSIONS);
    let cursor = page.cursor.filter(|cursor| !cursor.is_empty());
    let page = board
        .readers
        .ask(move |index| Ok(index.sessions(&filter, page.sort.into(), limit, cursor.as_deref())?))
        .await?;
    Ok(Json(page))
}

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectParams {
    /// How many sessions of each, up to 20; by default 5.
    per: Option<usize>,
    /// How many projects at most, up to 200; by default 50.
    limit: Option<usize>,
}

/// Lists sessions by project, the last active project first.
#[utoipa::path(get, path = "/api/v1/projects", tag = "sessions", params(FilterParams, ProjectParams),
    responses((status = 200, body = Projects), (status = 400, body = Problem)))]
pub async fn projects(
    State(board): State<Board>,
    Query(filter): Query<FilterParams>,
    Query(page): Query<ProjectParams>,
) -> Result<Json<Projects>, Problem> {
    let mut filter = filter.list_filter(board.now())?;
    filter.reviewers = board.reviewers().await?;
    let (limit, per) = (limit(page.limit, 50, MAX_PROJECTS), page.per.unwrap_or(5).min(20));
    Ok(Json(board.readers.ask(move |index| Ok(index.projects(&filter, limit, per)?)).await?))
}

/// Tells of one session and those that belong to it.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id")),
    responses((status = 200, body = SessionDetail), (status = 404, body = Problem)))]
pub async fn one(State(board): State<Board>, Id(id): Id) -> Result<Json<SessionDetail>, Problem> {
    let asked = id.clone();
    let review = board.desk(move |desk| Ok(desk.store().reviews(Reviews::By(&asked))?.pop())).await?;
    let detail = board
        .readers
        .ask(move |index| {
            let session = index.session_by_id(&id)?;
            let named = |id: &Option<String>| {
                id.as_ref().and_then(|id| id.parse().ok()).and_then(|id| index.session_by_id(&id).ok())
            };
            Ok(SessionDetail {
                parent: named(&session.parent_id),
                origin: named(&session.forked_from_id),
                children: index.children(&id)?,
                forks: index.forks(&id)?,
                items: index.item_count(&id)?,
                reviews: review.map(|review| ReviewedSession {
                    review: review.id,
                    session: index.session_by_id(&review.parent).ok(),
                    id: review.parent,
                }),
                session,
            })
        })
        .await?;
    Ok(Json(detail))
}

/// Lists the sub-agents' sessions that one started.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/children", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id")),
    responses((status = 200, body = Related), (status = 404, body = Problem)))]
pub async fn children(State(board): State<Board>, Id(id): Id) -> Result<Json<Related>, Problem> {
    let sessions: Vec<Session> = board
        .readers
        .ask(move |index| {
            index.session_by_id(&id)?;
            Ok(index.children(&id)?)
        })
        .await?;
    Ok(Json(Related { sessions }))
}

/// Lists the sessions that were forked from one.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/forks", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id")),
    responses((status = 200, body = Related), (status = 404, body = Problem)))]
pub async fn forks(State(board): State<Board>, Id(id): Id) -> Result<Json<Related>, Problem> {
    let sessions: Vec<Session> = board
        .readers
        .ask(move |index| {
            index.session_by_id(&id)?;
            Ok(index.forks(&id)?)
        })
        .await?;
    Ok(Json(Related { sessions }))
}

/// Tells what one jumps to in a session: prompts, errors, compactions, sub-agents, where it was forked.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/outline", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id")),
    responses((status = 200, body = OutlineAnswer), (status = 404, body = Problem)))]
pub async fn outline(State(board): State<Board>, Id(id): Id) -> Result<Json<OutlineAnswer>, Problem> {
    let outline = board.readers.ask(move |index| Ok(index.outline(&id)?)).await?;
    let marks = outline.marks.into_iter().map(OutlineMark::from).collect();
    Ok(Json(OutlineAnswer { marks, truncated: outline.truncated }))
}

/// Lists the files that a session's tools named.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/files", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id")),
    responses((status = 200, body = TouchedFiles), (status = 404, body = Problem)))]
pub async fn files(State(board): State<Board>, Id(id): Id) -> Result<Json<TouchedFiles>, Problem> {
    let files = board.readers.ask(move |index| Ok(index.touched(&id, MAX_FILES)?)).await?;
    Ok(Json(TouchedFiles { files }))
}

//! What is half written to a session: the same on every device.

use axum::Json;
use axum::extract::State;
use marline_model::Timestamp;
use marline_store::drafts::{Draft, Written};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::{Body, body};
use crate::board::Board;
use crate::params::Id;
use crate::problem::Problem;

/// More is no message, but a document.
const LONGEST: usize = 200_000;

/// A draft, or that there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftAnswer {
    /// The words.
    text: String,
    /// How often it was written; the next writer names it. 0: never yet.
    revision: u64,
    /// When it was written last, by the server's clock.
    at: Option<Timestamp>,
    /// What was sent is kept. `false`: another device wrote this since, and nothing was changed; who writes it anew from this
    /// revision wins.
    kept: bool,
}

impl DraftAnswer {
    fn new(draft: Draft, kept: bool) -> Self {
        let at = (draft.revision > 0).then_some(draft.at);
        DraftAnswer { text: draft.text, revision: draft.revision, at, kept }
    }
}

/// Half-written words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DraftRequest {
    /// The words; none: they were sent, or taken back.
    text: String,
    /// The revision that they were written from.
    revision: u64,
}

/// Tells what is half written to a session.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/draft", tag = "live", params(("id" = String, Path)),
    responses((status = 200, body = DraftAnswer), (status = 404, body = Problem)))]
pub async fn draft(State(board): State<Board>, Id(id): Id) -> Result<Json<DraftAnswer>, Problem> {
    let (worker, now) = (board.worker.clone(), board.now());
    let found = tokio::task::spawn_blocking(move || worker.drafts().get(&id))
        .await
        .map_err(|_| Problem::FAILED)??;
    let draft = found.unwrap_or(Draft { text: String::new(), revision: 0, at: now });
    Ok(Json(DraftAnswer::new(draft, true)))
}

/// Keeps what is half written to a session, unless another device wrote since.
#[utoipa::path(put, path = "/api/v1/sessions/{id}/draft", tag = "live", params(("id" = String, Path)),
    request_body = DraftRequest,
    responses((status = 200, body = DraftAnswer), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn keep_draft(
    State(board): State<Board>,
    Id(id): Id,
    request: Body<DraftRequest>,
) -> Result<Json<DraftAnswer>, Problem> {
    let DraftRequest { text, revision } = body(request)?;
    if text.len() > LONGEST {
        return Err(Problem::TOO_LARGE.because(format!("A draft has {LONGEST} bytes at most.")));
    }
    let (worker, now) = (board.worker.clone(), board.now());
    let written = tokio::task::spawn_blocking(move || worker.drafts().put(&id, &text, revision, now));
    Ok(Json(match written.await.map_err(|_| Problem::FAILED)?? {
        Written::Kept(draft) => DraftAnswer::new(draft, true),
        Written::Other(draft) => DraftAnswer::new(draft, false),
    }))
}

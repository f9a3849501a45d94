//! A session's items: in pages, one by one, as records, their pictures.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use marline_model::SessionId;

use crate::board::Board;
use crate::params::{Id, Key, PageParams, Query, limit};
use crate::problem::Problem;
use crate::wire::{Item, Items, MAX_WHOLE_TEXT};

const MAX_ITEMS: usize = 200;
/// A record beyond this is cut.
const MAX_RECORD: usize = 8 << 20;
/// A picture beyond this is not sent.
const MAX_IMAGE: usize = 32 << 20;
/// What comes out of a record runs nothing and frames nothing, whatever it holds.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// Reads a page of a transcript, with what a fork inherits.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/items", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id"), PageParams),
    responses((status = 200, body = Items), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn page(
    State(board): State<Board>,
    Id(id): Id,
    Query(page): Query<PageParams>,
) -> Result<Json<Items>, Problem> {
    let (window, limit) = (page.window()?, limit(page.limit, 50, MAX_ITEMS));
    let items = board
        .readers
        .ask(move |index| {
            // Before the items: what comes between is told again rather than missed.
            let revision = index.position()?.revision;
            Ok(Items::of(index.items(&id, window, limit)?, revision))
        })
        .await?;
    Ok(Json(items))
}

/// Reads one item with its whole texts.
#[utoipa::path(get, operation_id = "item", path = "/api/v1/sessions/{id}/items/{key}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id"), ("key" = String, Path, description = "The item's key")),
    responses((status = 200, body = Item), (status = 404, body = Problem)))]
pub async fn one(State(board): State<Board>, Id(id): Id, Key(key): Key) -> Result<Json<Item>, Problem> {
    let item = board.readers.ask(move |index| Ok(Item::of(index.item_at(&id, key)?, MAX_WHOLE_TEXT))).await?;
    Ok(Json(item))
}

/// Reads an item's record as the agent wrote it, and that of its call's output, a line each; cut at 8 MiB.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/items/{key}/raw", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id"), ("key" = String, Path, description = "The item's key")),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub async fn raw(State(board): State<Board>, Id(id): Id, Key(key): Key) -> Result<Response, Problem> {
    let records = board.readers.ask(move |index| Ok(index.records_at(&id, key)?)).await?;
    let mut bytes = records.join(&b'\n');
    let cut = bytes.len().saturating_sub(MAX_RECORD);
    bytes.truncate(MAX_RECORD);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)),
        (HeaderName::from_static("x-truncated-bytes"), HeaderValue::from(cut)),
    ];
    Ok((headers, bytes).into_response())
}

/// Reads a picture of an item.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/items/{key}/images/{number}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The canonical id"), ("key" = String, Path, description = "The item's key"),
        ("number" = usize, Path, description = "Which one, from 0")),
    responses((status = 200, body = [u8], content_type = "image/png"), (status = 404, body = Problem)))]
pub async fn image(
    State(board): State<Board>,
    Id(id): Id,
    Key(key): Key,
    Path(path): Path<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let number = path.iter().find(|(name, _)| name == "number").and_then(|(_, number)| number.parse().ok());
    let number: usize = number.ok_or(Problem::NOT_FOUND)?;
    let image = board.readers.ask(move |index| Ok(index.image(&id, key, number)?)).await?;
    if image.bytes.len() > MAX_IMAGE {
        return Err(Problem::TOO_LARGE.because("The picture is larger than 32 MiB."));
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(image.media_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)),
    ];
    Ok((headers, image.bytes).into_response())
}

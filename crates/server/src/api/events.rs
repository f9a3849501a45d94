//! What changes, as it changes: as server-sent events for scripts, over a WebSocket for pages.
//!
//! Browsers open six connections to a host at most; six tabs with an event stream each would leave none for requests.
//! WebSockets have a limit of their own, far above.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use marline_index::Position;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::board::Board;
use crate::changes::Listener;
use crate::guard::Caller;
use crate::params::Query;
use crate::problem::{Problem, sentence};
use crate::wire::LiveEvent;

/// A client that is gone without a word is noticed after so long.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// From where to tell.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// The id of the last event that the client has; without it only what is new is told.
    after: Option<String>,
}

fn position(text: Option<&str>) -> Result<Option<Position>, Problem> {
    let parse = |text: &str| text.parse().map_err(|error| Problem::INVALID.because(sentence(&error)));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

/// Tells what changes as server-sent events; goes on after `Last-Event-ID`.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(EventParams, ("last-event-id" = Option<String>, Header, description = "The same as `after`")),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream"), (status = 400, body = Problem)))]
pub async fn stream(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    Query(events): Query<EventParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = position(last.or(events.after.as_deref()))?;
    let listener = board.feed.listen(&board, after).await?;
    let listening = (listener, board, caller);
    let events = unfold(listening, |(mut listener, board, caller): (Listener, Board, Caller)| async {
        let told = tokio::select! {
            told = listener.next() => told?,
            () = board.lost(&caller) => return None,
        };
        let event = Event::default().id(told.position.to_string()).event(told.kind).data(&told.json);
        Some((Ok::<_, Infallible>(event), (listener, board, caller)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Tells the same over a WebSocket, a JSON text each. A page says there what it shows, `{"shows": ID}`, `*` for all that
/// needs somebody, or null:
/// nobody is notified of a session that somebody looks at.
#[utoipa::path(get, path = "/api/v1/events/socket", tag = "events", params(EventParams),
    responses((status = 101, description = "A LiveEvent in each message"), (status = 400, body = Problem)))]
pub async fn socket(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    Query(events): Query<EventParams>,
    socket: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let socket = socket.map_err(|error| Problem::INVALID.because(sentence(&error)))?;
    let after = position(events.after.as_deref())?;
    let listener = board.feed.listen(&board, after).await?;
    Ok(socket.max_message_size(1024).on_upgrade(|socket| tell(socket, listener, board, caller)))
}

impl Board {
    /// Waits until a caller may no longer look; the owner always may.
    async fn lost(&self, caller: &Caller) {
        match &caller.device {
            Some(device) => self.access.lost(device).await,
            None => std::future::pending().await,
        }
    }
}

async fn tell(mut socket: WebSocket, mut listener: Listener, board: Board, caller: Caller) {
    let page = board.push.presence.enter();
    let mut alive = tokio::time::interval(KEEP_ALIVE);
    let mut is_heard = true;
    loop {
        tokio::select! {
            told = listener.next() => {
                let Some(told) = told else { break };
                if socket.send(Message::text(told.json.clone())).await.is_err() {
                    return;
                }
            }
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // What it shows; anything else says only that it is there.
                Some(Ok(Message::Text(text))) => {
                    is_heard = true;
                    page.hear(&text);
                }
                Some(Ok(_)) => is_heard = true,
            },
            () = board.lost(&caller) => break,
            _ = alive.tick() => {
                if !std::mem::take(&mut is_heard) || socket.send(Message::Ping("".into())).await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = socket.send(Message::Close(None)).await;
}

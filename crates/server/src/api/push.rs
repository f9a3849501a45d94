//! Whether and of what a device is told while nobody looks. Each device says it of itself alone.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::{Body, body};
use crate::board::Board;
use crate::guard::Caller;
use crate::problem::{Problem, sentence};
use crate::push::{Message, Subscription, Target, Wishes};

/// How it stands with a device's notifications.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushAnswer {
    /// The key to subscribe with (`applicationServerKey`), in base64url.
    key: String,
    /// The address that is told; none: it is not told.
    endpoint: Option<String>,
    /// What it wants to be told.
    wishes: Wishes,
    /// Why the last notification was given up.
    problem: Option<String>,
}

/// What a device wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushRequest {
    /// Where it is told; without it as before.
    #[serde(default)]
    subscription: Option<Target>,
    /// Of what; without it as before.
    #[serde(default)]
    wishes: Option<Wishes>,
    /// It can take a notification away without showing another.
    #[serde(default)]
    closes: Option<bool>,
}

impl Board {
    fn pushes(&self, device: &str) -> PushAnswer {
        let subscription = self.push.subscriptions.of(device);
        PushAnswer {
            key: self.push.key(),
            endpoint: subscription.as_ref().map(|one| one.target.endpoint.clone()),
            wishes: subscription.map(|one| one.wishes).unwrap_or_default(),
            problem: self.push.problem(device),
        }
    }
}

fn device(caller: Caller) -> Result<String, Problem> {
    caller.device.ok_or_else(|| Problem::INVALID.because("A device is told, not a program of its owner's."))
}

fn not_kept(error: &std::io::Error) -> Problem {
    Problem::FAILED.because(format!("It could not be kept: {}", sentence(error)))
}

/// Tells whether and of what this device is told.
#[utoipa::path(get, path = "/api/v1/push", tag = "push", responses((status = 200, body = PushAnswer)))]
pub async fn pushes(State(board): State<Board>, Extension(caller): Extension<Caller>) -> Json<PushAnswer> {
    Json(board.pushes(caller.device.as_deref().unwrap_or_default()))
}

/// Subscribes this device, or changes what it is told of.
#[utoipa::path(put, path = "/api/v1/push", tag = "push", request_body = PushRequest,
    responses((status = 200, body = PushAnswer), (status = 400, body = Problem)))]
pub async fn subscribe(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    request: Body<PushRequest>,
) -> Result<Json<PushAnswer>, Problem> {
    let (request, device) = (body(request)?, device(caller)?);
    let before = board.push.subscriptions.of(&device);
    let target = request.subscription.or_else(|| before.as_ref().map(|one| one.target.clone()));
    let target =
        target.ok_or_else(|| Problem::INVALID.because("This device has no subscription yet; send one."))?;
    let wishes = request.wishes.or_else(|| before.as_ref().map(|one| one.wishes.clone())).unwrap_or_default();
    let wrong = |why: String| Problem::INVALID.because(format!("That can't be subscribed: {why}."));
    target.check(board.config.pushes_to_loopback).map_err(wrong)?;
    if let Some(quiet) = &wishes.quiet {
        quiet.check().map_err(wrong)?;
    }
    let closes = request.closes.or_else(|| before.as_ref().map(|one| one.closes)).unwrap_or(false);
    let since = before.map_or_else(|| board.now(), |one| one.since);
    let kept = Subscription { device: device.clone(), target, wishes, closes, since };
    board.push.subscribe(kept).map_err(|error| not_kept(&error))?;
    Ok(Json(board.pushes(&device)))
}

/// Ends this device's subscription.
#[utoipa::path(delete, path = "/api/v1/push", tag = "push", responses((status = 204)))]
pub async fn unsubscribe(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    let device = device(caller)?;
    board.push.subscriptions.keep(|one| one.device != device).map_err(|error| not_kept(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends this device a notification, to see whether it comes.
#[utoipa::path(post, path = "/api/v1/push/test", tag = "push",
    responses((status = 202), (status = 409, body = Problem)))]
pub async fn test(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    let device = device(caller)?;
    let subscription = board.push.subscriptions.of(&device);
    let subscription =
        subscription.ok_or_else(|| Problem::CONFLICT.because("This device has no subscription."))?;
    board.push.send(subscription, Message::test());
    Ok(StatusCode::ACCEPTED)
}

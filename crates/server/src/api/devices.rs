//! Who has access, and what each device may do.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use marline_model::Timestamp;
use qrcode::QrCode;
use qrcode::render::svg;

use super::work::{Body, body};
use crate::access::{AccessError, Changed, Device, Offer};
use crate::board::{Board, BoardError};
use crate::guard::{Caller, is_our_origin};
use crate::problem::{Problem, sentence};
use crate::scopes::{Scope, Scopes};
use crate::wire::{DeviceAnswer, DeviceRequest, DevicesAnswer, LinkAnswer, LinkRequest};

/// A name is a word or two.
const LONGEST_NAME: usize = 60;

fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::FAILED.because(sentence(error))
}

impl Board {
    fn told(&self, device: Device, caller: &Caller) -> DeviceAnswer {
        DeviceAnswer {
            current: caller.device.as_ref() == Some(&device.id),
            notified: self.push.subscriptions.of(&device.id).is_some(),
            id: device.id,
            name: device.name,
            scopes: device.scopes.list().to_vec(),
            created_at: device.created_at,
            last_seen_at: device.last_seen_at,
        }
    }
}

/// Lists the devices that have access, and where others could reach this board.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", responses((status = 200, body = DevicesAnswer)))]
pub async fn list(State(board): State<Board>, Extension(caller): Extension<Caller>) -> Json<DevicesAnswer> {
    let devices = board.access.devices().into_iter().map(|device| board.told(device, &caller));
    Json(DevicesAnswer {
        devices: devices.collect(),
        ways: board.config.ways.clone(),
        authority: board.config.authority.as_ref().map(|authority| authority.fingerprint.clone()),
    })
}

/// Makes a link that gives another device access, once, within ten minutes.
#[utoipa::path(post, path = "/api/v1/devices/links", tag = "devices", request_body = Option<LinkRequest>,
    responses((status = 200, body = LinkAnswer), (status = 400, body = Problem)))]
pub async fn link(State(board): State<Board>, request: Bytes) -> Result<Json<LinkAnswer>, Problem> {
    let request: LinkRequest = if request.is_empty() {
        LinkRequest::default()
    } else {
        serde_json::from_slice(&request).map_err(|error| Problem::INVALID.because(sentence(&error)))?
    };
    let name = request.name.map(|name| named(&name)).transpose()?;
    let scopes = Scopes::up_to(request.scope.unwrap_or(Scope::Approve));
    let ways = board.config.ways.clone();
    let address = match request.url {
        Some(url) => {
            let url = url.trim_end_matches('/').to_owned();
            if !is_our_origin(&board, &url) {
                return Err(Problem::INVALID.because(format!(
                    "{} is no address of this board; `marline up --host NAME` or `--public-url URL` makes it one.",
                    url.escape_debug()
                )));
            }
            url
        }
        None => ways.first().unwrap_or(&board.config.address).clone(),
    };
    let offer = Offer { scopes: scopes.clone(), name };
    let url = board.link_for(offer, &address).map_err(|error: BoardError| failed(&error))?;
    let code = QrCode::new(&url).map_err(|error| failed(&error))?;
    let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    let life = board.access.link_life().as_millis() as i64;
    Ok(Json(LinkAnswer {
        url,
        expires_at: Timestamp::from_millis(board.now().as_millis() + life),
        scopes: scopes.list().to_vec(),
        qr_svg,
        reachable: address != board.config.address,
        ways,
    }))
}

fn named(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Problem::INVALID.because(format!("A device's name has 1 to {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}

/// Changes what a device is called, or may do. What it has open and may no longer do is closed at once.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path, description = "The device's id")), request_body = DeviceRequest,
    responses((status = 200, body = DeviceAnswer), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn change(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Body<DeviceRequest>,
) -> Result<Json<DeviceAnswer>, Problem> {
    let request = body(request)?;
    let name = request.name.map(|name| named(&name)).transpose()?;
    let changed = Changed { name, scopes: request.scopes.map(Scopes::from) };
    let device = board.access.change(&id, changed).map_err(|error: AccessError| failed(&error))?;
    let device = device.ok_or_else(|| Problem::NOT_FOUND.because("There is no such device."))?;
    Ok(Json(board.told(device, &caller)))
}

/// Takes a device's access away.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path, description = "The device's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(State(board): State<Board>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let removed = board.access.remove(&id).map_err(|error: AccessError| failed(&error))?;
    board.push.subscriptions.keep(|one| one.device != id).map_err(|error| failed(&error))?;
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NOT_FOUND.because("There is no such device."))
    }
}

/// The certificate of Marline's own authority, for devices that have no access yet: no secret.
pub async fn authority(State(board): State<Board>) -> Response {
    match &board.config.authority {
        Some(authority) => {
            let headers = [
                (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"marline-ca.crt\""),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, authority.pem.clone()).into_response()
        }
        None => Problem::NOT_FOUND
            .because("This board has no authority of its own: `marline up --listen ADDRESS` makes one.")
            .into_response(),
    }
}

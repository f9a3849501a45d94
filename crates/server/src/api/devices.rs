//! Who has access.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use marline_model::Timestamp;
use qrcode::QrCode;
use qrcode::render::svg;

use crate::access::AccessError;
use crate::board::{Board, BoardError};
use crate::guard::Caller;
use crate::problem::{Problem, sentence};
use crate::wire::{DeviceAnswer, DevicesAnswer, LinkAnswer};

fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::FAILED.because(sentence(error))
}

/// Lists the browsers that have access.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", responses((status = 200, body = DevicesAnswer)))]
pub async fn list(State(board): State<Board>, Extension(caller): Extension<Caller>) -> Json<DevicesAnswer> {
    let devices = board.access.devices().into_iter().map(|device| DeviceAnswer {
        current: caller.device.as_ref() == Some(&device.id),
        id: device.id,
        name: device.name,
        created_at: device.created_at,
        last_seen_at: device.last_seen_at,
    });
    Json(DevicesAnswer { devices: devices.collect() })
}

/// Makes a link that gives another browser access, once, within ten minutes.
#[utoipa::path(post, path = "/api/v1/devices/links", tag = "devices", responses((status = 200, body = LinkAnswer)))]
pub async fn link(State(board): State<Board>) -> Result<Json<LinkAnswer>, Problem> {
    let url = board.link().map_err(|error: BoardError| failed(&error))?;
    let code = QrCode::new(&url).map_err(|error| failed(&error))?;
    let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    let life = board.access.link_life().as_millis() as i64;
    Ok(Json(LinkAnswer { url, expires_at: Timestamp::from_millis(board.now().as_millis() + life), qr_svg }))
}

/// Takes a browser's access away.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path, description = "The browser's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(State(board): State<Board>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let removed = board.access.remove(&id).map_err(|error: AccessError| failed(&error))?;
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NOT_FOUND.because("There is no such browser."))
    }
}

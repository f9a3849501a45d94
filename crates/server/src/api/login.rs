//! Opening a one-time link: the secret in it becomes a cookie.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::Opened;
use crate::board::Board;
use crate::guard::{Trust, cookie_name};
use crate::params::Query;
use crate::problem::{Problem, sentence};

/// A browser forgets a cookie after 400 days at the latest.
const COOKIE_LIFE_SECONDS: u64 = 400 * 86_400;

#[derive(Deserialize)]
pub struct LoginParams {
    #[serde(default)]
    token: String,
}

/// Lets a browser in and leads it to the board.
pub async fn open(
    State(board): State<Board>,
    trust: Option<Extension<Trust>>,
    headers: HeaderMap,
    Query(login): Query<LoginParams>,
) -> Response {
    // A browser that looks ahead would use the link up.
    if headers.get("sec-purpose").is_some_and(|purpose| purpose.as_bytes().starts_with(b"prefetch")) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let secret = match board.access.open_link(&login.token, &browser(agent), board.now()) {
        Ok(Opened::Welcome(secret)) => secret,
        Ok(Opened::Unknown) => {
            return page(StatusCode::FORBIDDEN, "This link was used already, or is too old.");
        }
        Ok(Opened::Wait) => {
            return page(StatusCode::TOO_MANY_REQUESTS, "Too many wrong links: wait a minute.");
        }
        Err(error) => return Problem::FAILED.because(sentence(&error)).into_response(),
    };
    let secure = if matches!(trust, Some(Extension(Trust::SecureBrowser))) { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={COOKIE_LIFE_SECONDS}{secure}",
        cookie_name(&board),
        secret.reveal()
    );
    let Ok(cookie) = HeaderValue::from_str(&cookie) else { return Problem::FAILED.into_response() };
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::LOCATION, HeaderValue::from_static("/")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn page(status: StatusCode, what: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Marline</title><main><h1>No access</h1><p>{what}</p>\
         <p>Run <code>marline up</code> and open the link that it prints.</p></main></html>"
    );
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text).into_response()
}

/// What a browser calls itself, in two words.
fn browser(agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let program =
        named(&[("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS", "macOS"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (program, system) => program.or(system).unwrap_or("A browser").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_by_its_name_and_system() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile Safari/604.1";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser(phone), "Safari on iPhone");
        assert_eq!(browser("curl/8"), "A browser");
    }
}

//! Opening a one-time link: the secret in it becomes a cookie.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::Opened;
use crate::assets;
use crate::board::Board;
use crate::guard::{Trust, cookie_name, device};
use crate::params::Query;
use crate::problem::{Problem, sentence};

/// A browser forgets a cookie after 400 days at the latest.
const COOKIE_LIFE_SECONDS: u64 = 400 * 86_400;

#[derive(Deserialize)]
pub struct LoginParams {
    #[serde(default)]
    token: String,
}

/// Lets a browser in and leads it to the board. A link that works is used up by one that has access, too: it may allow
/// more. One that works no more leads such a browser to the board all the same.
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
        Ok(_) if device(&board, &headers).is_some() => return to_the_board().into_response(),
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
    ([(header::SET_COOKIE, cookie)], to_the_board()).into_response()
}

fn to_the_board() -> impl IntoResponse {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/"), (header::CACHE_CONTROL, "no-store")])
}

/// Looks like the app's own words for who has no access.
fn page(status: StatusCode, what: &str) -> Response {
    let page = assets::page(&format!(
        "<main class=\"mx-auto flex max-w-md flex-col items-start gap-3 px-6 py-16\">\
         <h1 class=\"font-semibold text-lg\">This browser has no access</h1><div class=\"space-y-2 text-ink-2\">\
         <p>{what}</p><p>Run <code class=\"rounded bg-sunken px-1 font-mono text-xs\">marline up</code>: it prints \
         another link. Each link lets one browser in, once.</p></div></main>"
    ));
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, page).into_response()
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

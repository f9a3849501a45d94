//! What every request passes before it is answered, and every answer before it leaves.
//!
//! A page of another site can send requests to this address, and a name of another site can be made to point to it
//! (DNS rebinding). So a browser's request must bear a host that is ours and no foreign origin, and for anything but the
//! app's own files a cookie that only this site's requests carry.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::board::Board;
use crate::problem::Problem;
use crate::scopes::{Need, Scope, Scopes, needed};

/// The longest address that is read.
const MAX_ADDRESS: usize = 8 << 10;
/// Boards side by side, each with a cookie.
const MOST_COOKIES: usize = 20;
/// What Marline's command line calls itself.
pub const COMMAND_LINE: &str = "marline-cli";
/// Where everything that needs access lies.
pub const API: &str = "/api/";

/// Nothing but the app's own files runs, and nothing is fetched from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Which door a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The owner's socket.
    Owner,
    /// Loopback.
    Browser,
    /// TLS.
    SecureBrowser,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The device's id; none: the owner's own program.
    pub device: Option<String>,
    /// Marline's own command line, as it says of itself over the owner's socket.
    pub is_command_line: bool,
    /// What it may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Lets it do what needs a scope, or says why not.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.device.is_none() { Ok(()) } else { allowed(&self.scopes, Need::One(scope)) }
    }
}

fn allowed(scopes: &Scopes, need: Need) -> Result<(), Problem> {
    if scopes.allow(need) {
        return Ok(());
    }
    Err(Problem::NOT_ALLOWED.because(format!(
        "That needs {need}. Who may do everything can change it under Settings; so does `marline pair` at the machine."
    )))
}

/// Lets a request through, or says why not.
pub async fn guard(State(board): State<Board>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = match check(&board, &mut request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(self), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if path.starts_with(API) {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

fn check(board: &Board, request: &mut Request) -> Result<(), Problem> {
    let too_long = request.uri().path_and_query().is_some_and(|address| address.as_str().len() > MAX_ADDRESS);
    if too_long {
        return Err(
            Problem::TOO_LONG.because(format!("It is longer than allowed: {MAX_ADDRESS} bytes at most."))
        );
    }
    let mut trust = request.extensions().get::<Trust>().copied().unwrap_or(Trust::Browser);
    if trust == Trust::Owner {
        // Whoever may open the socket may do everything; this only says in the log which program it was.
        let program = request.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes);
        let is_command_line = program == Some(COMMAND_LINE.as_bytes());
        request.extensions_mut().insert(Caller { device: None, is_command_line, scopes: Scopes::all() });
        return Ok(());
    }
    let headers = request.headers();
    let host =
        one(headers, &header::HOST).ok_or_else(|| Problem::INVALID.because("A request needs one Host."))?;
    if board.config.public_url.as_deref().and_then(|url| url.strip_prefix("https://")) == Some(host) {
        // The browser speaks TLS to the proxy that came in here.
        trust = Trust::SecureBrowser;
    } else if !is_ours(host, &board.config.hosts) {
        return Err(Problem::FOREIGN.because(format!(
            "{} is not a name of this Marline; `marline up --host NAME` makes it one.",
            host.escape_debug()
        )));
    }
    let needs_access = request.uri().path().starts_with(API);
    is_same_site(headers, host, trust, needs_access || request.method() != Method::GET)?;
    if needs_access {
        let (device, scopes) = device(board, headers).ok_or_else(|| {
            Problem::NO_ACCESS.because("Run `marline up` and open the link that it prints.")
        })?;
        allowed(&scopes, needed(request.method(), request.uri().path()))?;
        request.extensions_mut().insert(Caller { device: Some(device), is_command_line: false, scopes });
    }
    request.extensions_mut().insert(trust);
    Ok(())
}

/// A header that must not come twice.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// An address as such can't be made to point elsewhere; a name must be one of ours.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Browsers say where a request comes from. Another site may lead here, but neither ask nor act.
fn is_same_site(headers: &HeaderMap, host: &str, trust: Trust, is_strict: bool) -> Result<(), Problem> {
    let scheme = if trust == Trust::SecureBrowser { "https" } else { "http" };
    if let Some(origin) = headers.get(header::ORIGIN)
        && origin.to_str().ok() != Some(&format!("{scheme}://{host}"))
    {
        return Err(Problem::FOREIGN.because("The request's origin is another site."));
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if is_strict && !matches!(site, None | Some(b"same-origin" | b"none")) {
        return Err(Problem::FOREIGN.because("The request was made by another site."));
    }
    Ok(())
}

/// What the names of our cookies begin with.
const COOKIE: &str = "marline-";

/// Browsers send a cookie to every port of a host: boards side by side need names of their own.
pub fn cookie_name(board: &Board) -> String {
    let port =
        board.config.address.rsplit(':').next().filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    format!("{COOKIE}{}", port.unwrap_or("board"))
}

/// The secrets that a browser sends. Those of other boards come along; they open nothing here, and one of this board's
/// from before it moved to another port still does.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| key.starts_with(COOKIE)).map(|(_, value)| value).take(MOST_COOKIES)
}

/// The device that a browser's cookie belongs to, and what it may do.
pub fn device(board: &Board, headers: &HeaderMap) -> Option<(String, Scopes)> {
    cookies(headers).find_map(|secret| board.access.device(secret, board.now()))
}

/// Says whether an address, as scheme, host and port, leads to this board.
pub fn is_our_origin(board: &Board, origin: &str) -> bool {
    let config = &board.config;
    if origin == config.address || config.ways.iter().any(|way| way == origin) {
        return true;
    }
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    host.filter(is_plain).is_some_and(|host| is_ours(host, &config.hosts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_made_to_point_here_are_foreign() {
        let names = ["desk.tail.net".to_owned()];
        for ours in
            ["localhost", "localhost:7437", "127.0.0.1:7437", "[::1]:7437", "192.168.1.4", "Desk.tail.net:1"]
        {
            assert!(is_ours(ours, &names), "{ours}");
        }
        for foreign in
            ["evil.example", "localhost.evil.example:7437", "127.0.0.1.evil.example", "", "a:b:c", "desk"]
        {
            assert!(!is_ours(foreign, &names), "{foreign}");
        }
    }
}

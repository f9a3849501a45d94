//! The web app's own files, built into the binary.
//!
//! The build compresses every text beforehand and puts a hash of the content into the names below `assets/`, so these
//! may be kept by browsers for ever; all others are asked for again and mostly not sent again.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// What `cargo xtask web` makes; in a debug build read from there at each request.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

const APP: &str = "index.html";
/// What is shown by a binary that was built without the web app.
const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Marline</title>\
    <p>This Marline was built without its web app. Run <code>cargo xtask web</code> and build it again.";

/// Where the app's page holds what its scripts make.
const ROOT: &str = "<div id=\"root\"></div>";
/// A page without the app's looks.
const PLAIN: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Marline</title>\n<div id=\"root\"></div>\n</html>\n";

/// Returns the app's page with its looks, without its scripts, and with `content` in it.
pub fn page(content: &str) -> String {
    let app = Files::get(APP).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    let app = app.filter(|app| app.contains(ROOT)).unwrap_or_else(|| PLAIN.to_owned());
    let is_script = |line: &&str| line.contains("<script") || line.contains("modulepreload");
    app.lines().filter(|line| !is_script(line)).collect::<Vec<_>>().join("\n").replace(ROOT, content)
}

/// Answers with a file of the app; any other address is the app's own, which finds its way itself.
pub async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::METHOD.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let path = if is_page { APP } else { path };
    match find(path, request.headers()) {
        Some(found) => found,
        None if path == APP => ([(header::CONTENT_TYPE, "text/html")], NOT_BUILT).into_response(),
        None => Problem::NOT_FOUND.into_response(),
    }
}

fn find(path: &str, asked: &HeaderMap) -> Option<Response> {
    let accepts = |coding: &str| {
        let accepted =
            asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accepted.split(',').any(|part| part.trim().split(';').next() == Some(coding))
    };
    let smaller = [("br", "br"), ("gzip", "gz")].into_iter().filter(|(coding, _)| accepts(coding));
    let smaller =
        smaller.filter_map(|(coding, ending)| Some((Files::get(&format!("{path}.{ending}"))?, Some(coding))));
    let (file, coding): (EmbeddedFile, _) =
        smaller.chain(Files::get(path).map(|file| (file, None))).next()?;
    let tag: String = file.metadata.sha256_hash()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::from_str(&format!("\"{tag}\"")).ok()?;
    let is_known = asked.get(header::IF_NONE_MATCH) == Some(&tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::ETAG, tag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Some(response)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

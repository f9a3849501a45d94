//! The handlers: extract, ask the index once, answer.

mod acts;
mod devices;
mod drafts;
mod events;
mod groups;
mod health;
mod items;
mod live;
mod login;
mod permits;
mod providers;
mod push;
mod queues;
mod reviews;
mod search;
mod sessions;
mod usage;
mod work;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::board::Board;
use crate::guard::{API, guard};
use crate::openapi::Words;
use crate::problem::Problem;
use crate::{LOGIN_PATH, assets, openapi};

/// No request has a body worth more.
const MAX_BODY: usize = 64 << 10;
/// But a prompt, with its pictures, and a file of queues.
const MAX_PROMPT: usize = 32 << 20;
/// And a message to an agent, with four pictures of 10 MB in base64.
const MAX_MESSAGE: usize = 56 << 20;
/// Half-written words may be long, and JSON makes them longer.
const MAX_DRAFT: usize = 512 << 10;
/// Answers below this are not worth compressing.
const WORTH_COMPRESSING: u64 = 1024;

/// The documented routes.
pub fn routes() -> OpenApiRouter<Board> {
    OpenApiRouter::with_openapi(Words::openapi())
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::projects))
        .routes(routes!(sessions::one))
        .routes(routes!(sessions::children))
        .routes(routes!(sessions::forks))
        .routes(routes!(sessions::outline))
        .routes(routes!(sessions::files))
        .routes(routes!(acts::act))
        .routes(routes!(acts::undo))
        .routes(routes!(acts::hand_over))
        .routes(routes!(providers::providers))
        .routes(routes!(providers::keep_provider, providers::forget_provider))
        .routes(routes!(providers::use_provider))
        .routes(routes!(providers::rehome))
        .routes(routes!(groups::groups, groups::make_group).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(
            routes!(groups::group, groups::change_group, groups::delete_group)
                .layer(DefaultBodyLimit::max(MAX_PROMPT)),
        )
        .routes(routes!(groups::run_group).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(queues::queues, queues::make_queue))
        .routes(routes!(queues::queue, queues::change_queue, queues::delete_queue))
        .routes(routes!(queues::add_prompt).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(
            routes!(queues::change_prompt, queues::remove_prompt).layer(DefaultBodyLimit::max(MAX_PROMPT)),
        )
        .routes(routes!(queues::move_prompt))
        .routes(routes!(queues::run_queue))
        .routes(routes!(live::live, live::open_agent).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(live::lost))
        .routes(routes!(permits::rules, permits::make_rule))
        .routes(routes!(permits::remove_rule))
        .routes(routes!(permits::audit))
        .routes(routes!(permits::away, permits::claim))
        .routes(routes!(live::command).layer(DefaultBodyLimit::max(MAX_MESSAGE)))
        .routes(routes!(drafts::draft, drafts::keep_draft).layer(DefaultBodyLimit::max(MAX_DRAFT)))
        .routes(routes!(reviews::reviews, reviews::begin).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(reviews::preview).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(reviews::review))
        .routes(routes!(reviews::ask).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(reviews::send_back).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(reviews::end))
        .routes(routes!(work::run))
        .routes(routes!(work::run_events))
        .routes(routes!(work::wish))
        .routes(routes!(work::approvals))
        .routes(routes!(work::decide))
        .routes(routes!(work::directories))
        .routes(routes!(groups::export_group))
        .routes(routes!(queues::export_queue))
        .routes(routes!(work::import).layer(DefaultBodyLimit::max(MAX_PROMPT)))
        .routes(routes!(items::page))
        .routes(routes!(items::one))
        .routes(routes!(items::raw))
        .routes(routes!(items::image))
        .routes(routes!(search::search))
        .routes(routes!(usage::report))
        .routes(routes!(usage::csv))
        .routes(routes!(health::status))
        .routes(routes!(health::sources))
        .routes(routes!(health::doctor))
        .routes(routes!(events::stream))
        .routes(routes!(events::socket))
        .routes(routes!(push::pushes, push::subscribe, push::unsubscribe))
        .routes(routes!(push::test))
        .routes(routes!(devices::list))
        .routes(routes!(devices::link))
        .routes(routes!(devices::change, devices::remove))
}

/// Everything that is served.
pub fn router(board: &Board) -> Router {
    let compressed = CompressionLayer::new().compress_when(
        SizeAbove::new(WORTH_COMPRESSING)
            .and(NotForContentType::new("text/event-stream"))
            .and(NotForContentType::new("image/")),
    );
    let (api, _) = routes().split_for_parts();
    api.route("/api/v1/openapi.json", get(|| async { Json(openapi::document()) }))
        .route(&format!("{API}{{*rest}}"), get(nothing).fallback(nothing))
        .layer(from_fn_with_state(board.clone(), tagged))
        .layer(compressed)
        .route(LOGIN_PATH, get(login::open))
        .route("/ca.crt", get(devices::authority))
        .route("/healthz", get(|| async { "ok" }))
        .fallback(assets::serve)
        .method_not_allowed_fallback(|| async { Problem::METHOD })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(board.clone(), guard))
        .with_state(board.clone())
}

async fn nothing() -> Problem {
    Problem::NOT_FOUND.because("There is no such address in the API.")
}

/// Answers that follow from the catalogue, and from which sessions are reviewers', alone; all others are asked for anew each time.
const TAGGED: [&str; 4] = ["/api/v1/sessions", "/api/v1/projects", "/api/v1/search", "/api/v1/usage"];
/// Below a session, but not in the catalogue.
const DRAFT: &str = "/draft";

/// Answers "not modified" without work where the catalogue is as the client last saw it.
async fn tagged(State(board): State<Board>, request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let is_tagged =
        TAGGED.iter().any(|path| address.starts_with(path)) && !request.uri().path().ends_with(DRAFT);
    if *request.method() != Method::GET || !is_tagged {
        return next.run(request).await;
    }
    let tag = match board.readers.ask(|index| Ok(index.tag()?)).await {
        Ok(tag) => tag,
        Err(problem) => return problem.into_response(),
    };
    // Sessions of reviewers are only ever added.
    let reviewers = match board.reviewers().await {
        Ok(reviewers) => reviewers.len(),
        Err(problem) => return problem.into_response(),
    };
    // What is said of times relative to now holds for a minute.
    let is_relative = ["since=", "until=", "q="].iter().any(|part| address.contains(part));
    let minute = if is_relative { board.now().as_millis() / 60_000 } else { 0 };
    let Ok(tag) =
        HeaderValue::from_str(&format!("W/\"{}-{tag}-{reviewers}-{minute}\"", board.config.version))
    else {
        return next.run(request).await;
    };
    let is_known = request.headers().get(header::IF_NONE_MATCH) == Some(&tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { next.run(request).await };
    if response.status().is_success() || is_known {
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    response
}

//! Reviews: one agent's work, seen by another.

use axum::Json;
use axum::extract::{Path, State};
use marline_control::live::{Command, Steered};
use marline_control::reviews::{
    Context, ContextError, NewReview, Part, ROUNDS, Reviewer, Sending, Told, Wanted, context, obstacle,
    review_prompt, send_back_prompt,
};
use marline_model::{SessionId, Source};
use marline_store::reviews::{Anchor, PartKind, Reviews};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::work::{Body, body};
use crate::board::Board;
use crate::params::Query;
use crate::problem::{Problem, sentence};

/// Reviews of one answer.
const MOST: usize = 200;

/// Whose reviews.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReviewParams {
    /// Those of this session's work, the first begun first; by default the last begun of all.
    session: Option<SessionId>,
}

/// Some reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewsAnswer {
    /// The reviews; of prompts, the beginnings.
    reviews: Vec<Told>,
}

/// What a reviewer is to be shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewPreviewRequest {
    /// The session whose work is reviewed.
    session: SessionId,
    /// What of it.
    anchor: Anchor,
    /// Which parts; none: those that belong to it.
    #[serde(default)]
    parts: Vec<PartKind>,
    /// What was to be done, instead of the prompt that led to it.
    #[serde(default)]
    task: Option<String>,
}

/// What a reviewer would be told.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewPreview {
    /// What of the session is meant, by key.
    anchor: Anchor,
    /// The parts that hold something.
    parts: Vec<Part>,
    /// All of it, word by word.
    prompt: String,
}

/// Who reviews.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReviewerRequest)]
pub struct ReviewerWanted {
    /// The agent.
    agent: Source,
    /// Its model; nothing: the one of its settings.
    #[serde(default)]
    model: Option<String>,
}

/// A review that is to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewRequest {
    /// The idempotency key: said again under it, it is not begun again.
    key: String,
    /// The session whose work is reviewed.
    session: SessionId,
    /// What of it.
    anchor: Anchor,
    /// Which parts; none: those that belong to it.
    #[serde(default)]
    parts: Vec<PartKind>,
    /// What was to be done, instead of the prompt that led to it.
    #[serde(default)]
    task: Option<String>,
    /// By whom.
    reviewers: Vec<ReviewerWanted>,
    /// In at most so many rounds; by default 3.
    #[serde(default)]
    max_rounds: Option<u32>,
}

/// Something for a reviewer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewAskRequest {
    /// The idempotency key.
    key: String,
    /// What is said.
    text: String,
}

/// Findings that go back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendBackRequest {
    /// The idempotency key: said again under it, it is not sent again.
    key: String,
    /// Which findings of the round that counts, from 0; none: all of them.
    #[serde(default)]
    findings: Vec<usize>,
    /// What is said, instead of what would be made of them.
    #[serde(default)]
    prompt: Option<String>,
    /// It may wait behind what the agent is at.
    #[serde(default)]
    queue: bool,
    /// Take the session up without a terminal, where nobody has it open.
    #[serde(default)]
    headless: bool,
    /// Tell what would be said, and say nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was said, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendBackAnswer {
    /// The prompt.
    prompt: String,
    /// The review with what came of it.
    review: Told,
}

impl From<ContextError> for Problem {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Index(error) => error.into(),
            error => Problem::INVALID.because(sentence(&error)),
        }
    }
}

fn check_key(key: &str) -> Result<(), Problem> {
    let is_one = (8..=100).contains(&key.len());
    is_one.then_some(()).ok_or_else(|| Problem::INVALID.because("A key has 8 to 100 characters."))
}

impl Board {
    /// The sessions of reviewers, which lists leave out.
    pub(crate) async fn reviewers(&self) -> Result<Vec<SessionId>, Problem> {
        self.desk(|desk| desk.store().reviewers()).await
    }

    async fn context(&self, session: SessionId, wanted: Wanted) -> Result<Context, Problem> {
        self.readers.ask(move |index| Ok(context(index, &index.session_by_id(&session)?, &wanted)?)).await
    }
}

/// Lists reviews.
#[utoipa::path(get, path = "/api/v1/reviews", tag = "reviews", params(ReviewParams),
    responses((status = 200, body = ReviewsAnswer)))]
pub async fn reviews(
    State(board): State<Board>,
    Query(params): Query<ReviewParams>,
) -> Result<Json<ReviewsAnswer>, Problem> {
    let found = board.desk(move |desk| match &params.session {
        Some(session) => desk.store().reviews(Reviews::Of(session)),
        None => desk.store().reviews(Reviews::Last(MOST)),
    });
    Ok(Json(ReviewsAnswer { reviews: found.await?.into_iter().map(Told::short).collect() }))
}

/// Tells what a reviewer would be told; nothing is begun.
#[utoipa::path(post, path = "/api/v1/reviews/preview", tag = "reviews", request_body = ReviewPreviewRequest,
    responses((status = 200, body = ReviewPreview), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn preview(
    State(board): State<Board>,
    request: Body<ReviewPreviewRequest>,
) -> Result<Json<ReviewPreview>, Problem> {
    let ReviewPreviewRequest { session, anchor, parts, task } = body(request)?;
    let source = session.source();
    let shown = board.context(session, Wanted { anchor, parts, task }).await?;
    let prompt = review_prompt(source, &shown);
    Ok(Json(ReviewPreview { anchor: shown.anchor, parts: shown.parts, prompt }))
}

/// Begins a review with each of the reviewers.
#[utoipa::path(post, path = "/api/v1/reviews", tag = "reviews", request_body = ReviewRequest,
    responses((status = 200, body = ReviewsAnswer), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn begin(
    State(board): State<Board>,
    request: Body<ReviewRequest>,
) -> Result<Json<ReviewsAnswer>, Problem> {
    let request = body(request)?;
    check_key(&request.key)?;
    let wanted = Wanted { anchor: request.anchor, parts: request.parts, task: request.task };
    let context = board.context(request.session, wanted).await?;
    let named = |one: ReviewerWanted| Reviewer {
        source: one.agent,
        model: one.model.map(|model| model.trim().to_owned()).filter(|model| !model.is_empty()),
    };
    let wanted = NewReview {
        context,
        reviewers: request.reviewers.into_iter().map(named).collect(),
        max_rounds: request.max_rounds.unwrap_or(ROUNDS),
        key: Some(request.key),
    };
    let begun = board.desk(move |desk| desk.begin_reviews(&wanted, None)).await?;
    Ok(Json(ReviewsAnswer { reviews: begun.into_iter().map(Told::short).collect() }))
}

/// Shows a review.
#[utoipa::path(get, path = "/api/v1/reviews/{id}", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = Told), (status = 404, body = Problem)))]
pub async fn review(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<Told>, Problem> {
    Ok(Json(Told::whole(board.desk(move |desk| desk.store().review(&id)).await?)))
}

/// Asks the reviewer on, in its session.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/ask", tag = "reviews", params(("id" = String, Path)),
    request_body = ReviewAskRequest,
    responses((status = 200, body = Told), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn ask(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<ReviewAskRequest>,
) -> Result<Json<Told>, Problem> {
    let ReviewAskRequest { key, text } = body(request)?;
    check_key(&key)?;
    let asked = board.desk(move |desk| desk.ask_reviewer(&id, &text, Some(&key), None));
    Ok(Json(Told::whole(asked.await?)))
}

/// Sends findings back into the session as a prompt. It is refused while its agent is busy, unless it may wait there.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/send-back", tag = "reviews", params(("id" = String, Path)),
    request_body = SendBackRequest,
    responses((status = 200, body = SendBackAnswer), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn send_back(
    State(board): State<Board>,
    Path(id): Path<String>,
    request: Body<SendBackRequest>,
) -> Result<Json<SendBackAnswer>, Problem> {
    let request = body(request)?;
    check_key(&request.key)?;
    let review = board.desk(move |desk| desk.store().review(&id)).await?;
    let prompt = match request.prompt {
        Some(prompt) => prompt,
        None => send_back_prompt(&review, &request.findings),
    };
    let is_known = review.sent_back.iter().any(|sent| sent.key == request.key);
    if request.dry_run || is_known {
        return Ok(Json(SendBackAnswer { prompt, review: Told::whole(review) }));
    }
    let (id, key, text) = (review.id.clone(), request.key.clone(), prompt.clone());
    if request.headless {
        let begun = board.desk(move |desk| desk.send_back_without_terminal(&id, &key, &text, None));
        return Ok(Json(SendBackAnswer { prompt, review: Told::whole(begun.await?) }));
    }
    let refused = |why: String| Problem::CONFLICT.because(format!("It can't be sent back now: {why}."));
    let live = board.live_session(&review.parent).ok();
    let live = match obstacle(live.as_ref(), request.queue) {
        Some(why) => return Err(refused(why)),
        None => live.ok_or(Problem::NOT_FOUND)?,
    };
    let noted = board.desk(move |desk| desk.begin_send_back(&id, &key, &text)).await?;
    let id = review.id.clone();
    if let Sending::Before(_) = noted {
        let review = board.desk(move |desk| desk.store().review(&id)).await?;
        return Ok(Json(SendBackAnswer { prompt, review: Told::whole(review) }));
    }
    let send = Command::Send { text: prompt.clone(), images: Vec::new() };
    let steered = match board.steer(&live, &request.key, send).await {
        Ok(steered) => steered,
        Err(problem) => Steered::Unknown { seen: problem.detail.unwrap_or_default() },
    };
    let why = match &steered {
        Steered::Refused { why } => Some(why.clone()),
        _ => None,
    };
    let review = board.desk(move |desk| desk.end_send_back(&id, &request.key, steered)).await?;
    board.lookout.ring();
    match why {
        Some(why) => Err(refused(why)),
        None => Ok(Json(SendBackAnswer { prompt, review: Told::whole(review) })),
    }
}

/// Ends a review; what the reviewer is at is stopped, and its findings stay.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/end", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = Told), (status = 404, body = Problem)))]
pub async fn end(State(board): State<Board>, Path(id): Path<String>) -> Result<Json<Told>, Problem> {
    Ok(Json(Told::whole(board.desk(move |desk| desk.end_review(&id)).await?)))
}

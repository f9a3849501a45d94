//! Rules, the log of what was allowed and refused, and who is away.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use marline_control::live::Claim;
use marline_control::work::NewRule;
use marline_model::{SessionId, Source};
use marline_store::work::{Audited, Rule};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::work::{Body, body};
use crate::board::Board;
use crate::guard::Caller;
use crate::params::{Query, limit};
use crate::problem::{Problem, sentence};

/// So many minutes somebody is away at most.
const MOST_AWAY: u32 = 24 * 60;
/// Entries of the log in one answer.
const MAX_ENTRIES: usize = 500;

/// The rules that hold now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesAnswer {
    /// The rules, the newest first.
    rules: Vec<Rule>,
}

/// A rule that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleRequest {
    /// What a command begins with.
    command: String,
    /// The directory in which it holds: one that a session has worked in.
    project: String,
    /// Of one agent alone.
    #[serde(default)]
    source: Option<Source>,
    /// For so long; nothing: until it is taken away.
    #[serde(default)]
    minutes: Option<u32>,
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// Those before this number.
    before: Option<u64>,
    /// At most so many, 100 if it is not said.
    limit: Option<usize>,
}

/// What was allowed and refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAnswer {
    /// The last first.
    entries: Vec<Audited>,
}

/// Who is away.
#[derive(Debug, Serialize, ToSchema)]
pub struct AwayAnswer {
    /// From what, and until when.
    claims: Vec<Claim>,
}

/// That somebody is away, or back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwayRequest {
    /// From this session; nothing: from all.
    #[serde(default)]
    session: Option<SessionId>,
    /// For so long, a day at most; 0: they are back, from all where no session is said.
    minutes: u32,
}

/// Lists the rules that hold now.
#[utoipa::path(get, path = "/api/v1/rules", tag = "live", responses((status = 200, body = RulesAnswer)))]
pub async fn rules(State(board): State<Board>) -> Result<Json<RulesAnswer>, Problem> {
    Ok(Json(RulesAnswer { rules: board.desk(|desk| desk.rules()).await? }))
}

/// Makes a rule: commands that begin with these words are allowed in that directory without asking.
#[utoipa::path(post, path = "/api/v1/rules", tag = "live", request_body = RuleRequest,
    responses((status = 200, body = Rule), (status = 400, body = Problem)))]
pub async fn make_rule(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    request: Body<RuleRequest>,
) -> Result<Json<Rule>, Problem> {
    let RuleRequest { command, project, source, minutes } = body(request)?;
    board.check_directory(project.clone()).await?;
    let lasts = minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let (new, by) = (NewRule { command, project, source, lasts }, board.name_of(&caller));
    let home = board.config.env.home().to_owned();
    let rule = board.desk(move |desk| desk.add_rule(new, &home, &by)).await?;
    board.lookout.ring();
    Ok(Json(rule))
}

/// Takes a rule away.
#[utoipa::path(delete, path = "/api/v1/rules/{id}", tag = "live", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove_rule(State(board): State<Board>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    board.desk(move |desk| desk.remove_rule(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells what was allowed and refused, by whom, and what came of it.
#[utoipa::path(get, path = "/api/v1/audit", tag = "live", params(AuditParams),
    responses((status = 200, body = AuditAnswer)))]
pub async fn audit(
    State(board): State<Board>,
    Query(params): Query<AuditParams>,
) -> Result<Json<AuditAnswer>, Problem> {
    let (before, limit) = (params.before.unwrap_or(u64::MAX), limit(params.limit, 100, MAX_ENTRIES));
    Ok(Json(AuditAnswer { entries: board.desk(move |desk| desk.store().audit(before, limit)).await? }))
}

/// Tells who is away.
#[utoipa::path(get, path = "/api/v1/away", tag = "live", responses((status = 200, body = AwayAnswer)))]
pub async fn away(State(board): State<Board>) -> Json<AwayAnswer> {
    Json(AwayAnswer { claims: board.away.claims.now(board.now()) })
}

/// Says that somebody is away: agents that have hooks ask here first, and in their terminals only when nobody answers.
#[utoipa::path(put, path = "/api/v1/away", tag = "live", request_body = AwayRequest,
    responses((status = 200, body = AwayAnswer)))]
pub async fn claim(
    State(board): State<Board>,
    request: Body<AwayRequest>,
) -> Result<Json<AwayAnswer>, Problem> {
    let AwayRequest { session, minutes } = body(request)?;
    if minutes > MOST_AWAY {
        return Err(Problem::INVALID.because("Nobody is away for more than a day without saying so again."));
    }
    let claims = &board.away.claims;
    let done = match (minutes, &session) {
        (0, Some(session)) => claims.release(Some(session)).map(drop),
        // Who is back is back from all of them.
        (0, None) => {
            let held = claims.now(board.now());
            held.iter().try_for_each(|claim| claims.release(claim.session.as_ref()).map(drop))
        }
        (minutes, session) => {
            let lasts = Duration::from_secs(u64::from(minutes) * 60);
            claims.claim(session.as_ref(), lasts, board.now()).map(drop)
        }
    };
    done.map_err(|error| Problem::FAILED.because(sentence(&error)))?;
    board.lookout.ring();
    Ok(away(State(board)).await)
}

impl Board {
    /// What the log calls somebody.
    pub(crate) fn name_of(&self, caller: &Caller) -> String {
        let Some(id) = &caller.device else {
            return if caller.is_command_line { "the command line" } else { "this machine" }.to_owned();
        };
        let found = self.access.devices().into_iter().find(|device| device.id == *id);
        found.map_or_else(|| "a device that is gone".to_owned(), |device| device.name)
    }
}

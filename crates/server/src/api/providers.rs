//! Model providers: profiles, switches, and the providers of sessions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use marline_control::{Acts, Current, KeyFrom, Profile, ProviderSessions, Rehome};
use marline_model::SessionId;
use marline_store::{Rehomed, RehomedThread};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::board::Board;
use crate::problem::Problem;

/// A provider by its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedProfile {
    /// Its name.
    name: String,
    /// Its agent uses it now.
    used: bool,
    /// What it is; its key is never told.
    profile: Profile,
}

/// All providers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvidersAnswer {
    /// The profiles.
    providers: Vec<NamedProfile>,
    /// What each agent uses now.
    current: Vec<Current>,
    /// How many of Codex' sessions each provider has.
    sessions: Vec<ProviderSessions>,
    /// How many of them Codex lists under it: those of a terminal or an editor that are not put away.
    listed: BTreeMap<String, u64>,
}

/// A provider to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// What it is.
    profile: Profile,
    /// Its key, if it is to be kept; without it, the one that is kept stays.
    #[serde(default)]
    key: Option<String>,
}

/// How a provider is switched to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UseRequest {
    /// The id that sessions bear already, behind which address and key change.
    #[serde(default)]
    alias: Option<String>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What a switch does.
#[derive(Debug, Serialize, ToSchema)]
pub struct UseAnswer {
    /// The act's number, by which it is taken back; none where nothing was done.
    number: Option<u64>,
    /// What is so then, in a sentence.
    says: String,
    /// The files that change.
    files: Vec<String>,
    /// Sessions that the agent lists then.
    shows: u64,
    /// Sessions that the agent hides then; Marline shows them all the same.
    hides: u64,
    /// Sessions that run, and keep the old provider until they are restarted.
    running: u64,
}

/// Which sessions are to have which provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RehomeRequest {
    /// The provider's id; without it, each its own first one.
    #[serde(default)]
    to: Option<String>,
    /// Only sessions of these providers; all, if there are none.
    #[serde(default)]
    from: Vec<String>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A session whose provider was not changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotRehomed {
    /// The session.
    session: String,
    /// Why.
    why: String,
}

/// What became of sessions.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RehomeAnswer {
    /// How many have the provider now.
    updated: u64,
    /// How many had it already.
    already_right: u64,
    /// Of how many of each provider.
    from: BTreeMap<String, u64>,
    /// Those that are in use; they can be done later.
    deferred: Vec<NotRehomed>,
    /// Those that can't be done.
    refused: Vec<NotRehomed>,
    /// Those that went wrong; they are as they were.
    failed: Vec<NotRehomed>,
}

fn body<T>(request: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    request.map(|Json(request)| request).map_err(|error| Problem::INVALID.because(error.body_text()))
}

fn answer(acts: &Acts) -> Result<ProvidersAnswer, Problem> {
    let current = acts.current_providers()?;
    let profiles = acts.profiles()?.by_name.into_iter();
    let providers = profiles.map(|(name, profile)| NamedProfile {
        used: current.iter().any(|one| one.profile.as_deref() == Some(name.as_str())),
        name,
        profile,
    });
    Ok(ProvidersAnswer {
        providers: providers.collect(),
        sessions: acts.provider_sessions()?,
        listed: acts.listed_by_provider()?,
        current,
    })
}

/// Lists the providers, what agents use now, and the providers of Codex' sessions.
#[utoipa::path(get, path = "/api/v1/providers", tag = "providers", responses((status = 200, body = ProvidersAnswer)))]
pub async fn providers(State(board): State<Board>) -> Result<Json<ProvidersAnswer>, Problem> {
    let acts = board.acts.clone();
    Ok(Json(board.readers.ask(move |_| answer(&acts)).await?))
}

/// Keeps a provider; nothing is switched.
#[utoipa::path(put, path = "/api/v1/providers/{name}", tag = "providers",
    params(("name" = String, Path, description = "Its name")), request_body = ProfileRequest,
    responses((status = 200, body = ProvidersAnswer), (status = 400, body = Problem)))]
pub async fn keep_provider(
    State(board): State<Board>,
    Path(name): Path<String>,
    request: Result<Json<ProfileRequest>, JsonRejection>,
) -> Result<Json<ProvidersAnswer>, Problem> {
    let mut request = body(request)?;
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |_| {
        if request.key.is_some() {
            request.profile.key = KeyFrom::Kept;
        }
        acts.keep_profile(&name, request.profile, request.key)?;
        answer(&acts)
    });
    Ok(Json(answer.await?))
}

/// Forgets a provider and its key; the agent's configuration stays as it is.
#[utoipa::path(delete, path = "/api/v1/providers/{name}", tag = "providers",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = ProvidersAnswer), (status = 400, body = Problem)))]
pub async fn forget_provider(
    State(board): State<Board>,
    Path(name): Path<String>,
) -> Result<Json<ProvidersAnswer>, Problem> {
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |_| {
        acts.forget_profile(&name)?;
        answer(&acts)
    });
    Ok(Json(answer.await?))
}

/// Switches an agent to a provider, wholly or not at all. Sessions are left alone.
#[utoipa::path(post, path = "/api/v1/providers/{name}/use", tag = "providers",
    params(("name" = String, Path, description = "Its name")), request_body = UseRequest,
    responses((status = 200, body = UseAnswer), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn use_provider(
    State(board): State<Board>,
    Path(name): Path<String>,
    request: Result<Json<UseRequest>, JsonRejection>,
) -> Result<Json<UseAnswer>, Problem> {
    let request = body(request)?;
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |_| {
        let program =
            std::env::current_exe().map_or_else(|_| "marline".to_owned(), |path| path.display().to_string());
        let switch = acts.use_provider(&name, request.alias.as_deref(), &program)?;
        let is_done = !request.dry_run && !switch.plan.steps.is_empty();
        let number = if is_done { Some(acts.switch(&switch)?.number) } else { None };
        Ok(UseAnswer {
            number,
            files: switch.plan.files().iter().map(|path| path.display().to_string()).collect(),
            says: switch.plan.says,
            shows: switch.shows,
            hides: switch.hides,
            running: switch.running,
        })
    });
    Ok(Json(answer.await?))
}

/// Gives Codex' sessions another provider, or each its first one back.
#[utoipa::path(post, path = "/api/v1/rehome", tag = "providers", request_body = RehomeRequest,
    responses((status = 200, body = RehomeAnswer), (status = 400, body = Problem)))]
pub async fn rehome(
    State(board): State<Board>,
    request: Result<Json<RehomeRequest>, JsonRejection>,
) -> Result<Json<RehomeAnswer>, Problem> {
    let request = body(request)?;
    let acts = board.acts.clone();
    let answer = board.readers.ask(move |_| {
        if let Some(to) = &request.to {
            acts.check_known(to)?;
        }
        let mut answer = RehomeAnswer::default();
        let rehome =
            Rehome { to: request.to.as_deref(), from: &request.from, threads: &[], dry_run: request.dry_run };
        acts.rehome(&rehome, &mut |one| answer.take(one))?;
        Ok(answer)
    });
    Ok(Json(answer.await?))
}

impl RehomeAnswer {
    fn take(&mut self, one: RehomedThread) {
        let session = || {
            SessionId::new(marline_model::Source::Codex, one.thread.as_str())
                .map_or_else(|_| one.thread.to_string(), |id| id.to_string())
        };
        let named = |why: &String| NotRehomed { session: session(), why: why.clone() };
        match &one.rehomed {
            Rehomed::Updated => {
                self.updated += 1;
                *self.from.entry(one.from).or_default() += 1;
            }
            Rehomed::AlreadyRight => self.already_right += 1,
            Rehomed::Deferred(why) => self.deferred.push(named(why)),
            Rehomed::Refused(why) => self.refused.push(named(why)),
            Rehomed::Failed(why) => self.failed.push(named(why)),
        }
    }
}

//! What was found, what is wrong, how far indexing is.

use axum::Json;
use axum::extract::{Extension, State};
use marline_agents::registry;
use marline_index::findings;

use crate::board::Board;
use crate::guard::Caller;
use crate::problem::Problem;
use crate::wire::{DoctorAnswer, LookedFor, Retention, SourcesAnswer, Status};

/// Tells what the server is and does.
#[utoipa::path(get, path = "/api/v1/status", tag = "health", responses((status = 200, body = Status)))]
pub async fn status(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Status>, Problem> {
    let reviewers = board.reviewers().await?;
    let counted = board.readers.ask(|index| Ok((index.session_count(reviewers)?, index.position()?)));
    let (sessions, position) = counted.await?;
    Ok(Json(Status {
        version: board.config.version.to_owned(),
        demo: board.config.is_demo,
        sessions,
        indexing: board.indexer.state(),
        epoch: format!("{:x}", position.epoch),
        revision: position.revision,
        scopes: caller.scopes.list().to_vec(),
        device: caller.device,
    }))
}

/// Tells what was found where, and what was skipped and why.
#[utoipa::path(get, path = "/api/v1/sources", tag = "health", responses((status = 200, body = SourcesAnswer)))]
pub async fn sources(State(board): State<Board>) -> Result<Json<SourcesAnswer>, Problem> {
    let config = board.config.clone();
    let answer = board
        .readers
        .ask(move |index| {
            let sources = index.sources(&config.env)?;
            let places = registry::all().iter().map(|agent| {
                let home = agent.home(&config.env);
                LookedFor {
                    source: agent.source(),
                    name: agent.name().to_owned(),
                    exists: home.exists(),
                    path: home.display().to_string(),
                }
            });
            Ok(SourcesAnswer { sources, places: places.collect() })
        })
        .await?;
    Ok(Json(answer))
}

/// Tells what is wrong or about to be, with the cure.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "health", responses((status = 200, body = DoctorAnswer)))]
pub async fn doctor(State(board): State<Board>) -> Result<Json<DoctorAnswer>, Problem> {
    let (config, acts, now) = (board.config.clone(), board.acts.clone(), board.now());
    let answer = board
        .readers
        .ask(move |index| {
            let mut findings = findings(index, &config.env, now)?;
            findings.extend(acts.findings(&config.path)?);
            let risks = index.retention(&config.env, now)?.into_iter();
            let retention = risks.map(|risk| Retention {
                source: risk.source,
                days: risk.days,
                sessions_at_risk: risk.sessions,
            });
            Ok(DoctorAnswer { findings, retention: retention.collect() })
        })
        .await?;
    Ok(Json(answer))
}

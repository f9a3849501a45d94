//! Searching.

use axum::Json;
use axum::extract::State;
use marline_index::{Answer, Order};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::board::Board;
use crate::params::{FilterParams, Query, limit};
use crate::problem::{Problem, sentence};
use crate::wire::SearchAnswer;

const MAX_HITS: usize = 200;
const MAX_QUERY: usize = 2_000;

/// How the answer should look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// How many hits at most, up to 200; by default 20.
    limit: Option<usize>,
    /// The best first, or as they stand in their sessions.
    #[serde(default)]
    #[param(inline)]
    order: OrderParam,
}

/// The order of hits.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderParam {
    /// The best first.
    #[default]
    Rank,
    /// As they stand in their sessions.
    Place,
}

/// Searches everything that was said and done: words, `"phrases"`, `-not`, `OR`, `prefix*`, and filters such as
/// `source:codex kind:prompt tool:bash since:7d`.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(FilterParams, SearchParams),
    responses((status = 200, body = SearchAnswer), (status = 400, body = Problem)))]
pub async fn search(
    State(board): State<Board>,
    Query(filter): Query<FilterParams>,
    Query(search): Query<SearchParams>,
) -> Result<Json<SearchAnswer>, Problem> {
    let now = board.now();
    let text = filter.q.clone().unwrap_or_default();
    if text.len() > MAX_QUERY {
        let words =
            format!("The query is longer than allowed: {} bytes, and {MAX_QUERY} at most.", text.len());
        return Err(Problem::INVALID.because(words));
    }
    let mut filter = filter.filter(now)?;
    if filter.reviews {
        filter.reviewers = board.reviewers().await?;
    }
    let mut query = marline_index::Query::parse(&text, filter, now)
        .map_err(|error| Problem::INVALID.because(sentence(&error)))?;
    let meaning = std::mem::take(&mut query.meaning);
    let order = match search.order {
        OrderParam::Rank => Order::Rank,
        OrderParam::Place => Order::Place,
    };
    let answer =
        Answer { limit: limit(search.limit, 20, MAX_HITS), order, with_facets: order == Order::Rank };
    let found = board.readers.ask(move |index| Ok(index.search(&query, answer, now)?)).await?;
    Ok(Json(SearchAnswer::of(found, meaning)))
}

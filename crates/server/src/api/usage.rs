//! Tokens and cost.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use marline_index::UsageReport;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::board::Board;
use crate::params::{FilterParams, Query, UsageByParam};
use crate::problem::Problem;

/// Lines of a report; a report by session of a large home is cut here.
const MAX_LINES: usize = 20_000;

/// What to sum up by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageParams {
    /// By this.
    #[serde(default)]
    #[param(inline)]
    by: UsageByParam,
    /// And within that by this.
    #[param(inline)]
    and: Option<UsageByParam>,
}

/// Sums up tokens and cost; `since` and `until` select days.
#[utoipa::path(get, path = "/api/v1/usage", tag = "usage", params(FilterParams, UsageParams),
    responses((status = 200, body = UsageReport), (status = 400, body = Problem)))]
pub async fn report(
    State(board): State<Board>,
    Query(filter): Query<FilterParams>,
    Query(usage): Query<UsageParams>,
) -> Result<Json<UsageReport>, Problem> {
    summed_up(&board, filter, usage).await.map(Json)
}

/// The same as CSV; a cost without a price is empty.
#[utoipa::path(get, path = "/api/v1/usage.csv", tag = "usage", params(FilterParams, UsageParams),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = Problem)))]
pub async fn csv(
    State(board): State<Board>,
    Query(filter): Query<FilterParams>,
    Query(usage): Query<UsageParams>,
) -> Result<Response, Problem> {
    let report = summed_up(&board, filter, usage).await?;
    let mut out = String::from(
        "key,and,requests,input_tokens,cached_input_tokens,cache_write_tokens,output_tokens,reasoning_tokens,cost_usd\r\n",
    );
    for line in &report.lines {
        let usage = &line.usage;
        out += &format!(
            "{},{},{},{},{},{},{},{},{}\r\n",
            quoted(&line.key),
            quoted(line.and.as_deref().unwrap_or_default()),
            line.requests,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
            line.cost_micro_usd.map(|micro| format!("{:.6}", micro as f64 / 1e6)).unwrap_or_default(),
        );
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"marline-usage.csv\""),
    ];
    Ok((headers, out).into_response())
}

async fn summed_up(board: &Board, filter: FilterParams, usage: UsageParams) -> Result<UsageReport, Problem> {
    let mut filter = filter.filter(board.now())?;
    if filter.reviews {
        filter.reviewers = board.reviewers().await?;
    }
    let mut report = board
        .readers
        .ask(move |index| Ok(index.usage(usage.by.into(), usage.and.map(Into::into), &filter)?))
        .await?;
    report.lines.truncate(MAX_LINES);
    Ok(report)
}

/// A field of a CSV file. A spreadsheet takes some beginnings for a formula; they are made text.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_text_to_a_spreadsheet() {
        assert_eq!(quoted("plain"), "\"plain\"");
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}

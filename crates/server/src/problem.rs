//! Errors as clients read them: RFC 9457 problem details.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use marline_control::chain;
use marline_index::{IndexError, QueryError};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, as `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A stable word for the kind of problem.
    #[serde(rename = "type")]
    #[schema(examples("not-found"))]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This case in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

impl Problem {
    const fn new(status: u16, kind: &'static str, title: &'static str) -> Self {
        Problem { kind, title, status, detail: None }
    }

    /// There is no such thing.
    pub const NOT_FOUND: Problem = Problem::new(404, "not-found", "Not found");
    /// It can't be done as it is asked for.
    pub const INVALID: Problem = Problem::new(400, "invalid-request", "That can't be done as asked");
    /// The client has not shown that it may.
    pub const NO_ACCESS: Problem = Problem::new(401, "no-access", "This browser has no access");
    /// The device has access, but not to this.
    pub const NOT_ALLOWED: Problem = Problem::new(403, "not-allowed", "This device may not do that");
    /// The request comes from a place it must not come from.
    pub const FOREIGN: Problem = Problem::new(403, "foreign-request", "The request comes from another site");
    /// The method is not for this address.
    pub const METHOD: Problem = Problem::new(405, "method-not-allowed", "The method is not allowed here");
    /// It is not in a state in which that can be done.
    pub const CONFLICT: Problem = Problem::new(409, "conflict", "That can't be done now");
    /// The agent has no such thing.
    pub const UNSUPPORTED: Problem = Problem::new(422, "unsupported", "The agent can't do that");
    /// Something is too large.
    pub const TOO_LARGE: Problem = Problem::new(413, "too-large", "Too large");
    /// The address is too long.
    pub const TOO_LONG: Problem = Problem::new(414, "address-too-long", "The address is too long");
    /// It is our fault.
    pub const FAILED: Problem = Problem::new(500, "failed", "Marline could not answer");

    /// This case in words, or else its kind.
    pub fn words(&self) -> String {
        self.detail.clone().unwrap_or_else(|| self.title.to_owned())
    }

    /// Adds what is particular about this case.
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        let words = sentence(&error);
        match &error {
            IndexError::NotFound(_) | IndexError::Lacks { .. } => Problem::NOT_FOUND.because(words),
            IndexError::Ambiguous { .. } => Problem::INVALID.because(words),
            IndexError::Query(QueryError::Cursor(_) | QueryError::OtherOrder(_)) => {
                Problem::INVALID.because(format!("{words} Read the list from its beginning."))
            }
            IndexError::Query(_) => Problem::INVALID.because(words),
            _ => {
                tracing::error!(error = %words, "a request failed");
                Problem::FAILED.because(words)
            }
        }
    }
}

/// An error and its causes as a sentence. What begins it is made large if it is a word, not if it is an id or a path.
pub fn sentence(error: &dyn Error) -> String {
    let out = chain(error);
    let out = out.trim_end_matches('.');
    let word = out.split_whitespace().next().unwrap_or_default().trim_end_matches([',', ';', ':']);
    if !word.chars().all(|letter| letter.is_alphabetic() || letter == '\'') {
        return format!("{out}.");
    }
    let mut letters = out.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Words(&'static str);

    #[test]
    fn a_sentence_begins_large_unless_it_begins_with_what_is_written_just_so() {
        for (words, told) in [
            ("no session is called x", "No session is called x."),
            ("can't be read: it is gone.", "Can't be read: it is gone."),
            ("claude:x is in use", "claude:x is in use."),
            ("`kind:bogus` is not understood", "`kind:bogus` is not understood."),
            ("a.jsonl: permission denied", "a.jsonl: permission denied."),
        ] {
            assert_eq!(sentence(&Words(words)), told);
        }
    }
}

//! What requests ask with: parameters of addresses, read strictly.

use std::fmt::Display;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use marline_index::{Filter, ItemKey, Sort, UsageBy, Window};
use marline_model::{SessionId, Source, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, sentence};

/// Values of one filter.
const MAX_VALUES: usize = 50;
/// The length of one value in bytes.
const MAX_VALUE: usize = 2_000;

/// What it takes where a time is meant.
const TIMES: &str = "2026-11-20, a time, or 7d, 12h, 30m";

/// The parameters behind the question mark; those that repeat are lists.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let values = serde_html_form::Deserializer::from_bytes(text.as_bytes());
        serde_path_to_error::deserialize(values).map(Query).map_err(|error| {
            // The first part of the path: a list's is followed by a number.
            let path = error.path().to_string();
            let name = path.split(['.', '[']).next().unwrap_or_default();
            if name.is_empty() {
                Problem::INVALID.because(sentence(error.inner()))
            } else {
                not_understood(name, error.inner())
            }
        })
    }
}

fn not_understood(name: &str, why: impl Display) -> Problem {
    Problem::INVALID.because(format!("The parameter `{name}` is not understood: {why}."))
}

/// The canonical id in an address.
pub struct Id(pub SessionId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let id = named(path, "id")?;
        let wrong = |error| Problem::NOT_FOUND.because(sentence(&error));
        id.parse().map(Id).map_err(wrong)
    }
}

/// The item's key in an address.
pub struct Key(pub ItemKey);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        named(path, "key")?.parse().map(Key).map_err(|error| Problem::NOT_FOUND.because(sentence(&error)))
    }
}

fn named<E>(path: Result<Path<Vec<(String, String)>>, E>, name: &str) -> Result<String, Problem> {
    let Path(values) = path.map_err(|_| Problem::INVALID.because("The address is not valid UTF-8."))?;
    values.into_iter().find(|(key, _)| key == name).map(|(_, value)| value).ok_or(Problem::NOT_FOUND)
}

/// Which sessions are meant; the same words as on the command line.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FilterParams {
    /// Any of these agents.
    #[param(explode)]
    pub source: Vec<Source>,
    /// Any of these in the project's name or directory.
    #[param(explode)]
    pub project: Vec<String>,
    /// Any of these git branches.
    #[param(explode)]
    pub branch: Vec<String>,
    /// Any of these in the model's name.
    #[param(explode)]
    pub model: Vec<String>,
    /// Any of these in the path of a file that was read or written.
    #[param(explode)]
    pub file: Vec<String>,
    /// Only these sessions, by canonical id.
    #[param(explode)]
    pub session: Vec<SessionId>,
    /// Active since then: `2026-11-20`, RFC 3339, `7d`, `12h`.
    pub since: Option<String>,
    /// Begun before then.
    pub until: Option<String>,
    /// Only archived sessions.
    pub archived: bool,
    /// Archived sessions, sub-agents', reviewers' and sessions without a word, too.
    pub all: bool,
    /// Only sessions of agents that review another one's work, which lists leave out else.
    pub reviews: bool,
    /// For the list of sessions: words that occur in the title, the first prompt, the project or the id. For a search:
    /// the query.
    pub q: Option<String>,
}

impl FilterParams {
    /// Makes a filter of them; `q` is left to the caller.
    pub fn filter(&self, now: Timestamp) -> Result<Filter, Problem> {
        let lists = [&self.project, &self.branch, &self.model, &self.file];
        let is_too_long =
            |list: &Vec<String>| list.len() > MAX_VALUES || list.iter().any(|value| value.len() > MAX_VALUE);
        if lists.into_iter().any(is_too_long) || self.session.len() > MAX_VALUES {
            return Err(Problem::INVALID.because("A filter has too many values, or one that is too long."));
        }
        let time = |name: &str, given: &Option<String>| match given.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => {
                let wrong = || not_understood(name, format!("it takes {TIMES}, not `{text}`"));
                marline_index::time(text, now).map(Some).ok_or_else(wrong)
            }
        };
        Ok(Filter {
            sources: self.source.clone(),
            projects: self.project.clone(),
            branches: self.branch.clone(),
            models: self.model.clone(),
            files: self.file.clone(),
            ids: self.session.clone(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            archived: self.archived,
            all: self.all,
            words: Vec::new(),
            reviewers: Vec::new(),
            reviews: self.reviews,
        })
    }

    /// Makes a filter of them, with the words of `q`.
    pub fn list_filter(&self, now: Timestamp) -> Result<Filter, Problem> {
        let words = self.q.as_deref().unwrap_or_default().split_whitespace();
        let words: Vec<String> = words.take(MAX_VALUES).map(str::to_owned).collect();
        if words.iter().any(|word| word.len() > MAX_VALUE) {
            return Err(Problem::INVALID.because("A word of q is too long."));
        }
        Ok(Filter { words, ..self.filter(now)? })
    }
}

/// What a list is ordered by; always downwards.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SortParam {
    /// Last activity.
    #[default]
    Updated,
    /// First activity.
    Started,
    /// Cost.
    Cost,
    /// Bytes on disk.
    Size,
}

impl From<SortParam> for Sort {
    fn from(sort: SortParam) -> Self {
        match sort {
            SortParam::Updated => Sort::Updated,
            SortParam::Started => Sort::Started,
            SortParam::Cost => Sort::Cost,
            SortParam::Size => Sort::Size,
        }
    }
}

/// What usage is summed up by.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageByParam {
    /// Day, UTC.
    #[default]
    Day,
    /// Model.
    Model,
    /// Project.
    Project,
    /// Agent.
    Source,
    /// Session.
    Session,
}

impl From<UsageByParam> for UsageBy {
    fn from(by: UsageByParam) -> Self {
        match by {
            UsageByParam::Day => UsageBy::Day,
            UsageByParam::Model => UsageBy::Model,
            UsageByParam::Project => UsageBy::Project,
            UsageByParam::Source => UsageBy::Source,
            UsageByParam::Session => UsageBy::Session,
        }
    }
}

/// Which page of a transcript: at most one of `after`, `before`, `around` and `at`; by default the last page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// What follows this item.
    #[param(value_type = Option<String>)]
    pub after: Option<String>,
    /// What comes before this item.
    pub before: Option<String>,
    /// This item, in the middle.
    pub around: Option<String>,
    /// The beginning or the end.
    #[param(inline)]
    pub at: Option<EdgeParam>,
    /// How many items at most, up to 200.
    pub limit: Option<usize>,
}

/// An edge of a transcript.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EdgeParam {
    /// The first page.
    Start,
    /// The last page.
    End,
}

impl PageParams {
    /// The page that is meant.
    pub fn window(&self) -> Result<Window, Problem> {
        let key = |text: &String| {
            text.parse::<ItemKey>().map_err(|error| Problem::INVALID.because(sentence(&error)))
        };
        match (&self.after, &self.before, &self.around, self.at) {
            (None, None, None, None | Some(EdgeParam::End)) => Ok(Window::End),
            (None, None, None, Some(EdgeParam::Start)) => Ok(Window::Start),
            (Some(after), None, None, None) => key(after).map(Window::After),
            (None, Some(before), None, None) => key(before).map(Window::Before),
            (None, None, Some(around), None) => key(around).map(Window::Around),
            _ => Err(Problem::INVALID.because("Only one of after, before, around and at can be given.")),
        }
    }
}

/// How many are wanted, within bounds.
pub fn limit(given: Option<usize>, default: usize, most: usize) -> usize {
    given.unwrap_or(default).clamp(1, most)
}

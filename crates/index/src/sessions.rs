//! Sessions as lists and reports show them.

use marline_model::{Counts, SessionId, SessionKind, Source, Timestamp, Usage};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, ToSql, params_from_iter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::query::QueryError;
use crate::{Index, IndexError};

/// A session, as `ls --json` prints it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The canonical id.
    pub id: SessionId,
    /// The agent.
    pub source: Source,
    /// The agent's own id.
    pub source_session_id: String,
    /// A human's, or a sub-agent's.
    pub kind: SessionKind,
    /// The session that started this one as its sub-agent.
    pub parent_id: Option<String>,
    /// The session that this one was forked from.
    pub forked_from_id: Option<String>,
    /// The name given by a person, else by a model, else the first prompt's first line.
    pub title: Option<String>,
    /// The first prompt, cut at some 2,000 bytes.
    pub first_prompt: Option<String>,
    /// The last part of `cwd`.
    pub project: Option<String>,
    /// The first working directory.
    pub cwd: Option<String>,
    /// The last git branch.
    pub git_branch: Option<String>,
    /// The git commit at the start.
    pub git_commit: Option<String>,
    /// The git remote.
    pub git_remote: Option<String>,
    /// The last model.
    pub model: Option<String>,
    /// The model provider.
    pub provider: Option<String>,
    /// The agent's last version.
    pub agent_version: Option<String>,
    /// The first record's time.
    pub started_at: Option<Timestamp>,
    /// The last record's time.
    pub updated_at: Option<Timestamp>,
    /// The agent has it among its archived ones.
    pub archived: bool,
    /// Its file is gone; prompts and answers are kept here.
    pub missing: bool,
    /// What is its own.
    pub counts: Counts,
    /// What it shares with its origin.
    pub inherited: Inherited,
    /// Tokens of its own, each request counted once.
    pub usage: Usage,
    /// Cost of the models that have a price, in millionths of a US dollar.
    pub cost_micro_usd: u64,
    /// The files that hold it.
    pub files: Vec<FileSize>,
    /// Records that could not be read.
    pub skipped_records: u64,
}

/// What a session shares with its origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inherited {
    /// Prompts.
    pub prompts: u64,
    /// Answers.
    pub answers: u64,
    /// Tool calls.
    pub tool_calls: u64,
}

/// A file and its length.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileSize {
    /// Where it is.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Which sessions are meant. An empty filter means all main sessions that are not archived.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Any of these agents.
    pub sources: Vec<Source>,
    /// Any of these words occurs in the project's name or working directory.
    pub projects: Vec<String>,
    /// Any of these branches.
    pub branches: Vec<String>,
    /// The model's name contains one of these.
    pub models: Vec<String>,
    /// Updated at this time or later.
    pub since: Option<Timestamp>,
    /// Started before this time.
    pub until: Option<Timestamp>,
    /// A file with this in its path was read or written.
    pub files: Vec<String>,
    /// Only these sessions.
    pub ids: Vec<SessionId>,
    /// Each of these words occurs in the title, the first prompt, the project or the id.
    pub words: Vec<String>,
    /// Only archived ones.
    pub archived: bool,
    /// Archived ones, sub-agents, and sessions in which nothing was said, too.
    pub all: bool,
    /// Sessions of agents that review another one's work, which somebody else knows: they are left out like sub-agents.
    pub reviewers: Vec<SessionId>,
    /// Those alone.
    pub reviews: bool,
}

/// What a list is ordered by; always downwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
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

impl Sort {
    const ALL: [Sort; 4] = [Sort::Updated, Sort::Started, Sort::Cost, Sort::Size];

    /// As a cursor names it.
    fn word(self) -> &'static str {
        match self {
            Sort::Updated => "updated",
            Sort::Started => "started",
            Sort::Cost => "cost",
            Sort::Size => "size",
        }
    }
}

/// Reads a cursor, `<order>/<value>/<id>`: the last row of the page before.
fn place_of(cursor: &str, sort: Sort) -> Result<(i64, String), QueryError> {
    let wrong = || QueryError::Cursor(cursor.to_owned());
    let (order, rest) = cursor.split_once('/').ok_or_else(wrong)?;
    let order = Sort::ALL.into_iter().find(|known| known.word() == order).ok_or_else(wrong)?;
    if order != sort {
        return Err(QueryError::OtherOrder(cursor.to_owned()));
    }
    let (value, id) = rest.split_once('/').ok_or_else(wrong)?;
    Ok((value.parse().map_err(|_| wrong())?, id.to_owned()))
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// How many the filter selects in all.
    pub total: u64,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// A file that tools of a session named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Touched {
    /// Its path, as the tool gave it.
    pub path: String,
    /// How often it was looked at.
    pub reads: u64,
    /// How often it was changed.
    pub writes: u64,
}

/// Sessions of one project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectGroup)]
pub struct Project {
    /// Its name; none where no directory is known.
    pub project: Option<String>,
    /// The last active sessions.
    pub sessions: Vec<Session>,
    /// How many there are in all.
    pub total: u64,
    /// The last activity.
    pub updated_at: Option<Timestamp>,
    /// Cost of all of them, in millionths of a US dollar.
    pub cost_micro_usd: u64,
    /// Tokens of all of them.
    pub total_tokens: u64,
}

/// Sessions by project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectPage)]
pub struct Projects {
    /// The last active projects.
    pub projects: Vec<Project>,
    /// How many projects there are in all.
    pub total: u64,
}

/// Children or forks that are told of one session.
const MAX_RELATED: usize = 500;

const COLUMNS: &str = "s.id, s.kind, s.parent_id, s.forked_from_id,
    COALESCE(t.title, s.given_title, s.generated_title),
    COALESCE(s.first_prompt, (SELECT o.first_prompt FROM sessions o WHERE o.id = s.forked_from_id)), s.project, s.cwd, s.git_branch, s.git_commit,
    s.git_remote, s.model, s.provider, s.agent_version, s.started_at, s.updated_at, s.archived, s.missing, s.prompts,
    s.answers, s.tool_calls, s.errors,
    (SELECT COUNT(*) FROM sessions c WHERE c.parent_id = s.id AND c.listed = 1),
    s.inherited_prompts, s.inherited_answers, s.inherited_tool_calls, s.input_tokens, s.cached_input_tokens,
    s.cache_write_tokens, s.cache_write_1h_tokens, s.output_tokens, s.reasoning_tokens, s.cost_micro_usd,
    f.path, f.size, f.skipped, s.number";

const TABLES: &str =
    "FROM sessions s LEFT JOIN titles t ON t.id = s.id LEFT JOIN files f ON f.number = s.file";

fn read(row: &Row<'_>) -> rusqlite::Result<(Session, i64)> {
    let id: String = row.get(0)?;
    let id: SessionId = id.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let count = |n: usize| row.get::<_, i64>(n).map(|count| count.max(0) as u64);
    let time = |n: usize| row.get::<_, Option<i64>>(n).map(|at| at.map(Timestamp::from_millis));
    let first_prompt: Option<String> = row.get(5)?;
    let title: Option<String> = row.get(4)?;
    let title = title.or_else(|| first_prompt.as_deref().map(title_of));
    let path: Option<String> = row.get(33)?;
    let skipped: Option<String> = row.get(35)?;
    let skipped: std::collections::BTreeMap<String, u64> =
        skipped.and_then(|skipped| serde_json::from_str(&skipped).ok()).unwrap_or_default();
    let bytes = row.get::<_, Option<i64>>(34)?.unwrap_or(0).max(0) as u64;
    let session = Session {
        source: id.source(),
        source_session_id: id.raw().to_owned(),
        id,
        kind: match row.get_ref(1)?.as_str()? {
            "subagent" => SessionKind::Subagent,
            _ => SessionKind::Main,
        },
        parent_id: row.get(2)?,
        forked_from_id: row.get(3)?,
        title,
        first_prompt,
        project: row.get(6)?,
        cwd: row.get(7)?,
        git_branch: row.get(8)?,
        git_commit: row.get(9)?,
        git_remote: row.get(10)?,
        model: row.get(11)?,
        provider: row.get(12)?,
        agent_version: row.get(13)?,
        started_at: time(14)?,
        updated_at: time(15)?,
        archived: row.get(16)?,
        missing: row.get(17)?,
        counts: Counts {
            prompts: count(18)?,
            answers: count(19)?,
            tool_calls: count(20)?,
            errors: count(21)?,
            subagents: count(22)?,
        },
        inherited: Inherited { prompts: count(23)?, answers: count(24)?, tool_calls: count(25)? },
        usage: crate::lineage::usage_at(row, 26)?,
        cost_micro_usd: count(32)?,
        files: path.map(|path| FileSize { path, bytes }).into_iter().collect(),
        skipped_records: skipped.values().sum(),
    };
    Ok((session, row.get(36)?))
}

/// The first line of a prompt, cut for a list.
fn title_of(prompt: &str) -> String {
    const LENGTH: usize = 100;
    let line = prompt.trim().lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

impl Filter {
    /// Says whether the filter asks for anything in particular.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
            && self.projects.is_empty()
            && self.branches.is_empty()
            && self.models.is_empty()
            && self.files.is_empty()
            && self.ids.is_empty()
            && self.words.is_empty()
            && self.since.is_none()
            && self.until.is_none()
            && !self.archived
            && !self.reviews
    }

    /// Writes the filter as a condition on `s`, with its values.
    pub(crate) fn condition(&self) -> (String, Vec<Value>) {
        let mut parts = vec!["s.listed = 1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut any =
            |values: &mut Vec<Value>, given: &[String], make: &dyn Fn(usize) -> String, like: bool| {
                if given.is_empty() {
                    return;
                }
                let mut choices = Vec::new();
                for word in given {
                    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                    values.push(Value::Text(if like { format!("%{escaped}%") } else { word.clone() }));
                    choices.push(make(values.len()));
                }
                parts.push(format!("({})", choices.join(" OR ")));
            };
        let sources: Vec<String> = self.sources.iter().map(|source| source.to_string()).collect();
        any(&mut values, &sources, &|n| format!("s.source = ?{n}"), false);
        any(
            &mut values,
            &self.projects,
            &|n| format!("s.project LIKE ?{n} ESCAPE '\\' OR s.cwd LIKE ?{n} ESCAPE '\\'"),
            true,
        );
        any(&mut values, &self.branches, &|n| format!("s.git_branch = ?{n}"), false);
        any(&mut values, &self.models, &|n| format!("s.model LIKE ?{n} ESCAPE '\\'"), true);
        any(
            &mut values,
            &self.files,
            &|n| {
                format!(
                    "EXISTS (SELECT 1 FROM touched f WHERE f.session = s.number AND f.path LIKE ?{n} ESCAPE '\\')"
                )
            },
            true,
        );
        let ids: Vec<String> = self.ids.iter().map(SessionId::to_string).collect();
        any(&mut values, &ids, &|n| format!("s.id = ?{n}"), false);
        for word in &self.words {
            let stands = |n| {
                let columns = ["given_title", "generated_title", "first_prompt", "project", "id"]
                    .map(|column| format!("s.{column} LIKE ?{n} ESCAPE '\\'"));
                format!(
                    "{} OR s.id IN (SELECT id FROM titles WHERE title LIKE ?{n} ESCAPE '\\')",
                    columns.join(" OR ")
                )
            };
            any(&mut values, std::slice::from_ref(word), &stands, true);
        }
        if let Some(since) = self.since {
            values.push(Value::Integer(since.as_millis()));
            parts.push(format!("s.updated_at >= ?{}", values.len()));
        }
        if let Some(until) = self.until {
            values.push(Value::Integer(until.as_millis()));
            parts.push(format!("s.started_at < ?{}", values.len()));
        }
        // One value, however many they are.
        let is_left_out = !self.all && self.ids.is_empty() && !self.reviewers.is_empty();
        if self.reviews || is_left_out {
            let ids: Vec<String> = self.reviewers.iter().map(SessionId::to_string).collect();
            values.push(Value::Text(serde_json::json!(ids).to_string()));
            let is = if self.reviews { "IN" } else { "NOT IN" };
            parts.push(format!("s.id {is} (SELECT value FROM json_each(?{}))", values.len()));
        }
        if self.archived {
            parts.push("s.archived = 1".to_owned());
        } else if !self.all {
            parts.push("s.archived = 0".to_owned());
        }
        if !self.all {
            parts.push("s.kind = 'main'".to_owned());
            parts.push(
                "s.prompts + s.answers + s.tool_calls + s.errors + s.inherited_prompts + s.inherited_answers > 0".to_owned(),
            );
        }
        (parts.join(" AND "), values)
    }
}

impl Index {
    /// Lists sessions.
    ///
    /// # Errors
    /// [`IndexError::Query`] for a cursor that no list gave, or one in another order; [`IndexError::Sqlite`].
    pub fn sessions(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page, IndexError> {
        let (condition, mut values) = filter.condition();
        let key = match sort {
            Sort::Updated => "s.updated_at",
            Sort::Started => "s.started_at",
            Sort::Cost => "s.cost_micro_usd",
            Sort::Size => "(SELECT size FROM files z WHERE z.number = s.file)",
        };
        let sql = format!("SELECT COUNT(*) FROM sessions s WHERE {condition}");
        let total: i64 = self.connection.query_row(&sql, params_from_iter(&values), |row| row.get(0))?;
        let mut after = String::new();
        if let Some(cursor) = cursor {
            let (value, id) = place_of(cursor, sort)?;
            values.push(Value::Integer(value));
            values.push(Value::Text(id));
            let n = values.len();
            after = format!("AND (COALESCE({key}, 0), s.id) < (?{}, ?{n})", n - 1);
        }
        // The page is chosen from what an index holds; whole rows are read for the page alone.
        let sql = format!(
            "WITH page AS (SELECT s.number AS page_number, COALESCE({key}, 0) AS page_key
                           FROM sessions s WHERE {condition} {after}
                           ORDER BY COALESCE({key}, 0) DESC, s.id DESC LIMIT {})
             SELECT {COLUMNS}, page_key FROM page JOIN sessions s ON s.number = page_number
             LEFT JOIN titles t ON t.id = s.id LEFT JOIN files f ON f.number = s.file
             ORDER BY page_key DESC, s.id DESC",
            limit.saturating_add(1)
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut sessions = Vec::new();
        let (mut next_cursor, mut last) = (None, String::new());
        while let Some(row) = rows.next()? {
            let (session, _) = read(row)?;
            if sessions.len() == limit {
                next_cursor = Some(last);
                break;
            }
            last = format!("{}/{}/{}", sort.word(), row.get::<_, i64>(37)?, session.id);
            sessions.push(session);
        }
        Ok(Page { sessions, total: total as u64, next_cursor })
    }

    /// Finds a session by its id, or by any beginning of it, with or without the source.
    ///
    /// # Errors
    /// [`IndexError::NotFound`], [`IndexError::Ambiguous`].
    pub fn session(&self, given: &str) -> Result<Session, IndexError> {
        self.session_row(given).map(|(session, _)| session)
    }

    pub(crate) fn session_row(&self, given: &str) -> Result<(Session, i64), IndexError> {
        let exact = format!("SELECT {COLUMNS} {TABLES} WHERE s.id = ?1 OR s.source_session_id = ?1 LIMIT 11");
        let escaped = given.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let prefix = format!(
            "SELECT {COLUMNS} {TABLES} WHERE s.listed = 1 AND
             (s.id LIKE ?1 ESCAPE '\\' OR s.source_session_id LIKE ?1 ESCAPE '\\') LIMIT 11"
        );
        for (sql, value) in [(exact, given.to_owned()), (prefix, format!("{escaped}%"))] {
            if given.is_empty() {
                break;
            }
            let mut statement = self.connection.prepare(&sql)?;
            let found: Vec<(Session, i64)> =
                statement.query_map([&value as &dyn ToSql], read)?.collect::<Result<_, _>>()?;
            if found.len() > 1 {
                let more = found.len() > 10;
                let found = found.iter().take(10).map(|(session, _)| session.id.to_string()).collect();
                return Err(IndexError::Ambiguous { given: given.to_owned(), found, more });
            }
            if let Some(found) = found.into_iter().next() {
                return Ok(found);
            }
        }
        Err(IndexError::NotFound(given.to_owned()))
    }

    /// Finds a session by its whole id.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn session_by_id(&self, id: &SessionId) -> Result<Session, IndexError> {
        self.row_by_id(id).map(|(session, _)| session)
    }

    pub(crate) fn row_by_id(&self, id: &SessionId) -> Result<(Session, i64), IndexError> {
        let sql = format!("SELECT {COLUMNS} {TABLES} WHERE s.id = ?1");
        let id = id.to_string();
        let found = self.connection.prepare_cached(&sql)?.query_row([&id], read).optional()?;
        found.ok_or(IndexError::NotFound(id))
    }

    pub(crate) fn session_by_number(&self, number: i64) -> Result<Option<Session>, IndexError> {
        let sql = format!("SELECT {COLUMNS} {TABLES} WHERE s.number = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query_map([number], read)?;
        Ok(rows.next().transpose()?.map(|(session, _)| session))
    }

    /// Returns the child sessions of one, in the order of their start.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn children(&self, id: &SessionId) -> Result<Vec<Session>, IndexError> {
        self.related("parent_id", id)
    }

    /// Returns the sessions that were forked from one, in the order of their start.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn forks(&self, id: &SessionId) -> Result<Vec<Session>, IndexError> {
        self.related("forked_from_id", id)
    }

    fn related(&self, column: &str, id: &SessionId) -> Result<Vec<Session>, IndexError> {
        let sql = format!(
            "SELECT {COLUMNS} {TABLES} WHERE s.{column} = ?1 AND s.listed = 1 ORDER BY s.started_at, s.id
             LIMIT {MAX_RELATED}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([id.to_string()], read)?;
        Ok(rows.map(|row| row.map(|(session, _)| session)).collect::<Result<_, _>>()?)
    }

    /// Returns how many items a session has of its own.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn item_count(&self, id: &SessionId) -> Result<u64, IndexError> {
        let sql = "SELECT items FROM sessions WHERE id = ?1";
        let count: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row([id.to_string()], |row| row.get(0)).optional()?;
        Ok(count.unwrap_or(0).max(0) as u64)
    }

    /// Returns how many sessions are listed when nothing in particular is asked for.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn session_count(&self, reviewers: Vec<SessionId>) -> Result<u64, IndexError> {
        let (condition, values) = Filter { reviewers, ..Filter::default() }.condition();
        let sql = format!("SELECT COUNT(*) FROM sessions s WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let count: i64 = statement.query_row(params_from_iter(&values), |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Returns the directories that sessions worked in, the last active first.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn directories(&self, limit: usize) -> Result<Vec<String>, IndexError> {
        let (condition, values) = Filter::default().condition();
        let sql = format!(
            "SELECT s.cwd FROM sessions s WHERE s.cwd IS NOT NULL AND {condition}
             GROUP BY s.cwd ORDER BY MAX(s.updated_at) DESC LIMIT {limit}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(&values), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says whether a session worked in a directory.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn knows_directory(&self, directory: &str) -> Result<bool, IndexError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sessions WHERE cwd = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([directory], |row| row.get(0))?)
    }

    /// Returns the files that a session's tools named, the most written first.
    ///
    /// # Errors
    /// [`IndexError::NotFound`]; [`IndexError::Sqlite`].
    pub fn touched(&self, id: &SessionId, limit: usize) -> Result<Vec<Touched>, IndexError> {
        let (_, number) = self.row_by_id(id)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT path, reads, writes FROM touched WHERE session = ?1 ORDER BY writes DESC, reads DESC, path LIMIT ?2",
        )?;
        let rows = statement.query_map(rusqlite::params![number, limit as i64], |row| {
            Ok(Touched {
                path: row.get(0)?,
                reads: row.get::<_, i64>(1)? as u64,
                writes: row.get::<_, i64>(2)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Groups sessions by project, the last active project first, with the last active sessions of each.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn projects(&self, filter: &Filter, limit: usize, per: usize) -> Result<Projects, IndexError> {
        let (condition, values) = filter.condition();
        let sql = format!("SELECT COUNT(DISTINCT COALESCE(s.project, '')) FROM sessions s WHERE {condition}");
        let total: i64 = self.connection.query_row(&sql, params_from_iter(&values), |row| row.get(0))?;
        // What sub-agents used is their session's, where they are not listed themselves.
        let below = if filter.all { "0" } else { "parent_id IS NOT NULL AND kind = 'subagent'" };
        let sql = format!(
            "WITH below AS (SELECT parent_id, SUM(cost_micro_usd) AS cost,
                SUM(input_tokens + cached_input_tokens + cache_write_tokens + output_tokens) AS tokens
                FROM sessions WHERE {below} GROUP BY parent_id)
             SELECT s.project, COUNT(*), MAX(s.updated_at), SUM(s.cost_micro_usd + COALESCE(below.cost, 0)),
                SUM(s.input_tokens + s.cached_input_tokens + s.cache_write_tokens + s.output_tokens
                    + COALESCE(below.tokens, 0))
             FROM sessions s LEFT JOIN below ON below.parent_id = s.id
             WHERE {condition} GROUP BY s.project ORDER BY 3 DESC, 1 LIMIT {limit}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut projects = Vec::new();
        while let Some(row) = rows.next()? {
            projects.push(Project {
                project: row.get(0)?,
                sessions: Vec::new(),
                total: row.get::<_, i64>(1)? as u64,
                updated_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                cost_micro_usd: row.get::<_, i64>(3)? as u64,
                total_tokens: row.get::<_, i64>(4)? as u64,
            });
        }
        for session in self.last_of_each(&condition, &values, per)? {
            if let Some(group) = projects.iter_mut().find(|group| group.project == session.project) {
                group.sessions.push(session);
            }
        }
        Ok(Projects { projects, total: total as u64 })
    }

    /// The last active sessions of each project, the last active first.
    fn last_of_each(
        &self,
        condition: &str,
        values: &[Value],
        per: usize,
    ) -> Result<Vec<Session>, IndexError> {
        // What is ranked is taken from an index; whole rows are read for the first ones alone.
        let sql = format!(
            "WITH ranked AS (
                SELECT s.number AS ranked_number, ROW_NUMBER() OVER (
                    PARTITION BY s.project ORDER BY s.updated_at DESC, s.id DESC) AS rank
                FROM sessions s WHERE {condition})
             SELECT {COLUMNS} FROM ranked JOIN sessions s ON s.number = ranked_number
             LEFT JOIN titles t ON t.id = s.id LEFT JOIN files f ON f.number = s.file
             WHERE rank <= {per} ORDER BY s.updated_at DESC, s.id DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), read)?;
        Ok(rows.map(|row| row.map(|(session, _)| session)).collect::<Result<_, _>>()?)
    }
}

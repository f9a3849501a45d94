//! Work in `marline.db`: a document a row, with the columns that constraints and questions need beside it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use marline_model::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contract::{Change, CommandEnd, Runs, WorkError, WorkStore};
use super::types::{Asked, Audited, Group, Logged, Queue, Rule, Run, Task};
use crate::database::{self, internal};
use crate::reviews::Review;

/// A command is remembered for a week, in milliseconds.
const COMMANDS_LAST: i64 = 7 * 24 * 3_600_000;

/// Groups, queues, runs and reviews of one machine.
pub struct LocalWorkStore {
    connection: Mutex<Connection>,
}

/// A document of a row whose columns are `body` and `revision`.
pub(crate) trait Document: Serialize + DeserializeOwned {
    fn revised(self, revision: u64) -> Self;
}

macro_rules! documents {
    ($($kind:ty),*) => {$(
        impl Document for $kind {
            fn revised(mut self, revision: u64) -> Self {
                self.revision = revision;
                self
            }
        }
    )*};
}
documents!(Group, Queue, Run, Task, Asked, Rule, Review);

fn document<T: Document>(row: &Row<'_>) -> rusqlite::Result<T> {
    let body: String = row.get(0)?;
    let revision: i64 = row.get(1)?;
    let document: T = parsed(&body)?;
    Ok(document.revised(revision as u64))
}

fn parsed<T: DeserializeOwned>(body: &str) -> rusqlite::Result<T> {
    serde_json::from_str(body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}

fn body(document: &impl Serialize) -> Result<String, WorkError> {
    serde_json::to_string(document).map_err(|error| WorkError::Internal {
        context: "a document has no JSON".to_owned(),
        source: error.into(),
    })
}

impl LocalWorkStore {
    /// Opens the database, which is made where it is not there. Only its owner can read it.
    ///
    /// # Errors
    /// [`WorkError::Internal`] when it can't be opened, or was written by a newer Marline.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        Ok(LocalWorkStore { connection: Mutex::new(database::open(path)?) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all<T: Document>(&self, sql: &str, of: impl rusqlite::Params) -> Result<Vec<T>, WorkError> {
        let connection = self.lock();
        let ask = || -> rusqlite::Result<Vec<T>> {
            connection.prepare_cached(sql)?.query_map(of, document)?.collect()
        };
        ask().map_err(internal("marline.db could not be read"))
    }

    fn one<T: Document>(&self, what: String, sql: &str, of: impl rusqlite::Params) -> Result<T, WorkError> {
        self.all(sql, of)?.pop().ok_or(WorkError::NotFound { what })
    }
}

/// Writes a document of one table; `columns` are those beside its id, revision and body.
struct Put<'a> {
    table: &'static str,
    id: &'a str,
    revision: u64,
    columns: &'a [(&'static str, &'a dyn rusqlite::ToSql)],
    body: String,
    /// What it is called in an error.
    name: String,
}

impl Put<'_> {
    fn write(&self, connection: &Connection) -> Result<(), WorkError> {
        let mut values: Vec<&dyn rusqlite::ToSql> = self.columns.iter().map(|(_, value)| *value).collect();
        let (id, revision) = (self.id, self.revision as i64);
        values.extend([&self.body as &dyn rusqlite::ToSql, &id]);
        let sql = if self.revision == 0 {
            let names: String = self.columns.iter().map(|(name, _)| format!("{name}, ")).collect();
            let marks = vec!["?"; values.len()].join(", ");
            format!("INSERT INTO {} ({names}body, id, revision) VALUES ({marks}, 1)", self.table)
        } else {
            values.push(&revision);
            let names: String = self.columns.iter().map(|(name, _)| format!("{name} = ?, ")).collect();
            format!(
                "UPDATE {} SET {names}body = ?, revision = revision + 1 WHERE id = ? AND revision = ?",
                self.table
            )
        };
        let written = connection.prepare_cached(&sql).and_then(|mut sql| sql.execute(&values[..]));
        match written {
            Ok(0) => Err(WorkError::conflict(format!("{} was changed by somebody else", self.name))),
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(error, &self.name)),
        }
    }
}

/// What a broken constraint means.
fn refusal(error: rusqlite::Error, name: &str) -> WorkError {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return internal("marline.db could not be written")(error);
    }
    let words = error.to_string();
    let message = if words.contains(".name") {
        format!("there is {name} already")
    } else if words.contains("runs.list") {
        format!("{name} runs already")
    } else if words.contains("groups.id") || words.contains("queues.id") {
        format!("{name} is there already, perhaps under another name: the id is the same")
    } else if words.contains("tasks.list") && !words.contains("number") {
        "another prompt of this queue runs".to_owned()
    } else {
        format!("{name} was made by somebody else at the same time")
    };
    WorkError::Conflict { message }
}

fn next(connection: &Connection, sql: &str, of: impl rusqlite::Params) -> Result<u64, WorkError> {
    let last: Option<i64> = connection
        .query_row(sql, of, |row| row.get(0))
        .optional()
        .map_err(internal("marline.db could not be read"))?
        .flatten();
    Ok(last.unwrap_or(0) as u64 + 1)
}

/// The next run's number; that of a run that was deleted is never given again.
fn run_number(connection: &Connection) -> Result<u64, WorkError> {
    let fail = internal("marline.db could not be written");
    connection.execute("INSERT INTO run_numbers DEFAULT VALUES", []).map_err(&fail)?;
    let number = connection.last_insert_rowid();
    connection.execute("DELETE FROM run_numbers WHERE number < ?", [number]).map_err(&fail)?;
    Ok(number as u64)
}

fn delete(
    connection: &Connection,
    table: &str,
    id: &str,
    revision: u64,
    rest: &[&str],
) -> Result<(), WorkError> {
    let fail = internal("marline.db could not be written");
    let sql = format!("DELETE FROM {table} WHERE id = ? AND revision = ?");
    if connection.execute(&sql, params![id, revision as i64]).map_err(&fail)? == 0 {
        return Err(WorkError::conflict("it was changed by somebody else"));
    }
    rest.iter().try_for_each(|sql| connection.execute(sql, [id]).map(drop).map_err(&fail))
}

fn write(connection: &Connection, change: &Change) -> Result<(), WorkError> {
    match change {
        Change::Group(group) => Put {
            table: "groups",
            id: &group.id,
            revision: group.revision,
            columns: &[("name", &group.name)],
            body: body(group)?,
            name: format!("a group {:?}", group.name),
        }
        .write(connection),
        Change::Queue(queue) => Put {
            table: "queues",
            id: &queue.id,
            revision: queue.revision,
            columns: &[("name", &queue.name)],
            body: body(queue)?,
            name: format!("a queue {:?}", queue.name),
        }
        .write(connection),
        Change::Run(run) => {
            let mut run = run.clone();
            if run.number == 0 {
                run.number = run_number(connection)?;
            }
            Put {
                table: "runs",
                id: &run.id,
                revision: run.revision,
                columns: &[
                    ("number", &(run.number as i64)),
                    ("list", &run.list),
                    ("is_open", &run.ended_at.is_none()),
                ],
                body: body(&run)?,
                name: run.name.clone(),
            }
            .write(connection)
        }
        Change::Task(task) => {
            let mut task = task.clone();
            if task.number == 0 {
                let sql = "SELECT max(number) FROM tasks WHERE list = ?";
                task.number = next(connection, sql, [&task.list])?;
            }
            Put {
                table: "tasks",
                id: &task.id,
                revision: task.revision,
                columns: &[
                    ("list", &task.list),
                    ("number", &(task.number as i64)),
                    ("position", &(task.position as i64)),
                    ("is_held", &task.status.is_held()),
                    ("is_of_queue", &task.member.is_none()),
                ],
                body: body(&task)?,
                name: format!("prompt {}", task.number),
            }
            .write(connection)
        }
        Change::Review(review) => {
            let review = Review { state: review.state_now(), ..review.clone() };
            Put {
                table: "reviews",
                id: &review.id,
                revision: review.revision,
                columns: &[
                    ("parent", &review.parent.to_string()),
                    ("child", &review.child.as_ref().map(ToString::to_string)),
                    ("is_open", &review.ended_at.is_none()),
                ],
                body: body(&review)?,
                name: "the review".to_owned(),
            }
            .write(connection)
        }
        Change::Question(asked) => question(connection, asked),
        Change::Rule(rule) => Put {
            table: "rules",
            id: &rule.id,
            revision: rule.revision,
            columns: &[("until", &rule.until.map(Timestamp::as_millis))],
            body: body(rule)?,
            name: "the rule".to_owned(),
        }
        .write(connection),
        Change::DeleteRule(rule) => delete(connection, "rules", &rule.id, rule.revision, &[]),
        Change::Audit(audited) => {
            let (at, body) = (audited.at.as_millis(), body(audited)?);
            let written = match audited.number {
                0 => connection
                    .prepare_cached("INSERT INTO audit (at, body) VALUES (?, ?)")
                    .and_then(|mut sql| sql.execute(params![at, body])),
                number => connection
                    .prepare_cached("UPDATE audit SET body = ? WHERE number = ?")
                    .and_then(|mut sql| sql.execute(params![body, number as i64])),
            };
            written.map(drop).map_err(internal("marline.db could not be written"))
        }
        Change::Event(logged) => connection
            .prepare_cached("INSERT INTO events (run, body) VALUES (?, ?)")
            .and_then(|mut sql| sql.execute(params![logged.run, body(logged).unwrap_or_default()]))
            .map(drop)
            .map_err(internal("marline.db could not be written")),
        Change::DeleteTask(task) => delete(connection, "tasks", &task.id, task.revision, &[]),
        Change::DeleteGroup(group) => delete(
            connection,
            "groups",
            &group.id,
            group.revision,
            &[
                "DELETE FROM tasks WHERE list IN (SELECT id FROM runs WHERE list = ?)",
                "DELETE FROM events WHERE run IN (SELECT id FROM runs WHERE list = ?)",
                "DELETE FROM questions WHERE run IN (SELECT id FROM runs WHERE list = ?)",
                "DELETE FROM runs WHERE list = ?",
            ],
        ),
        Change::DeleteQueue(queue) => delete(
            connection,
            "queues",
            &queue.id,
            queue.revision,
            &[
                "DELETE FROM tasks WHERE list = ?",
                "DELETE FROM events WHERE run IN (SELECT id FROM runs WHERE list = ?)",
                "DELETE FROM questions WHERE run IN (SELECT id FROM runs WHERE list = ?)",
                "DELETE FROM runs WHERE list = ?",
            ],
        ),
    }
}

fn question(connection: &Connection, asked: &Asked) -> Result<(), WorkError> {
    let fail = internal("marline.db could not be written");
    let mut asked = asked.clone();
    if asked.revision == 0 {
        if asked.number == 0 {
            // Autoincrement never gives a number twice, also after a question was deleted.
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'questions'";
            asked.number = next(connection, sql, [])?;
        }
        let sql = "INSERT INTO questions (number, task, attempt, question, run, is_open, revision, body)
            VALUES (?, ?, ?, ?, ?, ?, 1, ?)";
        let of = params![
            asked.number as i64,
            asked.task,
            asked.attempt,
            asked.question.id,
            asked.run,
            asked.is_open,
            body(&asked)?
        ];
        return connection.execute(sql, of).map(drop).map_err(|error| refusal(error, "the question"));
    }
    let sql = "UPDATE questions SET is_open = ?, revision = revision + 1, body = ? WHERE number = ? AND revision = ?";
    let of = params![asked.is_open, body(&asked)?, asked.number as i64, asked.revision as i64];
    match connection.execute(sql, of).map_err(fail)? {
        0 => Err(WorkError::conflict(format!("question {} was answered by somebody else", asked.number))),
        _ => Ok(()),
    }
}

impl WorkStore for LocalWorkStore {
    fn groups(&self) -> Result<Vec<Group>, WorkError> {
        self.all("SELECT body, revision FROM groups ORDER BY name", [])
    }

    fn queues(&self) -> Result<Vec<Queue>, WorkError> {
        self.all("SELECT body, revision FROM queues ORDER BY name", [])
    }

    fn runs(&self, which: Runs<'_>) -> Result<Vec<Run>, WorkError> {
        match which {
            Runs::Open => self.all("SELECT body, revision FROM runs WHERE is_open ORDER BY number", []),
            Runs::Of(list, limit) => self.all(
                "SELECT body, revision FROM runs WHERE list = ? ORDER BY number DESC LIMIT ?",
                params![list, limit as i64],
            ),
        }
    }

    fn run(&self, id: &str) -> Result<Run, WorkError> {
        let sql = "SELECT body, revision FROM runs WHERE id = ?1 OR CAST(number AS TEXT) = ?1";
        self.one(format!("run {id}"), sql, [id])
    }

    fn tasks(&self, list: &str) -> Result<Vec<Task>, WorkError> {
        self.all("SELECT body, revision FROM tasks WHERE list = ? ORDER BY position, number", [list])
    }

    fn task(&self, id: &str) -> Result<Task, WorkError> {
        self.one(format!("prompt {id}"), "SELECT body, revision FROM tasks WHERE id = ?", [id])
    }

    fn held(&self) -> Result<Vec<Task>, WorkError> {
        self.all("SELECT body, revision FROM tasks WHERE is_held", [])
    }

    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Logged>, WorkError> {
        let connection = self.lock();
        let sql = "SELECT number, body FROM events WHERE run = ? AND number > ? ORDER BY number LIMIT ?";
        let read = || -> rusqlite::Result<Vec<(i64, String)>> {
            let mut sql = connection.prepare_cached(sql)?;
            let rows = sql
                .query_map(params![run, after as i64, limit as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        let rows = read().map_err(internal("marline.db could not be read"))?;
        rows.into_iter()
            .map(|(number, body)| {
                let logged: Logged = serde_json::from_str(&body).map_err(|error| WorkError::Internal {
                    context: format!("event {number} is none"),
                    source: error.into(),
                })?;
                Ok(Logged { seq: number as u64, ..logged })
            })
            .collect()
    }

    fn questions(&self, is_open: bool, limit: usize) -> Result<Vec<Asked>, WorkError> {
        let order = if is_open { "" } else { "DESC" };
        let sql =
            format!("SELECT body, revision FROM questions WHERE is_open = ? ORDER BY number {order} LIMIT ?");
        self.all(&sql, params![is_open, limit as i64])
    }

    fn question(&self, number: u64) -> Result<Asked, WorkError> {
        let sql = "SELECT body, revision FROM questions WHERE number = ?";
        self.one(format!("question {number}"), sql, [number as i64])
    }

    fn rules(&self) -> Result<Vec<Rule>, WorkError> {
        self.all("SELECT body, revision FROM rules ORDER BY id", [])
    }

    fn audit(&self, before: u64, limit: usize) -> Result<Vec<Audited>, WorkError> {
        let connection = self.lock();
        let sql = "SELECT number, body FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?";
        let read = |row: &Row<'_>| -> rusqlite::Result<Audited> {
            let (number, body): (i64, String) = (row.get(0)?, row.get(1)?);
            let audited: Audited = parsed(&body)?;
            Ok(Audited { number: number as u64, ..audited })
        };
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let ask = || -> rusqlite::Result<Vec<Audited>> {
            connection.prepare_cached(sql)?.query_map(params![before, limit as i64], read)?.collect()
        };
        ask().map_err(internal("marline.db could not be read"))
    }

    fn commit(&self, changes: &[Change]) -> Result<(), WorkError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let fail = internal("marline.db could not be written");
        let made = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        changes.iter().try_for_each(|change| write(&made, change))?;
        made.commit().map_err(&fail)
    }

    fn begin_command(&self, key: &str, at: Timestamp) -> Result<Option<CommandEnd>, WorkError> {
        let connection = self.lock();
        let note = || -> rusqlite::Result<Option<CommandEnd>> {
            let old = at.as_millis() - COMMANDS_LAST;
            connection.execute("DELETE FROM commands WHERE at < ?", [old])?;
            let sql = "INSERT INTO commands (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING";
            if connection.execute(sql, params![key, at.as_millis()])? == 1 {
                return Ok(None);
            }
            let sql = "SELECT outcome FROM commands WHERE key = ?";
            let outcome: Option<String> = connection.query_row(sql, [key], |row| row.get(0))?;
            Ok(Some(outcome.map_or(CommandEnd::Unknown, CommandEnd::Known)))
        };
        note().map_err(internal("marline.db could not be written"))
    }

    fn end_command(&self, key: &str, outcome: &str) -> Result<(), WorkError> {
        let sql = "UPDATE commands SET outcome = ? WHERE key = ?";
        let written = self.lock().execute(sql, [outcome, key]);
        written.map(drop).map_err(internal("marline.db could not be written"))
    }

    fn version(&self) -> Result<u64, WorkError> {
        let connection = self.lock();
        let ask = || connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        ask().map(|version| version as u64).map_err(internal("marline.db could not be read"))
    }
}

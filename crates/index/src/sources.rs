//! What was found where, and what is wrong with it.

use std::collections::{BTreeMap, HashSet};

use marline_agents::{Env, FileRole, registry};
use marline_model::{Source, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Index, IndexError};

/// What one agent's files came to.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    /// The agent's word.
    pub source: String,
    /// Its name.
    pub name: String,
    /// The roots that exist.
    pub roots: Vec<String>,
    /// Sessions, sub-agents apart.
    pub sessions: u64,
    /// Sub-agents' sessions.
    pub subagents: u64,
    /// Files that are there.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The agent's versions seen.
    pub versions: Vec<String>,
    /// The first activity.
    pub first_at: Option<Timestamp>,
    /// The last activity.
    pub last_at: Option<Timestamp>,
    /// Records that could not be read, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// A file that holds such a record, by reason.
    pub skipped_in: BTreeMap<String, String>,
    /// Files that were read and hold no session, by reason.
    pub without_session: BTreeMap<String, u64>,
    /// Records of kinds that are not known, by kind.
    pub unknown: BTreeMap<String, u64>,
    /// Places that could not be read.
    pub problems: Vec<String>,
}

/// Something that is wrong or about to be, and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What, in a sentence.
    pub problem: String,
    /// What to do about it.
    pub cure: String,
}

/// How long an agent keeps sessions, and what it is about to delete.
#[derive(Debug)]
pub struct Retention {
    /// The agent.
    pub source: Source,
    /// Its name.
    pub name: &'static str,
    /// Days after which it deletes them.
    pub days: u64,
    /// Sessions that will be gone within seven days.
    pub sessions: u64,
}

const DAY_MS: i64 = 86_400_000;
/// How long before a deletion it is told.
const NOTICE_DAYS: i64 = 7;

impl Index {
    /// Tells, for each agent, what was found.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn sources(&self, env: &Env) -> Result<Vec<SourceReport>, IndexError> {
        let mut out = Vec::new();
        for agent in registry::all() {
            let found = agent.discover(env);
            let mut report = SourceReport {
                source: agent.source().to_string(),
                name: agent.name().to_owned(),
                roots: found.roots.iter().map(|root| root.display().to_string()).collect(),
                ..SourceReport::default()
            };
            report.problems =
                found.problems.iter().map(|(path, error)| format!("{}: {error}", path.display())).collect();
            let is_for_sessions =
                |role: &FileRole| matches!(role, FileRole::Session | FileRole::Subagent { .. });
            let files = found.files.iter().filter(|file| is_for_sessions(&file.role));
            let files = files.map(|file| file.path.to_string_lossy().into_owned()).collect();
            self.sum_up(agent.source(), &files, &mut report)?;
            out.push(report);
        }
        Ok(out)
    }

    /// Adds what the catalogue has of an agent; `files` are those that are there to hold a session.
    fn sum_up(
        &self,
        source: Source,
        files: &HashSet<String>,
        report: &mut SourceReport,
    ) -> Result<(), IndexError> {
        let source = source.as_str();
        let connection = &self.connection;
        let sql = "SELECT COALESCE(SUM(kind = 'main'), 0), COALESCE(SUM(kind <> 'main'), 0), MIN(started_at), MAX(updated_at)
                   FROM sessions WHERE source = ?1 AND listed = 1";
        let time = |at: Option<i64>| at.map(Timestamp::from_millis);
        connection.query_row(sql, [source], |row| {
            (report.sessions, report.subagents) =
                (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
            (report.first_at, report.last_at) = (time(row.get(2)?), time(row.get(3)?));
            Ok(())
        })?;
        let sql = "SELECT DISTINCT agent_version FROM sessions WHERE source = ?1 AND agent_version IS NOT NULL ORDER BY 1";
        let mut statement = connection.prepare(sql)?;
        report.versions = statement.query_map([source], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut statement = connection.prepare(
            "SELECT path, size, skipped, unknown, problem,
                copy_of IS NULL AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.file = f.number AND s.listed = 1),
                EXISTS (SELECT 1 FROM sessions s WHERE s.file = f.number AND s.warm_up = 1)
             FROM files f WHERE source = ?1 AND missing = 0",
        )?;
        let mut rows = statement.query([source])?;
        while let Some(row) = rows.next()? {
            let (path, size): (String, i64) = (row.get(0)?, row.get(1)?);
            report.files += 1;
            report.bytes += size.max(0) as u64;
            for (column, sums) in [(2, &mut report.skipped), (3, &mut report.unknown)] {
                let text: String = row.get(column)?;
                let counts: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
                for (reason, count) in counts {
                    if column == 2 {
                        report.skipped_in.entry(reason.clone()).or_insert_with(|| path.clone());
                    }
                    *sums.entry(reason).or_default() += count;
                }
            }
            if let Some(problem) = row.get::<_, Option<String>>(4)? {
                report.problems.push(format!("{path}: {problem}"));
            } else if let (true, Some(reason)) = (row.get(5)?, without_session(size, row.get(6)?))
                && files.contains(&path)
            {
                *report.without_session.entry(reason.to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Tells which agents delete sessions, and how many they are about to.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn retention(&self, env: &Env, now: Timestamp) -> Result<Vec<Retention>, IndexError> {
        let mut out = Vec::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT COUNT(*) FROM sessions WHERE source = ?1 AND listed = 1 AND missing = 0 AND kind = 'main'
             AND updated_at < ?2",
        )?;
        for agent in registry::all() {
            let Some(days) = agent.retention_days(env) else { continue };
            let before = now.as_millis().saturating_sub((days as i64 - NOTICE_DAYS).saturating_mul(DAY_MS));
            let count: i64 =
                statement.query_row(rusqlite::params![agent.source().as_str(), before], |row| row.get(0))?;
            let sessions = count as u64;
            out.push(Retention { source: agent.source(), name: agent.name(), days, sessions });
        }
        Ok(out)
    }
}

/// Why a file holds no session; `None`: it was not read to its end yet.
fn without_session(size: i64, is_warm_up: bool) -> Option<&'static str> {
    match size {
        ..0 => None,
        0 => Some("empty"),
        _ if is_warm_up => Some("a warm-up alone"),
        _ => Some("no conversation in it"),
    }
}

/// "1 record", "2 records".
fn records(count: u64) -> String {
    format!("{count} record{}", if count == 1 { "" } else { "s" })
}

/// Looks for everything that is wrong or about to be.
///
/// # Errors
/// [`IndexError::Sqlite`].
pub fn findings(index: &Index, env: &Env, now: Timestamp) -> Result<Vec<Finding>, IndexError> {
    let mut out = Vec::new();
    for report in index.sources(env)? {
        for problem in &report.problems {
            out.push(Finding {
                problem: format!("{}: {problem}", report.name),
                cure: "Make it readable for this user, or remove it; the rest of the agent's sessions is not affected.".into(),
            });
        }
        for (reason, count) in &report.skipped {
            let example = report.skipped_in.get(reason).map(|path| format!(", as in {path}"));
            let example = example.unwrap_or_default();
            out.push(Finding {
                problem: format!(
                    "{}: {} could not be read ({reason}){example}.",
                    report.name,
                    records(*count)
                ),
                cure: "Nothing needs to be done: a crash leaves such records, and everything around them is kept.".into(),
            });
        }
        for (kind, count) in &report.unknown {
            out.push(Finding {
                problem: format!("{}: {} of an unknown kind, {kind}.", report.name, records(*count)),
                cure: "They are kept and shown raw; a newer Marline may know them.".into(),
            });
        }
    }
    for risk in index.retention(env, now)?.iter().filter(|risk| risk.sessions > 0) {
        out.push(Finding {
            problem: format!(
                "{} deletes sessions after {} days: {} will be gone within {NOTICE_DAYS} days.",
                risk.name, risk.days, risk.sessions
            ),
            cure: "Raise cleanupPeriodDays in Claude's settings.json; Marline keeps prompts and answers in any case.".into(),
        });
    }
    if !index.is_complete()? {
        out.push(Finding {
            problem: "The search index is not complete.".into(),
            cure: "Run `marline index`.".into(),
        });
    }
    Ok(out)
}

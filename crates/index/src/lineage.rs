//! What can be said of a session only when others are known: its origin, what it shares with it, which of
//! two copies of a request is the one that counts, and the sums that follow.

use std::collections::{BTreeSet, HashSet};

use marline_model::Usage;
use rusqlite::{Connection, OptionalExtension, params};

use crate::part::{CONTINUES, INHERITED};
use crate::price::cost_micro_usd;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Makes lineage and sums of the changed sessions anew, and of those that depend on them. Returns all of these.
pub fn settle(connection: &Connection, changed: &BTreeSet<i64>) -> rusqlite::Result<BTreeSet<i64>> {
    let all = with_family(connection, changed)?;
    let mut ordered = Vec::new();
    for session in &all {
        let started: Option<i64> = connection
            .prepare_cached("SELECT started_at FROM sessions WHERE number = ?1")?
            .query_row([session], |row| row.get(0))
            .optional()?
            .flatten();
        ordered.push((started, *session));
    }
    // Origins come before their forks, so that a fork of a fork finds its origin settled.
    ordered.sort_unstable();
    for (_, session) in &ordered {
        find_nested_parent(connection, *session)?;
        take_from_parent(connection, *session)?;
        share(connection, *session)?;
        give_back_children(connection, *session)?;
    }
    for (_, session) in &ordered {
        own_what_is_not_inherited(connection, *session)?;
    }
    for (_, session) in &ordered {
        own_once(connection, *session)?;
    }
    for (_, session) in &ordered {
        sum_usage(connection, *session)?;
        list(connection, *session)?;
    }
    Ok(all)
}

/// Adds the sessions that share their first item, or are forked from a changed one.
fn with_family(connection: &Connection, changed: &BTreeSet<i64>) -> rusqlite::Result<BTreeSet<i64>> {
    let mut all = changed.clone();
    let mut todo: Vec<i64> = changed.iter().copied().collect();
    let mut related = connection.prepare(
        "SELECT o.number FROM sessions s JOIN sessions o ON o.first_key = s.first_key AND o.source = 'claude'
             WHERE s.number = ?1 AND s.source = 'claude'
         UNION SELECT o.number FROM sessions s JOIN sessions o ON o.first_key = s.first_key
             WHERE s.number = ?1 AND s.source = 'opencode' AND o.source = 'opencode'
             AND (s.generated_title LIKE '%(fork #%' OR o.generated_title LIKE '%(fork #%')
         UNION SELECT o.number FROM sessions s JOIN sessions o ON o.forked_from_id = s.id WHERE s.number = ?1
         UNION SELECT o.number FROM sessions s JOIN sessions o ON o.parent_id = s.id WHERE s.number = ?1",
    )?;
    // `forked_from_id` has no index of its own: forks are few, and this runs for changed sessions only.
    let forks: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE forked_from_id IS NOT NULL)",
        [],
        |row| row.get(0),
    )?;
    let many = changed.len() > 200;
    if many {
        // After a large scan everything that could be related was changed, or is found the other way round.
        let mut statement = connection.prepare(&format!(
            "SELECT number FROM sessions s WHERE forked_from_id IS NOT NULL OR parent_id IS NOT NULL
             OR first_key IN (SELECT first_key FROM sessions WHERE first_key IS NOT NULL
                              GROUP BY first_key HAVING COUNT(*) > 1)
             OR (source = 'claude' AND kind = 'main' AND {BEGINS_COMPACTED})",
        ))?;
        for number in statement.query_map([], |row| row.get(0))? {
            all.insert(number?);
        }
        return Ok(all);
    }
    let mut only_copies = connection.prepare(
        "SELECT o.number FROM sessions s JOIN sessions o ON o.first_key = s.first_key AND o.source = s.source
             WHERE s.number = ?1 AND s.source IN ('claude', 'opencode')
         UNION SELECT o.number FROM sessions s JOIN sessions o ON o.parent_id = s.id WHERE s.number = ?1",
    )?;
    while let Some(session) = todo.pop() {
        let statement = if forks { &mut related } else { &mut only_copies };
        let found: Vec<i64> = statement.query_map([session], |row| row.get(0))?.collect::<Result<_, _>>()?;
        todo.extend(found.into_iter().filter(|number| all.insert(*number)));
    }
    Ok(all)
}

/// With nested sub-agents the place of a file names the outermost session; the call tells the parent.
fn find_nested_parent(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    let known: Option<(String, i64)> = connection
        .prepare_cached(
            "SELECT parent_id, parent_call FROM sessions
             WHERE number = ?1 AND parent_id IS NOT NULL AND parent_call IS NOT NULL",
        )?
        .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((parent, call)) = known else { return Ok(()) };
    let caller: Option<String> = connection
        .prepare_cached(
            "SELECT s.id FROM sessions s JOIN items i ON i.session = s.number AND i.key = ?2 AND i.kind = 3
             WHERE (s.id = ?1 OR s.parent_id = ?1) AND s.number <> ?3 LIMIT 1",
        )?
        .query_row(params![parent, call, session], |row| row.get(0))
        .optional()?;
    if let Some(caller) = caller.filter(|caller| *caller != parent) {
        connection
            .execute("UPDATE sessions SET parent_id = ?2 WHERE number = ?1", params![session, caller])?;
    }
    Ok(())
}

/// A side conversation inside its parent's file says little of itself.
fn take_from_parent(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions SET (cwd, project, git_branch, agent_version, model, provider) =
                (SELECT p.cwd, p.project, p.git_branch, p.agent_version, p.model, p.provider
                 FROM sessions p WHERE p.id = sessions.parent_id)
             WHERE number = ?1 AND kind = 'subagent' AND cwd IS NULL AND parent_id IN (SELECT id FROM sessions)",
        )?
        .execute([session])?;
    Ok(())
}

struct Row {
    id: String,
    source: String,
    kind: String,
    parent: Option<String>,
    origin: Option<String>,
    shared_bytes: Option<i64>,
    first_key: Option<i64>,
    title: Option<String>,
}

/// Finds what a session shares with its origin.
fn share(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    let row = connection
        .prepare_cached(
            "SELECT id, source, kind, parent_id, forked_from_id, shared_bytes, first_key, generated_title
             FROM sessions WHERE number = ?1",
        )?
        .query_row([session], |row| {
            Ok(Row {
                id: row.get(0)?,
                source: row.get(1)?,
                kind: row.get(2)?,
                parent: row.get(3)?,
                origin: row.get(4)?,
                shared_bytes: row.get(5)?,
                first_key: row.get(6)?,
                title: row.get(7)?,
            })
        })
        .optional()?;
    let Some(row) = row else { return Ok(()) };
    let is_handed_over =
        |origin: &String| origin.split_once(':').is_some_and(|(source, _)| source != row.source);
    match (&row.origin, row.shared_bytes) {
        // Its reader says what came from another agent.
        (Some(origin), _) if is_handed_over(origin) => return mark_inherited(connection, session, 0),
        (Some(origin), Some(bytes)) => return share_by_reference(connection, session, origin, bytes),
        (Some(named), None) if row.source != "claude" => {
            if let Some(origin) = number_of(connection, named)? {
                let run = shared_run(connection, session, origin)?.0;
                return mark_inherited(connection, session, run);
            }
        }
        _ => {}
    }
    if row.source == "codex" {
        if let Some(parent) =
            row.parent.as_deref().map(|parent| number_of(connection, parent)).transpose()?.flatten()
        {
            let run = shared_run(connection, session, parent)?.0;
            return mark_inherited(connection, session, run);
        }
        return Ok(());
    }
    let is_fork = match row.source.as_str() {
        "claude" => row.kind == "main",
        // OpenCode copies under new ids and says so in the title alone.
        "opencode" => row.title.as_deref().is_some_and(|title| title.contains("(fork #")),
        _ => false,
    };
    if let (true, Some(first_key)) = (is_fork, row.first_key) {
        share_by_copy(connection, session, &row, first_key)?;
    }
    Ok(())
}

fn number_of(connection: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM sessions WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// Copy-on-write: everything of the origin up to a byte offset, and what the origin itself inherits.
fn share_by_reference(
    connection: &Connection,
    session: i64,
    origin: &str,
    bytes: i64,
) -> rusqlite::Result<()> {
    let Some(origin) = number_of(connection, origin)? else { return Ok(()) };
    connection
        .prepare_cached(
            "UPDATE sessions SET (inherited_prompts, inherited_answers, inherited_tool_calls) =
                (SELECT o.inherited_prompts + COALESCE(SUM(i.kind = 0), 0),
                        o.inherited_answers + COALESCE(SUM(i.kind = 1 AND i.flags & ?4 = 0), 0),
                        o.inherited_tool_calls + COALESCE(SUM(i.kind = 3), 0)
                 FROM sessions o LEFT JOIN items i
                    ON i.session = o.number AND i.offset < ?3 AND i.flags & ?5 = 0
                 WHERE o.number = ?2)
             WHERE number = ?1",
        )?
        .execute(params![session, origin, bytes, CONTINUES, INHERITED])?;
    Ok(())
}

/// Returns the seq of the first thing said in a session that does not stand in another one too, and its time.
fn shared_run(connection: &Connection, session: i64, other: i64) -> rusqlite::Result<(i64, Option<i64>)> {
    let mut keys = connection.prepare_cached(
        "SELECT key, at, seq FROM items WHERE session = ?1 AND kind IN (0, 1, 3) ORDER BY seq",
    )?;
    let theirs: HashSet<i64> = keys.query_map([other], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut end = 0;
    let mut rows = keys.query([session])?;
    while let Some(row) = rows.next()? {
        if !theirs.contains(&row.get(0)?) {
            return Ok((if end == 0 { 0 } else { row.get(2)? }, row.get(1)?));
        }
        end = row.get::<_, i64>(2)? + 1;
    }
    Ok((end, None))
}

/// Side conversations that stand inside the files of a fork and of its origin are the origin's, if they began before
/// anything that is the fork's own.
fn give_back_children(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions SET parent_id = fork.forked_from_id FROM sessions fork
             WHERE fork.number = ?1 AND fork.forked_from_id IS NOT NULL
                AND sessions.parent_id = fork.id AND sessions.file = fork.file AND sessions.kind = 'subagent'
                AND sessions.started_at < COALESCE(
                    (SELECT MIN(at) FROM items WHERE session = ?1 AND flags & ?2 = 0 AND kind IN (0, 1, 3)),
                    sessions.started_at + 1)",
        )?
        .execute(params![session, INHERITED])?;
    Ok(())
}

/// A session that another one may go on from: its number, its id, its own origin.
type Other = (i64, String, Option<String>, Option<String>);

/// The sessions of the same place in which the first thing said in one stands somewhere.
///
/// A fork of a session that was compacted begins with the compaction: the origin's own beginning is not repeated.
fn origins_before_compaction(
    connection: &Connection,
    session: i64,
    first_key: i64,
) -> rusqlite::Result<Vec<Other>> {
    let begins_compacted: bool = connection
        .prepare_cached(&format!("SELECT {BEGINS_COMPACTED} FROM sessions s WHERE s.number = ?1"))?
        .query_row([session], |row| row.get(0))?;
    if !begins_compacted {
        return Ok(Vec::new());
    }
    connection
        .prepare_cached(
            "SELECT o.number, o.id, o.forked_from_id, o.generated_title FROM sessions s JOIN sessions o
                ON o.source = s.source AND o.kind = 'main' AND o.cwd = s.cwd AND o.number <> s.number
             WHERE s.number = ?1 AND o.first_key IS NOT ?2
                AND EXISTS (SELECT 1 FROM items i WHERE i.session = o.number AND i.key = ?2 AND i.kind IN (0, 1, 3))
             ORDER BY o.number",
        )?
        .query_map([session, first_key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect()
}

/// Whether the session `s` has a compaction before anything is said.
const BEGINS_COMPACTED: &str = "EXISTS (SELECT 1 FROM items c WHERE c.session = s.number AND c.kind = 5 AND c.seq < \
    (SELECT i.seq FROM items i WHERE i.session = s.number AND i.kind IN (0, 1, 3) ORDER BY i.seq LIMIT 1))";

/// Whether a title is that of a fork of the other one's session, as OpenCode writes it: `A title (fork #2)`.
fn is_fork_of(fork: &Option<String>, origin: &Option<String>) -> bool {
    let parts = |title: &str| -> Option<(String, u32)> {
        let (title, number) = title.rsplit_once(" (fork #")?;
        Some((title.to_owned(), number.strip_suffix(')')?.parse().ok()?))
    };
    let (Some(fork), Some(origin)) = (fork, origin) else { return false };
    let (title, number) = parts(origin).unwrap_or((origin.clone(), 0));
    parts(fork).is_some_and(|(forked, later)| forked == title && later > number)
}

/// Among sessions that begin alike, the origin is the one that went its own way first.
fn share_by_copy(connection: &Connection, session: i64, row: &Row, first_key: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT number, id, forked_from_id, generated_title FROM sessions
         WHERE first_key = ?1 AND source = ?2 AND kind = 'main' AND number <> ?3 ORDER BY number",
    )?;
    let mut others: Vec<Other> = statement
        .query_map(params![first_key, row.source, session], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    if row.source == "claude" {
        others.extend(origins_before_compaction(connection, session, first_key)?);
    }
    let mut best: Option<(i64, String)> = None;
    for (other, id, its_origin, title) in others {
        let (run, own_at) = shared_run(connection, session, other)?;
        let (_, their_at) = shared_run(connection, other, session)?;
        let is_named = row.origin.as_ref() == Some(&id) || is_fork_of(&row.title, &title);
        let names_us = its_origin.as_deref() == Some(row.id.as_str()) || is_fork_of(&title, &row.title);
        // A session that never left the shared history is its origin, unless its records name another one; of two
        // twins, the one with the first id.
        let other_is_older = match (own_at, their_at) {
            (Some(own), Some(their)) => (their, &id) < (own, &row.id),
            (Some(_), None) => !names_us,
            (None, Some(_)) => is_named,
            (None, None) => is_named || (!names_us && id < row.id),
        };
        if other_is_older && run > 0 && best.as_ref().is_none_or(|(longest, _)| run > *longest) {
            best = Some((run, id));
        }
    }
    let run = best.as_ref().map_or(0, |(run, _)| *run);
    mark_inherited(connection, session, run)?;
    connection
        .prepare_cached("UPDATE sessions SET forked_from_id = ?2 WHERE number = ?1")?
        .execute(params![session, best.map(|(_, id)| id)])?;
    Ok(())
}

/// Marks a session's leading items as its origin's and counts again.
fn mark_inherited(connection: &Connection, session: i64, run: i64) -> rusqlite::Result<()> {
    let marked: i64 = connection
        .prepare_cached("SELECT COUNT(*) FROM items WHERE session = ?1 AND seq < ?2 AND flags & ?3 <> 0")?
        .query_row(params![session, run, INHERITED], |row| row.get(0))?;
    if marked < run {
        connection
            .prepare_cached("UPDATE items SET flags = flags | ?3 WHERE session = ?1 AND seq < ?2")?
            .execute(params![session, run, INHERITED])?;
    }
    connection
        .prepare_cached(
            "UPDATE sessions SET (prompts, answers, tool_calls, errors, inherited_prompts, inherited_answers,
                inherited_tool_calls) =
                (SELECT COALESCE(SUM(own AND kind = 0), 0), COALESCE(SUM(own AND kind = 1 AND first), 0),
                        COALESCE(SUM(own AND kind = 3), 0), COALESCE(SUM(own AND kind = 8), 0),
                        COALESCE(SUM(NOT own AND kind = 0), 0), COALESCE(SUM(NOT own AND kind = 1 AND first), 0),
                        COALESCE(SUM(NOT own AND kind = 3), 0)
                 FROM (SELECT kind, flags & ?2 = 0 AS own, flags & ?3 = 0 AS first FROM items WHERE session = ?1))
             WHERE number = ?1",
        )?
        .execute(params![session, INHERITED, CONTINUES])?;
    Ok(())
}

/// What a session inherits is its origin's usage.
fn own_what_is_not_inherited(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    let inherited: i64 = connection
        .prepare_cached("SELECT COUNT(*) FROM items WHERE session = ?1 AND flags & ?2 <> 0")?
        .query_row(params![session, INHERITED], |row| row.get(0))?;
    connection
        .prepare_cached("UPDATE usage SET owned = NOT (seq <= ?2 AND ?2 > 0) WHERE session = ?1")?
        .execute([session, inherited])?;
    Ok(())
}

/// A request that still stands in several sessions belongs to the one that began first.
fn own_once(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE usage SET owned = 0 WHERE session = ?1 AND owned = 1 AND EXISTS (
                SELECT 1 FROM usage o JOIN sessions os ON os.number = o.session
                    JOIN sessions s ON s.number = usage.session
                WHERE o.key = usage.key AND o.session <> usage.session AND o.owned = 1
                  AND (os.started_at, os.id) < (s.started_at, s.id))",
        )?
        .execute([session])?;
    Ok(())
}

/// Sums up a session's usage by day and model, and prices it.
fn sum_usage(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM usage_days WHERE session = ?1")?.execute([session])?;
    connection
        .prepare_cached(
            "INSERT INTO usage_days
             SELECT u.session, COALESCE(u.at, s.started_at, 0) / ?2, COALESCE(u.model, 0), COUNT(*), SUM(u.input),
                SUM(u.cached), SUM(u.written), SUM(u.written_1h), SUM(u.output), SUM(u.reasoning)
             FROM usage u JOIN sessions s ON s.number = u.session
             WHERE u.session = ?1 AND u.owned GROUP BY 2, 3",
        )?
        .execute([session, DAY_MS])?;
    let mut statement = connection.prepare_cached(
        "SELECT COALESCE(n.name, ''), SUM(input), SUM(cached), SUM(written), SUM(written_1h), SUM(output),
            SUM(reasoning)
         FROM usage_days d LEFT JOIN names n ON n.number = d.model WHERE d.session = ?1 GROUP BY d.model",
    )?;
    let mut rows = statement.query([session])?;
    let (mut sum, mut cost) = (Usage::default(), 0);
    while let Some(row) = rows.next()? {
        let model: String = row.get(0)?;
        let usage = usage_at(row, 1)?;
        cost += cost_micro_usd(&model, &usage).unwrap_or(0);
        sum += usage;
    }
    connection
        .prepare_cached(
            "UPDATE sessions SET input_tokens = ?2, cached_input_tokens = ?3, cache_write_tokens = ?4,
                cache_write_1h_tokens = ?5, output_tokens = ?6, reasoning_tokens = ?7, cost_micro_usd = ?8
             WHERE number = ?1",
        )?
        .execute(params![
            session,
            sum.input_tokens as i64,
            sum.cached_input_tokens as i64,
            sum.cache_write_tokens as i64,
            sum.cache_write_1h_tokens as i64,
            sum.output_tokens as i64,
            sum.reasoning_tokens as i64,
            cost as i64,
        ])?;
    Ok(())
}

/// Reads six columns in the order of the table `usage_days`.
pub fn usage_at(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Usage> {
    let count = |n: usize| row.get::<_, i64>(first + n).map(|count| count as u64);
    Ok(Usage {
        input_tokens: count(0)?,
        cached_input_tokens: count(1)?,
        cache_write_tokens: count(2)?,
        cache_write_1h_tokens: count(3)?,
        output_tokens: count(4)?,
        reasoning_tokens: count(5)?,
    })
}

/// A session is listed when something was said or done in it, or when it was begun at least: it has a place and
/// a context. Warm-up runs, empty and summary-only files are none.
fn list(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions SET listed = warm_up = 0
                AND NOT (missing = 1 AND prompts + answers + tool_calls = 0) AND (prompts + answers + tool_calls + errors
                + inherited_prompts + inherited_answers + inherited_tool_calls > 0
                OR (items > 0 AND cwd IS NOT NULL AND kind = 'main')),
                updated_at = COALESCE(updated_at, (SELECT mtime_ns / 1000000 FROM files f WHERE f.number = file))
             WHERE number = ?1",
        )?
        .execute([session])?;
    Ok(())
}

//! Writing parts into the catalogue and messages into the search index, in one transaction.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use marline_agents::agent::Stat;
use marline_agents::{FileAct, FileRole, SessionFile, Shape};
use marline_model::{ItemKind, SessionId, ToolStatus};
use marline_text::Doc;
use rusqlite::{Connection, OptionalExtension, params};

use crate::IndexError;
use crate::changes::stamp;
use crate::files::HeaderAgain;
use crate::part::{EndRow, Facts, FileState, ItemRow, Part, Row};
use crate::pending::{Piece, pack};
use crate::text_index::TextWriter;

/// What a finished reading of (a piece of) a file leaves behind.
#[derive(Debug, Clone)]
pub struct FileEnd {
    /// Just past the last complete record.
    pub read_to: u64,
    /// What to go on with.
    pub state: FileState,
    /// Hash and length of the first bytes.
    pub head: i64,
    /// The stat under which it was read; a part in the middle of a file bears none, so that it is read on.
    pub is_whole: bool,
}

/// A session's number, its file, and that file's path, size and shape, if it is there.
type Claimed = (i64, Option<i64>, Option<String>, Option<i64>, Option<i64>);

/// The one writer.
pub struct Writer<'a> {
    pub connection: &'a Connection,
    /// The search index.
    pub text: TextWriter,
    names: HashMap<String, i64>,
    next_session: i64,
    /// Sessions whose lineage and sums are to be made anew.
    pub changed: BTreeSet<i64>,
    /// Sessions that the next commit changes for readers.
    pub unstamped: BTreeSet<i64>,
}

impl<'a> Writer<'a> {
    /// Begins a transaction.
    pub fn begin(connection: &'a Connection, search_dir: &Path) -> Result<Self, IndexError> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let next_session: i64 =
            connection
                .query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM sessions", [], |row| row.get(0))?;
        let mut names = connection.prepare("SELECT name, number FROM names")?;
        let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let text = TextWriter::begin(connection, search_dir)?;
        Ok(Writer {
            connection,
            text,
            names,
            next_session,
            changed: BTreeSet::new(),
            unstamped: BTreeSet::new(),
        })
    }

    /// Adds a text to the search index.
    pub fn add_text(&mut self, doc: Doc, text: &str) -> Result<(), IndexError> {
        if text.is_empty() { Ok(()) } else { self.text.add(self.connection, doc, text) }
    }

    /// Commits and begins the next batch.
    pub fn commit(&mut self) -> Result<(), IndexError> {
        self.text.prepare_commit(self.connection)?;
        stamp(self.connection, &std::mem::take(&mut self.unstamped))?;
        Ok(self.connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?)
    }

    /// Commits for good.
    pub fn finish(mut self) -> Result<(), IndexError> {
        self.commit()?;
        self.text.merge(self.connection)?;
        self.text.prepare_commit(self.connection)?;
        self.connection.execute_batch("COMMIT")?;
        self.text.remove_merged(self.connection)
    }

    /// Notes that a session is not what it was.
    pub fn note_change(&mut self, session: i64) {
        self.changed.insert(session);
        self.unstamped.insert(session);
    }

    pub fn name(&mut self, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let number: i64 = self
            .connection
            .prepare_cached("INSERT INTO names (name) VALUES (?1) RETURNING number")?
            .query_row([name], |row| row.get(0))?;
        self.names.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Enters a file, or finds it.
    pub fn file_number(&mut self, file: &SessionFile) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached(
                "INSERT INTO files (path, source, shape, size, mtime_ns, inode, head, read_to, state)
                 VALUES (?1, ?2, ?3, -1, 0, 0, 0, 0, '')
                 ON CONFLICT (path) DO UPDATE SET missing = 0 RETURNING number",
            )?
            .query_row(params![file.path.to_string_lossy(), file.source.as_str(), file.shape as i64], |row| {
                row.get(0)
            })
    }

    /// Notes how far a file was read.
    pub fn file_end(&mut self, number: i64, file: &SessionFile, end: &FileEnd) -> Result<(), IndexError> {
        let size = if end.is_whole { file.stat.size as i64 } else { -1 };
        let state = serde_json::to_string(&end.state).unwrap_or_default();
        self.connection
            .prepare_cached(
                "UPDATE files SET size = ?2, mtime_ns = ?3, inode = ?4, head = ?5, read_to = ?6, state = ?7,
                 ctime_ns = ?8, problem = NULL WHERE number = ?1",
            )?
            .execute(params![
                number,
                size,
                file.stat.mtime_ns,
                file.stat.inode as i64,
                end.head,
                end.read_to as i64,
                state,
                file.stat.ctime_ns
            ])?;
        Ok(())
    }

    /// Notes that a file's first record says another provider now, or that it was looked at at least.
    pub fn header_again(&mut self, number: i64, stat: Stat, header: &HeaderAgain) -> Result<(), IndexError> {
        self.connection
            .prepare_cached("UPDATE files SET ctime_ns = ?2, head = ?3 WHERE number = ?1")?
            .execute(params![number, stat.ctime_ns, header.head])?;
        let Some(provider) = &header.provider else { return Ok(()) };
        let mut statement = self.connection.prepare_cached(
            "UPDATE sessions SET provider = ?2 WHERE file = ?1 AND provider IS NOT ?2 RETURNING number",
        )?;
        for session in statement.query_map(params![number, provider], |row| row.get(0))? {
            self.unstamped.insert(session?);
        }
        Ok(())
    }

    /// Notes that a file could not be read; what was read before stays.
    pub fn file_problem(&mut self, number: i64, file: &SessionFile, problem: &str) -> Result<(), IndexError> {
        let sql = "UPDATE files SET size = ?2, mtime_ns = ?3, inode = ?4, problem = ?5 WHERE number = ?1";
        let stat = file.stat;
        self.connection.prepare_cached(sql)?.execute(params![
            number,
            stat.size as i64,
            stat.mtime_ns,
            stat.inode as i64,
            problem
        ])?;
        Ok(())
    }

    /// Forgets what a file gave, before it is read anew.
    pub fn clear_file(&mut self, number: i64) -> Result<(), IndexError> {
        let mut sessions = self.connection.prepare_cached("SELECT number FROM sessions WHERE file = ?1")?;
        let sessions: Vec<i64> = sessions.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for session in sessions {
            self.clear_session(session)?;
        }
        self.connection.execute("DELETE FROM pending WHERE file = ?1", [number])?;
        let sql =
            "UPDATE files SET records = 0, skipped = '{}', unknown = '{}', copy_of = NULL WHERE number = ?1";
        self.connection.execute(sql, [number])?;
        Ok(())
    }

    /// Forgets a session's items; its row stays.
    pub fn clear_session(&mut self, session: i64) -> Result<(), IndexError> {
        for sql in [
            "DELETE FROM items WHERE session = ?1",
            "DELETE FROM messages WHERE place >= ?1 << 32 AND place < (?1 + 1) << 32",
            "DELETE FROM usage WHERE session = ?1",
            "DELETE FROM touched WHERE session = ?1",
            "UPDATE sessions SET items = 0, prompts = 0, answers = 0, tool_calls = 0, errors = 0,
                 inherited_prompts = 0, inherited_answers = 0, inherited_tool_calls = 0, first_key = NULL,
                 given_title = NULL, generated_title = NULL, first_prompt = NULL, started_at = NULL,
                 updated_at = NULL, parent_id = NULL, parent_call = NULL, forked_from_id = NULL,
                 shared_bytes = NULL, warm_up = 0, skipped = 0, cwd = NULL, project = NULL, git_branch = NULL,
                 git_commit = NULL, git_remote = NULL, model = NULL, provider = NULL, agent_version = NULL,
                 kind = 'main', rewritten = (SELECT value + 1 FROM meta WHERE name = 'revision')
             WHERE number = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([session])?;
        }
        self.note_change(session);
        self.text.delete_session(self.connection, session as u32)
    }

    /// Forgets a session that was deleted for good, with what was still to be read of it.
    pub fn purge_session(&mut self, session: i64) -> Result<(), IndexError> {
        self.clear_session(session)?;
        let connection = self.connection;
        connection.execute("UPDATE sessions SET missing = 1 WHERE number = ?1", [session])?;
        let sql =
            "SELECT f.number, f.path FROM files f JOIN sessions s ON s.file = f.number WHERE s.number = ?1";
        let file = connection.query_row(sql, [session], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let file: Option<(i64, String)> = file;
        // A database of many sessions is still there.
        let Some((number, _)) = file.filter(|(_, path)| !Path::new(path).exists()) else { return Ok(()) };
        connection.execute("UPDATE files SET missing = 1 WHERE number = ?1", [number])?;
        connection.execute("DELETE FROM pending WHERE file = ?1", [number])?;
        Ok(())
    }

    /// Finds or makes the row of a session, and settles which of several files with one id is the session.
    ///
    /// `None`: another file is; this one is noted as its copy.
    fn claim(
        &mut self,
        id: &SessionId,
        file: &SessionFile,
        number: i64,
        is_child: bool,
    ) -> Result<Option<i64>, IndexError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT s.number, s.file, f.path, f.size, f.shape FROM sessions s
                 LEFT JOIN files f ON f.number = s.file AND f.missing = 0 AND f.copy_of IS NULL WHERE s.id = ?1",
            )?
            .query_row([id.to_string()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let kind =
            if is_child || matches!(file.role, FileRole::Subagent { .. }) { "subagent" } else { "main" };
        let found: Option<Claimed> = found;
        let session = match found {
            None => {
                let session = self.next_session;
                self.next_session += 1;
                self.connection
                    .prepare_cached(
                        "INSERT INTO sessions (number, id, source, source_session_id, kind, file, archived)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                             ?7 OR EXISTS (SELECT 1 FROM overlay WHERE id = ?2 AND archived))",
                    )?
                    .execute(params![
                        session,
                        id.to_string(),
                        id.source().as_str(),
                        id.raw(),
                        kind,
                        number,
                        file.archived
                    ])?;
                session
            }
            Some((session, Some(owner), ..)) if owner == number => session,
            // A fork repeats its origin's side conversations; whichever file was read first tells of them.
            Some((_, Some(_), Some(_), ..)) if is_child => return Ok(None),
            Some((session, owner, path, size, shape)) => {
                if let (Some(owner), Some(path)) = (owner, path) {
                    // The larger file is the session, a plain one before a compressed one.
                    let plain = |shape: i64| shape != Shape::CompressedLines as i64;
                    // Of two alike, the shorter path: Gemini names a project's folder by its name and by a hash.
                    let here = file.path.to_string_lossy();
                    let ours =
                        (plain(file.shape as i64), file.stat.size as i64, Reverse((here.len(), &*here)));
                    let theirs =
                        (plain(shape.unwrap_or(0)), size.unwrap_or(0), Reverse((path.len(), &*path)));
                    let loser = if ours > theirs { owner } else { number };
                    let sql = "UPDATE files SET copy_of = ?2 WHERE number = ?1";
                    self.connection.execute(sql, params![loser, id.to_string()])?;
                    if loser == number {
                        return Ok(None);
                    }
                }
                self.clear_session(session)?;
                session
            }
        };
        self.connection
            .prepare_cached(
                "UPDATE sessions SET file = ?2, missing = 0, kind = ?4,
                     archived = ?3 OR EXISTS (SELECT 1 FROM overlay o WHERE o.id = sessions.id AND o.archived)
                 WHERE number = ?1 AND (file IS NOT ?2 OR archived <> ?3 OR missing <> 0 OR kind <> ?4)",
            )?
            .execute(params![session, number, file.archived, kind])?;
        self.note_change(session);
        Ok(Some(session))
    }

    /// Writes a part. Returns whether the file is to be read on: a copy of another one is not.
    pub fn part(
        &mut self,
        file: &SessionFile,
        number: i64,
        state: &FileState,
        mut part: Part,
    ) -> Result<bool, IndexError> {
        self.count_records(number, &part)?;
        let raw = state.session.as_deref().or(file.session.as_deref());
        let main = raw.and_then(|raw| SessionId::new(file.source, raw).ok());
        let mut members: Vec<Option<i64>> = Vec::new();
        let holds_session = !matches!(file.role, FileRole::Sidecar);
        if let (Some(main), true) = (&main, holds_session) {
            match self.claim(main, file, number, false)? {
                Some(session) => members.push(Some(session)),
                None => return Ok(false),
            }
            for child in &state.children {
                let id = SessionId::new(file.source, child).ok();
                members.push(match id {
                    Some(id) => self.claim(&id, file, number, true)?,
                    None => None,
                });
            }
        } else if holds_session && part.rows.iter().any(|row| matches!(row, Row::Item(_))) {
            self.file_problem(number, file, "no session id in it")?;
        }
        let mut pieces = Vec::new();
        for row in std::mem::take(&mut part.rows) {
            self.row(file, number, &members, row, &mut pieces)?;
        }
        for (member, facts) in part.facts.iter().enumerate() {
            if let Some(session) = members.get(member).copied().flatten() {
                self.facts(file, session, facts, main.as_ref(), member > 0)?;
            }
        }
        if !pieces.is_empty() {
            let sql = "INSERT INTO pending (file, pieces) VALUES (?1, ?2)";
            self.connection.prepare_cached(sql)?.execute(params![number, pack(&mut pieces)])?;
        }
        Ok(true)
    }

    fn count_records(&mut self, number: i64, part: &Part) -> Result<(), IndexError> {
        self.connection
            .prepare_cached("UPDATE files SET records = records + ?2 WHERE number = ?1")?
            .execute(params![number, part.records as i64])?;
        for (column, counts) in [("skipped", &part.skipped), ("unknown", &part.unknown)] {
            if counts.is_empty() {
                continue;
            }
            let sql = format!("SELECT {column} FROM files WHERE number = ?1");
            let text: String = self.connection.query_row(&sql, [number], |row| row.get(0))?;
            let mut all: std::collections::BTreeMap<String, u64> =
                serde_json::from_str(&text).unwrap_or_default();
            for (reason, n) in counts {
                *all.entry(reason.clone()).or_default() += n;
            }
            let text = serde_json::to_string(&all).unwrap_or_default();
            let sql = format!("UPDATE files SET {column} = ?2 WHERE number = ?1");
            self.connection.execute(&sql, params![number, text])?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        file: &SessionFile,
        number: i64,
        members: &[Option<i64>],
        row: Row,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), IndexError> {
        let session_of = |member: usize| members.get(member).copied().flatten();
        match row {
            Row::Item(item) => {
                let Some(session) = session_of(item.member) else { return Ok(()) };
                self.item(file, number, session, item, pieces)?;
            }
            Row::End { member, seq, at, tool, end } => {
                let Some(session) = session_of(member) else { return Ok(()) };
                let tool = tool.map(|tool| self.name(&tool)).transpose()?;
                self.tool_end(session, seq, &end)?;
                self.output(doc(session, seq, ItemKind::Tool, tool, at), &end, pieces)?;
            }
            Row::Usage { member, seq, key, at, model, usage } => {
                let Some(session) = session_of(member) else { return Ok(()) };
                let model = model.map(|model| self.name(&model)).transpose()?;
                self.connection
                    .prepare_cached(
                        "INSERT INTO usage (session, key, seq, at, model, input, cached, written, written_1h, output,
                            reasoning) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                         ON CONFLICT DO UPDATE SET input = MAX(input, ?6), cached = MAX(cached, ?7),
                            written = MAX(written, ?8), written_1h = MAX(written_1h, ?9), output = MAX(output, ?10),
                            reasoning = MAX(reasoning, ?11)",
                    )?
                    .execute(params![
                        session,
                        key as i64,
                        seq as i64,
                        at,
                        model,
                        usage.input_tokens as i64,
                        usage.cached_input_tokens as i64,
                        usage.cache_write_tokens as i64,
                        usage.cache_write_1h_tokens as i64,
                        usage.output_tokens as i64,
                        usage.reasoning_tokens as i64,
                    ])?;
            }
            Row::Touched { member, path, act } => {
                let Some(session) = session_of(member) else { return Ok(()) };
                let (reads, writes) = if act == FileAct::Read { (1, 0) } else { (0, 1) };
                self.connection
                    .prepare_cached(
                        "INSERT INTO touched VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET reads = reads + ?3, writes = writes + ?4",
                    )?
                    .execute(params![session, path, reads, writes])?;
            }
            Row::Title { session, title } => {
                let Ok(id) = SessionId::new(file.source, &session) else { return Ok(()) };
                let id = id.to_string();
                if title.is_empty() {
                    self.connection.prepare_cached("DELETE FROM titles WHERE id = ?1")?.execute([&id])?;
                } else {
                    self.connection
                        .prepare_cached(
                            "INSERT INTO titles VALUES (?1, ?2) ON CONFLICT DO UPDATE SET title = ?2",
                        )?
                        .execute(params![id, title])?;
                }
                let sql = "SELECT number FROM sessions WHERE id = ?1";
                let known: Option<i64> =
                    self.connection.query_row(sql, [&id], |row| row.get(0)).optional()?;
                known.into_iter().for_each(|session| self.note_change(session));
            }
        }
        Ok(())
    }

    fn item(
        &mut self,
        file: &SessionFile,
        number: i64,
        session: i64,
        item: ItemRow,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), IndexError> {
        let tool = item.tool.as_deref().map(|tool| self.name(tool)).transpose()?;
        let end = item.end.as_ref();
        let place = end.and_then(|end| end.place);
        let has_no_output = item.kind == ItemKind::Tool && end.is_none();
        let status = end.and_then(|end| end.status).or(has_no_output.then_some(ToolStatus::Pending));
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO items (session, seq, kind, at, file, offset, length, part, key, flags, tool,
                    status, exit_code, duration_ms, out_offset, out_length, out_part)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            )?
            .execute(params![
                session,
                item.seq as i64,
                item.kind as i64,
                item.at,
                number,
                item.offset as i64,
                item.length as i64,
                item.part,
                item.key as i64,
                item.flags,
                tool,
                status.map(|status| status as i64),
                end.and_then(|end| end.exit_code),
                end.and_then(|end| end.duration_ms).map(|ms| ms as i64),
                place.map(|place| place.0 as i64),
                place.map(|place| place.1 as i64),
                place.map(|place| place.2),
            ])?;
        let stays = is_read_whole(file.shape);
        if item.kind.is_message() {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO messages VALUES (?1, ?2)")?
                .execute(params![(session << 32) | item.seq as i64, item.text])?;
        }
        let doc = doc(session, item.seq, item.kind, tool, item.at);
        if item.kind.is_message() || stays {
            self.add_text(doc, &item.text)?;
        } else {
            pieces.push(Piece { offset: item.offset, length: item.length, part: item.part, doc });
        }
        if let Some(end) = &item.end {
            self.output(doc, end, pieces)?;
        }
        Ok(())
    }

    fn output(&mut self, doc: Doc, end: &EndRow, pieces: &mut Vec<Piece>) -> Result<(), IndexError> {
        let doc = Doc { kind: ItemKind::Tool as u8, ..doc };
        if !end.text.is_empty() {
            self.add_text(doc, &end.text)?;
        } else if let Some((offset, length, part)) = end.place {
            pieces.push(Piece { offset, length, part, doc });
        }
        Ok(())
    }

    fn tool_end(&mut self, session: i64, seq: u64, end: &EndRow) -> rusqlite::Result<()> {
        // What a record says outright goes before what was read out of an output.
        let sql = if end.is_explicit {
            "UPDATE items SET status = COALESCE(?3, status), exit_code = COALESCE(?4, exit_code),
                duration_ms = COALESCE(?5, duration_ms), out_offset = COALESCE(?6, out_offset),
                out_length = COALESCE(?7, out_length), out_part = COALESCE(?8, out_part)
             WHERE session = ?1 AND seq = ?2"
        } else {
            "UPDATE items SET status = CASE WHEN COALESCE(status, 0) = 0 THEN ?3 ELSE status END,
                exit_code = COALESCE(exit_code, ?4), duration_ms = COALESCE(duration_ms, ?5),
                out_offset = COALESCE(?6, out_offset), out_length = COALESCE(?7, out_length),
                out_part = COALESCE(?8, out_part)
             WHERE session = ?1 AND seq = ?2"
        };
        self.connection.prepare_cached(sql)?.execute(params![
            session,
            seq as i64,
            end.status.map(|status| status as i64),
            end.exit_code,
            end.duration_ms.map(|ms| ms as i64),
            end.place.map(|place| place.0 as i64),
            end.place.map(|place| place.1 as i64),
            end.place.map(|place| place.2),
        ])?;
        Ok(())
    }

    fn facts(
        &mut self,
        file: &SessionFile,
        session: i64,
        facts: &Facts,
        main: Option<&SessionId>,
        is_child: bool,
    ) -> Result<(), IndexError> {
        let canonical = |raw: &str| match (raw, main) {
            ("", Some(main)) => Some(main.to_string()),
            // Another agent's session is named by its canonical id: no agent's own id has a colon in it.
            _ => raw.parse().or_else(|_| SessionId::new(file.source, raw)).ok().map(|id| id.to_string()),
        };
        let parent = facts.parent.as_ref().and_then(|(raw, _)| canonical(raw));
        let origin = facts.forked_from.as_ref().and_then(|(raw, _)| canonical(raw));
        let project = facts.cwd.as_deref().map(project_of);
        let kind = if parent.is_some() || is_child { Some("subagent") } else { None };
        self.connection
            .prepare_cached(
                "UPDATE sessions SET
                    cwd = COALESCE(cwd, ?2), project = COALESCE(project, ?3), git_branch = COALESCE(?4, git_branch),
                    git_commit = COALESCE(git_commit, ?5), git_remote = COALESCE(git_remote, ?6),
                    agent_version = COALESCE(?7, agent_version), model = COALESCE(?8, model),
                    provider = COALESCE(?9, provider), given_title = COALESCE(?10, given_title),
                    generated_title = COALESCE(?11, generated_title), first_prompt = COALESCE(first_prompt, ?12),
                    parent_id = COALESCE(?13, parent_id), parent_call = COALESCE(?14, parent_call),
                    forked_from_id = COALESCE(?15, forked_from_id), shared_bytes = COALESCE(?16, shared_bytes),
                    started_at = MIN(COALESCE(started_at, ?17), COALESCE(?17, started_at)),
                    updated_at = MAX(COALESCE(updated_at, ?18), COALESCE(?18, updated_at)),
                    first_key = COALESCE(first_key, ?19), warm_up = MAX(warm_up, ?20),
                    prompts = prompts + ?21, answers = answers + ?22, tool_calls = tool_calls + ?23,
                    errors = errors + ?24, items = items + ?25, kind = COALESCE(?26, kind)
                 WHERE number = ?1",
            )?
            .execute(params![
                session,
                facts.cwd,
                project,
                facts.branch,
                facts.commit,
                facts.remote,
                facts.version,
                facts.model,
                facts.provider,
                facts.given_title,
                facts.generated_title,
                facts.first_prompt,
                parent,
                facts.parent.as_ref().and_then(|(_, call)| *call).map(|call| call as i64),
                origin,
                facts.forked_from.as_ref().and_then(|(_, bytes)| *bytes).map(|bytes| bytes as i64),
                facts.started_at,
                facts.updated_at,
                facts.first_key.map(|key| key as i64),
                facts.warm_up,
                facts.prompts as i64,
                facts.answers as i64,
                facts.tool_calls as i64,
                facts.errors as i64,
                facts.items as i64,
                kind,
            ])?;
        Ok(())
    }
}

fn doc(session: i64, seq: u64, kind: ItemKind, tool: Option<i64>, at: Option<i64>) -> Doc {
    // Beyond 65,535 names a tool can't be filtered by.
    let tool = tool.and_then(|tool| u16::try_from(tool).ok()).unwrap_or(0);
    Doc { session: session as u32, seq: seq as u32, at: at.unwrap_or(0), tool, kind: kind as u8 }
}

/// Files whose records can't be read again by offset give all their texts at the first reading.
pub fn is_read_whole(shape: Shape) -> bool {
    matches!(shape, Shape::CompressedLines | Shape::Database | Shape::Tree)
}

fn project_of(cwd: &str) -> String {
    let name = Path::new(cwd).file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| cwd.to_owned())
}

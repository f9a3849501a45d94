//! The sessions of a home as an archive: without what is no session, without this machine, with marks for times.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use marline_demo::archive::{Entry, Shape};
use marline_demo::{HOME, Manifest, mark};
use rusqlite::types::ValueRef;
use serde_json::Value;

use super::super::Lab;
use super::clock::Clock;
use super::play::Session;
use super::times;
use crate::fixtures::SESSIONS;

/// Packs what agents have written; `ids` are the sessions that a person began.
pub fn pack(lab: &Lab, clock: &Clock, ids: &[(Session, String)]) -> io::Result<(Vec<Entry>, Manifest)> {
    let mut packer = Packer { clock, names: Names::of(lab)?, offsets: HashMap::new(), subagents: 0 };
    let mut paths = Vec::new();
    for name in SESSIONS {
        files(&lab.home().join(name), &mut paths)?;
    }
    // A fork says where its origin ended: origins first.
    paths.sort();
    let mut entries = Vec::new();
    for path in paths {
        let name = path.strip_prefix(lab.home()).map_err(io::Error::other)?.to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("extract-cursor.json") || name.contains("/memory/") {
            continue;
        }
        let content = fs::read(&path)?;
        if !content.is_empty() {
            entries.extend(packer.entry(&path, &name, content)?);
        }
    }
    packer.subagents +=
        rollouts(&entries).saturating_sub(ids.iter().filter(|(s, _)| s.agent == "codex").count());
    let raw = |key: &String| ids.iter().find(|(session, _)| session.key == *key).map(|(_, id)| id.clone());
    let mut sessions: Vec<_> = ids.iter().collect();
    sessions.sort_by_key(|(session, _)| -session.ago);
    let sessions = sessions.into_iter().map(|(session, id)| marline_demo::Session {
        source: session.agent.clone(),
        id: id.clone(),
        project: session.project.clone(),
        shows: session.shows.clone(),
        forked_from: session.fork_of.as_ref().and_then(raw),
    });
    let span_ms = ids.iter().map(|(session, _)| session.ago).max().unwrap_or(0);
    let manifest = Manifest { sessions: sessions.collect(), subagents: packer.subagents, span_ms };
    Ok((entries, manifest))
}

fn rollouts(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.path.contains("/rollout-")).count()
}

fn files(path: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            files(&entry?.path(), into)?;
        }
    } else if path.exists() {
        into.push(path.to_owned());
    }
    Ok(())
}

struct Packer<'a> {
    clock: &'a Clock,
    names: Names,
    /// Codex' threads, with the place of each line's end before and after packing.
    offsets: HashMap<String, Vec<(u64, u64)>>,
    subagents: usize,
}

impl Packer<'_> {
    fn entry(&mut self, path: &Path, name: &str, content: Vec<u8>) -> io::Result<Option<Entry>> {
        let is_subagent = (name.contains("/subagents/") && name.ends_with(".jsonl"))
            || (name.starts_with(".gemini") && name.matches('/').count() == 5);
        self.subagents += usize::from(is_subagent);
        let (shape, content) = if name.ends_with(".db") {
            (Shape::Database, self.database(path)?)
        } else if name.ends_with(".jsonl") {
            (Shape::Text, self.lines(name, &content)?)
        } else {
            (Shape::Text, content)
        };
        let content = self.names.replaced(content);
        if let Some(place) = self.names.found_in(&content) {
            return Err(io::Error::other(format!("{name} names this machine: {place}")));
        }
        let moments = times::all(&content, self.clock);
        let (first, last) = (moments.iter().min().copied(), moments.iter().max().copied());
        let content = times::marked(&content, self.clock);
        let path = self.names.replaced(name.as_bytes().to_vec());
        let path = first.map_or(path.clone(), |first| times::named(&path, self.clock.distance(first)));
        let path = String::from_utf8_lossy(&path).into_owned();
        let modified = last.map_or(0, |last| self.clock.distance(last));
        Ok(Some(Entry { path, shape, modified, content }))
    }

    fn lines(&mut self, name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
        let mut records: Vec<(Value, u64)> = Vec::new();
        let mut at = 0;
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            at += line.len() as u64;
            records.push((serde_json::from_slice(line)?, at));
        }
        if name.starts_with(".claude") {
            without_copies(&mut records);
        }
        let is_rollout = name.contains("/rollout-");
        let mut offsets = Vec::new();
        let (mut out, mut length) = (Vec::new(), 0);
        for (mut record, end) in records {
            if is_rollout {
                self.shorten_codex(&mut record);
            }
            let line = self.names.replaced(format!("{record}\n").into_bytes());
            // Marks differ in length, what they become does not.
            length += mark::render(&times::marked(&line, self.clock), END_OF_ALL).len() as u64;
            offsets.push((end, length));
            out.extend(line);
        }
        if is_rollout {
            let id = name.trim_end_matches(".jsonl");
            self.offsets.insert(id[id.len().saturating_sub(36)..].to_owned(), offsets);
        }
        Ok(out)
    }

    /// What the agent tells its model about itself is cut short; what it says of the lab is said of a provider.
    fn shorten_codex(&self, record: &mut Value) {
        let payload = &mut record["payload"];
        if payload["base_instructions"]["text"].is_string() {
            cut(&mut payload["base_instructions"]["text"]);
        }
        if payload["role"] == "developer" {
            for part in payload["content"].as_array_mut().into_iter().flatten() {
                cut(&mut part["text"]);
            }
        }
        let base = &payload["history_base"];
        if let (Some(thread), Some(end)) = (base["thread_id"].as_str(), base["end_byte_offset"].as_u64()) {
            let mut ends = self.offsets.get(thread).into_iter().flatten();
            if let Some((_, moved)) = ends.rfind(|(old, _)| *old <= end) {
                payload["history_base"]["end_byte_offset"] = (*moved).into();
            }
        }
        renamed(record);
        if record["payload"]["type"] == "task_complete" {
            let ended = record["timestamp"].as_str().and_then(times::whole);
            let began = record["payload"]["started_at"].as_i64();
            if let (Some(ended), Some(began)) = (ended, began) {
                let took = self.clock.distance(ended) - self.clock.rounded(began * 1000);
                record["payload"]["duration_ms"] = took.max(0).into();
            }
        }
    }

    /// The statements that make a database anew.
    fn database(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let fail = |error: rusqlite::Error| io::Error::other(format!("{}: {error}", path.display()));
        let database = rusqlite::Connection::open(path).map_err(fail)?;
        let children = "SELECT count(*) FROM session WHERE parent_id IS NOT NULL";
        self.subagents +=
            database.query_row(children, [], |row| row.get::<_, u32>(0)).map_err(fail)? as usize;
        let mut out = "PRAGMA foreign_keys = OFF;\nBEGIN;\n".to_owned();
        let query =
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, rowid";
        let mut query = database.prepare(query).map_err(fail)?;
        let made = query
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })
            .map_err(fail)?;
        for made in made {
            let (kind, name, sql) = made.map_err(fail)?;
            if name.starts_with("sqlite_") {
                continue;
            }
            out += &format!("{sql};\n");
            if kind == "table" && !NO_SESSIONS.iter().any(|start| name.starts_with(start)) {
                rows(&database, &name, &mut out).map_err(fail)?;
            }
        }
        out += "COMMIT;\nVACUUM;\n";
        Ok(out.into_bytes())
    }
}

/// Any time will do where only lengths are asked for.
const END_OF_ALL: i64 = 1_800_000_000_000;
/// OpenCode's tables of which only the shape is kept.
const NO_SESSIONS: [&str; 5] = ["event", "account", "control_account", "credential", "session_context_epoch"];
/// Of what an agent tells its model about itself.
const KEPT: usize = 240;

fn rows(database: &rusqlite::Connection, table: &str, out: &mut String) -> rusqlite::Result<()> {
    let mut query = database.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY rowid"))?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let mut values = Vec::new();
        for column in 0..columns {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(value) => value.to_string(),
                ValueRef::Real(value) => format!("{value:?}"),
                ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text).replace('\'', "''")),
                ValueRef::Blob(bytes) => {
                    format!("X'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                }
            });
        }
        *out += &format!("INSERT INTO \"{table}\" VALUES ({});\n", values.join(","));
    }
    Ok(())
}

/// Takes away what repeats the requests and lists the tools; whoever stood below stands below what is above it.
fn without_copies(records: &mut Vec<(Value, u64)>) {
    const COPIES: [&str; 3] = ["api-request", "api-request-shape", "api-request-blob"];
    const LISTS: [&str; 4] =
        ["prompt_snapshot", "skill_listing", "deferred_tools_delta", "agent_listing_delta"];
    let mut above: HashMap<String, Value> = HashMap::new();
    records.retain_mut(|(record, _)| {
        let is_copy = COPIES.iter().any(|kind| record["type"] == *kind)
            || LISTS.iter().any(|kind| record["attachment"]["type"] == *kind);
        if let Some(parent) = record["parentUuid"].as_str().and_then(|parent| above.get(parent)) {
            record["parentUuid"] = parent.clone();
        }
        if is_copy && let Some(id) = record["uuid"].as_str() {
            above.insert(id.to_owned(), record["parentUuid"].clone());
        }
        !is_copy
    });
}

fn cut(text: &mut Value) {
    if let Some(long) = text.as_str().filter(|text| text.len() > KEPT) {
        let short: String = long.chars().take(KEPT).collect();
        *text = format!("{short}…").into();
    }
}

/// The lab's provider and client under names that a reader knows.
fn renamed(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "model_provider" | "model_provider_id" if value == "lab" => *value = "openai".into(),
                    "originator" if value == "lab" => *value = "codex_cli_rs".into(),
                    _ => renamed(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(renamed),
        _ => {}
    }
}

/// Names of this machine, and what they become.
struct Names {
    pairs: Vec<(String, String)>,
    forbidden: Vec<String>,
}

impl Names {
    fn of(lab: &Lab) -> io::Result<Self> {
        let said = |program: &str, words: &[&str]| -> io::Result<String> {
            let output = std::process::Command::new(program).args(words).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let show = |path: PathBuf| path.display().to_string();
        let home = show(lab.home().to_owned());
        let projects = show(lab.dir.join("projects"));
        let url = lab.server.url();
        let mut pairs = vec![
            (said("rustc", &["--print", "sysroot"])?, format!("{HOME}/.rustup/toolchains/stable")),
            (said("python3", &["-c", "import sys; print(sys.prefix)"])?, "/usr".to_owned()),
            (show(lab.agents.programs(&crate::agents::OPENCODE)), "/usr/bin".to_owned()),
            (dashed(&projects), dashed(HOME)),
            (dashed(&home), dashed(HOME)),
            (projects, HOME.to_owned()),
            (home, HOME.to_owned()),
            (url.clone(), "https://model.example".to_owned()),
            (url.replace("http://", ""), "model.example".to_owned()),
        ];
        pairs.retain(|(from, _)| !from.is_empty());
        let own = show(lab.dir.clone());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let mut forbidden = vec![dashed(&own), own, show(root)];
        // `/root` is what Codex calls the agent that a person talks to.
        let own = std::env::var("HOME").ok().filter(|home| home.len() > 1 && home != "/root");
        forbidden.extend(own.map(|home| format!("{home}/")));
        Ok(Names { pairs, forbidden })
    }

    fn replaced(&self, content: Vec<u8>) -> Vec<u8> {
        let text = match String::from_utf8(content) {
            Ok(text) => text,
            Err(error) => return error.into_bytes(),
        };
        self.pairs.iter().fold(text, |text, (from, to)| text.replace(from, to)).into_bytes()
    }

    /// The first place where a name of this machine is left, with what stands around it.
    fn found_in(&self, content: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(content);
        let at = self.forbidden.iter().find_map(|name| text.find(name.as_str()))?;
        Some(text.chars().skip(text[..at].chars().count().saturating_sub(60)).take(200).collect())
    }
}

/// As Claude Code writes a path in a folder's name.
fn dashed(path: &str) -> String {
    path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

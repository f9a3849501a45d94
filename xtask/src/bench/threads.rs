//! What the storage boundary takes: lists of many threads, appends that are durable, the end of a long history.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use marline_model::{ThreadId, Timestamp};
use marline_store::{
    Goal, HistoryItem, Ledger, ListThreads, LocalThreadStore, NewThread, Places, Rehomed, Rehoming,
    ResumeThread, StoreError, ThreadStore as _,
};
use rusqlite::Connection;

use super::Line;
use super::process::median_and_p95;
use crate::Outcome;
use crate::workspace::scratch;

const THREADS: usize = 20_000;
const APPENDED: usize = 1_000;
const LONG: u64 = 1_000_000_000;
const RUNS: usize = 15;
const REHOMED: usize = 10_000;

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}

fn id(n: usize) -> ThreadId {
    let mut random = [7; 10];
    random[..8].copy_from_slice(&(n as u64).to_be_bytes());
    ThreadId::new(Timestamp::from_millis(1_790_000_000_000 + n as i64 * 60_000), random)
}

fn store(home: &Path, databases: &Path) -> LocalThreadStore {
    LocalThreadStore::new(Places {
        home: home.to_owned(),
        databases: databases.to_owned(),
        default_provider: None,
        utc_offset_seconds: 0,
        now,
    })
}

/// Measures the local store.
pub fn measure(lines: &mut Vec<Line>) -> Outcome {
    let dir = scratch("bench-threads")?;
    let home = dir.join("codex");
    many(&home).map_err(|error| error.to_string())?;
    let fail = |error: StoreError| error.to_string();
    let list = ListThreads { page_size: 50, ..ListThreads::all() };
    for (what, databases, goal) in [("SQL", &home, "goal: 10 ms"), ("files", &dir, "goal: 300 ms")] {
        let store = store(&home, databases);
        let times = (0..RUNS).map(|_| {
            let began = Instant::now();
            let page = store.list_threads(&list).map_err(fail)?;
            if page.threads.len() != 50 {
                return Err(format!("{} threads are listed by {what}", page.threads.len()));
            }
            Ok(began.elapsed().as_secs_f64() * 1e3)
        });
        let (median, p95) = median_and_p95(times.collect::<Outcome<_>>()?);
        let value = format!("{median:.1} ms, p95 {p95:.1} ms");
        lines.push(Line::new(format!("threads: list {THREADS} by {what}"), value, goal));
    }
    let store = store(&home, &home);
    store.create_thread(NewThread::new(id(THREADS), "/bench", "bench")).map_err(fail)?;
    store.persist_thread(&id(THREADS)).map_err(fail)?;
    let item = HistoryItem::new("response_item", r#"{"type":"message","role":"user","content":[]}"#)
        .map_err(fail)?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        for _ in 0..APPENDED {
            store.append_items(&id(THREADS), std::slice::from_ref(&item)).map_err(fail)?;
        }
        store.flush_thread(&id(THREADS)).map_err(fail)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    store.shutdown_thread(&id(THREADS)).map_err(fail)?;
    let (median, p95) = median_and_p95(times);
    let value = format!("{median:.1} ms, p95 {p95:.1} ms");
    lines.push(Line::new(format!("threads: {APPENDED} appends, durable at the end"), value, "goal: 50 ms"));
    let path = store.rollout_path(&id(THREADS)).map_err(fail)?;
    lengthen(&path).map_err(|error| error.to_string())?;
    store.resume_thread(&id(THREADS), ResumeThread::default()).map_err(fail)?;
    store
        .append_items(&id(THREADS), &[HistoryItem::new("compacted", "{}").map_err(fail)?, item])
        .map_err(fail)?;
    store.shutdown_thread(&id(THREADS)).map_err(fail)?;
    let times = (0..RUNS).map(|_| {
        let began = Instant::now();
        let items = store.load_latest_model_context(&id(THREADS)).map_err(fail)?;
        if items.len() != 2 {
            return Err(format!("{} items are a context", items.len()));
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    });
    let (median, p95) = median_and_p95(times.collect::<Outcome<_>>()?);
    let value = format!("{median:.1} ms, p95 {p95:.1} ms");
    lines.push(Line::new("threads: latest context of 1 GB", value, "goal: the tail is read, not the file"));
    rehome(&dir, lines).map_err(fail)?;
    fs::remove_dir_all(&dir).map_err(|error| error.to_string())
}

/// Sessions get another provider, and their own one back: a home with headers as long as Codex writes them.
fn rehome(dir: &Path, lines: &mut Vec<Line>) -> Result<(), StoreError> {
    let home = dir.join("rehome");
    let store = store(&home, &home);
    let long = format!(r#"{{"base_instructions":{{"text":"{}"}}}}"#, "so it is ".repeat(2_300));
    for n in 0..REHOMED {
        let mut new = NewThread::new(id(n), "/bench", "gateway");
        new.more = serde_json::value::RawValue::from_string(long.clone()).ok();
        store.create_thread(new)?;
        store.persist_thread(&id(n))?;
        store.discard_thread(&id(n))?;
    }
    let mut ledger = Ledger::open(dir)?;
    let open = std::collections::HashSet::new();
    let mut run = |what: &str, goal: Goal<'_>, dry_run: bool, note: &str| -> Result<(), StoreError> {
        let which = Rehoming { from: &[], threads: &[], open: &open, dry_run };
        let (began, mut done) = (Instant::now(), 0);
        store.rehome(&mut ledger, goal, &which, &mut |one| {
            done += u32::from(one.rehomed == Rehomed::Updated)
        })?;
        let value = format!("{:.0} ms, {done} sessions", began.elapsed().as_secs_f64() * 1e3);
        lines.push(Line::new(format!("providers: {what}"), value, note));
        Ok(())
    };
    let goal = Goal::Provider("other");
    run("plan of a sync", goal, true, "goal: 1 s")?;
    run("sync", goal, false, "one small write a file")?;
    run("nothing left to sync", goal, false, "headers are read alone")?;
    run("restore", Goal::First, false, "one small write a file")
}

/// A home with many small threads, and its database.
fn many(home: &Path) -> std::io::Result<()> {
    fs::create_dir_all(home)?;
    let database = Connection::open(home.join("state_5.sqlite")).map_err(std::io::Error::other)?;
    let make = "PRAGMA journal_mode = WAL;
        CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT NOT NULL, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, source TEXT NOT NULL, model_provider TEXT NOT NULL, cwd TEXT NOT NULL,
            title TEXT NOT NULL, preview TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX idx_threads_updated_at ON threads(updated_at DESC, id DESC);
        BEGIN;";
    database.execute_batch(make).map_err(std::io::Error::other)?;
    for n in 0..THREADS {
        let (id, at) = (id(n), 1_790_000_000 + n as i64 * 60);
        let day = home.join(format!("sessions/2026/{:02}/{:02}", 1 + n / 2500, 1 + n / 100 % 25));
        fs::create_dir_all(&day)?;
        let path = day.join(format!("rollout-2026-01-01T00-00-00-{id}.jsonl"));
        let time = Timestamp::from_millis(at * 1000);
        let mut file = fs::File::create(&path)?;
        writeln!(
            file,
            r#"{{"timestamp":"{time}","type":"session_meta","payload":{{"id":"{id}","timestamp":"{time}","cwd":"/bench/{}","originator":"bench","cli_version":"0","source":"cli","model_provider":"bench"}}}}"#,
            n % 40
        )?;
        writeln!(
            file,
            r#"{{"timestamp":"{time}","type":"event_msg","payload":{{"type":"user_message","message":"Thread {n}"}}}}"#
        )?;
        let insert = "INSERT INTO threads VALUES (?1, ?2, ?3, ?3, 'cli', 'bench', ?4, ?5, ?5, 0)";
        let values = (
            id.as_str(),
            path.display().to_string(),
            at,
            format!("/bench/{}", n % 40),
            format!("Thread {n}"),
        );
        database.execute(insert, values).map_err(std::io::Error::other)?;
    }
    database.execute_batch("COMMIT").map_err(std::io::Error::other)
}

/// Makes a rollout a gigabyte long.
fn lengthen(path: &Path) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::options().append(true).open(path)?);
    let text = "y".repeat(100_000);
    let (mut written, mut ordinal) = (0, (RUNS * APPENDED) as u64 + 1);
    while written < LONG {
        let line = format!(
            r#"{{"timestamp":"2026-11-21T00:00:00.000Z","ordinal":{ordinal},"type":"response_item","payload":{{"type":"message","text":"{text}"}}}}"#
        );
        writeln!(file, "{line}")?;
        written += line.len() as u64 + 1;
        ordinal += 1;
    }
    file.flush()
}

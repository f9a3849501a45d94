//! A scratch home with sessions written by hand, and the binary run in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A home of its own for one test.
pub struct Home {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("home");
        fs::create_dir(&path).unwrap();
        Home { dir, path }
    }

    /// Looks at a home that is there already; Marline's own directory is a new one.
    pub fn of(path: &Path) -> Self {
        Home { dir: tempfile::tempdir().unwrap(), path: path.to_owned() }
    }

    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Writes a file below the home.
    pub fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Appends to a file below the home.
    pub fn append(&self, relative: &str, bytes: impl AsRef<[u8]>) {
        let mut file = fs::File::options().append(true).open(self.path().join(relative)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }

    /// Marline's own directory.
    pub fn own(&self) -> PathBuf {
        self.dir.path().join("marline")
    }

    /// The binary with this home and nothing else of the environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marline"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.path())
            .env("MARLINE_HOME", self.own())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command with `--json` and reads what it prints.
    pub fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// All sessions, by raw id.
    pub fn sessions(&self) -> BTreeMap<String, Value> {
        let listed = self.json(&["ls", "--all", "--limit", "10000"]);
        let sessions = listed["sessions"].as_array().unwrap();
        sessions
            .iter()
            .map(|session| (session["sourceSessionId"].as_str().unwrap().to_owned(), session.clone()))
            .collect()
    }

    /// Raw ids of the sessions in which a query is found.
    pub fn found(&self, query: &str) -> Vec<String> {
        let hits = self.json(&["search", query, "--limit", "1000"]);
        let hits = hits["hits"].as_array().unwrap().iter();
        let mut ids: Vec<String> =
            hits.map(|hit| hit["session"]["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// Asks a board over its owner's socket; the status and the JSON that comes back.
pub fn ask(socket: &Path, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: marline\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept-encoding: identity\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}

/// Everything below a directory: bytes, and times of the last change.
pub fn snapshot(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    fn visit(dir: &Path, out: &mut BTreeMap<PathBuf, (Vec<u8>, i64, i64)>) {
        let metadata = fs::metadata(dir).unwrap();
        out.insert(dir.to_owned(), (Vec::new(), metadata.mtime(), metadata.mtime_nsec()));
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                visit(&path, out);
            } else if metadata.is_file() {
                let bytes = fs::read(&path).unwrap();
                out.insert(path, (bytes, metadata.mtime(), metadata.mtime_nsec()));
            }
        }
    }
    let mut out = BTreeMap::new();
    visit(root, &mut out);
    out
}

/// A line as Claude Code writes it.
pub fn claude(session: &str, n: u32, kind: &str, message: Value) -> String {
    let parent = if n == 0 { Value::Null } else { json!(format!("{session}-{}", n - 1)) };
    let line = json!({
        "parentUuid": parent, "isSidechain": false, "type": kind, "message": message,
        "uuid": format!("{session}-{n}"), "timestamp": format!("2026-11-20T10:00:{:02}.000Z", n % 60),
        "cwd": "/projects/shop", "sessionId": session, "version": "2.1.329", "gitBranch": "main",
    });
    format!("{line}\n")
}

pub fn prompt(session: &str, n: u32, text: &str) -> String {
    claude(session, n, "user", json!({"role": "user", "content": text}))
}

pub fn answer(session: &str, n: u32, text: &str) -> String {
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 2});
    claude(
        session,
        n,
        "assistant",
        json!({
            "id": format!("msg-{session}-{n}"), "role": "assistant", "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": text}], "usage": usage,
        }),
    )
}

/// Where Claude keeps a session.
pub fn place(session: &str) -> String {
    format!(".claude/projects/-projects-shop/{session}.jsonl")
}

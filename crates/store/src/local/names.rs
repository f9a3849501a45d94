//! The names that people give threads: `session_index.jsonl`, `{"id":…,"thread_name":…,"updated_at":…}` a line, the newest
//! wins. Appended under `flock` on `session_index.jsonl.lock`, as Codex does; rewritten only when a thread is deleted.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use marline_model::{ThreadId, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Entry {
    id: ThreadId,
    thread_name: Option<String>,
    updated_at: String,
}

/// Returns all names.
pub fn all(home: &Path) -> io::Result<HashMap<ThreadId, String>> {
    let text = match fs::read(home.join("session_index.jsonl")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(error),
    };
    let mut names = HashMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        // What can't be read is a name less, not an error more.
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else { continue };
        match entry.thread_name.filter(|name| !name.is_empty()) {
            Some(name) => names.insert(entry.id, name),
            None => names.remove(&entry.id),
        };
    }
    Ok(names)
}

/// Names a thread; nothing: it has no name any more.
pub fn set(home: &Path, id: &ThreadId, name: Option<&str>, now: Timestamp) -> io::Result<()> {
    let _lock = lock(home)?;
    let entry = Entry {
        id: id.clone(),
        thread_name: Some(name.unwrap_or_default().to_owned()),
        updated_at: now.to_string(),
    };
    let mut file =
        File::options().create(true).read(true).append(true).open(home.join("session_index.jsonl"))?;
    let mut line = serde_json::to_string(&entry)?;
    line.push('\n');
    // A line that somebody left open must not swallow this one.
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// Forgets a thread.
pub fn remove(home: &Path, id: &ThreadId) -> io::Result<()> {
    let path = home.join("session_index.jsonl");
    if !path.exists() {
        return Ok(());
    }
    let _lock = lock(home)?;
    let text = fs::read(&path)?;
    let is_its = |line: &[u8]| serde_json::from_slice::<Entry>(line).is_ok_and(|entry| entry.id == *id);
    let kept: Vec<u8> =
        text.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_its(line)).flatten().copied().collect();
    if kept.len() == text.len() {
        return Ok(());
    }
    let next = home.join(".session_index.jsonl.marline");
    let mut file = File::create(&next)?;
    file.write_all(&kept)?;
    file.sync_all()?;
    fs::set_permissions(&next, fs::metadata(&path)?.permissions())?;
    fs::rename(next, path)
}

fn lock(home: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(home.join("session_index.jsonl.lock"))?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

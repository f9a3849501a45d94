//! Who has a session open.

use std::fs;
use std::path::Path;

use marline_agents::Env;
use marline_model::{SessionId, Source};
use marline_store::WriterLock;
use serde_json::Value;

use crate::target::agent;

/// Says who has a session open, in words.
pub fn user_of(session: &SessionId, file: &Path, env: &Env) -> Option<String> {
    let home = agent(session.source()).home(env);
    match session.source() {
        Source::Codex => {
            let id = session.raw().parse().ok()?;
            if WriterLock::is_held(&home, &id) {
                return Some("a Codex writes it".to_owned());
            }
        }
        Source::Claude => {
            if let Some(user) = claude(&home, session.raw()) {
                return Some(user);
            }
        }
        // Its database is open in every OpenCode, whatever that does.
        Source::OpenCode => return process_of(session.raw(), None),
        Source::Gemini | Source::Qwen => {}
    }
    process_of(session.raw(), Some(file))
}

/// A running Claude Code says which session it has in `sessions/<pid>.json`; `procStart` tells it from a later process
/// of the same number.
fn claude(home: &Path, session: &str) -> Option<String> {
    let facts = claudes(home).into_iter().find(|facts| facts["sessionId"] == session)?;
    let status = facts["status"].as_str().unwrap_or("running");
    Some(format!("Claude Code, process {}, is {status}", facts["pid"]))
}

/// What each running Claude Code says of itself.
pub(crate) fn claudes(home: &Path) -> Vec<Value> {
    let files = fs::read_dir(home.join("sessions")).into_iter().flatten().flatten();
    let facts = files.filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file.path()).ok()?).ok());
    facts.filter(|facts| is_running(facts["pid"].as_u64().unwrap_or(0), &facts["procStart"])).collect()
}

/// Says whether a process runs that started then; the start is a number of the kernel's.
fn is_running(pid: u64, start: &Value) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name, in parentheses, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    if fields.trim_start().starts_with(['Z', 'X']) {
        return false;
    }
    let began = fields.split_whitespace().nth(19).unwrap_or_default();
    let told = start.as_str().map(str::to_owned).unwrap_or_else(|| start.to_string());
    start.is_null() || told == began
}

/// A process of ours that has the file open, or was told the session's id. A Marline that is at it is none of those who
/// use it.
fn process_of(session: &str, file: Option<&Path>) -> Option<String> {
    let file = file.and_then(|file| file.canonicalize().ok());
    let own = std::process::id().to_string();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let pid = process.file_name().to_string_lossy().into_owned();
        if pid == own || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let mut open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let has_it = file.is_some() && open.any(|open| fs::read_link(open.path()).ok() == file);
        // Short ids could stand anywhere.
        let is_told = || {
            let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
            session.len() > 16 && words.split(|byte| *byte == 0).any(|word| word == session.as_bytes())
        };
        if !has_it && !is_told() {
            continue;
        }
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        if name.trim() != "marline" {
            let how = if has_it { "has it open" } else { "was started on it" };
            return Some(format!("{}, process {pid}, {how}", name.trim()));
        }
    }
    None
}

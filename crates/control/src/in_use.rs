//! Who has a session open.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use marline_agents::Env;
use marline_model::{SessionId, Source};
use marline_store::WriterLock;
use serde_json::Value;

use crate::process::{AgentProcess, Process, parent_of, pids};
use crate::target::agent;

/// A file that is being written is read anew so often, and so much later.
const TRIES: u32 = 4;
const UNTIL_WRITTEN: Duration = Duration::from_millis(4);

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
    let files =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let facts = files.filter_map(|path| whole(&path));
    facts.filter(|facts| is_running(facts["pid"].as_u64().unwrap_or(0), &facts["procStart"])).collect()
}

/// Reads a file that is written in its place: what is read in the middle of that is not yet whole.
fn whole(path: &Path) -> Option<Value> {
    (0..TRIES).find_map(|nth| {
        if nth > 0 {
            sleep(UNTIL_WRITTEN);
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    })
}

/// Says whether a process runs that started then; the start is a number of the kernel's.
fn is_running(pid: u64, start: &Value) -> bool {
    let told = start.as_str().map(str::to_owned).unwrap_or_else(|| start.to_string());
    let process = u32::try_from(pid).ok().and_then(Process::of);
    process.is_some_and(|process| start.is_null() || told == process.began.to_string())
}

/// An agent's process that has the file open, or was told the session's id.
fn process_of(session: &str, file: Option<&Path>) -> Option<String> {
    let file = file.and_then(|file| file.canonicalize().ok());
    agents().into_iter().find_map(|process| {
        let has_it = file.as_ref().is_some_and(|file| process.open_files().any(|open| open == *file));
        // Short ids could stand anywhere.
        let is_told = session.len() > 16 && process.words.iter().any(|word| word == session);
        let how = if has_it { "has it open" } else { "was started on it" };
        (has_it || is_told).then(|| format!("{}, process {}, {how}", process.name, process.process.pid))
    })
}

/// The agents' processes that run, without those in which this one runs: who acts from within a session means it.
pub(crate) fn agents() -> Vec<AgentProcess> {
    let mut ours = vec![std::process::id()];
    while let Some(parent) = ours.last().and_then(|pid| parent_of(*pid)).filter(|pid| *pid > 0) {
        ours.push(parent);
    }
    pids().filter(|pid| !ours.contains(pid)).filter_map(AgentProcess::of).collect()
}

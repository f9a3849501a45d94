//! What agents call with each event: it goes to the board's socket, and that is all.
//!
//! An agent waits for it: nothing here reads the environment's settings, opens an index or writes a file. Whatever goes
//! wrong is nobody's trouble.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use marline_agents::live::asks_person;
use marline_control::live::Claims;
use marline_control::parent_of;
use marline_model::SessionId;
use serde_json::{Value, json};

/// More of an event is not looked at.
const MOST: u64 = 4 << 20;
/// A longer command or change is not sent on.
const LONGEST: usize = 24 << 10;
/// So many processes above are told; one of them is the agent.
const ABOVE: usize = 6;
/// An answer has so long to come: less than the agent waits, so that it asks in its terminal in time.
const PATIENCE: Duration = Duration::from_secs(590);
/// Fields that are sent on. What a tool was given and gave back stands in the transcript.
const FIELDS: [&str; 8] = [
    "session_id",
    "hook_event_name",
    "cwd",
    "tool_name",
    "notification_type",
    "source",
    "reason",
    "permission_mode",
];

/// `marline __hook AGENT SOCKET`, if these words are that.
pub fn is_one(words: &[std::ffi::OsString]) -> bool {
    words.len() == 4 && words[1] == "__hook"
}

/// Sends on what the agent says on standard input.
pub fn run(words: &[std::ffi::OsString]) {
    if words[2] == "gemini" {
        // It takes what is printed for an answer.
        let _ = std::io::stdout().write_all(b"{}\n");
    }
    let mut text = Vec::new();
    let Ok(_) = std::io::stdin().lock().take(MOST).read_to_end(&mut text) else { return };
    let Ok(event) = serde_json::from_slice::<Value>(&text) else { return };
    let mut kept: serde_json::Map<String, Value> =
        FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), event.get(*name)?.clone()))).collect();
    if let Some(details) = details(&event) {
        kept.insert("details".to_owned(), details);
    }
    let above: Vec<u32> = std::iter::successors(Some(std::process::id()), |pid| parent_of(*pid))
        .skip(1)
        .take_while(|pid| *pid > 1)
        .take(ABOVE)
        .collect();
    let told = json!({"agent": words[2].to_string_lossy(), "pids": above, "event": kept});
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(told.to_string().as_bytes(), &words[3]);
    }
    if event["hook_event_name"] == "PermissionRequest"
        && !event["tool_name"].as_str().is_some_and(asks_person)
        && let Some(answer) = answer(words, &event)
    {
        let _ = std::io::stdout().write_all(answer.as_bytes());
    }
}

/// What leave is asked for: of an agent that tells it in a notification, and writes it down only afterwards.
fn details(event: &Value) -> Option<Value> {
    let is_short = |value: &Value| value.as_str().is_some_and(|text| text.len() < LONGEST);
    let fields = ["type", "command", "filePath", "fileName", "fileDiff"];
    let known =
        fields.iter().filter_map(|name| Some(((*name).to_owned(), event["details"].get(*name)?.clone())));
    let kept: serde_json::Map<String, Value> = known.filter(|(_, value)| is_short(value)).collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// What somebody who is away from the terminal says; nothing, where nobody is, where nobody hears, and where nobody answers: the
/// agent then asks in its terminal.
fn answer(words: &[std::ffi::OsString], event: &Value) -> Option<String> {
    let state = Path::new(&words[3]).parent()?;
    let session = SessionId::new(words[2].to_str()?.parse().ok()?, event["session_id"].as_str()?).ok()?;
    if !Claims::at(state).holds(&session, crate::context::now()) {
        return None;
    }
    let mut stream = UnixStream::connect(Claims::socket(state)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let asked = json!({"session": session, "tool": event["tool_name"], "input": event["tool_input"], "cwd": event["cwd"]});
    stream.write_all(format!("{asked}\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

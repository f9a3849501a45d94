//! What to say to Gemini CLI. Source: 0.61.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::talk;
use crate::drive::{Drive, Launch, Opening};
use crate::talk::{Order, Talk};

pub struct GeminiDrive;

impl Drive for GeminiDrive {
    fn resume(&self, session: &str, _: Option<&str>) -> Launch {
        Launch::new("gemini", ["--resume", session])
    }

    fn turn(&self, session: &str, _: Option<&str>, prompt: &str) -> Launch {
        Launch::new("gemini", ["--resume", session, "-o", "stream-json", &format!("--prompt={prompt}")])
    }

    fn open(&self, opening: &Opening<'_>) -> Launch {
        let prompt = opening.prompt.map(|prompt| format!("--prompt-interactive={prompt}"));
        Launch::new("gemini", []).with("--session-id", opening.id).with("--model", opening.model).and(prompt)
    }

    fn begin_turn(&self, prompt: &str) -> Launch {
        Launch::new("gemini", ["-o", "stream-json", &format!("--prompt={prompt}")])
    }

    fn talk(&self, order: &Order) -> Result<Talk, &'static str> {
        talk::talk(order)
    }

    /// Seen: while a session goes on in a second file of its id (see `strays`), another start deletes both.
    fn resumes_alone(&self) -> bool {
        true
    }

    /// Seen: resumed in another minute than that of its file's name, Gemini CLI begins a second file of the session with
    /// nothing but context in it; its next start takes that for a broken session, and deletes all files of its id.
    fn strays(&self, session: &str, file: &Path) -> Vec<PathBuf> {
        let (Some(folder), Some(short)) = (file.parent(), session.get(..8)) else { return Vec::new() };
        let ending = format!("-{short}.jsonl");
        let beside = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let others = beside.filter(|path| path != file && path.to_string_lossy().ends_with(&ending));
        others.filter(|path| is_empty(session, path)).collect()
    }
}

/// Says whether nothing was said in a file of a session.
fn is_empty(session: &str, path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let says_nothing = |message: &Value| {
        message["content"][0]["text"].as_str().is_some_and(|text| text.starts_with("<session_context>"))
    };
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    lines.next().is_some_and(|header| header.is_ok_and(|header| header["sessionId"] == session))
        && lines.all(|line| {
            let messages = line.as_ref().ok().and_then(|line| line.get("$set"));
            messages
                .is_some_and(|set| set["messages"].as_array().is_none_or(|all| all.iter().all(says_nothing)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_in_which_nothing_was_said_is_a_stray() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, lines: &[&str]| {
            let path = dir.path().join(name);
            fs::write(&path, lines.join("\n")).unwrap();
            path
        };
        let (id, header) = (
            "3c6ed0e8-6bc7-40a6-8931-aadbc53c9d79",
            r#"{"sessionId":"3c6ed0e8-6bc7-40a6-8931-aadbc53c9d79"}"#,
        );
        let context =
            r#"{"$set":{"messages":[{"type":"user","content":[{"text":"<session_context>\nToday"}]}]}}"#;
        let prompt = r#"{"id":"1","type":"user","content":[{"text":"Hello"}]}"#;
        let own = write("session-2026-11-21T20-34-3c6ed0e8.jsonl", &[header, context, prompt]);
        let stray = write("session-2026-11-21T20-35-3c6ed0e8.jsonl", &[header, context]);
        write("session-2026-11-21T20-36-3c6ed0e8.jsonl", &[header, context, prompt]);
        write("session-2026-11-21T20-37-3c6ed0e8.jsonl", &[r#"{"sessionId":"3c6ed0e8-another"}"#, context]);
        write("session-2026-11-21T20-38-3c6ed0e8.jsonl", &[header, "{\"$set\":"]);
        write("session-2026-11-21T20-35-aaaaaaaa.jsonl", &[header, context]);
        assert_eq!(GeminiDrive.strays(id, &own), [stray]);
    }
}

//! What was said, as the records in which Codex keeps it.
//!
//! Everything a person said or an agent answered stands twice: as a `response_item`, which the model is told, and as an
//! event, which the person is shown; the event's shape depends on the history mode. Source: rollouts of 0.80 and 0.169.

use marline_model::{HistoryMode, Timestamp};
use serde_json::{Value, json};

/// A record without its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The envelope's `type`.
    pub kind: &'static str,
    /// Its `payload`.
    pub payload: Value,
    /// Its `timestamp`.
    pub at: Timestamp,
}

/// Writes turns of one thread.
pub struct TurnWriter<'a> {
    /// The thread's id.
    pub thread: &'a str,
    /// How its history is kept.
    pub mode: HistoryMode,
    /// The directory that it works in.
    pub cwd: &'a str,
    /// The model that it is told to be.
    pub model: &'a str,
    records: Vec<Record>,
    turns: u32,
    said: u32,
}

impl<'a> TurnWriter<'a> {
    /// Begins.
    pub fn new(thread: &'a str, mode: HistoryMode, cwd: &'a str, model: &'a str) -> Self {
        TurnWriter { thread, mode, cwd, model, records: Vec::new(), turns: 0, said: 0 }
    }

    /// Returns what was written.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn turn(&self) -> String {
        // Ids of turns are the agent's own business; they only have to differ within a thread.
        let tail = self.thread.get(24..).unwrap_or("000000000000");
        format!("{:08x}-0000-7000-8000-{tail}", self.turns)
    }

    fn put(&mut self, kind: &'static str, payload: Value, at: Timestamp) {
        self.records.push(Record { kind, payload, at });
    }

    /// A person said something: a turn begins.
    pub fn prompt(&mut self, text: &str, at: Timestamp) {
        self.end(at);
        self.turns += 1;
        let turn = self.turn();
        let started = at.as_millis() / 1000;
        self.put(
            "event_msg",
            json!({"type": "task_started", "turn_id": turn, "started_at": started, "collaboration_mode_kind": "default"}),
            at,
        );
        self.put(
            "turn_context",
            json!({
                "turn_id": turn, "cwd": self.cwd, "approval_policy": "on-request",
                "sandbox_policy": {"type": "read-only"}, "model": self.model, "summary": "none",
            }),
            at,
        );
        self.message("user", "input_text", text, at);
        let content = json!([{"type": "text", "text": text, "text_elements": []}]);
        let shown = match self.mode {
            HistoryMode::Legacy => {
                json!({"type": "user_message", "message": text, "images": [], "local_images": [], "text_elements": []})
            }
            HistoryMode::Paginated => self.completed("UserMessage", content, at),
        };
        self.put("event_msg", shown, at);
    }

    /// The agent said something.
    pub fn answer(&mut self, text: &str, at: Timestamp) {
        self.message("assistant", "output_text", text, at);
        let content = json!([{"type": "Text", "text": text}]);
        let shown = match self.mode {
            HistoryMode::Legacy => json!({"type": "agent_message", "message": text}),
            HistoryMode::Paginated => self.completed("AgentMessage", content, at),
        };
        self.put("event_msg", shown, at);
    }

    /// The turn is over.
    pub fn end(&mut self, at: Timestamp) {
        if self.records.iter().rev().find_map(|record| record.payload["type"].as_str())
            == Some("task_complete")
            || self.turns == 0
        {
            return;
        }
        let turn = self.turn();
        self.put(
            "event_msg",
            json!({"type": "task_complete", "turn_id": turn, "completed_at": at.as_millis() / 1000}),
            at,
        );
    }

    fn message(&mut self, role: &str, kind: &str, text: &str, at: Timestamp) {
        let payload = json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]});
        self.put("response_item", payload, at);
    }

    fn completed(&mut self, kind: &str, content: Value, at: Timestamp) -> Value {
        self.said += 1;
        json!({
            "type": "item_completed", "thread_id": self.thread, "turn_id": self.turn(),
            "item": {"type": kind, "id": format!("item_{}", self.said), "content": content},
            "started_at_ms": at.as_millis(), "completed_at_ms": at.as_millis(),
        })
    }
}

//! What was said, as the records in which Codex keeps it.
//!
//! Everything a person said or an agent answered stands twice: as a `response_item`, which the model is told, and as an
//! event, which the person is shown; the event's shape depends on the history mode. Source: rollouts of 0.80 and 0.169.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use marline_model::{HistoryMode, Timestamp};
use serde_json::{Value, json};

use crate::image::Image;
use crate::said::{Call, Said, What};

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
    /// The model that it is told to be, if it is known.
    pub model: Option<&'a str>,
    records: Vec<Record>,
    turns: u32,
    said: u32,
    calls: u32,
}

impl<'a> TurnWriter<'a> {
    /// Begins.
    pub fn new(thread: &'a str, mode: HistoryMode, cwd: &'a str, model: Option<&'a str>) -> Self {
        TurnWriter { thread, mode, cwd, model, records: Vec::new(), turns: 0, said: 0, calls: 0 }
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

    /// Writes what was said and done.
    pub fn say(&mut self, said: &Said) {
        match &said.what {
            What::Prompt { text, images } => self.prompt(text, images, said.at),
            What::Answer { text, .. } => self.answer(text, said.at),
            What::Call(call) => self.call(call, said.at),
        }
    }

    /// The agent called a tool: a command is one of Codex's own tool, anything else of a tool that it does not have.
    fn call(&mut self, call: &Call, at: Timestamp) {
        self.calls += 1;
        let id = format!("call_{:08x}{}", self.calls, self.thread.get(28..).unwrap_or_default());
        let (name, arguments) = match call.command() {
            Some((command, None)) => ("exec_command".to_owned(), json!({"cmd": command})),
            Some((command, Some(cwd))) => {
                ("exec_command".to_owned(), json!({"cmd": command, "workdir": cwd}))
            }
            None => (call.name(), call.arguments()),
        };
        let arguments = arguments.to_string();
        let payload = json!({"type": "function_call", "name": name, "arguments": arguments, "call_id": id});
        self.put("response_item", payload, at);
        let payload = json!({"type": "function_call_output", "call_id": id, "output": call.outcome()});
        self.put("response_item", payload, at);
    }

    /// A person said something: a turn begins.
    pub fn prompt(&mut self, text: &str, images: &[Image], at: Timestamp) {
        self.end(at);
        self.turns += 1;
        let turn = self.turn();
        let started = at.as_millis() / 1000;
        self.put(
            "event_msg",
            json!({"type": "task_started", "turn_id": turn, "started_at": started, "collaboration_mode_kind": "default"}),
            at,
        );
        if let Some(model) = self.model {
            self.put(
                "turn_context",
                json!({
                    "turn_id": turn, "cwd": self.cwd, "approval_policy": "on-request",
                    "sandbox_policy": {"type": "read-only"}, "model": model, "summary": "none",
                }),
                at,
            );
        }
        let urls: Vec<String> = images
            .iter()
            .map(|image| format!("data:{};base64,{}", image.media_type, BASE64_STANDARD.encode(&image.bytes)))
            .collect();
        let mut content = vec![json!({"type": "input_text", "text": text})];
        content.extend(urls.iter().map(|url| json!({"type": "input_image", "image_url": url})));
        self.put("response_item", json!({"type": "message", "role": "user", "content": content}), at);
        let shown = match self.mode {
            HistoryMode::Legacy => {
                json!({"type": "user_message", "message": text, "images": urls, "local_images": [], "text_elements": []})
            }
            HistoryMode::Paginated => {
                let mut content = vec![json!({"type": "text", "text": text, "text_elements": []})];
                content.extend(urls.iter().map(|url| json!({"type": "image", "image_url": url})));
                self.completed("UserMessage", content.into(), at)
            }
        };
        self.put("event_msg", shown, at);
    }

    /// The agent said something.
    pub fn answer(&mut self, text: &str, at: Timestamp) {
        let spoken = json!([{"type": "output_text", "text": text}]);
        self.put("response_item", json!({"type": "message", "role": "assistant", "content": spoken}), at);
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

    fn completed(&mut self, kind: &str, content: Value, at: Timestamp) -> Value {
        self.said += 1;
        json!({
            "type": "item_completed", "thread_id": self.thread, "turn_id": self.turn(),
            "item": {"type": kind, "id": format!("item_{}", self.said), "content": content},
            "started_at_ms": at.as_millis(), "completed_at_ms": at.as_millis(),
        })
    }
}

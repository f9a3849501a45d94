//! What was said, as the records in which Claude Code keeps it.
//!
//! Records form a chain by `uuid` and `parentUuid`; an output follows its call as a `user` record. Source: transcripts of
//! 1.0 to 2.1.329. Figures of usage are zero: the requests are another agent's. `handedOver` is ours, and names the
//! session that a record came from.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use marline_model::{Timestamp, ToolStatus};
use serde_json::{Value, json};

use crate::said::{Call, Said, What};

/// Characters of a folder's name; a longer one ends with a hash of its own.
const LONGEST_FOLDER: usize = 200;

/// The folder below `projects/` that holds the sessions of a directory; nothing for a path that is too long to say.
pub fn folder_of(cwd: &str) -> Option<String> {
    let dashed: String =
        cwd.encode_utf16().map(|unit| char::from_u32(unit.into()).unwrap_or('-')).map(dash).collect();
    (dashed.len() <= LONGEST_FOLDER).then_some(dashed)
}

fn dash(c: char) -> char {
    if c.is_ascii_alphanumeric() { c } else { '-' }
}

/// A session to be.
pub struct NewSession<'a> {
    /// Its id.
    pub id: &'a str,
    /// The directory that it works in.
    pub cwd: &'a str,
    /// The canonical id of the session that it goes on from.
    pub from: &'a str,
}

/// Writes a transcript; `uuid` gives a new one each time.
pub fn transcript(session: &NewSession<'_>, said: &[Said], uuid: &mut dyn FnMut() -> String) -> Vec<u8> {
    let mut writer = Writer { session, uuid, parent: Value::Null, out: Vec::new() };
    for said in said {
        writer.say(said);
    }
    writer.out
}

struct Writer<'a> {
    session: &'a NewSession<'a>,
    uuid: &'a mut dyn FnMut() -> String,
    parent: Value,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn say(&mut self, said: &Said) {
        let is_first = self.parent.is_null();
        if is_first && !matches!(said.what, What::Prompt { .. }) {
            // Models are told of no conversation that an assistant begins.
            self.record(
                "user",
                said.at,
                json!({"role": "user", "content": "(Earlier messages are left out.)"}),
                true,
            );
        }
        match &said.what {
            What::Prompt { text, images } if images.is_empty() => {
                self.record("user", said.at, json!({"role": "user", "content": text}), false);
            }
            What::Prompt { text, images } => {
                let mut content = Vec::new();
                if !text.is_empty() {
                    content.push(json!({"type": "text", "text": text}));
                }
                content.extend(images.iter().map(|image| {
                    let data = BASE64_STANDARD.encode(&image.bytes);
                    let source = json!({"type": "base64", "media_type": image.media_type, "data": data});
                    json!({"type": "image", "source": source})
                }));
                self.record("user", said.at, json!({"role": "user", "content": content}), false);
            }
            What::Answer { text, model } => {
                self.assistant(said.at, model.as_deref(), json!({"type": "text", "text": text}), "end_turn");
            }
            What::Call(call) => self.call(said.at, call),
        }
    }

    fn call(&mut self, at: Timestamp, call: &Call) {
        let id = format!("toolu_{}", (self.uuid)().replace('-', ""));
        let (name, input) = match call.command() {
            Some((command, _)) => ("Bash".to_owned(), json!({"command": command})),
            None => (call.name(), call.arguments()),
        };
        self.assistant(
            at,
            None,
            json!({"type": "tool_use", "id": id, "name": name, "input": input}),
            "tool_use",
        );
        let failed = matches!(call.status, ToolStatus::Failed | ToolStatus::Declined);
        let result = json!({
            "tool_use_id": id, "type": "tool_result", "content": call.outcome(), "is_error": failed,
        });
        self.record("user", at, json!({"role": "user", "content": [result]}), false);
    }

    fn assistant(&mut self, at: Timestamp, model: Option<&str>, block: Value, stop: &str) {
        let id = format!("msg_{}", (self.uuid)().replace('-', ""));
        let usage = json!({
            "input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0,
        });
        let message = json!({
            "id": id, "type": "message", "role": "assistant", "model": model.unwrap_or("unknown"),
            "content": [block], "stop_reason": stop, "stop_sequence": null, "usage": usage,
        });
        self.record("assistant", at, message, false);
    }

    fn record(&mut self, kind: &str, at: Timestamp, message: Value, is_meta: bool) {
        let uuid = Value::from((self.uuid)());
        let mut record = json!({
            "parentUuid": self.parent.take(), "isSidechain": false, "userType": "external", "cwd": self.session.cwd,
            "sessionId": self.session.id, "handedOver": self.session.from, "type": kind, "message": message,
            "uuid": uuid, "timestamp": at,
        });
        if is_meta {
            record["isMeta"] = true.into();
        }
        self.out.extend_from_slice(record.to_string().as_bytes());
        self.out.push(b'\n');
        self.parent = uuid;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_claude_names_them() {
        assert_eq!(folder_of("/tmp/a b/ü.x").as_deref(), Some("-tmp-a-b---x"));
        assert_eq!(folder_of("/\u{1f600}").as_deref(), Some("---"), "counted in UTF-16, as JavaScript does");
        assert_eq!(folder_of(&"x".repeat(201)), None);
    }

    #[test]
    fn a_conversation_is_a_chain_of_records() {
        let at = Timestamp::from_millis(0);
        let call = Call {
            tool: "exec_command".into(),
            input: r#"{"cmd":"ls"}"#.into(),
            output: String::new(),
            status: ToolStatus::Declined,
        };
        let said = [
            Said { at, what: What::Answer { text: "First".into(), model: None } },
            Said { at, what: What::Prompt { text: "Go".into(), images: Vec::new() } },
            Said { at, what: What::Call(call) },
        ];
        let mut count = 0;
        let mut uuid = || {
            count += 1;
            format!("u{count}")
        };
        let session = NewSession { id: "s", cwd: "/w", from: "codex:c" };
        let bytes = transcript(&session, &said, &mut uuid);
        let records: Vec<Value> =
            bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert_eq!(records.len(), 5, "a beginning, an answer, a prompt, a call and its output");
        for pair in records.windows(2) {
            assert_eq!(pair[0]["uuid"], pair[1]["parentUuid"]);
        }
        assert_eq!(records[0]["isMeta"], true);
        assert_eq!(records[3]["message"]["content"][0]["input"]["command"], "ls");
        assert_eq!(
            records[4]["message"]["content"][0]["tool_use_id"],
            records[3]["message"]["content"][0]["id"]
        );
        assert_eq!(records[4]["message"]["content"][0]["is_error"], true);
    }
}

//! Gemini CLI without a terminal: ACP for new sessions, `stream-json`, which only prints, for those that go on.
//!
//! Seen on 0.61: `session/load` of ACP appends an empty history to the session's file, which the next start takes for a
//! broken session and deletes. So it is never used.

use marline_model::Usage;
use serde_json::Value;

use crate::acp::Acp;
use crate::drive::Launch;
use crate::talk::{
    AgentEvent, Begin, CallStatus, Order, Permission, Powers, Protocol, Talk, TurnEnd, failed, title, word,
};

pub fn talk(order: &Order) -> Result<Talk, &'static str> {
    let mut words = mode(order);
    let mut input = None;
    let protocol: Box<dyn Protocol> = match &order.begin {
        Begin::Fork { .. } => {
            return Err("has no fork without a terminal; fork the session first: marline fork ID");
        }
        Begin::New { .. } if !order.is_plain => {
            words.insert(0, "--acp".to_owned());
            Box::new(Acp::new(order.clone()))
        }
        _ if order.permission == Some(Permission::Ask) => {
            return Err("can't ask in a session that goes on; say what it may do: --permission edits or all");
        }
        _ if !order.images.is_empty() => return Err("takes no picture in a session that goes on"),
        begin => {
            words.extend(match begin {
                Begin::Resume { session } => ["--resume".to_owned(), session.clone()],
                Begin::New { id } | Begin::Fork { session: id } => ["--session-id".to_owned(), id.clone()],
            });
            words.extend(["-o".to_owned(), "stream-json".to_owned()]);
            input = Some(order.prompt.clone());
            Box::new(StreamJson::default())
        }
    };
    words.extend(order.more.iter().cloned());
    Ok(Talk { launch: Launch { program: "gemini", words }, env: Vec::new(), input, protocol })
}

/// The words of a model and of what may be done, which Qwen Code has from Gemini CLI.
pub(crate) fn mode(order: &Order) -> Vec<String> {
    let mode = order.permission.map(|permission| match permission {
        Permission::Read => "plan",
        Permission::Ask => "default",
        Permission::Edits => "auto_edit",
        Permission::All => "yolo",
    });
    let mut words = Vec::new();
    words.extend(mode.iter().flat_map(|mode| ["--approval-mode".to_owned(), (*mode).to_owned()]));
    words.extend(order.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]));
    words
}

#[derive(Default)]
struct StreamJson {
    is_saying: bool,
}

impl Protocol for StreamJson {
    fn powers(&self) -> Powers {
        Powers::default()
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        match message["type"].as_str() {
            Some("init") => {
                out.push(AgentEvent::Session { session: word(&message["session_id"]).to_owned() });
                out.push(AgentEvent::Began);
            }
            Some("message") if message["role"] == "assistant" => {
                let more = std::mem::replace(&mut self.is_saying, true);
                out.push(AgentEvent::Said { text: word(&message["content"]).to_owned(), more });
            }
            Some("tool_use") => {
                self.is_saying = false;
                let input = &message["parameters"];
                let what = ["command", "file_path", "pattern"].iter().find_map(|name| input[*name].as_str());
                let title = title(what.unwrap_or(word(&message["tool_name"])));
                let call = word(&message["tool_id"]).to_owned();
                out.push(AgentEvent::Tool { call, title, status: CallStatus::Running });
            }
            Some("tool_result") => {
                let is_well = message["status"] == "success";
                let status = if is_well { CallStatus::Completed } else { CallStatus::Failed };
                let call = word(&message["tool_id"]).to_owned();
                out.push(AgentEvent::Tool { call, title: String::new(), status });
            }
            Some("error") => out.push(AgentEvent::Note { text: title(word(&message["message"])) }),
            Some("result") => {
                let count = |name: &str| message["stats"][name].as_u64().unwrap_or(0);
                let usage = Usage {
                    input_tokens: count("input"),
                    cached_input_tokens: count("cached"),
                    output_tokens: count("output_tokens"),
                    ..Usage::default()
                };
                out.push(AgentEvent::Tokens { usage });
                let end = match message["status"].as_str() {
                    Some("success") => TurnEnd::Completed,
                    _ => failed(message["error"]["message"].as_str().unwrap_or("the turn failed").to_owned()),
                };
                out.push(AgentEvent::Ended { end });
            }
            _ => {}
        }
        Vec::new()
    }
}

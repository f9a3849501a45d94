//! The Agent Client Protocol, version 1: JSON-RPC 2.0, an object a line.
//! Source: agentclientprotocol.com; Gemini CLI 0.61, OpenCode 1.18 and Qwen Code 0.24 on the lab's model.

use std::collections::HashMap;
use std::mem;

use marline_model::Usage;
use serde_json::{Value, json};

use crate::talk::{
    AgentEvent, Begin, CallStatus, Decision, Order, Powers, Protocol, Question, TurnEnd, failed, picture,
    title, word,
};

/// What a request was for; its number is its place in this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Hello,
    Session,
    Prompt,
}

/// Speaks with any agent of the protocol.
pub struct Acp {
    order: Order,
    asked: Vec<Asked>,
    session: Option<String>,
    /// Its history is told again while a session is loaded.
    is_loading: bool,
    is_saying: bool,
    /// Open questions: the id that the answer bears, and the options by kind.
    open: HashMap<String, (Value, Vec<(String, String)>)>,
    titles: HashMap<String, String>,
}

impl Acp {
    pub fn new(order: Order) -> Self {
        let (open, titles) = Default::default();
        Acp { order, asked: Vec::new(), session: None, is_loading: false, is_saying: false, open, titles }
    }

    fn ask(&mut self, asked: Asked, method: &str, params: Value) -> String {
        self.asked.push(asked);
        json!({"jsonrpc": "2.0", "id": self.asked.len() - 1, "method": method, "params": params}).to_string()
    }

    fn begin(&mut self, powers: &Value) -> String {
        let mut params = json!({"cwd": self.order.cwd, "mcpServers": []});
        let own = &powers["sessionCapabilities"];
        let method = match &self.order.begin {
            Begin::New { .. } => "session/new",
            Begin::Resume { session } | Begin::Fork { session } => {
                params["sessionId"] = session.as_str().into();
                match self.order.begin {
                    Begin::Fork { .. } => "session/fork",
                    // Without telling the whole history again.
                    _ if own["resume"].is_object() => "session/resume",
                    _ => {
                        self.is_loading = true;
                        "session/load"
                    }
                }
            }
        };
        self.ask(Asked::Session, method, params)
    }

    fn prompt(&mut self, words: &str, images: &[std::path::PathBuf]) -> Option<String> {
        let session = self.session.clone()?;
        let mut prompt = vec![json!({"type": "text", "text": words})];
        prompt.extend(
            images
                .iter()
                .filter_map(|path| picture(path))
                .map(|(kind, data)| json!({"type": "image", "mimeType": kind, "data": data})),
        );
        Some(self.ask(Asked::Prompt, "session/prompt", json!({"sessionId": session, "prompt": prompt})))
    }

    fn answered(&mut self, id: usize, message: &Value, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Some(asked) = self.asked.get(id).copied() else { return Vec::new() };
        if let Some(error) = message.get("error") {
            let why = error["data"]["details"].as_str().or(error["message"].as_str()).unwrap_or("it refused");
            out.push(AgentEvent::Ended { end: failed(said_by_model(why)) });
            return Vec::new();
        }
        let result = &message["result"];
        match asked {
            Asked::Hello => vec![self.begin(&result["agentCapabilities"])],
            Asked::Session => {
                self.is_loading = false;
                let session = match &self.order.begin {
                    Begin::Resume { session } => session.clone(),
                    _ => word(&result["sessionId"]).to_owned(),
                };
                out.push(AgentEvent::Session { session: session.clone() });
                self.session = Some(session);
                let (prompt, images) = (self.order.prompt.clone(), self.order.images.clone());
                let line = self.prompt(&prompt, &images);
                out.push(AgentEvent::Began);
                line.into_iter().collect()
            }
            Asked::Prompt => {
                if let Some(usage) = usage(result) {
                    out.push(AgentEvent::Tokens { usage });
                }
                self.is_saying = false;
                let end = match result["stopReason"].as_str() {
                    Some("end_turn") => TurnEnd::Completed,
                    Some("cancelled") => TurnEnd::Interrupted,
                    Some(reason) => TurnEnd::Failed { why: reason.replace('_', " ") },
                    None => TurnEnd::Failed { why: "it ended without a reason".to_owned() },
                };
                out.push(AgentEvent::Ended { end });
                Vec::new()
            }
        }
    }

    fn update(&mut self, update: &Value, out: &mut Vec<AgentEvent>) {
        match update["sessionUpdate"].as_str() {
            Some("agent_message_chunk") => {
                let text = word(&update["content"]["text"]).to_owned();
                if text.is_empty() {
                    return;
                }
                out.push(AgentEvent::Said { text, more: mem::replace(&mut self.is_saying, true) });
            }
            Some("tool_call" | "tool_call_update") => {
                self.is_saying = false;
                let call = word(&update["toolCallId"]).to_owned();
                if let Some(title) = update["title"].as_str() {
                    self.titles.insert(call.clone(), title.to_owned());
                }
                let status = match update["status"].as_str() {
                    Some("completed") => CallStatus::Completed,
                    Some("failed") => CallStatus::Failed,
                    _ => CallStatus::Running,
                };
                let title = title(self.titles.get(&call).map_or("", String::as_str));
                out.push(AgentEvent::Tool { call, title, status });
            }
            _ => {}
        }
    }

    fn asks(&mut self, id: &Value, params: &Value, out: &mut Vec<AgentEvent>) {
        let call = &params["toolCall"];
        let options: Vec<(String, String)> = params["options"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|option| (word(&option["kind"]).to_owned(), word(&option["optionId"]).to_owned()))
            .collect();
        let content = call["content"].as_array().into_iter().flatten();
        let texts = content.clone().filter_map(|one| one["content"]["text"].as_str());
        let why = texts.collect::<Vec<_>>().join("\n");
        let diffs = content.filter(|one| one["type"] == "diff").map(|one| {
            let signed = |sign: char, text: &Value| -> String {
                word(text).lines().map(|line| format!("{sign}{line}\n")).collect()
            };
            signed('-', &one["oldText"]) + &signed('+', &one["newText"])
        });
        let diff = diffs.collect::<String>();
        let locations = call["locations"].as_array().into_iter().flatten();
        let raw = &call["rawInput"];
        let question = Question {
            id: id.to_string(),
            tool: call["kind"].as_str().unwrap_or("tool").to_owned(),
            what: raw["command"].as_str().or(call["title"].as_str()).unwrap_or_default().to_owned(),
            cwd: Some(
                raw["cwd"].as_str().map_or_else(|| self.order.cwd.display().to_string(), str::to_owned),
            ),
            files: locations.filter_map(|place| Some(place["path"].as_str()?.to_owned())).collect(),
            why: Some(why).filter(|why| !why.is_empty()),
            diff: Some(diff).filter(|diff| !diff.is_empty()),
            for_session: options.iter().any(|(kind, _)| kind == "allow_always"),
        };
        self.open.insert(question.id.clone(), (id.clone(), options));
        out.push(AgentEvent::Asks { question });
    }
}

/// An error of the model within an error of the agent.
fn said_by_model(why: &str) -> String {
    let inner: Option<Value> = serde_json::from_str(why).ok();
    inner
        .and_then(|inner| Some(inner["error"]["message"].as_str()?.to_owned()))
        .unwrap_or_else(|| why.to_owned())
}

fn usage(result: &Value) -> Option<Usage> {
    let own = &result["usage"];
    if own.is_object() {
        let count = |name: &str| own[name].as_u64().unwrap_or(0);
        return Some(Usage {
            input_tokens: count("inputTokens"),
            cached_input_tokens: count("cachedReadTokens"),
            cache_write_tokens: count("cachedWriteTokens"),
            output_tokens: count("outputTokens"),
            ..Usage::default()
        });
    }
    // Gemini CLI's own.
    let count = &result["_meta"]["quota"]["token_count"];
    let (input, output) = (count["input_tokens"].as_u64()?, count["output_tokens"].as_u64()?);
    Some(Usage { input_tokens: input, output_tokens: output, ..Usage::default() })
}

impl Protocol for Acp {
    fn powers(&self) -> Powers {
        Powers { asks: true, sends: true, interrupts: true, images: true }
    }

    fn open(&mut self) -> Vec<String> {
        let files = json!({"readTextFile": false, "writeTextFile": false});
        let params = json!({"protocolVersion": 1, "clientCapabilities": {"fs": files}});
        vec![self.ask(Asked::Hello, "initialize", params)]
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        let params = &message["params"];
        match (message.get("id"), message["method"].as_str()) {
            (Some(id), Some("session/request_permission")) => {
                self.asks(id, params, out);
                Vec::new()
            }
            (Some(id), Some(_)) => {
                let error = json!({"code": -32601, "message": "not known here"});
                vec![json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()]
            }
            (Some(id), None) => {
                self.answered(id.as_u64().map_or(usize::MAX, |id| id as usize), &message, out)
            }
            (None, Some("session/update")) if !self.is_loading => {
                self.update(&params["update"], out);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn answer(&mut self, question: &str, decision: &Decision) -> Option<String> {
        let (id, options) = self.open.remove(question)?;
        let wanted: &[&str] = match decision {
            Decision::Allow => &["allow_once"],
            Decision::AllowForSession => &["allow_always", "allow_once"],
            Decision::Deny { .. } => &["reject_once", "reject_always"],
        };
        let option = wanted.iter().find_map(|kind| options.iter().find(|(known, _)| known == kind));
        let outcome = match option {
            Some((_, option)) => json!({"outcome": "selected", "optionId": option}),
            None => json!({"outcome": "cancelled"}),
        };
        Some(json!({"jsonrpc": "2.0", "id": id, "result": {"outcome": outcome}}).to_string())
    }

    fn send(&mut self, _key: &str, prompt: &str) -> Option<String> {
        self.prompt(prompt, &[])
    }

    fn interrupt(&mut self) -> Option<String> {
        let session = self.session.clone()?;
        let params = json!({"sessionId": session});
        Some(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": params}).to_string())
    }
}

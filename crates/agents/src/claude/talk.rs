//! Claude Code without a terminal: stream-json both ways, which can ask (`--permission-prompt-tool stdio`) and is told by
//! control requests. Source: 2.1.329 on the lab's model.

use std::collections::HashMap;

use marline_model::Usage;
use serde_json::{Value, json};

use crate::drive::Launch;
use crate::talk::{
    AgentEvent, Begin, CallStatus, Decision, Order, Permission, Powers, Protocol, Question, Talk, TurnEnd,
    failed, picture, title, word,
};

pub fn talk(order: &Order) -> Talk {
    let mut words: Vec<String> = vec!["-p".to_owned()];
    if !order.is_plain {
        words.extend(
            ["--input-format", "stream-json", "--permission-prompt-tool", "stdio"].map(str::to_owned),
        );
    }
    words.extend(["--output-format", "stream-json", "--verbose"].map(str::to_owned));
    match &order.begin {
        Begin::New { id } => words.extend(["--session-id".to_owned(), id.clone()]),
        Begin::Resume { session } => words.extend(["--resume".to_owned(), session.clone()]),
        Begin::Fork { session } => {
            words.extend(["--resume".to_owned(), session.clone(), "--fork-session".to_owned()]);
        }
    }
    words.extend(order.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]));
    let mode = order.permission.map(|permission| match permission {
        Permission::Read => "plan",
        Permission::Ask => "default",
        Permission::Edits => "acceptEdits",
        Permission::All => "bypassPermissions",
    });
    words.extend(mode.iter().flat_map(|mode| ["--permission-mode".to_owned(), (*mode).to_owned()]));
    // Without a terminal nobody can choose from a menu: it asks in its answer.
    words.push("--disallowed-tools=AskUserQuestion".to_owned());
    words.extend(order.more.iter().cloned());
    let launch = Launch { program: "claude", words };
    let (open, calls) = Default::default();
    let protocol = StreamJson { order: order.clone(), open, calls, asked: 0, until: None };
    let input = order.is_plain.then(|| order.prompt.clone());
    Talk { launch, env: Vec::new(), input, protocol: Box::new(protocol) }
}

struct StreamJson {
    order: Order,
    /// Open questions with the input that they are about: who allows says it again.
    open: HashMap<String, (Value, Value)>,
    /// Calls by id, as they were told.
    calls: HashMap<String, String>,
    asked: u32,
    until: Option<i64>,
}

/// What a call does, in a line.
fn what(tool: &str, input: &Value) -> String {
    let said = ["command", "file_path", "path", "pattern", "url", "query", "description", "prompt"];
    let main = said.iter().find_map(|name| input[*name].as_str());
    match (tool, main) {
        ("Bash", Some(command)) => command.to_owned(),
        (tool, Some(main)) => format!("{tool} {main}"),
        (tool, None) => tool.to_owned(),
    }
}

impl StreamJson {
    fn user(key: &str, content: Value) -> String {
        json!({"type": "user", "uuid": key, "message": {"role": "user", "content": content}}).to_string()
    }

    fn message(&mut self, message: &Value, out: &mut Vec<AgentEvent>) {
        // What a sub-agent says is its own.
        if message["parent_tool_use_id"].is_string() {
            return;
        }
        for block in message["message"]["content"].as_array().into_iter().flatten() {
            match block["type"].as_str() {
                Some("text") if message["type"] == "assistant" => {
                    out.push(AgentEvent::Said { text: word(&block["text"]).to_owned(), more: false });
                }
                Some("tool_use") => {
                    let call = word(&block["id"]).to_owned();
                    let title = title(&what(word(&block["name"]), &block["input"]));
                    self.calls.insert(call.clone(), title.clone());
                    out.push(AgentEvent::Tool { call, title, status: CallStatus::Running });
                }
                Some("tool_result") => {
                    let call = word(&block["tool_use_id"]).to_owned();
                    let decision = &message["tool_result_meta"][0]["permission_decision"]["decision"];
                    let status = match block["is_error"].as_bool() {
                        _ if decision == "reject" => CallStatus::Declined,
                        Some(true) => CallStatus::Failed,
                        _ => CallStatus::Completed,
                    };
                    let title = self.calls.remove(&call).unwrap_or_default();
                    out.push(AgentEvent::Tool { call, title, status });
                }
                _ => {}
            }
        }
    }

    fn result(&mut self, message: &Value, out: &mut Vec<AgentEvent>) {
        let count = |name: &str| message["usage"][name].as_u64().unwrap_or(0);
        let usage = Usage {
            input_tokens: count("input_tokens"),
            cached_input_tokens: count("cache_read_input_tokens"),
            cache_write_tokens: count("cache_creation_input_tokens"),
            output_tokens: count("output_tokens"),
            ..Usage::default()
        };
        out.push(AgentEvent::Tokens { usage });
        let text = || message["result"].as_str().map(str::to_owned);
        let end = match message["terminal_reason"].as_str() {
            Some(reason) if reason.contains("abort") || reason.contains("interrupt") => TurnEnd::Interrupted,
            _ if message["is_error"] == true || message["subtype"] != "success" => {
                let why = text().or_else(|| Some(message["errors"][0].as_str()?.to_owned()));
                match failed(why.unwrap_or_else(|| word(&message["subtype"]).replace('_', " "))) {
                    TurnEnd::Limited { why, .. } => TurnEnd::Limited { why, until: self.until },
                    TurnEnd::Failed { why } if self.until.is_some() => {
                        TurnEnd::Limited { why, until: self.until }
                    }
                    end => end,
                }
            }
            _ => TurnEnd::Completed,
        };
        out.push(AgentEvent::Ended { end });
    }

    fn asks(&mut self, message: &Value, out: &mut Vec<AgentEvent>) {
        let (id, request) = (word(&message["request_id"]).to_owned(), &message["request"]);
        let (tool, input) = (word(&request["tool_name"]), &request["input"]);
        let file = ["file_path", "path", "notebook_path"].iter().find_map(|name| input[*name].as_str());
        let diff =
            match (input["old_string"].as_str(), input["new_string"].as_str(), input["content"].as_str()) {
                (Some(old), Some(new), _) => Some(change(old, new)),
                (_, _, Some(content)) => Some(change("", content)),
                _ => None,
            };
        let files = file.or_else(|| request["blocked_path"].as_str()).map(str::to_owned);
        out.push(AgentEvent::Asks {
            question: Question {
                id: id.clone(),
                tool: tool.to_owned(),
                what: what(tool, input),
                cwd: Some(self.order.cwd.display().to_string()),
                files: files.into_iter().collect(),
                why: request["description"].as_str().map(str::to_owned),
                diff,
                for_session: request["permission_suggestions"].as_array().is_some_and(|all| !all.is_empty()),
            },
        });
        self.open.insert(id, (input.clone(), request["permission_suggestions"].clone()));
    }
}

/// A change as lines with signs.
fn change(old: &str, new: &str) -> String {
    let old = old.lines().map(|line| format!("-{line}"));
    let new = new.lines().map(|line| format!("+{line}"));
    old.chain(new).collect::<Vec<_>>().join("\n")
}

impl Protocol for StreamJson {
    fn powers(&self) -> Powers {
        let can = !self.order.is_plain;
        Powers { asks: can, sends: can, interrupts: can, images: can }
    }

    fn open(&mut self) -> Vec<String> {
        if self.order.is_plain {
            return Vec::new();
        }
        let mut content = vec![json!({"type": "text", "text": self.order.prompt})];
        for path in &self.order.images {
            let Some((kind, data)) = picture(path) else { continue };
            let source = json!({"type": "base64", "media_type": kind, "data": data});
            content.push(json!({"type": "image", "source": source}));
        }
        vec![Self::user(&self.order.key, content.into())]
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        match (message["type"].as_str(), message["subtype"].as_str()) {
            (Some("system"), Some("init")) => {
                out.push(AgentEvent::Session { session: word(&message["session_id"]).to_owned() });
                out.push(AgentEvent::Began);
            }
            (Some("system"), Some("api_retry")) => {
                let status = message["error_status"].to_string();
                let seconds = message["retry_delay_ms"].as_u64().unwrap_or(0).div_ceil(1000);
                out.push(AgentEvent::Note {
                    text: format!("the model answered {status}; again in {seconds} s"),
                });
            }
            (Some("rate_limit_event"), _) => {
                let info = &message["rate_limit_info"];
                let is_used_up = info["status"] == "rejected";
                self.until = info["resetsAt"].as_i64().filter(|_| is_used_up).map(|at| at * 1000);
            }
            (Some("assistant" | "user"), _) if message["isReplay"] != true => self.message(&message, out),
            (Some("result"), _) => self.result(&message, out),
            (Some("control_request"), _) if message["request"]["subtype"] == "can_use_tool" => {
                self.asks(&message, out);
            }
            (Some("control_cancel_request"), _) => {
                let question = word(&message["request_id"]).to_owned();
                if self.open.remove(&question).is_some() {
                    out.push(AgentEvent::Answered { question });
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn answer(&mut self, question: &str, decision: &Decision) -> Option<String> {
        let (input, suggestions) = self.open.remove(question)?;
        let response = match decision {
            Decision::Allow => json!({"behavior": "allow", "updatedInput": input}),
            Decision::AllowForSession => {
                let own = suggestions.as_array().into_iter().flatten().map(|suggestion| {
                    let mut suggestion = suggestion.clone();
                    suggestion["destination"] = "session".into();
                    suggestion
                });
                json!({"behavior": "allow", "updatedInput": input, "updatedPermissions": own.collect::<Vec<_>>()})
            }
            Decision::Deny { reason } => {
                let reason = reason.as_deref().unwrap_or("The person refused.");
                json!({"behavior": "deny", "message": reason})
            }
        };
        let response = json!({"subtype": "success", "request_id": question, "response": response});
        Some(json!({"type": "control_response", "response": response}).to_string())
    }

    fn send(&mut self, key: &str, prompt: &str) -> Option<String> {
        self.powers().sends.then(|| Self::user(key, prompt.into()))
    }

    fn interrupt(&mut self) -> Option<String> {
        self.asked += 1;
        let request = json!({"subtype": "interrupt"});
        let id = format!("interrupt-{}", self.asked);
        let line = json!({"type": "control_request", "request_id": id, "request": request}).to_string();
        self.powers().interrupts.then_some(line)
    }
}

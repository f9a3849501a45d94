//! Codex without a terminal: `app-server` (JSON-RPC, an object a line), and `exec --json`, which only prints.
//! Source: 0.169, `app-server generate-json-schema`, and its talk with the lab's model.

use std::collections::HashMap;
use std::mem;

use marline_model::Usage;
use serde_json::{Value, json};

use super::service::meant;
use crate::drive::Launch;
use crate::talk::{
    AgentEvent, Begin, CallStatus, Decision, Order, Permission, Powers, Protocol, Question, Talk, TurnEnd,
    failed, title, word,
};

pub fn talk(order: &Order) -> Talk {
    let env = Vec::new();
    if order.is_plain {
        let input = Some(order.prompt.clone());
        return Talk { launch: exec(order), env, input, protocol: Box::new(Exec::default()) };
    }
    let mut words = vec!["app-server".to_owned()];
    words.extend(order.more.iter().cloned());
    let launch = Launch { program: "codex", words };
    Talk { launch, env, input: None, protocol: Box::new(AppServer::new(order.clone())) }
}

fn exec(order: &Order) -> Launch {
    let mut words: Vec<String> = ["exec", "--json", "--skip-git-repo-check"].map(str::to_owned).to_vec();
    words.extend(super::drive::provider(order.provider.as_deref()));
    words.extend(order.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]));
    match order.permission {
        Some(Permission::Read | Permission::Ask) => {
            words.extend(["--sandbox", "read-only"].map(str::to_owned))
        }
        Some(Permission::Edits) => words.extend(["--sandbox", "workspace-write"].map(str::to_owned)),
        Some(Permission::All) => words.push("--dangerously-bypass-approvals-and-sandbox".to_owned()),
        None => {}
    }
    words.extend(order.more.iter().cloned());
    words.extend(order.images.iter().map(|image| format!("--image={}", image.display())));
    match &order.begin {
        Begin::New { .. } => {}
        Begin::Resume { session } => words.extend(["resume".to_owned(), session.clone()]),
        Begin::Fork { session } => words.extend(["fork".to_owned(), session.clone()]),
    }
    words.push("-".to_owned());
    Launch { program: "codex", words }
}

/// What a request was for; its number is its place in this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Hello,
    Thread,
    Turn,
    Interrupt,
    Steer,
}

struct AppServer {
    order: Order,
    asked: Vec<Asked>,
    thread: Option<String>,
    turn: Option<String>,
    /// A turn that was not begun here.
    other: Option<String>,
    /// Questions by their id here, with the id that the answer bears.
    open: HashMap<String, Value>,
    /// The changes of edits, by item: the question itself does not tell them.
    changes: HashMap<String, Value>,
    is_saying: bool,
    /// When there is more to spend, of an account that has nothing left.
    until: Option<i64>,
}

impl AppServer {
    fn new(order: Order) -> Self {
        let (open, changes) = Default::default();
        AppServer {
            order,
            asked: Vec::new(),
            thread: None,
            turn: None,
            other: None,
            open,
            changes,
            is_saying: false,
            until: None,
        }
    }

    fn ask(&mut self, asked: Asked, method: &str, params: Value) -> String {
        self.asked.push(asked);
        json!({"id": self.asked.len() - 1, "method": method, "params": params}).to_string()
    }

    fn begin(&mut self) -> String {
        let mut params = json!({"cwd": self.order.cwd});
        if let Some(model) = &self.order.model {
            params["model"] = model.as_str().into();
        }
        if let Some(permission) = self.order.permission {
            let (policy, sandbox) = match permission {
                Permission::Read => ("never", "read-only"),
                Permission::Ask => ("untrusted", "workspace-write"),
                Permission::Edits => ("on-request", "workspace-write"),
                Permission::All => ("never", "danger-full-access"),
            };
            params["approvalPolicy"] = policy.into();
            params["sandbox"] = sandbox.into();
        }
        let method = match &self.order.begin {
            Begin::New { .. } => "thread/start",
            Begin::Resume { session } | Begin::Fork { session } => {
                params["threadId"] = session.as_str().into();
                params["excludeTurns"] = true.into();
                if let Some(provider) = &self.order.provider {
                    params["modelProvider"] = provider.as_str().into();
                }
                if matches!(self.order.begin, Begin::Fork { .. }) { "thread/fork" } else { "thread/resume" }
            }
        };
        self.ask(Asked::Thread, method, params)
    }

    fn turn(&mut self, key: &str, prompt: &str, images: &[std::path::PathBuf]) -> Option<String> {
        let thread = self.thread.clone()?;
        let mut input = vec![json!({"type": "text", "text": prompt})];
        input.extend(images.iter().map(|path| json!({"type": "localImage", "path": path})));
        let params = json!({"threadId": thread, "clientUserMessageId": key, "input": input});
        Some(self.ask(Asked::Turn, "turn/start", params))
    }

    fn answered(&mut self, id: usize, message: &Value, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Some(asked) = self.asked.get(id).copied() else { return Vec::new() };
        if let Some(error) = message.get("error") {
            let why = error["message"].as_str().unwrap_or("app-server refused").to_owned();
            if !matches!(asked, Asked::Interrupt | Asked::Steer) {
                out.push(AgentEvent::Ended { end: failed(why) });
            }
            return Vec::new();
        }
        let result = &message["result"];
        match asked {
            Asked::Hello => {
                let ready = json!({"method": "initialized"}).to_string();
                vec![ready, self.begin()]
            }
            Asked::Thread => {
                let thread = result["thread"]["id"].as_str().unwrap_or_default().to_owned();
                out.push(AgentEvent::Session { session: thread.clone() });
                self.thread = Some(thread);
                let Order { key, prompt, images, .. } = self.order.clone();
                self.turn(&key, &prompt, &images).into_iter().collect()
            }
            Asked::Turn => {
                self.turn = result["turn"]["id"].as_str().map(str::to_owned);
                out.push(AgentEvent::Began);
                Vec::new()
            }
            Asked::Interrupt | Asked::Steer => Vec::new(),
        }
    }

    fn told(&mut self, method: &str, params: &Value, out: &mut Vec<AgentEvent>) {
        // Another thread of the same server: a sub-agent's.
        if params["threadId"].as_str().is_some_and(|thread| Some(thread) != self.thread.as_deref()) {
            return;
        }
        match method {
            "item/agentMessage/delta" => {
                let text = params["delta"].as_str().unwrap_or_default().to_owned();
                out.push(AgentEvent::Said { text, more: mem::replace(&mut self.is_saying, true) });
            }
            "item/started" | "item/completed" => self.item(method == "item/completed", &params["item"], out),
            "serverRequest/resolved" => {
                let question = params["requestId"].to_string();
                if self.open.remove(&question).is_some() {
                    out.push(AgentEvent::Answered { question });
                }
            }
            "thread/tokenUsage/updated" => {
                out.push(AgentEvent::Tokens { usage: usage(&params["tokenUsage"]["total"]) });
            }
            "account/rateLimits/updated" => {
                let windows = ["primary", "secondary"].map(|name| &params["rateLimits"][name]);
                let used_up = windows.iter().filter(|window| window["usedPercent"].as_f64() >= Some(100.0));
                self.until =
                    used_up.filter_map(|window| window["resetsAt"].as_i64()).max().map(|at| at * 1000);
            }
            "error" if params["willRetry"] == true => {
                let text = params["error"]["message"].as_str().unwrap_or_default();
                out.push(AgentEvent::Note { text: title(text) });
            }
            "turn/started" => {
                // From Codex' own queue: somebody else put it there while the thread was busy here.
                let turn = params["turn"]["id"].as_str();
                self.other = turn.filter(|turn| self.turn.as_deref() != Some(*turn)).map(str::to_owned);
            }
            "turn/completed" if params["turn"]["id"].as_str() == self.other.as_deref() => self.other = None,
            "turn/completed" => {
                let turn = &params["turn"];
                let end = match turn["status"].as_str() {
                    Some("completed") => TurnEnd::Completed,
                    Some("interrupted") => TurnEnd::Interrupted,
                    _ => self.failed(&turn["error"]),
                };
                self.turn = None;
                out.push(AgentEvent::Ended { end });
            }
            _ => {}
        }
    }

    fn failed(&self, error: &Value) -> TurnEnd {
        let why = error["message"].as_str().unwrap_or("the turn failed").to_owned();
        match (error["codexErrorInfo"].as_str(), failed(why)) {
            (Some("usageLimitExceeded"), TurnEnd::Failed { why }) | (_, TurnEnd::Limited { why, .. }) => {
                TurnEnd::Limited { why, until: self.until }
            }
            (_, end) => end,
        }
    }

    fn item(&mut self, is_over: bool, item: &Value, out: &mut Vec<AgentEvent>) {
        let call = item["id"].as_str().unwrap_or_default().to_owned();
        let words = match item["type"].as_str() {
            Some("agentMessage") => {
                if is_over && !mem::take(&mut self.is_saying) {
                    let text = item["text"].as_str().unwrap_or_default().to_owned();
                    out.push(AgentEvent::Said { text, more: false });
                }
                return;
            }
            Some("commandExecution") => meant(word(&item["command"])),
            Some("fileChange") => {
                self.changes.insert(call.clone(), item["changes"].clone());
                paths(&item["changes"]).join(", ")
            }
            Some("mcpToolCall") => format!("{} {}", word(&item["server"]), word(&item["tool"])),
            Some("webSearch") => format!("search: {}", word(&item["query"])),
            _ => return,
        };
        let status = match item["status"].as_str() {
            _ if !is_over => CallStatus::Running,
            Some("failed") => CallStatus::Failed,
            Some("declined") => CallStatus::Declined,
            _ if item["exitCode"].as_i64().is_some_and(|code| code != 0) => CallStatus::Failed,
            _ => CallStatus::Completed,
        };
        out.push(AgentEvent::Tool { call, title: title(&words), status });
    }

    fn asks(
        &mut self,
        id: &Value,
        method: &str,
        params: &Value,
        out: &mut Vec<AgentEvent>,
    ) -> Option<String> {
        let why = params["reason"].as_str().map(str::to_owned);
        let cwd = params["cwd"].as_str().map(str::to_owned);
        let question = |tool: &str, what: String| Question {
            id: id.to_string(),
            tool: tool.to_owned(),
            what,
            cwd: cwd.clone(),
            files: Vec::new(),
            why: why.clone(),
            diff: None,
            for_session: true,
        };
        let question = match method {
            "item/commandExecution/requestApproval" => question("command", meant(word(&params["command"]))),
            "item/fileChange/requestApproval" => {
                let changes = self.changes.get(word(&params["itemId"])).cloned().unwrap_or_default();
                let files = paths(&changes);
                let diffs =
                    changes.as_array().into_iter().flatten().filter_map(|change| change["diff"].as_str());
                let diff = diffs.collect::<Vec<_>>().join("\n");
                let diff = (!diff.is_empty()).then_some(diff);
                Question { diff, files, ..question("edit", "change files".to_owned()) }
            }
            // What nobody here can say is refused at once, so that the turn goes on.
            _ => {
                let error = json!({"code": -32601, "message": "nobody is here to answer"});
                return Some(json!({"id": id, "error": error}).to_string());
            }
        };
        self.open.insert(question.id.clone(), id.clone());
        out.push(AgentEvent::Asks { question });
        None
    }
}

fn paths(changes: &Value) -> Vec<String> {
    let changes = changes.as_array().into_iter().flatten();
    changes.filter_map(|change| Some(change["path"].as_str()?.to_owned())).collect()
}

fn usage(total: &Value) -> Usage {
    let count = |name: &str| total[name].as_u64().unwrap_or(0);
    let cached = count("cachedInputTokens");
    Usage {
        input_tokens: count("inputTokens").saturating_sub(cached),
        cached_input_tokens: cached,
        output_tokens: count("outputTokens"),
        reasoning_tokens: count("reasoningOutputTokens"),
        ..Usage::default()
    }
}

impl Protocol for AppServer {
    fn powers(&self) -> Powers {
        Powers { asks: true, sends: true, interrupts: true, images: true }
    }

    fn open(&mut self) -> Vec<String> {
        let client = json!({"name": "marline", "title": "Marline", "version": env!("CARGO_PKG_VERSION")});
        vec![self.ask(Asked::Hello, "initialize", json!({"clientInfo": client}))]
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        match (message.get("id"), message["method"].as_str()) {
            (Some(id), Some(method)) => self.asks(id, method, &message["params"], out).into_iter().collect(),
            (Some(id), None) => {
                self.answered(id.as_u64().map_or(usize::MAX, |id| id as usize), &message, out)
            }
            (None, Some(method)) => {
                self.told(method, &message["params"], out);
                Vec::new()
            }
            (None, None) => Vec::new(),
        }
    }

    fn answer(&mut self, question: &str, decision: &Decision) -> Option<String> {
        let id = self.open.remove(question)?;
        let word = match decision {
            Decision::Allow => "accept",
            Decision::AllowForSession => "acceptForSession",
            Decision::Deny { .. } => "decline",
        };
        let answer = json!({"id": id, "result": {"decision": word}}).to_string();
        // An answer has no room for a word: that is said to the turn itself.
        let (Decision::Deny { reason: Some(reason) }, Some(thread), Some(turn)) =
            (decision, self.thread.clone(), self.turn.clone())
        else {
            return Some(answer);
        };
        let input = json!([{"type": "text", "text": reason}]);
        let params = json!({"threadId": thread, "expectedTurnId": turn, "input": input});
        let steer = self.ask(Asked::Steer, "turn/steer", params);
        Some(format!("{steer}\n{answer}"))
    }

    fn send(&mut self, key: &str, prompt: &str) -> Option<String> {
        self.turn(key, prompt, &[])
    }

    fn is_busy(&self) -> bool {
        self.other.is_some()
    }

    fn interrupt(&mut self) -> Option<String> {
        let params = json!({"threadId": self.thread.clone()?, "turnId": self.turn.clone()?});
        Some(self.ask(Asked::Interrupt, "turn/interrupt", params))
    }
}

/// `exec --json` prints what happens and ends.
#[derive(Default)]
struct Exec {
    is_over: bool,
}

impl Protocol for Exec {
    fn powers(&self) -> Powers {
        Powers { images: true, ..Powers::default() }
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        let item = &message["item"];
        match message["type"].as_str() {
            Some("thread.started") => {
                out.push(AgentEvent::Session { session: word(&message["thread_id"]).to_owned() });
            }
            Some("turn.started") => out.push(AgentEvent::Began),
            Some(kind @ ("item.started" | "item.completed")) => {
                let is_over = kind == "item.completed";
                let words = match item["type"].as_str() {
                    Some("agent_message") if is_over => {
                        out.push(AgentEvent::Said { text: word(&item["text"]).to_owned(), more: false });
                        return Vec::new();
                    }
                    Some("error") => {
                        out.push(AgentEvent::Note { text: title(word(&item["message"])) });
                        return Vec::new();
                    }
                    Some("command_execution") => meant(word(&item["command"])),
                    Some("file_change") => paths(&item["changes"]).join(", "),
                    Some("mcp_tool_call") => format!("{} {}", word(&item["server"]), word(&item["tool"])),
                    _ => return Vec::new(),
                };
                let status = match item["status"].as_str() {
                    _ if !is_over => CallStatus::Running,
                    Some("failed") => CallStatus::Failed,
                    Some("declined") => CallStatus::Declined,
                    _ => CallStatus::Completed,
                };
                let call = word(&item["id"]).to_owned();
                out.push(AgentEvent::Tool { call, title: title(&words), status });
            }
            Some("turn.completed") => {
                let count = |name: &str| message["usage"][name].as_u64().unwrap_or(0);
                let cached = count("cached_input_tokens");
                let usage = Usage {
                    input_tokens: count("input_tokens").saturating_sub(cached),
                    cached_input_tokens: cached,
                    output_tokens: count("output_tokens"),
                    ..Usage::default()
                };
                out.push(AgentEvent::Tokens { usage });
                out.push(AgentEvent::Ended { end: TurnEnd::Completed });
                self.is_over = true;
            }
            Some("turn.failed") if !self.is_over => {
                let why = message["error"]["message"].as_str().unwrap_or("the turn failed");
                out.push(AgentEvent::Ended { end: failed(why.to_owned()) });
                self.is_over = true;
            }
            Some("error") => out.push(AgentEvent::Note { text: title(word(&message["message"])) }),
            _ => {}
        }
        Vec::new()
    }
}

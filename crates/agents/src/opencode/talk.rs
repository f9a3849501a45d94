//! OpenCode without a terminal: ACP, and `run --format json`, which only prints. Source: 1.18.

use marline_model::Usage;
use serde_json::{Value, json};

use crate::acp::Acp;
use crate::drive::Launch;
use crate::talk::{
    AgentEvent, Begin, CallStatus, Order, Permission, Powers, Protocol, Talk, TurnEnd, failed, title,
};

pub fn talk(order: &Order) -> Result<Talk, &'static str> {
    let env = order
        .permission
        .map(|permission| ("OPENCODE_CONFIG_CONTENT", rules(permission)))
        .into_iter()
        .collect();
    if !order.is_plain {
        if order.model.is_some() {
            return Err("takes a model only when it just prints: --plain");
        }
        let mut words = vec!["acp".to_owned()];
        words.extend(order.more.iter().cloned());
        let launch = Launch { program: "opencode", words };
        return Ok(Talk { launch, env, input: None, protocol: Box::new(Acp::new(order.clone())) });
    }
    if order.permission == Some(Permission::Ask) {
        return Err("can't ask when it just prints");
    }
    let mut words: Vec<String> = ["run", "--format", "json"].map(str::to_owned).to_vec();
    match &order.begin {
        Begin::New { .. } => {}
        Begin::Resume { session } => words.extend(["--session".to_owned(), session.clone()]),
        Begin::Fork { session } => {
            words.extend(["--session".to_owned(), session.clone(), "--fork".to_owned()])
        }
    }
    words.extend(order.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]));
    words.extend(order.images.iter().map(|image| format!("--file={}", image.display())));
    words.extend(order.more.iter().cloned());
    let launch = Launch { program: "opencode", words };
    let input = Some(order.prompt.clone());
    Ok(Talk { launch, env, input, protocol: Box::new(Run::default()) })
}

/// Settings of OpenCode that say what may be done; they are laid over the person's own.
fn rules(permission: Permission) -> String {
    let (edit, run) = match permission {
        Permission::Read => ("deny", "deny"),
        Permission::Ask => ("ask", "ask"),
        Permission::Edits => ("allow", "ask"),
        Permission::All => ("allow", "allow"),
    };
    json!({"permission": {"edit": edit, "bash": run, "webfetch": run}}).to_string()
}

#[derive(Default)]
struct Run {
    session: Option<String>,
    usage: Usage,
}

impl Protocol for Run {
    fn powers(&self) -> Powers {
        Powers { images: true, ..Powers::default() }
    }

    fn hear(&mut self, line: &str, out: &mut Vec<AgentEvent>) -> Vec<String> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Vec::new() };
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if self.session.is_none()
            && let Some(session) = message["sessionID"].as_str()
        {
            self.session = Some(session.to_owned());
            out.push(AgentEvent::Session { session: session.to_owned() });
            out.push(AgentEvent::Began);
        }
        let part = &message["part"];
        match message["type"].as_str() {
            Some("text") => out.push(AgentEvent::Said { text: word(&part["text"]), more: false }),
            Some("tool_use") => {
                let is_well = part["state"]["status"] == "completed";
                let status = if is_well { CallStatus::Completed } else { CallStatus::Failed };
                let input = &part["state"]["input"];
                let what = ["command", "filePath", "pattern"].iter().find_map(|name| input[*name].as_str());
                let title = title(what.unwrap_or(part["tool"].as_str().unwrap_or_default()));
                out.push(AgentEvent::Tool { call: word(&part["callID"]), title, status });
            }
            Some("step_finish") => {
                let count = |value: &Value| value.as_u64().unwrap_or(0);
                let tokens = &part["tokens"];
                self.usage.input_tokens += count(&tokens["input"]);
                self.usage.output_tokens += count(&tokens["output"]);
                self.usage.cached_input_tokens += count(&tokens["cache"]["read"]);
                out.push(AgentEvent::Tokens { usage: self.usage });
                if part["reason"] == "stop" {
                    out.push(AgentEvent::Ended { end: TurnEnd::Completed });
                }
            }
            Some("error") => {
                let error = &message["error"];
                let why = error["data"]["message"].as_str().or(error["name"].as_str());
                out.push(AgentEvent::Ended { end: failed(why.unwrap_or("the turn failed").to_owned()) });
            }
            _ => {}
        }
        Vec::new()
    }
}

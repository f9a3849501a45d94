//! What the model does next: the prompt's steps, less those that were taken.

use std::time::Duration;

use serde_json::{Value, json};

use crate::script::{Step, steps};

/// Where a conversation stands, whatever the protocol.
#[derive(Debug, Default)]
pub struct Turn {
    /// The human's last prompt.
    pub prompt: String,
    /// Tools that have answered since.
    pub step: usize,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
}

/// What the model does now.
#[derive(Debug)]
pub struct Plan {
    pub thought: Option<String>,
    pub call: Option<Call>,
    pub text: String,
    pub wait: Duration,
    pub fail: Option<u16>,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: String,
    /// An object; for Codex' `apply_patch` a text.
    pub input: Value,
}

/// How a sub-agent of Gemini CLI hands back its answer.
pub const FINISH: &str = "complete_task";
const SHELLS: [&str; 6] = ["exec_command", "shell_command", "shell", "Bash", "bash", "run_shell_command"];
const WRITERS: [&str; 4] = ["apply_patch", "Write", "write", "write_file"];
const HELPERS: [&str; 6] = ["Agent", "Task", "spawn_agent", "task", "agent", "invoke_agent"];

impl Plan {
    pub fn of(turn: &Turn) -> Self {
        let mut plan =
            Plan { thought: None, call: None, text: String::new(), wait: Duration::ZERO, fail: None };
        let mut calls = Vec::new();
        for step in steps(&turn.prompt) {
            match step {
                Step::Think(thought) => plan.thought = Some(thought),
                Step::Say(words) => plan.text = words,
                Step::Wait(seconds) => plan.wait = Duration::from_secs(seconds),
                Step::Fail(status) => plan.fail = Some(status),
                call => calls.extend(self::call(&call, &turn.tools)),
            }
        }
        if plan.text.is_empty() {
            plan.text = "There is nothing in the script for this.".to_owned();
        }
        plan.call = calls.into_iter().nth(turn.step);
        if plan.call.is_none() && turn.tools.iter().any(|tool| tool == FINISH) {
            let input = json!({"result": {"response": plan.text}});
            plan.call = Some(Call { name: FINISH.to_owned(), input });
        }
        plan
    }
}

/// The calls that carry out a step with the tools on offer; none where there is no such tool.
fn call(step: &Step, tools: &[String]) -> Vec<Call> {
    let offered =
        |wanted: &[&'static str]| wanted.iter().copied().find(|name| tools.iter().any(|tool| tool == name));
    let shell = |command: &str| {
        offered(&SHELLS).map(|name| Call {
            name: name.to_owned(),
            input: match name {
                "exec_command" => json!({"cmd": command}),
                "shell" => json!({"command": ["bash", "-lc", command]}),
                _ => json!({"command": command, "description": "A scripted command"}),
            },
        })
    };
    match step {
        Step::Run(command) => shell(command).into_iter().collect(),
        Step::Write { path, content } => match offered(&WRITERS) {
            Some("apply_patch") => {
                let patch = format!("*** Begin Patch\n*** Add File: {path}\n+{content}\n*** End Patch\n");
                vec![Call { name: "apply_patch".to_owned(), input: patch.into() }]
            }
            Some(name) => {
                let key = if name == "write" { "filePath" } else { "file_path" };
                vec![Call { name: name.to_owned(), input: json!({key: path, "content": content}) }]
            }
            None => shell(&format!("printf %s '{content}' > '{path}'")).into_iter().collect(),
        },
        Step::Helper(prompt) => match offered(&HELPERS) {
            // Codex' sub-agents work in the background: the second call waits for it.
            Some("spawn_agent") => vec![
                Call {
                    name: "spawn_agent".to_owned(),
                    input: json!({"message": prompt, "task_name": "scripted"}),
                },
                Call { name: "wait_agent".to_owned(), input: json!({"timeout_ms": 30_000}) },
            ],
            Some("invoke_agent") => {
                let input = json!({"agent_name": "generalist", "prompt": prompt});
                vec![Call { name: "invoke_agent".to_owned(), input }]
            }
            Some(name) => {
                let kind = if name == "task" { "general" } else { "general-purpose" };
                let input =
                    json!({"description": "A scripted helper", "prompt": prompt, "subagent_type": kind});
                vec![Call { name: name.to_owned(), input }]
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Says whether a text in the human's place was put there by the agent: its surroundings, its reminders.
pub fn is_context(text: &str) -> bool {
    let text = text.trim_start();
    ["<", "[Request interrupted", "This is the Gemini CLI", "# AGENTS.md"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The smallest value that a JSON schema allows, for side questions such as a title.
pub fn smallest(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or("object").to_lowercase().as_str() {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            Value::Object(fields.map(|(name, schema)| (name.clone(), smallest(schema))).collect())
        }
        "array" => json!([]),
        "number" | "integer" => json!(0),
        "boolean" => json!(false),
        _ => json!("scripted"),
    }
}

/// The text of a content that is a string or a list of parts.
pub fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// What the human says in a content: its texts, less those that the agent put there.
pub fn said(content: &Value) -> String {
    let texts = match content {
        Value::String(text) => vec![text.as_str()],
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter(|text| !is_context(text)).collect::<Vec<_>>().join("\n")
}

/// Names out of a list of tools.
pub fn names<'a>(tools: &'a Value, name: impl Fn(&'a Value) -> Option<&'a str>) -> Vec<String> {
    tools.as_array().into_iter().flatten().filter_map(|tool| name(tool).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_picture_is_said() {
        let parts =
            json!([{"text": "<image name=[Image #1]>"}, {"text": "</image>"}, {"text": "What is it?"}]);
        assert_eq!(said(&parts), "What is it?");
        assert_eq!(said(&json!("<environment_context></environment_context>")), "");
    }
}

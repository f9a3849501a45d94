//! Gemini's generateContent, as Gemini CLI speaks it.

use serde_json::{Value, json};

use super::plan::{FINISH, Plan, Turn, is_context, names, smallest};
use super::{Reply, Usage, id};

pub fn read(body: &Value) -> Turn {
    let mut turn = Turn::default();
    for tool in body["tools"].as_array().into_iter().flatten() {
        turn.tools.extend(names(&tool["functionDeclarations"], |function| function["name"].as_str()));
    }
    for content in body["contents"].as_array().into_iter().flatten() {
        let no_parts = Vec::new();
        let parts = content["parts"].as_array().unwrap_or(&no_parts);
        let answers = parts.iter().filter(|part| part.get("functionResponse").is_some()).count();
        if answers > 0 {
            turn.step += answers;
        } else if content["role"] == "user" {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            let said: Vec<&str> = texts.filter(|text| !is_context(text)).collect();
            if !said.is_empty() {
                (turn.prompt, turn.step) = (said.join("\n"), 0);
            }
        }
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let usage = json!({
        "promptTokenCount": Usage::INPUT, "cachedContentTokenCount": Usage::CACHED,
        "candidatesTokenCount": Usage::OUTPUT, "totalTokenCount": Usage::INPUT + Usage::OUTPUT,
    });
    let config = &body["generationConfig"];
    let wants_json = config["responseMimeType"] == "application/json";
    let schema = if config["responseJsonSchema"].is_object() {
        &config["responseJsonSchema"]
    } else {
        &config["responseSchema"]
    };
    let mut parts = Vec::new();
    if let Some(thought) = plan.thought.as_ref().filter(|_| !wants_json) {
        parts.push(json!({"text": thought, "thought": true}));
    }
    if plan.call.as_ref().is_some_and(|call| call.name == FINISH) {
        parts.push(json!({"text": plan.text}));
    }
    parts.push(match &plan.call {
        _ if wants_json => json!({"text": smallest(schema).to_string()}),
        Some(call) => json!({"functionCall": {"name": call.name, "args": call.input}}),
        None => json!({"text": plan.text}),
    });
    let answer = json!({
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": usage, "modelVersion": "lab", "responseId": id("response"),
    });
    if is_stream { Reply::Events(vec![(None, answer)]) } else { Reply::Json(answer) }
}

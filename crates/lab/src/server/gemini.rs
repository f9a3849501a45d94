//! Gemini's generateContent, as Gemini CLI speaks it.

use serde_json::{Value, json};

use super::plan::{Aside, Call, Plan, Turn, is_context, names, smallest};
use super::{Reply, id};

pub fn read(body: &Value) -> Turn {
    let mut turn = Turn::default();
    for tool in body["tools"].as_array().into_iter().flatten() {
        turn.tools.extend(names(&tool["functionDeclarations"], |function| function["name"].as_str()));
    }
    for content in body["contents"].as_array().into_iter().flatten() {
        let no_parts = Vec::new();
        let parts = content["parts"].as_array().unwrap_or(&no_parts);
        turn.fresh = if content["role"] == "model" { 0 } else { turn.fresh + content.to_string().len() };
        let answers = parts.iter().filter(|part| part.get("functionResponse").is_some()).count();
        if answers > 0 {
            turn.step += answers;
        } else if content["role"] == "user" {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            let said: Vec<&str> = texts.filter(|text| !is_context(text)).collect();
            if !said.is_empty() {
                (turn.prompt, turn.step, turn.spoken) = (said.join("\n"), 0, 0);
            }
        } else {
            turn.spoken += 1;
        }
    }
    if body["tools"].as_array().into_iter().flatten().any(|tool| tool["googleSearch"].is_object()) {
        turn.aside = Some(Aside::Web);
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let tokens = plan.tokens;
    let usage = json!({
        "promptTokenCount": tokens.input, "cachedContentTokenCount": tokens.cached,
        "candidatesTokenCount": tokens.output, "totalTokenCount": tokens.input + tokens.output,
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
    if wants_json {
        parts.push(json!({"text": smallest(schema).to_string()}));
    } else {
        parts.extend(plan.text.iter().map(|text| json!({"text": text})));
        let call = |call: &Call| json!({"functionCall": {"name": call.name, "args": call.input}});
        parts.extend(plan.calls.iter().map(call));
    }
    let mut answer = json!({
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": usage, "modelVersion": "lab", "responseId": id("response"),
    });
    if let (Some(find), Some(Aside::Web)) = (&plan.found, plan.aside) {
        let page = |(title, url): &(String, String)| json!({"web": {"title": title, "uri": url}});
        let pages: Vec<Value> = find.pages.iter().map(page).collect();
        answer["candidates"][0]["groundingMetadata"] =
            json!({"webSearchQueries": [find.query], "groundingChunks": pages});
    }
    if is_stream { Reply::Events(vec![(None, answer)]) } else { Reply::Json(answer) }
}

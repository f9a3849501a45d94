//! Anthropic Messages, as Claude Code speaks it.

use serde_json::{Value, json};

use super::plan::{Aside, Plan, Turn, names, said, smallest};
use super::{Reply, id};

pub fn read(body: &Value) -> Turn {
    let mut turn = Turn { tools: names(&body["tools"], |tool| tool["name"].as_str()), ..Turn::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        if message["role"] == "assistant" {
            (turn.spoken, turn.fresh) = (turn.spoken + 1, 0);
            continue;
        }
        // Claude Code puts words of its own between, in the system's place.
        if message["role"] != "user" {
            continue;
        }
        let content = &message["content"];
        let blocks = content.as_array().into_iter().flatten();
        turn.step += blocks.filter(|block| block["type"] == "tool_result").count();
        turn.fresh += content.to_string().len();
        let said = said(content);
        if is_summary_wanted(&said) {
            turn.aside = Some(Aside::Summary);
        } else if !said.is_empty() {
            (turn.prompt, turn.step, turn.spoken) = (said, 0, 0);
        }
    }
    let kinds = body["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["type"].as_str());
    if kinds.into_iter().any(|kind| kind.starts_with("web_search")) {
        turn.aside = Some(Aside::Web);
    } else if schema(body)["properties"]["title"].is_object() {
        turn.aside = Some(Aside::Title);
    }
    turn
}

fn schema(body: &Value) -> &Value {
    &body["output_config"]["format"]["schema"]
}

fn is_summary_wanted(said: &str) -> bool {
    said.contains("Your task is to create a detailed summary")
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let tokens = plan.tokens;
    let usage = json!({
        "input_tokens": tokens.input - tokens.cached - tokens.written,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached, "output_tokens": tokens.output,
    });
    let mut blocks = Vec::new();
    if let Some(thought) = plan.thought.as_ref().filter(|_| body["thinking"].is_object()) {
        blocks.push(json!({"type": "thinking", "thinking": thought, "signature": "c2NyaXB0ZWQ="}));
    }
    if let (Some(find), Some(Aside::Web)) = (&plan.found, plan.aside) {
        let call = id("srvtoolu_");
        let pages = find.pages.iter().map(|(title, url)| {
            json!({
                "type": "web_search_result", "title": title, "url": url, "encrypted_content": "c2NyaXB0ZWQ=",
                "page_age": null,
            })
        });
        let pages: Vec<Value> = pages.collect();
        let input = json!({"query": find.query});
        blocks.push(json!({"type": "server_tool_use", "id": call, "name": "web_search", "input": input}));
        blocks.push(json!({"type": "web_search_tool_result", "tool_use_id": call, "content": pages}));
    }
    let schema = schema(body);
    match &plan.text {
        Some(text) if plan.aside == Some(Aside::Title) => {
            blocks.push(json!({"type": "text", "text": json!({"title": text}).to_string()}));
        }
        _ if schema.is_object() && plan.calls.is_empty() => {
            blocks.push(json!({"type": "text", "text": smallest(schema).to_string()}));
        }
        Some(text) => blocks.push(json!({"type": "text", "text": text})),
        None => {}
    }
    blocks.extend(
        plan.calls.iter().map(
            |call| json!({"type": "tool_use", "id": id("toolu_"), "name": call.name, "input": call.input}),
        ),
    );
    let stop = if plan.calls.is_empty() { "end_turn" } else { "tool_use" };
    let mut message = json!({
        "id": id("msg_"), "type": "message", "role": "assistant", "model": body["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    if !is_stream {
        message["content"] = blocks.into();
        message["stop_reason"] = stop.into();
        return Reply::Json(message);
    }
    message["usage"]["output_tokens"] = 1.into();
    let mut events = vec![event("message_start", json!({"message": message}))];
    for (at, block) in blocks.iter().enumerate() {
        let (empty, deltas) = in_pieces(block);
        events.push(event("content_block_start", json!({"index": at, "content_block": empty})));
        for delta in deltas {
            events.push(event("content_block_delta", json!({"index": at, "delta": delta})));
        }
        events.push(event("content_block_stop", json!({"index": at})));
    }
    let end = json!({"delta": {"stop_reason": stop, "stop_sequence": null}, "usage": usage});
    events.push(event("message_delta", end));
    events.push(event("message_stop", json!({})));
    Reply::Events(events)
}

/// A block without what it says, and what it says.
fn in_pieces(block: &Value) -> (Value, Vec<Value>) {
    let mut empty = block.clone();
    let deltas = match block["type"].as_str() {
        Some("thinking") => {
            (empty["thinking"], empty["signature"]) = ("".into(), "".into());
            vec![
                json!({"type": "thinking_delta", "thinking": block["thinking"]}),
                json!({"type": "signature_delta", "signature": block["signature"]}),
            ]
        }
        Some("web_search_tool_result") => Vec::new(),
        Some("tool_use" | "server_tool_use") => {
            empty["input"] = json!({});
            vec![json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})]
        }
        _ => {
            empty["text"] = "".into();
            vec![json!({"type": "text_delta", "text": block["text"]})]
        }
    };
    (empty, deltas)
}

fn event(name: &'static str, mut data: Value) -> (Option<&'static str>, Value) {
    data["type"] = name.into();
    (Some(name), data)
}

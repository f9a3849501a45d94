//! Anthropic Messages, as Claude Code speaks it.

use serde_json::{Value, json};

use super::plan::{Plan, Turn, names, said, smallest};
use super::{Reply, Usage, id};

pub fn read(body: &Value) -> Turn {
    let mut turn = Turn { tools: names(&body["tools"], |tool| tool["name"].as_str()), ..Turn::default() };
    let messages = body["messages"].as_array().into_iter().flatten();
    for message in messages.filter(|message| message["role"] == "user") {
        let content = &message["content"];
        let blocks = content.as_array().into_iter().flatten();
        turn.step += blocks.filter(|block| block["type"] == "tool_result").count();
        let said = said(content);
        if !said.is_empty() {
            (turn.prompt, turn.step) = (said, 0);
        }
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let usage = json!({
        "input_tokens": Usage::INPUT - Usage::CACHED, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": Usage::CACHED, "output_tokens": Usage::OUTPUT,
    });
    let mut blocks = Vec::new();
    if let Some(thought) = plan.thought.as_ref().filter(|_| body["thinking"].is_object()) {
        blocks.push(json!({"type": "thinking", "thinking": thought, "signature": "c2NyaXB0ZWQ="}));
    }
    let schema = &body["output_config"]["format"]["schema"];
    match &plan.call {
        Some(call) => {
            blocks.push(
                json!({"type": "tool_use", "id": id("toolu_"), "name": call.name, "input": call.input}),
            );
        }
        None if schema.is_object() => {
            blocks.push(json!({"type": "text", "text": smallest(schema).to_string()}));
        }
        None => blocks.push(json!({"type": "text", "text": plan.text})),
    }
    let stop = if plan.call.is_some() { "tool_use" } else { "end_turn" };
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
        Some("tool_use") => {
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

//! OpenAI Chat Completions, as OpenCode and Qwen Code speak it.

use serde_json::{Value, json};

use super::plan::{Plan, Turn, names, said};
use super::{Reply, Usage, id};

pub fn read(body: &Value) -> Turn {
    let tools = names(&body["tools"], |tool| tool["function"]["name"].as_str());
    let mut turn = Turn { tools, ..Turn::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        match message["role"].as_str() {
            Some("user") => {
                // Its surroundings stand in parts of their own, or in a message of their own.
                let said = said(&message["content"]);
                if !said.is_empty() {
                    (turn.prompt, turn.step) = (said, 0);
                }
            }
            Some("tool") => turn.step += 1,
            _ => {}
        }
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let base = json!({"id": id("chatcmpl-"), "created": 1_700_000_000, "model": body["model"]});
    let usage = json!({
        "prompt_tokens": Usage::INPUT, "prompt_tokens_details": {"cached_tokens": Usage::CACHED},
        "completion_tokens": Usage::OUTPUT, "total_tokens": Usage::INPUT + Usage::OUTPUT,
    });
    let (delta, finish) = match &plan.call {
        Some(call) => {
            let function = json!({"name": call.name, "arguments": call.input.to_string()});
            let calls = json!([{"index": 0, "id": id("call_"), "type": "function", "function": function}]);
            (json!({"content": null, "tool_calls": calls}), "tool_calls")
        }
        None => (json!({"content": plan.text}), "stop"),
    };
    let with = |more: Value| {
        let mut value = base.clone();
        for (name, field) in more.as_object().into_iter().flatten() {
            value[name] = field.clone();
        }
        value
    };
    if !is_stream {
        let mut message = delta;
        message["role"] = "assistant".into();
        let choices = json!([{"index": 0, "finish_reason": finish, "message": message}]);
        return Reply::Json(with(json!({"object": "chat.completion", "usage": usage, "choices": choices})));
    }
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        with(json!({"object": "chat.completion.chunk", "choices": choices}))
    };
    let mut last = chunk(json!({}), finish.into());
    last["usage"] = usage;
    let mut events = vec![(None, chunk(json!({"role": "assistant", "content": ""}), Value::Null))];
    if let Some(thought) = &plan.thought {
        events.push((None, chunk(json!({"reasoning_content": thought}), Value::Null)));
    }
    events.extend([(None, chunk(delta, Value::Null)), (None, last)]);
    Reply::Events(events)
}

//! OpenAI Chat Completions, as OpenCode and Qwen Code speak it.

use serde_json::{Value, json};

use super::plan::{Aside, Plan, Turn, names, said, text_of};
use super::{Reply, id};

pub fn read(body: &Value) -> Turn {
    let tools = names(&body["tools"], |tool| tool["function"]["name"].as_str());
    let mut turn = Turn { tools, ..Turn::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        let length = message.to_string().len();
        turn.fresh = if message["role"] == "assistant" { 0 } else { turn.fresh + length };
        match message["role"].as_str() {
            Some("user") => {
                // Its surroundings stand in parts of their own, or in a message of their own.
                let said = said(&message["content"]);
                if !said.is_empty() {
                    (turn.prompt, turn.step, turn.spoken) = (said, 0, 0);
                }
            }
            Some("tool") => turn.step += 1,
            Some("assistant") => turn.spoken += 1,
            Some("system") if is_title_wanted(&text_of(&message["content"])) => {
                turn.aside = Some(Aside::Title);
            }
            _ => {}
        }
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, is_stream: bool) -> Reply {
    let base = json!({"id": id("chatcmpl-"), "created": 1_700_000_000, "model": body["model"]});
    let tokens = plan.tokens;
    let usage = json!({
        "prompt_tokens": tokens.input, "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens": tokens.output, "total_tokens": tokens.input + tokens.output,
    });
    let calls: Vec<Value> = (0..)
        .zip(&plan.calls)
        .map(|(at, call): (u64, _)| {
            let function = json!({"name": call.name, "arguments": call.input.to_string()});
            json!({"index": at, "id": id("call_"), "type": "function", "function": function})
        })
        .collect();
    let (delta, finish) = if calls.is_empty() {
        (json!({"content": plan.text}), "stop")
    } else {
        (json!({"content": plan.text, "tool_calls": calls}), "tool_calls")
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

fn is_title_wanted(system: &str) -> bool {
    system.contains("You are a title generator")
}

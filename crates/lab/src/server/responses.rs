//! OpenAI Responses, as Codex speaks it.

use serde_json::{Value, json};

use super::plan::{Aside, Plan, Turn, said, text_of};
use super::{Reply, id};

pub fn read(body: &Value) -> Turn {
    let mut turn = Turn::default();
    let no_items = Vec::new();
    let items = body["input"].as_array().unwrap_or(&no_items);
    let mut offered: Vec<&Value> = body["tools"].as_array().into_iter().flatten().collect();
    let mut is_speaking = false;
    for item in items {
        // A reply is several items in a row.
        let kind = item["type"].as_str().unwrap_or("message");
        let was_speaking = std::mem::replace(&mut is_speaking, is_of_model(kind, item));
        if is_speaking {
            turn.spoken += usize::from(!was_speaking);
            turn.fresh = 0;
            continue;
        }
        turn.fresh += item.to_string().len();
        match item["type"].as_str().unwrap_or("message") {
            "message" if item["role"] == "user" => {
                // A picture stands between parts that open and close it.
                let said = said(&item["content"]);
                if is_summary_wanted(&said) {
                    turn.aside = Some(Aside::Summary);
                } else if !said.is_empty() {
                    (turn.prompt, turn.step, turn.spoken) = (said, 0, 0);
                }
            }
            // How a sub-agent gets its task.
            "agent_message" if text_of(&item["content"]).contains("NEW_TASK") => {
                let parts = item["content"].as_array().into_iter().flatten();
                let task: Vec<&str> = parts.filter_map(|part| part["encrypted_content"].as_str()).collect();
                (turn.prompt, turn.step, turn.spoken) = (task.join("\n"), 0, 0);
            }
            // Newer models are offered their tools in the input.
            "additional_tools" => offered.extend(item["tools"].as_array().into_iter().flatten()),
            kind if kind.ends_with("_output") => turn.step += 1,
            _ => {}
        }
    }
    for tool in offered {
        let inner = if tool["type"] == "namespace" { tool["tools"].as_array() } else { None };
        let tools = inner.map_or(vec![tool], |inner| inner.iter().collect());
        turn.tools.extend(
            tools
                .iter()
                .filter_map(|tool| tool["name"].as_str().or(tool["type"].as_str()).map(str::to_owned)),
        );
    }
    turn
}

pub fn write(body: &Value, plan: &Plan, _: bool) -> Reply {
    let response = id("resp_");
    let mut output = Vec::new();
    let mut events = vec![event("response.created", json!({"response": {"id": response}}))];
    if let Some(thought) = &plan.thought {
        output.push(json!({
            "type": "reasoning", "id": id("rs_"), "encrypted_content": null,
            "summary": [{"type": "summary_text", "text": thought}],
        }));
    }
    if let Some(find) = &plan.found {
        output.push(json!({
            "type": "web_search_call", "id": id("ws_"), "status": "completed",
            "action": {"type": "search", "query": find.query},
        }));
    }
    if let Some(text) = &plan.text {
        let item = json!({
            "type": "message", "role": "assistant", "id": id("msg_"),
            "content": [{"type": "output_text", "text": text}],
        });
        let mut empty = item.clone();
        empty["content"] = json!([]);
        let at = output.len();
        events.push(event("response.output_item.added", json!({"output_index": at, "item": empty})));
        events.push(event(
            "response.output_text.delta",
            json!({"item_id": item["id"], "output_index": at, "content_index": 0, "delta": text}),
        ));
        output.push(item);
    }
    for call in &plan.calls {
        let mut item = json!({"id": id("fc_"), "call_id": id("call_"), "name": call.name});
        if let Value::String(input) = &call.input {
            item["type"] = "custom_tool_call".into();
            item["input"] = input.as_str().into();
        } else {
            item["type"] = "function_call".into();
            item["arguments"] = call.input.to_string().into();
            if let Some(namespace) = namespace_of(body, &call.name) {
                item["namespace"] = namespace.into();
            }
        }
        output.push(item);
    }
    for (at, item) in output.iter().enumerate() {
        events.push(event("response.output_item.done", json!({"output_index": at, "item": item})));
    }
    let tokens = plan.tokens;
    let usage = json!({
        "input_tokens": tokens.input, "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output, "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    });
    let completed = json!({"response": {"id": response, "output": output, "usage": usage}});
    events.push(event("response.completed", completed));
    Reply::Events(events)
}

/// Says whether the model made an item itself.
fn is_of_model(kind: &str, item: &Value) -> bool {
    matches!(
        kind,
        "reasoning" | "function_call" | "custom_tool_call" | "web_search_call" | "local_shell_call"
    ) || (kind == "message" && item["role"] == "assistant")
}

fn is_summary_wanted(said: &str) -> bool {
    said.contains("CONTEXT CHECKPOINT COMPACTION")
}

fn event(name: &'static str, mut data: Value) -> (Option<&'static str>, Value) {
    data["type"] = name.into();
    (Some(name), data)
}

/// The namespace that a tool is offered in.
fn namespace_of<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    let mut namespaces = body["tools"].as_array()?.iter().filter(|tool| tool["type"] == "namespace");
    let holds = |tool: &&Value| {
        tool["tools"].as_array().is_some_and(|inner| inner.iter().any(|tool| tool["name"] == name))
    };
    namespaces.find(holds)?["name"].as_str()
}

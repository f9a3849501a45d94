//! What the model does next: the steps in the prompt or in the scenario, less those that were taken.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Usage, acts};
use crate::scenario::{Act, Beat, Find, Scenario, Scene};
use crate::script::{Step, steps};

/// Where a conversation stands, whatever the protocol.
#[derive(Debug, Default)]
pub struct Turn {
    /// The human's last prompt.
    pub prompt: String,
    /// Tools that have answered since.
    pub step: usize,
    /// How often the model has spoken since.
    pub spoken: usize,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
    /// What is asked is no turn of the conversation.
    pub aside: Option<Aside>,
    /// Characters that came after the model spoke last.
    pub fresh: usize,
}

/// A question beside the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// What to call it.
    Title,
    /// What it was about.
    Summary,
    /// What the web says.
    Web,
}

/// What the model does now.
#[derive(Debug)]
pub struct Plan {
    pub thought: Option<String>,
    pub calls: Vec<Call>,
    /// Said before the calls, if any.
    pub text: Option<String>,
    pub wait: Duration,
    pub fail: Option<(u16, String)>,
    /// What a question beside the conversation is answered.
    pub aside: Option<Aside>,
    /// What was found on the web.
    pub found: Option<Find>,
    pub tokens: Tokens,
}

/// What a request costs; cached tokens are part of the input, reasoning of the output.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    pub input: u64,
    pub cached: u64,
    /// What of the input is put into the cache.
    pub written: u64,
    pub output: u64,
    pub reasoning: u64,
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
/// What a model says that has no words.
const NOTHING: &str = "There is nothing in the script for this.";
/// Of English and code.
const CHARACTERS_OF_A_TOKEN: usize = 4;

impl Plan {
    fn empty() -> Self {
        let (input, cached, output) = (Usage::INPUT, Usage::CACHED, Usage::OUTPUT);
        Plan {
            thought: None,
            calls: Vec::new(),
            text: None,
            wait: Duration::ZERO,
            fail: None,
            aside: None,
            found: None,
            tokens: Tokens { input, cached, written: 0, output, reasoning: 0 },
        }
    }

    /// What stands in the prompt.
    pub fn of(turn: &Turn) -> Self {
        let mut plan = Plan::empty();
        let mut calls = Vec::new();
        for step in steps(&turn.prompt) {
            let act = match step {
                Step::Think(thought) => {
                    plan.thought = Some(thought);
                    plan.tokens.reasoning = Usage::REASONING;
                    continue;
                }
                Step::Say(words) => {
                    plan.text = Some(words);
                    continue;
                }
                Step::Wait(seconds) => {
                    plan.wait = Duration::from_secs(seconds);
                    continue;
                }
                Step::Fail(status) => {
                    plan.fail = Some((status, format!("scripted error {status}")));
                    continue;
                }
                Step::Run(command) => Act::Run { command, why: "A scripted command".to_owned() },
                Step::Ask(command) => Act::Ask { command },
                Step::Write { path, content } => Act::Write { path, content },
                Step::Call { name, input } => {
                    let input = serde_json::from_str(&input).unwrap_or_default();
                    calls.extend(turn.tools.contains(&name).then_some(Call { name, input }));
                    continue;
                }
                Step::Helper(prompt) => Act::Helper { name: "scripted".to_owned(), prompt },
            };
            calls.extend(acts::calls(&act, &turn.tools, Path::new("")));
        }
        plan.calls.extend(calls.into_iter().nth(turn.step));
        if plan.text.is_none() {
            plan.text = Some(NOTHING.to_owned());
        }
        if !plan.calls.is_empty() {
            plan.text = None;
        } else if turn.tools.iter().any(|tool| tool == FINISH) {
            let input = json!({"result": {"response": plan.text}});
            plan.calls.push(Call { name: FINISH.to_owned(), input });
        }
        plan
    }

    /// What the scenario holds; `has_failed` says whether a reply failed before.
    pub fn played(
        turn: &Turn,
        scenario: &Scenario,
        asked: usize,
        has_failed: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Self {
        let mut plan = Plan { aside: turn.aside, ..Plan::empty() };
        let scene = scenario.scene(&turn.prompt);
        match turn.aside {
            Some(Aside::Web) => {
                plan.found = scenario.find(&turn.prompt).cloned();
                plan.text = plan.found.as_ref().map(|find| find.text.clone());
            }
            Some(Aside::Title) => plan.text = scene.and_then(|(_, scene)| scene.title.clone()),
            Some(Aside::Summary) => plan.text = scene.and_then(|(_, scene)| scene.summary.clone()),
            None => {
                let replies = scene.map_or(Vec::new(), |(_, scene)| replies(scene, &turn.tools));
                if let Some((n, (beat, calls))) =
                    scene.map(|(n, _)| n).zip(replies.into_iter().nth(turn.spoken))
                {
                    plan.thought = beat.thought;
                    plan.text = beat.words;
                    plan.wait = Duration::from_secs(beat.wait);
                    plan.fail = beat.fail.filter(|_| !has_failed(n, turn.spoken));
                    let hosted = |call: &Call| call.name == acts::HOSTED_SEARCH;
                    plan.found = calls.iter().find(|call| hosted(call)).and_then(|call| {
                        scenario.find(call.input["query"].as_str().unwrap_or_default()).cloned()
                    });
                    plan.calls = calls.into_iter().filter(|call| !hosted(call)).collect();
                }
            }
        }
        if plan.text.is_none() && plan.calls.is_empty() {
            plan.text = Some(NOTHING.to_owned());
        }
        plan.tokens = plan.count(asked, turn);
        plan
    }

    /// Tokens as a real model would count them, roughly: the same request costs the same.
    fn count(&self, asked: usize, turn: &Turn) -> Tokens {
        let tokens = |characters: usize| (characters / CHARACTERS_OF_A_TOKEN) as u64;
        let input = tokens(asked).max(600);
        let fresh = tokens(turn.fresh).min(input - 1).max(1);
        let cached = if turn.spoken == 0 && input == fresh { 0 } else { (input - fresh) / 64 * 64 };
        let reasoning = tokens(self.thought.as_deref().map_or(0, str::len) * 3);
        let calls: usize = self.calls.iter().map(|call| call.input.to_string().len() + 60).sum();
        let output = reasoning + tokens(self.text.as_deref().map_or(0, str::len) + calls) + 12;
        Tokens { input, cached, written: (input - cached).saturating_sub(7), output, reasoning }
    }
}

/// Replies with the calls of each; what Codex does in two steps is two replies.
fn replies(scene: &Scene, tools: &[String]) -> Vec<(Beat, Vec<Call>)> {
    let mut replies = Vec::new();
    let mut hosted: Vec<Call> = Vec::new();
    let mut thought = None;
    for beat in &scene.beats {
        let mut together = std::mem::take(&mut hosted);
        let mut after = Vec::new();
        for act in &beat.acts {
            let mut calls = acts::calls(act, tools, &scene.root).into_iter();
            together.extend(calls.next());
            after.extend(calls.map(|call| (Beat::default(), vec![call])));
        }
        // An agent that offers no tool for it does without.
        if together.is_empty() && beat.words.is_none() {
            continue;
        }
        let mut beat = beat.clone();
        beat.thought = thought.take().or(beat.thought);
        // Whose provider looks things up speaks on in the same reply.
        if after.is_empty()
            && beat.words.is_none()
            && together.iter().all(|call| call.name == acts::HOSTED_SEARCH)
        {
            (hosted, thought) = (together, beat.thought);
            continue;
        }
        replies.push((beat, together));
        replies.extend(after);
    }
    replies
}

/// Says whether a text in the human's place was put there by the agent: its surroundings, its reminders.
pub fn is_context(text: &str) -> bool {
    let text = text.trim_start();
    const STARTS: [&str; 4] = ["<", "[Request interrupted", "This is the Gemini CLI", "# AGENTS.md"];
    STARTS.iter().any(|start| text.starts_with(start))
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

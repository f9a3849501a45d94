//! `truth`: does Marline find in a corpus what its manifest says is in it?
//!
//! Every session's prompts, tool calls and tokens, sub-agents counted with the session that started them; and every
//! needle, in exactly its sessions; and no session that nobody made. The corpus is one of `cargo xtask corpus`, or any
//! with the same manifest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::product::Product;
use crate::workspace::scratch;

/// Complaints of one kind that are printed.
const SHOWN: usize = 10;

/// Compares.
pub fn run(words: &[String]) -> Outcome {
    let mut arguments = Arguments::of("truth", words);
    let own = arguments.path("--home")?;
    let corpus = arguments.positional()?.ok_or("a corpus is needed: cargo xtask truth DIR")?;
    arguments.end()?;
    let own = match own {
        Some(own) => own,
        None => scratch("truth")?,
    };
    let product = Product::build()?.in_homes(&corpus.join("home"), &own);
    let status =
        product.command(["index"]).status().map_err(|error| format!("marline could not start ({error})"))?;
    if !status.success() {
        return Err(format!("marline index ended with {status}"));
    }
    let truths = truths(&corpus)?;
    let complaints = [sessions(&product, &truths)?, needles(&product, &corpus, &truths)?];
    for complaint in complaints.iter().flat_map(|kind| kind.iter().take(SHOWN)) {
        eprintln!("{complaint}");
    }
    match complaints.iter().map(Vec::len).sum() {
        0 => Ok(()),
        many => Err(format!("{many} facts are not as the manifest says")),
    }
}

fn truths(corpus: &Path) -> Outcome<Vec<Value>> {
    let path = corpus.join("sessions.jsonl");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let parse = |line| serde_json::from_str(line).map_err(|error| format!("{}: {error}", path.display()));
    text.lines().map(parse).collect()
}

/// What is counted of a session and its sub-agents.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Facts {
    prompts: u64,
    tool_calls: u64,
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn sessions(product: &Product, truths: &[Value]) -> Outcome<Vec<String>> {
    let list = product.json(&["ls", "--no-refresh", "--all", "--json", "--limit", "10000000"])?;
    let complaints = compare(list["sessions"].as_array().ok_or("`ls --json` lists no sessions")?, truths);
    println!("{} sessions, {} not as they should be", truths.len(), complaints.len());
    Ok(complaints)
}

/// What is listed otherwise than it was made. Sub-agents count with the session that started them.
fn compare(sessions: &[Value], truths: &[Value]) -> Vec<String> {
    let mut found: BTreeMap<&str, Facts> = BTreeMap::new();
    for session in sessions {
        let own = session["id"].as_str().unwrap_or_default();
        let facts = found.entry(session["parentId"].as_str().unwrap_or(own)).or_default();
        if session["parentId"].is_null() {
            facts.prompts = number(&session["counts"]["prompts"]);
        }
        let usage = &session["usage"];
        facts.tool_calls += number(&session["counts"]["toolCalls"]);
        facts.input += number(&usage["inputTokens"]);
        facts.cache_read += number(&usage["cachedInputTokens"]);
        facts.cache_write += number(&usage["cacheWriteTokens"]);
        facts.output += number(&usage["outputTokens"]);
    }
    let mut complaints = Vec::new();
    for truth in truths {
        let id = format!(
            "{}:{}",
            truth["agent"].as_str().unwrap_or(""),
            truth["session_id"].as_str().unwrap_or("")
        );
        let tokens = &truth["tokens"];
        let expected = Facts {
            prompts: number(&truth["user_messages"]),
            tool_calls: number(&truth["tool_calls"]),
            input: number(&tokens["input"]),
            cache_read: number(&tokens["cache_read"]),
            cache_write: number(&tokens["cache_write"]),
            output: number(&tokens["output"]),
        };
        match found.remove(id.as_str()) {
            Some(facts) if facts == expected => {}
            Some(facts) => complaints.push(format!("{id}: expected {expected:?}, found {facts:?}")),
            None => complaints.push(format!("{id}: not listed")),
        }
    }
    complaints.extend(found.keys().map(|id| format!("{id}: listed, but nobody made it")));
    complaints
}

fn needles(product: &Product, corpus: &Path, truths: &[Value]) -> Outcome<Vec<String>> {
    let path = corpus.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut sessions: HashMap<&str, &str> = HashMap::new();
    let mut files: HashMap<&str, &str> = HashMap::new();
    for truth in truths {
        let id = truth["session_id"].as_str().unwrap_or_default();
        let main = truth["file"].as_str().unwrap_or_default();
        files.insert(id, main);
        sessions.insert(main, id);
        for file in truth["side_files"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            sessions.insert(file, id);
        }
    }
    let holds = |id: &str, text: &str| {
        files.get(id).is_some_and(|file| holds(&corpus.join("home").join(file), text).unwrap_or(false))
    };
    let mut complaints = Vec::new();
    let mut classes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for needle in manifest["needles"].as_array().into_iter().flatten() {
        let (text, class) =
            (needle["text"].as_str().unwrap_or_default(), needle["class"].as_str().unwrap_or_default());
        let expected: BTreeSet<&str> = needle["places"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|place| session_of(place["file"].as_str()?, &sessions))
            .collect();
        let query = query(text, class);
        let answer =
            product.json(&["search", "--no-refresh", "--json", "--limit", "100000", "--", &query])?;
        let found: BTreeSet<&str> =
            answer["hits"].as_array().into_iter().flatten().filter_map(session_of_hit).collect();
        let counts = classes.entry(class).or_default();
        counts.0 += 1;
        let difference = if answer["complete"] == true {
            difference(&expected, &found, |id| holds(id, text))
        } else {
            Some("the answer says that it is not complete".to_owned())
        };
        if let Some(difference) = difference {
            complaints.push(format!("{class} {text:?}: {difference}"));
            counts.1 += 1;
        }
    }
    for (class, (all, wrong)) in classes {
        println!("{class:<16} {all:>4} needles, {wrong} not in exactly their sessions");
    }
    Ok(complaints)
}

/// The session of a file; a sub-agent's file lies below its session's folder.
fn session_of<'a>(file: &'a str, sessions: &HashMap<&str, &'a str>) -> Option<&'a str> {
    sessions.get(file).copied().or_else(|| file.split("/subagents/").next()?.rsplit('/').next())
}

fn session_of_hit(hit: &Value) -> Option<&str> {
    let session = &hit["session"];
    let id = session["parentId"].as_str().or(session["id"].as_str())?;
    id.split_once(':').map(|(_, raw)| raw)
}

/// Says in how many sessions a needle was missed and in how many it was found though it is not there, with one of each.
fn difference(
    expected: &BTreeSet<&str>,
    found: &BTreeSet<&str>,
    holds: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut words = Vec::new();
    let missed: Vec<&str> = expected.difference(found).copied().collect();
    if let Some(first) = missed.first() {
        words.push(format!("missed in {} of {} sessions, as in {first}", missed.len(), expected.len()));
    }
    let extra: Vec<&str> = found.difference(expected).copied().collect();
    if let Some(first) = extra.first() {
        // Two plantings side by side can make a third text, which no manifest lists.
        let fault = if holds(first) { "; its file does hold the text, so the manifest is wrong" } else { "" };
        words.push(format!("found in {} sessions too many, as in {first}{fault}", extra.len()));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// True if a file of JSON holds a text word for word, whatever the blanks between.
fn holds(path: &Path, text: &str) -> std::io::Result<bool> {
    let escaped = Value::from(text).to_string();
    let file = fs::read(path)?;
    let file = String::from_utf8_lossy(&file);
    let words: Vec<&str> = file.split(' ').filter(|word| !word.is_empty()).collect();
    Ok(words.join(" ").contains(&escaped[1..escaped.len() - 1]))
}

/// A needle as someone would type it: whole, as a phrase; a part of a word as it is.
fn query(text: &str, class: &str) -> String {
    if class == "inside_word" || text.contains('"') { text.to_owned() } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(id: &str, parent: Option<&str>, prompts: u64, output: u64) -> Value {
        json!({
            "id": id, "parentId": parent, "counts": {"prompts": prompts, "toolCalls": 1},
            "usage": {"inputTokens": 5, "cachedInputTokens": 0, "cacheWriteTokens": 0, "outputTokens": output},
        })
    }

    fn made(id: &str, prompts: u64, tool_calls: u64, input: u64, output: u64) -> Value {
        json!({
            "agent": "claude", "session_id": id, "user_messages": prompts, "tool_calls": tool_calls,
            "tokens": {"input": input, "cache_read": 0, "cache_write": 0, "output": output},
        })
    }

    #[test]
    fn sub_agents_count_with_their_session_but_for_their_prompts() {
        let list = [listed("claude:b", Some("claude:a"), 1, 7), listed("claude:a", None, 2, 3)];
        assert!(compare(&list, &[made("a", 2, 2, 10, 10)]).is_empty());
        assert_eq!(compare(&list, &[made("a", 3, 2, 10, 10)]).len(), 1);
        assert_eq!(compare(&list, &[made("a", 2, 2, 10, 11)]).len(), 1);
    }

    #[test]
    fn sessions_that_lack_and_sessions_that_nobody_made_are_named() {
        let list = [listed("claude:a", None, 1, 1), listed("codex:b", None, 1, 1)];
        let complaints = compare(&list, &[made("a", 1, 1, 5, 1), made("b", 1, 1, 5, 1)]);
        assert_eq!(complaints, ["claude:b: not listed", "codex:b: listed, but nobody made it"]);
    }

    #[test]
    fn as_many_sessions_are_not_the_same_sessions() {
        let (expected, found) = (BTreeSet::from(["a", "b"]), BTreeSet::from(["b", "c"]));
        assert_eq!(difference(&expected, &expected, |_| true), None);
        assert_eq!(
            difference(&expected, &found, |_| false).unwrap(),
            "missed in 1 of 2 sessions, as in a; found in 1 sessions too many, as in c"
        );
        assert!(difference(&expected, &found, |_| true).unwrap().ends_with("the manifest is wrong"));
    }

    #[test]
    fn files_of_sub_agents_belong_to_the_session() {
        let sessions = HashMap::from([("p/a.jsonl", "a"), ("p/agent-1.jsonl", "a")]);
        for file in ["p/a.jsonl", "p/agent-1.jsonl", "p/a/subagents/agent-2.jsonl"] {
            assert_eq!(session_of(file, &sessions), Some("a"), "{file}");
        }
    }
}

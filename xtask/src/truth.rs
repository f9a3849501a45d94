//! `truth`: does Marline find in a corpus what its manifest says is in it?
//!
//! Every session's prompts, tool calls and tokens, sub-agents counted with the session that started them; and every
//! needle, in exactly its sessions. The corpus is one of `cargo xtask corpus`, or any with the same manifest.

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
    let mut complaints = sessions(&product, &truths)?;
    complaints.extend(needles(&product, &corpus, &truths)?);
    for complaint in complaints.iter().take(SHOWN) {
        eprintln!("{complaint}");
    }
    match complaints.len() {
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
    let sessions = list["sessions"].as_array().ok_or("`ls --json` lists no sessions")?;
    let mut found: HashMap<&str, Facts> = HashMap::new();
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
        match found.get(id.as_str()) {
            Some(facts) if *facts == expected => {}
            Some(facts) => complaints.push(format!("{id}: expected {expected:?}, found {facts:?}")),
            None => complaints.push(format!("{id}: not listed")),
        }
    }
    println!("{} sessions, {} not as they should be", truths.len(), complaints.len());
    Ok(complaints)
}

fn needles(product: &Product, corpus: &Path, truths: &[Value]) -> Outcome<Vec<String>> {
    let path = corpus.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut sessions: HashMap<&str, &str> = HashMap::new();
    for truth in truths {
        let id = truth["session_id"].as_str().unwrap_or_default();
        sessions.insert(truth["file"].as_str().unwrap_or_default(), id);
        for file in truth["side_files"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            sessions.insert(file, id);
        }
    }
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
        let found: BTreeSet<String> =
            answer["hits"].as_array().into_iter().flatten().filter_map(session_of_hit).collect();
        let counts = classes.entry(class).or_default();
        counts.0 += 1;
        if found.iter().map(String::as_str).ne(expected.iter().copied()) {
            let (found, expected) = (found.len(), expected.len());
            complaints.push(format!("{class} {text:?}: found in {found} sessions, expected in {expected}"));
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

fn session_of_hit(hit: &Value) -> Option<String> {
    let session = &hit["session"];
    let id = session["parentId"].as_str().or(session["id"].as_str())?;
    id.split_once(':').map(|(_, raw)| raw.to_owned())
}

/// A needle as someone would type it: whole, as a phrase; a part of a word as it is.
fn query(text: &str, class: &str) -> String {
    if class == "inside_word" || text.contains('"') { text.to_owned() } else { format!("\"{text}\"") }
}

//! Sessions of real agents: every fact the script put there, and nothing an agent's file has to suffer for it.

use std::process::Stdio;
use std::time::Duration;

use marline_lab::fixtures::{self, Truth};
use marline_lab::server::Usage;
use serde_json::{Value, json};

use crate::home::{Home, snapshot};

fn real() -> Home {
    let home = Home::new();
    fixtures::copy_home(&home.path()).unwrap();
    home
}

/// Compares every session with what was scripted; all differences are told at once.
pub fn check(home: &Home, truth: &Truth) {
    let sessions = home.sessions();
    let mut wrong = Vec::new();
    let mut compare = |id: &str, what: &str, found: &Value, expected: Value| {
        if *found != expected {
            wrong.push(format!("{id}: {what} is {found}, expected {expected}"));
        }
    };
    for expected in &truth.sessions {
        let id = format!("{}:{}", expected.source, expected.source_session_id);
        let Some(session) = sessions.get(&expected.source_session_id) else {
            compare(&id, "the session", &Value::Null, json!("listed"));
            continue;
        };
        let counts = json!({
            "prompts": expected.prompts, "answers": expected.answers, "toolCalls": expected.tool_calls,
            "errors": expected.errors, "subagents": expected.subagents,
        });
        compare(&id, "source", &session["source"], json!(expected.source));
        compare(&id, "project", &session["project"], json!(expected.project));
        compare(&id, "archived", &session["archived"], json!(expected.archived));
        compare(&id, "counts", &session["counts"], counts);
        compare(&id, "inherited", &session["inherited"], json!(expected.inherited));
        let origin = expected.forked_from.as_ref().map(|raw| format!("{}:{raw}", expected.source));
        compare(&id, "forkedFromId", &session["forkedFromId"], json!(origin));
        if let Some(title) = &expected.title {
            compare(&id, "title", &session["title"], json!(title));
        }
        if let Some(needle) = &expected.needle {
            compare(&id, needle, &json!(home.found(needle).contains(&id)), json!(true));
        }
        if let Some(requests) = expected.requests {
            let usage = &session["usage"];
            let found = json!([usage["inputTokens"], usage["cachedInputTokens"], usage["outputTokens"]]);
            let each = [Usage::INPUT - Usage::CACHED, Usage::CACHED, Usage::OUTPUT];
            compare(&id, "usage", &found, json!(each.map(|tokens| tokens * requests)));
        }
        let children = |parent: &str| -> Vec<&Value> {
            sessions.values().filter(|session| session["parentId"] == parent).collect()
        };
        for child in children(&id) {
            let counts = &child["counts"];
            let found = json!([child["kind"], counts["prompts"], counts["answers"], counts["toolCalls"]]);
            // Who asked a helper of its own hears of its end, and answers once more.
            let answers = 1;
            compare(&id, "its sub-agent", &found, json!(["subagent", 0, answers, 1]));
            let below = children(child["id"].as_str().unwrap_or_default());
            compare(
                &id,
                "its sub-agent's sub-agents",
                &json!(below.len()),
                json!(usize::from(expected.is_tree)),
            );
        }
    }
    let main = sessions.values().filter(|session| session["kind"] == "main").count();
    compare("all", "number of main sessions", &json!(main), json!(truth.sessions.len()));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_session_stands_with_what_was_scripted() {
    let home = real();
    let before = snapshot(&home.path());
    check(&home, &fixtures::truth());
    let sessions = home.sessions();
    for id in sessions.keys() {
        assert_eq!(home.run(&["show", id, "--no-refresh"]).status.code(), Some(0));
        assert_eq!(home.run(&["show", id, "--raw", "--no-refresh"]).status.code(), Some(0));
    }
    assert_eq!(snapshot(&home.path()), before, "no byte and no time of an agent's file has changed");
}

#[test]
fn no_record_of_these_releases_is_unknown_or_broken() {
    let sources = real().json(&["sources"]);
    for source in sources["sources"].as_array().unwrap() {
        assert_eq!(source["unknown"], json!({}), "{}", source["name"]);
        assert_eq!(source["skipped"], json!({}), "{}", source["name"]);
        assert_eq!(source["problems"], json!([]), "{}", source["name"]);
    }
}

#[test]
fn a_fork_is_shown_with_the_history_it_shares() {
    let home = real();
    let twice =
        fixtures::truth().sessions.into_iter().find(|session| session.inherited.prompts == 3).unwrap();
    let shown = home.json(&["show", &twice.source_session_id]);
    let items = shown["items"].as_array().unwrap();
    let prompts: Vec<&Value> = items.iter().filter(|item| item["kind"] == "prompt").collect();
    assert_eq!(prompts.len(), 4);
    assert_eq!(prompts.iter().filter(|item| item["inherited"] == true).count(), 3);
}

/// What a list says, without what differs from one index to another.
fn facts(home: &Home) -> Value {
    home.json(&["ls", "--all", "--limit", "1000", "--sort", "started"])["sessions"].clone()
}

#[test]
fn a_kill_at_any_moment_is_made_good_by_the_next_refresh() {
    let home = real();
    let whole = facts(&home);
    let needle = home.found("zebra-codex-needle");
    for round in 0..100u64 {
        let full = home.command(&["index", "--full"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = full.unwrap();
        // A different moment each round; whatever it hits must not matter.
        std::thread::sleep(Duration::from_micros(round * 1700 % 170_000));
        child.kill().unwrap();
        child.wait().unwrap();
        if round % 10 == 9 {
            assert_eq!(facts(&home), whole, "after round {round}");
            assert_eq!(home.found("zebra-codex-needle"), needle, "after round {round}");
        }
    }
}

#[test]
fn two_at_once_get_on_with_each_other() {
    let home = real();
    let mut children: Vec<_> =
        (0..4).map(|_| home.command(&["index"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(home.sessions().len(), facts(&real()).as_array().unwrap().len());
}

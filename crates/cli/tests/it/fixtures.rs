//! Sessions of real agents: every fact the script put there, and nothing an agent's file has to suffer for it.

use std::process::Stdio;
use std::time::Duration;

use marline_lab::fixtures;
use serde_json::{Value, json};

use crate::home::{Home, snapshot};

fn real() -> Home {
    let home = Home::new();
    fixtures::copy_home(&home.path()).unwrap();
    home
}

#[test]
fn every_session_stands_with_what_was_scripted() {
    let home = real();
    let before = snapshot(&home.path());
    let sessions = home.sessions();
    let truth = fixtures::truth();
    for expected in &truth.sessions {
        let id = &expected.source_session_id;
        let session = sessions.get(id).unwrap_or_else(|| panic!("{} {id} is not listed", expected.source));
        let inherited = &expected.inherited;
        assert_eq!(session["source"], expected.source, "{id}");
        assert_eq!(session["project"], expected.project, "{id}");
        assert_eq!(session["archived"], expected.archived, "{id}");
        assert_eq!(
            session["counts"],
            json!({"prompts": expected.prompts, "answers": expected.answers, "toolCalls": expected.tool_calls,
                   "errors": expected.errors, "subagents": expected.subagents}),
            "{id}"
        );
        assert_eq!(
            session["inherited"],
            json!({"prompts": inherited.prompts, "answers": inherited.answers, "toolCalls": inherited.tool_calls}),
            "{id}"
        );
        let origin = expected.forked_from.as_ref().map(|raw| format!("{}:{raw}", expected.source));
        assert_eq!(session["forkedFromId"], json!(origin), "{id}");
        if let Some(title) = &expected.title {
            assert_eq!(session["title"], *title, "{id}");
        }
        if let Some(needle) = &expected.needle {
            let found = home.found(needle);
            assert!(found.contains(&format!("{}:{id}", expected.source)), "{needle} in {found:?}");
        }
    }
    let main = sessions.values().filter(|session| session["kind"] == "main").count();
    assert_eq!(main, truth.sessions.len(), "warm-up runs, empty and summary-only files are no sessions");
    for child in sessions.values().filter(|session| session["kind"] == "subagent") {
        let counts = &child["counts"];
        assert_eq!(
            (&counts["prompts"], &counts["answers"], &counts["toolCalls"]),
            (&json!(0), &json!(1), &json!(1))
        );
        assert!(child["parentId"].is_string());
    }
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

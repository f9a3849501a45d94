//! The real agents, driven in this very run: each session stands with exactly what the lab scripted.

use marline_lab::agents::{ALL, Agents};
use marline_lab::fixtures::Truth;
use marline_lab::{Lab, alone};
use serde_json::{Value, json};

use crate::fixtures::check;
use crate::home::{Home, snapshot};

const NAME: &str = "real_agents::what_the_real_agents_write_now_is_read_as_it_was_scripted";

#[test]
fn what_the_real_agents_write_now_is_read_as_it_was_scripted() {
    if std::env::var_os("MARLINE_SKIP_REAL_AGENTS").is_some_and(|value| value == "1") {
        eprintln!(
            "SKIPPED, as MARLINE_SKIP_REAL_AGENTS=1 asks: no real agent was run, this test proves nothing."
        );
        return;
    }
    let agents = Agents::of_workspace();
    agents.install(&ALL).unwrap_or_else(|error| panic!("{error}"));
    if let Some(status) = alone::again(&[NAME, "--exact", "--nocapture"]).unwrap() {
        assert!(status.success(), "the test without a network {status}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let truth = lab.make_everything().unwrap_or_else(|error| panic!("{error}"));
    let home = Home::of(lab.home());
    let before = snapshot(lab.home());
    check(&home, &truth);
    check_words(&home, &truth);
    assert_eq!(snapshot(lab.home()), before, "no byte and no time of an agent's file has changed");
    let sources = home.json(&["sources"]);
    for source in sources["sources"].as_array().unwrap() {
        for what in ["unknown", "skipped"] {
            assert_eq!(source[what], json!({}), "{} {what}", source["name"]);
        }
    }
}

/// A prompt's words; a picture is shown as a line of its own.
fn without_pictures(text: &str) -> String {
    text.lines().filter(|line| *line != "[image]").collect::<Vec<_>>().join("\n")
}

/// Compares what was said word by word: a prompt holds nothing that the agent added, an answer nothing else.
fn check_words(home: &Home, truth: &Truth) {
    let mut wrong = Vec::new();
    for expected in &truth.sessions {
        let id = format!("{}:{}", expected.source, expected.source_session_id);
        let shown = home.json(&["show", &id, "--no-refresh", "--limit", "10000"]);
        let said = |kind: &str| -> Vec<String> {
            let items = shown["items"].as_array().into_iter().flatten();
            let own = items.filter(|item| item["kind"] == kind && item["inherited"] != Value::Bool(true));
            own.filter_map(|item| item["text"].as_str().map(without_pictures)).collect()
        };
        let mut answered = said("answer");
        // Who is told that its helper has ended says the same again.
        answered.dedup();
        for (what, found, expected) in
            [("asked", said("prompt"), &expected.asked), ("answered", answered, &expected.answered)]
        {
            if found != *expected {
                wrong.push(format!("{id}: {what} {found:?}, expected {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

//! Which record kinds stand in the fixtures, and how each is treated.
//!
//! The lists are pinned in `inventory/<source>.txt`. A new release of an agent, its fixtures made anew, shows up here with
//! the names of its new kinds: enter them in the agent's `wire.rs`, then here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use marline_agents::{Env, SessionFile, Shape, registry};
use marline_lab::fixtures;
use marline_model::Source;
use serde_json::Value;

/// All records of a file, read by other means than the adapters'.
fn records(file: &SessionFile) -> Vec<Value> {
    let lines = |bytes: &[u8]| {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect::<Vec<Value>>()
    };
    match file.shape {
        Shape::Lines => lines(&fs::read(&file.path).unwrap()),
        Shape::CompressedLines => {
            lines(&zstd::stream::decode_all(fs::File::open(&file.path).unwrap()).unwrap())
        }
        Shape::Document => {
            let document: Value = serde_json::from_slice(&fs::read(&file.path).unwrap()).unwrap();
            document["messages"].as_array().unwrap().clone()
        }
        _ => {
            // The fixture itself stays as it is: even reading changes what lies beside a database.
            let copy = tempfile::tempdir().unwrap();
            let folder = file.path.parent().unwrap();
            for name in ["opencode.db", "opencode.db-wal"] {
                fs::copy(folder.join(name), copy.path().join(name)).unwrap();
            }
            let connection = rusqlite::Connection::open(copy.path().join("opencode.db")).unwrap();
            let mut parts = connection.prepare("SELECT data FROM part").unwrap();
            let parts = parts.query_map([], |row| row.get::<_, String>(0)).unwrap();
            parts.map(|part| serde_json::from_str(&part.unwrap()).unwrap()).collect()
        }
    }
}

/// The name of a record's kind in the inventory.
fn kind(source: Source, record: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = word(&record["type"]);
    match source {
        Source::Claude => match name.as_str() {
            "system" => format!("system/{}", word(&record["subtype"])),
            "attachment" => format!("attachment/{}", word(&record["attachment"]["type"])),
            _ => name,
        },
        Source::Codex => match (name.as_str(), word(&record["payload"]["type"]).as_str()) {
            ("event_msg", "item_completed") => {
                format!("item_completed/{}", word(&record["payload"]["item"]["type"]))
            }
            ("response_item" | "event_msg", inner) => format!("{name}/{inner}"),
            _ => name,
        },
        Source::Gemini if record.get("$set").is_some() => "$set".to_owned(),
        Source::Gemini if name.is_empty() => "header".to_owned(),
        Source::Qwen if name == "system" => format!("system/{}", word(&record["subtype"])),
        _ => name,
    }
}

#[test]
fn every_kind_in_the_fixtures_is_known_and_pinned() {
    let env = Env::new(fixtures::dir().join("home"), []);
    let mut wrong = Vec::new();
    for agent in registry::all() {
        let source = agent.source();
        let inventory: BTreeMap<&str, bool> = agent.inventory().into_iter().collect();
        let mut seen = BTreeSet::new();
        for file in agent.discover(&env).files {
            if file.path.ends_with("session_index.jsonl") {
                continue;
            }
            seen.extend(records(&file).iter().map(|record| kind(source, record)));
        }
        let lines: Vec<String> = seen
            .iter()
            .map(|kind| match inventory.get(kind.as_str()) {
                Some(true) => format!("{kind}: read"),
                Some(false) => format!("{kind}: passed over"),
                None => format!("{kind}: NOT KNOWN"),
            })
            .collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/inventory/{source}.txt"));
        let pinned = fs::read_to_string(&path).unwrap_or_default();
        let found = lines.join("\n") + "\n";
        if std::env::var_os("MARLINE_PIN").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &found).unwrap();
        } else if pinned != found {
            let pinned: Vec<&str> = pinned.lines().collect();
            let new = lines
                .iter()
                .filter(|line| !pinned.contains(&line.as_str()))
                .map(|line| format!("{source}: + {line}"));
            wrong.extend(new);
            let old = pinned.iter().filter(|line| !lines.iter().any(|found| found == *line));
            wrong.extend(old.map(|line| format!("{source}: - {line}")));
        }
        assert!(!found.contains("NOT KNOWN"), "{source} has kinds that wire.rs does not name:\n{found}");
    }
    assert!(
        wrong.is_empty(),
        "the pinned lists differ; MARLINE_PIN=1 writes them anew:\n{}",
        wrong.join("\n")
    );
}

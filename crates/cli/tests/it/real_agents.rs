//! The real agents, driven in this very run: each session stands with exactly what the lab scripted.

use marline_lab::agents::{ALL, CLAUDE, CODEX, GEMINI, OPENCODE, QWEN};
use marline_lab::fixtures::Truth;
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use serde_json::{Value, json};

use crate::fixtures::check;
use crate::home::{Home, snapshot};

const NAME: &str = "real_agents::what_the_real_agents_write_now_is_read_as_it_was_scripted";

#[test]
fn what_the_real_agents_write_now_is_read_as_it_was_scripted() {
    let Some(agents) = alone::test(NAME, &ALL) else { return };
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

/// Begins a session with each agent.
fn begin(lab: &Lab) {
    let first = Prompt::new("It begins").say("Begun");
    for (release, words, input) in [
        (CODEX, vec!["exec", "--json", "--skip-git-repo-check", first.text()], ""),
        (CLAUDE, vec!["-p", first.text()], ""),
        (GEMINI, vec!["--yolo", "-p", first.text()], ""),
        (QWEN, vec!["--yolo", "-p", first.text()], ""),
        (OPENCODE, vec!["run"], first.text()),
    ] {
        lab.run(&release, "alpha", &words, input).unwrap();
    }
}

const RESUME: &str = "real_agents::a_session_is_resumed_with_a_prompt_and_told_as_it_happens";

#[test]
fn a_session_is_resumed_with_a_prompt_and_told_as_it_happens() {
    let releases = [CODEX, CLAUDE, GEMINI, QWEN, OPENCODE];
    let Some(agents) = alone::test(RESUME, &releases) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    begin(&lab);
    let home = Home::of(lab.home());
    let marline = |words: &[&str]| {
        let mut command = lab.program(std::path::Path::new(env!("CARGO_BIN_EXE_marline")), &releases);
        command.args(words).env("MARLINE_HOME", dir.path().join("marline")).output().unwrap()
    };
    let mut sources = std::collections::BTreeSet::new();
    for session in home.sessions().values() {
        let (id, source) = (session["id"].as_str().unwrap(), session["source"].as_str().unwrap());
        sources.insert(source.to_owned());
        let words = format!("{source} goes on");
        let next = Prompt::new(&words).say("Gone on");
        let output = marline(&["resume", id, "--json", "--prompt", next.text()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{id}: {error}");
        let told = String::from_utf8_lossy(&output.stdout);
        let items: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = |kind: &str, words: &str| {
            items.iter().any(|item| {
                item["kind"] == kind && item["text"].as_str().is_some_and(|text| text.contains(words))
            })
        };
        assert!(said("prompt", &words) && said("answer", "Gone on"), "{id}: {told}");
        assert!(!said("answer", "Begun"), "{id}: what was there before is not told again");
        let asked = lab.server().asked();
        let heard = &asked.iter().rev().find(|asked| asked.prompt.contains(&words)).unwrap().heard;
        assert!(heard.iter().any(|text| text.contains("It begins")), "{id}: its history is in the context");
    }
    assert_eq!(sources.len(), 5, "{sources:?}");
    // Each takes over from another one, on a document.
    let sessions = home.sessions();
    let of = |source: &str| sessions.values().find(|session| session["source"] == source).unwrap();
    for (from, to, way) in [
        ("codex", "claude", "brief"),
        ("claude", "codex", "pack"),
        ("claude", "gemini", "brief"),
        ("gemini", "opencode", "pack"),
        ("opencode", "qwen", "brief"),
    ] {
        let id = of(from)["id"].as_str().unwrap();
        let output = marline(&["handoff", id, "--to", to, "--as", way, "--run", "--json"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{from} to {to}: {error}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["session"]["source"], to, "{from} to {to}");
        let asked = lab.server().asked();
        let heard = asked.iter().rev().find(|asked| asked.prompt.contains("# Hand-over")).unwrap();
        assert!(heard.prompt.contains(id) && heard.prompt.contains("It begins"), "{from} to {to}");
        assert_eq!(heard.prompt.contains("## The last messages"), way == "brief", "{from} to {to}");
    }
    // What fails is told as failed, whatever the agent's exit code says.
    let sessions = home.sessions();
    let codex = sessions.values().find(|session| session["source"] == "codex").unwrap();
    let fails = Prompt::new("This fails").fail(400);
    let output = marline(&["resume", codex["id"].as_str().unwrap(), "--prompt", fails.text()]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
}

const KILLED: &str = "real_agents::after_a_kill_in_any_act_the_agents_open_their_sessions";

#[test]
fn after_a_kill_in_any_act_the_agents_open_their_sessions() {
    let releases = [CODEX, CLAUDE, GEMINI, QWEN, OPENCODE];
    let Some(agents) = alone::test(KILLED, &releases) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    begin(&lab);
    let marline = |words: &[&str]| {
        let mut command = lab.program(std::path::Path::new(env!("CARGO_BIN_EXE_marline")), &releases);
        command.args(words).env("MARLINE_HOME", dir.path().join("marline"));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command
    };
    let listed = || -> Value {
        serde_json::from_slice(
            &marline(&["ls", "--json", "--all", "--limit", "500"]).output().unwrap().stdout,
        )
        .unwrap()
    };
    let origins: Vec<Value> = listed()["sessions"].as_array().unwrap().clone();
    assert_eq!(origins.len(), 5);
    let mut wait = 3;
    for origin in &origins {
        let (id, source) = (origin["id"].as_str().unwrap(), origin["source"].as_str().unwrap());
        let other = if source == "codex" { "claude" } else { "codex" };
        for acts in [
            &[&["rename", id, "Another name"][..], &["fork", id], &["handoff", id, "--to", other]][..],
            &[&["archive", id], &["unarchive", id], &["delete", id]],
        ] {
            for words in acts {
                for _ in 0..4 {
                    let mut child = marline(words).spawn().unwrap();
                    // From the first moment of an act to behind its end, at another one each time.
                    wait = (wait * 7 + 5) % 60;
                    std::thread::sleep(std::time::Duration::from_millis(wait));
                    let _ = child.kill();
                    child.wait().unwrap();
                    // What was deleted comes back, be it by half or as a whole.
                    if words[0] == "delete" {
                        let _ = marline(&["undo"]).output().unwrap();
                    }
                }
            }
            // Codex opens nothing that is put away.
            let _ = marline(&["unarchive", id]).output().unwrap();
            let last = acts[acts.len() - 1][0];
            let prompt = Prompt::new(&format!("{source} after {last}")).say("Still here");
            let output = marline(&["resume", id, "--prompt", prompt.text()]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{id} {last}: {error}");
            let asked = lab.server().asked();
            let heard = &asked.iter().rev().find(|asked| asked.prompt.contains("Still here")).unwrap().heard;
            assert!(heard.iter().any(|text| text.contains("It begins")), "{id} {last}: its history is whole");
        }
    }
    // Whatever came to be is a session that can be read.
    for session in listed()["sessions"].as_array().unwrap() {
        assert_eq!(session["skippedRecords"], 0, "{session}");
    }
}

const FAMILY: &str = "real_agents::a_thread_of_codex_goes_and_comes_with_its_sub_agents";

#[test]
fn a_thread_of_codex_goes_and_comes_with_its_sub_agents() {
    let Some(agents) = alone::test(FAMILY, &[CODEX]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let helper = Prompt::new("Look around").say("The helper looked");
    let asks = Prompt::new("Ask a helper").helper(helper).say("The helper is back");
    lab.run(&CODEX, "alpha", &["exec", "--json", "--skip-git-repo-check", asks.text()], "").unwrap();
    let home = Home::of(lab.home());
    let marline = |words: &[&str]| {
        let mut command = lab.program(std::path::Path::new(env!("CARGO_BIN_EXE_marline")), &[CODEX]);
        let output = command.args(words).env("MARLINE_HOME", dir.path().join("marline")).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let kind = |kind: &str| {
        let sessions = home.sessions().into_values();
        let mut own = sessions.filter(|session| session["kind"] == kind && session["missing"] == false);
        own.next().map(|session| session["sourceSessionId"].as_str().unwrap().to_owned())
    };
    let (parent, child) = (kind("main").unwrap(), kind("subagent").unwrap());
    let ask = |calls: &[(&str, Value)]| lab.codex("alpha", calls).unwrap();
    let archived = || {
        let all = json!({"archived": true, "sourceKinds": ["exec", "subAgent", "subAgentThreadSpawn"]});
        let answer = ask(&[("thread/list", all)]).remove(0);
        let threads = answer["data"].as_array().unwrap().iter();
        let mut ids: Vec<String> = threads.map(|thread| thread["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    marline(&["archive", &parent]);
    let mut both = vec![parent.clone(), child.clone()];
    both.sort();
    assert_eq!(archived(), both);
    marline(&["undo"]);
    assert_eq!(archived(), Vec::<String>::new());

    // Whatever Codex has of them is away, and back as it was; Codex goes on with the thread then.
    let folder = lab.home().join(".codex");
    let named = || -> std::collections::BTreeMap<String, u32> {
        let files = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
        let mut found = std::collections::BTreeMap::new();
        for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "sqlite")) {
            let database = rusqlite::Connection::open(&path).unwrap();
            let sql = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                       WHERE m.type = 'table' AND c.name IN ('thread_id', 'child_thread_id', 'id')";
            let mut query = database.prepare(sql).unwrap();
            let columns = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            let columns: Vec<(String, String)> = columns.map(Result::unwrap).collect();
            for (table, column) in columns {
                let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} IN (?1, ?2)");
                let count: u32 = database.query_row(&sql, [&parent, &child], |row| row.get(0)).unwrap();
                found.extend((count > 0).then_some((table, count)));
            }
        }
        found
    };
    let before = named();
    assert!(before.contains_key("thread_items") && before["threads"] == 2, "{before:?}");
    marline(&["delete", &parent]);
    assert_eq!((named(), kind("main"), kind("subagent")), (Default::default(), None, None));
    marline(&["undo"]);
    assert_eq!(named(), before);
    let next = Prompt::new("And now?").say("Gone on");
    let words = ["exec", "--json", "--skip-git-repo-check", "resume", &parent, next.text()];
    lab.run(&CODEX, "alpha", &words, "").unwrap();
    let asked = lab.server().asked();
    let heard = &asked.iter().rev().find(|asked| asked.prompt.contains("And now?")).unwrap().heard;
    assert!(heard.iter().any(|words| words.starts_with("The helper is back")), "{heard:?}");

    marline(&["delete", &parent, "--now"]);
    assert_eq!((named(), kind("main"), kind("subagent")), (Default::default(), None, None));
    for (path, (bytes, ..)) in snapshot(&dir.path().join("marline/board")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Ask a helper") && !text.contains("Look around"), "{}", path.display());
    }
}

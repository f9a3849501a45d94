//! Who answers what agents ask: somebody who is away, a rule, and the log of it all.

use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_lab::script::Prompt;
use serde_json::{Value, json};

use crate::desk::{Desk, LOOK, PATIENCE};
use crate::home::Home;

fn has_dialog(desk: &Desk) -> bool {
    desk.screen().contains("1. Yes")
}

fn log(desk: &Desk) -> Vec<Value> {
    let output = desk.marline(&["approvals", "log", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    told["entries"].as_array().cloned().unwrap_or_default()
}

/// What an agent asks while its person is away is answered through its hook, and its terminal asks nothing meanwhile.
fn is_answered_from_afar(desk: &Desk, agent: &str, words: &[&str]) {
    let done = desk.marline(&["hooks", "install", "--agent", agent, "--yes"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let _board = desk.board();
    desk.by_hand(words);
    desk.until_ready();
    let first = Prompt::new("Begin").say("Begun");
    desk.types(first.text());
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    desk.until_true("said", || desk.said(&id, first.text()) == 1);

    assert!(desk.marline(&["live", "away", &id, "--for", "10m"]).status.success());
    let claims = desk.ask("GET", "/api/v1/away", None).unwrap();
    assert_eq!(claims["claims"][0]["session"], id.as_str());
    let asks = Prompt::new("Ask somebody").ask("touch afar.txt").say("Touched");
    desk.types(asks.text());
    let waits = desk.until_board_says("asking", |live| live["asks"]["what"]["what"] == "touch afar.txt");
    assert_eq!(waits["state"], "needs_approval");
    assert!(!has_dialog(desk), "{}", desk.screen());
    let key = waits["asks"]["key"].as_str().unwrap().to_owned();
    // A late or wrong answer allows nothing.
    assert_eq!(desk.steer(&["approve", &id, "--key", "00000000"]), "refused");
    assert!(!desk.has("afar.txt"));
    assert_eq!(desk.steer(&["approve", &id, "--key", &key]), "delivered");
    desk.until_true("touched", || desk.has("afar.txt"));
    desk.until("idle");
    assert_eq!(desk.steer(&["approve", &id, "--key", &key]), "refused");

    // No is no, with a word to the agent; two answers at once are one.
    let asks = Prompt::new("Ask again").ask("touch never.txt").say("Not touched");
    desk.types(asks.text());
    let waits =
        desk.until_board_says("asking again", |live| live["asks"]["what"]["what"] == "touch never.txt");
    let question = waits["asks"]["key"].clone();
    let answer =
        |key: &str| json!({"command": "deny", "key": key, "question": question, "reason": "Rather not"});
    let path = format!("/api/v1/live/{id}");
    let outcomes = std::thread::scope(|scope| {
        let both = ["first-answer", "second-answer"].map(|key| {
            scope.spawn(|| desk.ask("POST", &path, Some(&answer(key))).unwrap()["outcome"].clone())
        });
        both.map(|one| one.join().unwrap())
    });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "delivered").count(), 1, "{outcomes:?}");
    desk.until("idle");
    assert!(!desk.has("never.txt"));
    desk.until_true("told why", || {
        String::from_utf8_lossy(&desk.marline(&["show", &id, "--json"]).stdout).contains("Rather not")
    });
    // The same again is not done again, also by another client.
    assert_eq!(desk.ask("POST", &path, Some(&answer("first-answer"))).unwrap()["outcome"], outcomes[0]);

    // Another command under its key is none.
    let other = json!({"command": "send", "key": "first-answer", "text": "Something else"});
    assert_eq!(desk.answer("POST", &path, Some(&other)).unwrap().0, 409);

    // Back again, its terminal asks, as does one whose board is gone.
    let asks = Prompt::new("Ask the desk").ask("touch desk.txt").say("Touched");
    desk.types(asks.text());
    desk.until_board_says("asking a third time", |live| live["asks"]["what"]["what"] == "touch desk.txt");
    assert!(desk.marline(&["live", "back", &id]).status.success());
    desk.until_true("asked at the desk", || has_dialog(desk));
    desk.until_asked();
    assert_eq!(desk.steer(&["approve", &id]), "delivered");
    desk.until_true("touched", || desk.has("desk.txt"));

    let log = log(desk);
    let delivered: Vec<&str> = log
        .iter()
        .filter(|entry| {
            entry["outcome"] == "delivered"
                && ["the command line", "this machine"].map(Value::from).contains(&entry["by"])
        })
        .filter_map(|entry| entry["decision"]["say"].as_str())
        .collect();
    assert!(delivered.contains(&"deny") && delivered.contains(&"allow"), "{log:#?}");
    // Allowed is what has run, and nothing else.
    desk.until_true("told as allowed", || {
        let ran: Vec<Value> =
            self::log(desk).into_iter().filter(|entry| entry["ranAt"].is_string()).collect();
        let is_of =
            |entry: &Value, what: &str| entry["what"].as_str().is_some_and(|said| said.contains(what));
        assert!(!ran.iter().any(|entry| is_of(entry, "never.txt")), "{ran:#?}");
        ["afar.txt", "desk.txt"].iter().all(|what| ran.iter().any(|entry| is_of(entry, what)))
    });
}

#[test]
fn a_claude_whose_person_is_away_asks_elsewhere() {
    let Some(desk) = Desk::open("permits::a_claude_whose_person_is_away_asks_elsewhere") else { return };
    is_answered_from_afar(&desk, "claude", &["claude", "--permission-mode", "manual"]);
}

#[test]
fn a_codex_whose_person_is_away_asks_elsewhere() {
    let Some(desk) = Desk::open("permits::a_codex_whose_person_is_away_asks_elsewhere") else { return };
    is_answered_from_afar(&desk, "codex", &["codex", "-a", "on-request", "--dangerously-bypass-hook-trust"]);
}

#[test]
fn a_rule_allows_what_it_says_and_the_log_tells() {
    let Some(desk) = Desk::open("permits::a_rule_allows_what_it_says_and_the_log_tells") else { return };
    let made = desk.marline(&["approvals", "always", "touch ruled", "--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(desk.marline(&["approvals", "always", "bash"]).status.code(), Some(2));
    // Gemini CLI writes down what it called only afterwards: its hook tells what it asks.
    assert!(desk.marline(&["hooks", "install", "--agent", "gemini", "--yes"]).status.success());
    let _board = desk.board();
    for words in [&["claude", "--permission-mode", "manual"][..], &["codex", "-a", "on-request"], &["gemini"]]
    {
        desk.by_hand(words);
        desk.until_ready();
        let asks = Prompt::new("As the rule says").ask("touch ruled").say("Touched");
        desk.types(asks.text());
        desk.until_true("touched by rule", || desk.has("ruled"));
        desk.until("idle");
        // What goes beyond its words is asked.
        let asks = Prompt::new("Beyond the rule").ask("touch ruled; touch more").say("Touched more");
        desk.types(asks.text());
        let waits = desk.until_asked();
        sleep(Duration::from_secs(1));
        assert!(!desk.has("more"));
        assert_eq!(desk.steer(&["deny", waits["id"].as_str().unwrap()]), "delivered");
        std::fs::remove_file(desk.project().join("ruled")).unwrap();
        desk.tmux(&desk.own(), &["kill-server"]);
        desk.until_true("gone", || desk.now().is_empty());
    }
    let by_rule: Vec<Value> = log(&desk).into_iter().filter(|entry| entry["rule"].is_string()).collect();
    assert_eq!(by_rule.len(), 3, "{by_rule:#?}");
    assert!(by_rule.iter().all(|entry| entry["what"] == "touch ruled" && entry["outcome"] == "delivered"));
    // Each answer from the command line stands there once, too, though nobody was away.
    let by_hand: Vec<Value> =
        log(&desk).into_iter().filter(|entry| entry["by"] == "the command line").collect();
    assert_eq!(by_hand.len(), 3, "{by_hand:#?}");
    assert!(
        by_hand.iter().all(|entry| entry["decision"]["say"] == "deny" && entry["outcome"] == "delivered")
    );

    // Taken away, it allows nothing.
    let rules = desk.marline(&["approvals", "rules", "--json"]);
    let rules: Value = serde_json::from_slice(&rules.stdout).unwrap();
    let id = rules["rules"][0]["id"].as_str().unwrap();
    assert!(desk.marline(&["approvals", "never", &id[id.len() - 8..]]).status.success());
    assert_eq!(desk.marline(&["approvals", "rules"]).status.code(), Some(1));
}

#[test]
fn who_is_back_is_back_from_all() {
    let home = Home::new();
    let claims = home.path().parent().unwrap().join("marline/board/away");
    for words in [&["--for", "0m"][..], &["--for", "3d"], &["--for", "ever"]] {
        assert_eq!(home.run(&[&["live", "away"], words].concat()).status.code(), Some(2), "{words:?}");
    }
    assert!(!claims.exists());
    assert!(home.run(&["live", "away", "--for", "24h"]).status.success());
    let of_one = json!({"session": "claude:one", "until": "2999-01-01T00:00:00Z"});
    std::fs::write(claims.join("claude:one"), of_one.to_string()).unwrap();
    let back = home.run(&["live", "back"]);
    assert_eq!(String::from_utf8_lossy(&back.stdout), "all agents ask in their terminals again.\n");
    assert_eq!(std::fs::read_dir(&claims).unwrap().count(), 0);
    let back = home.run(&["live", "back"]);
    assert_eq!(String::from_utf8_lossy(&back.stdout), "all agents asked in their terminals all the time.\n");
}

#[test]
fn rules_of_one_moment_are_told_apart() {
    let home = Home::new();
    let project = home.path().join("shop");
    std::fs::create_dir(&project).unwrap();
    let always = |words: &[&str]| {
        let all = [&["approvals", "always"], words, &["--in", project.to_str().unwrap()]].concat();
        home.run(&all)
    };
    for words in [
        &["true", "--for", "0m"][..],
        &["true", "--for", "91d"],
        &["bash -c x"],
        &["rm a.txt"],
        &["cat .e*"],
        &["cargo test --config x"],
    ] {
        let made = always(words);
        assert_eq!(made.status.code(), Some(2), "{words:?}: {}", String::from_utf8_lossy(&made.stderr));
    }
    for everywhere in ["/", home.path().to_str().unwrap()] {
        let made = home.run(&["approvals", "always", "true", "--in", everywhere]);
        assert_eq!(made.status.code(), Some(2), "{everywhere}");
    }
    for command in ["cargo test", "cargo build", "cargo check"] {
        let made = always(&[command]);
        let told = String::from_utf8_lossy(&made.stderr).into_owned();
        let id = told.trim().rsplit(' ').next().unwrap();
        let taken = home.run(&["approvals", "never", id]);
        assert_eq!(String::from_utf8_lossy(&taken.stdout), format!("Asked again: {command}\n"), "{told}");
        assert!(always(&[command]).status.success());
    }
    let rules = home.run(&["approvals", "rules"]);
    let told = String::from_utf8_lossy(&rules.stdout).into_owned();
    let ids: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids.len(), 3, "{told}");
    for id in ids {
        assert!(home.run(&["approvals", "never", id]).status.success(), "{id}: {told}");
    }
    let list = home.run(&["approvals", "list"]);
    assert_eq!(list.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&list.stderr).contains("No agent asks anything."));
}

#[test]
fn what_was_open_is_opened_again_after_everything_went_down() {
    let Some(desk) = Desk::open("permits::what_was_open_is_opened_again_after_everything_went_down") else {
        return;
    };
    let board = desk.board();
    let prompt = Prompt::new("Before the crash").say("Said before");
    let mut ids = Vec::new();
    for agent in ["claude", "codex"] {
        let output = desk.marline(&["live", "start", "--agent", agent, "--prompt", prompt.text(), "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    desk.until_true("said", || ids.iter().all(|id| desk.said(id, prompt.text()) == 1));
    desk.until_true("known", || desk.board_says().len() == 2);
    // The machine goes down: Marline and all that it has opened.
    board.kill();
    desk.tmux(&desk.dir.path().join("marline/board/tmux"), &["kill-server"]);
    desk.until_true("gone", || desk.now().is_empty());

    let _board = desk.board();
    let began = Instant::now();
    let lost = loop {
        let told = desk.ask("GET", "/api/v1/live", None).unwrap();
        let lost = told["lost"].as_array().cloned().unwrap_or_default();
        if lost.len() == 2 {
            break lost;
        }
        assert!(began.elapsed() < PATIENCE, "{told:#}");
        sleep(LOOK);
    };
    let mut named: Vec<&str> = lost.iter().filter_map(|one| one["id"].as_str()).collect();
    named.sort_unstable();
    ids.sort();
    assert_eq!(named, ids);
    let answer = desk.ask("POST", "/api/v1/live/lost", Some(&json!({"resume": true}))).unwrap();
    assert_eq!(answer["opened"].as_array().unwrap().len(), 2, "{answer:#}");
    desk.until_true("open again", || {
        let mut now: Vec<String> =
            desk.board_says().iter().filter_map(|one| Some(one["live"]["id"].as_str()?.to_owned())).collect();
        now.sort();
        now == ids
    });
    let told = desk.ask("GET", "/api/v1/live", None).unwrap();
    assert_eq!(told["lost"], json!([]));
    assert_eq!(
        desk.marline(&["live", "reopen", "--forget"]).status.code(),
        Some(1),
        "nothing is lost any more"
    );
    // They are what they were, and go on.
    let more = Prompt::new("After the crash").say("Said after");
    for id in &ids {
        desk.until_true("idle", || {
            desk.now().iter().any(|one| one["id"] == id.as_str() && one["state"] == "idle")
        });
        assert_eq!(desk.steer(&["send", id, more.text()]), "delivered");
    }
    desk.until_true("said", || {
        ids.iter().all(|id| desk.said(id, prompt.text()) == 1 && desk.said(id, more.text()) == 1)
    });
}

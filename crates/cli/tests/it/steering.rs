//! Steering what is hard to steer: sessions without a terminal, and terminals that don't hold still.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::talk::Decision;
use marline_control::find_program;
use marline_control::live::{Command, LiveSession, Steered};
use marline_lab::script::Prompt;
use serde_json::{Value, json};

use crate::desk::{Desk, LOOK, PATIENCE};

/// Waits until the log says of something that it was allowed, and ran.
fn until_it_ran(desk: &Desk, what: &str) {
    let began = Instant::now();
    loop {
        let output = desk.marline(&["approvals", "log", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let entries = told["entries"].as_array().cloned().unwrap_or_default();
        if entries.iter().any(|entry| entry["what"] == what && entry["ranAt"].is_string()) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{what} has not run: {told:#}");
        sleep(LOOK);
    }
}

#[test]
fn what_marline_runs_is_steered_by_the_same_commands() {
    let Some(desk) = Desk::open("steering::what_marline_runs_is_steered_by_the_same_commands") else {
        return;
    };
    let _board = desk.board();
    let project = desk.project().display().to_string();
    for agent in ["claude", "codex", "gemini", "opencode"] {
        let (queue, touch) = (format!("of {agent}"), format!("touch by-{agent}"));
        let hold = format!("touch {agent}-held && tail -f {agent}-held");
        let works = Prompt::new(&format!("Work, {agent}")).run(&touch).run(&hold).say("Worked");
        let create =
            ["queue", "create", &queue, "--project", &project, "--agent", agent, "--permission", "ask"];
        for words in [&create[..], &["queue", "add", &queue, "--prompt", works.text()]] {
            let output = desk.marline(words);
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let path = format!("/api/v1/queues/{}/runs", queue.replace(' ', "%20"));
        desk.ask("POST", &path, Some(&json!({}))).unwrap();

        let asked = |command: &str| {
            let command = command.to_owned();
            desk.until_board_says("asking", move |live| live["asks"]["what"]["what"] == command.as_str())
        };
        let waits = asked(&touch);
        assert_eq!((&waits["control"]["by"], &waits["state"]), (&json!("marline"), &json!("needs_approval")));
        let (id, key) = (waits["id"].as_str().unwrap(), waits["asks"]["key"].as_str().unwrap());
        assert_eq!(desk.steer(&["approve", id, "--key", "0123456789abcdef"]), "refused", "{agent}");
        assert!(!desk.has(&format!("by-{agent}")), "{agent}");
        assert_eq!(desk.steer(&["approve", id, "--key", key]), "delivered", "{agent}");
        desk.until_true("touched", || desk.has(&format!("by-{agent}")));
        assert_eq!(desk.steer(&["approve", id, "--key", key]), "refused", "{agent}: once is enough");
        until_it_ran(&desk, &touch);

        // While it works something is said to it, and waits; interrupted, it has that next.
        assert_eq!(asked(&hold)["id"], id);
        assert_eq!(desk.steer(&["approve", id]), "delivered", "{agent}");
        desk.until_true("at it", || desk.has(&format!("{agent}-held")));
        let more = Prompt::new(&format!("And this, {agent}")).say("That, too");
        // A session of Gemini's that is taken up without a terminal can't ask; so nothing is said to one that is to.
        let (sent, times) = if agent == "gemini" { ("refused", 0) } else { ("delivered", 1) };
        assert_eq!(desk.steer(&["send", id, more.text()]), sent, "{agent}");
        assert_eq!(desk.said(id, more.text()), 0, "{agent}");
        assert_eq!(desk.steer(&["interrupt", id]), "delivered", "{agent}");
        desk.until_true("said", || desk.said(id, more.text()) == times);
        desk.until_true("over", || desk.board_says().is_empty());
        assert_eq!(desk.said(id, more.text()), times, "{agent}");
    }
}

#[test]
fn a_terminal_that_changes_meanwhile_is_typed_into_all_the_same() {
    let Some(desk) = Desk::open("steering::a_terminal_that_changes_meanwhile_is_typed_into_all_the_same")
    else {
        return;
    };
    desk.by_hand(&["claude", "--permission-mode", "manual"]);
    desk.until_ready();
    let first = Prompt::new("Begin").say("Begun");
    desk.types(first.text());
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    /// Is over also where the test fails.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&is_over);
        scope.spawn(|| {
            let own = desk.own();
            for n in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (name, width) = (format!("name {n}"), (90 + n % 5 * 8).to_string());
                desk.tmux(&own, &["rename-window", "-t", "hand", &name]);
                desk.tmux(&own, &["resize-window", "-t", "hand", "-x", &width, "-y", "38"]);
                desk.tmux(&own, &["rename-session", "-t", "hand", "hand"]);
                if n % 4 == 0 {
                    desk.tmux(&own, &["copy-mode", "-t", "hand"]);
                }
                sleep(Duration::from_millis(120));
            }
        });
        for n in 0..4 {
            let prompt = Prompt::new(&format!("Number {n}")).say("Heard");
            let outcome = desk.steer(&["send", &id, prompt.text()]);
            desk.until("idle");
            // What could not be seen is told as unknown, and is never said twice.
            let said = desk.said(&id, prompt.text());
            match outcome.as_str() {
                "delivered" => desk.until_true("said once", || desk.said(&id, prompt.text()) == 1),
                "refused" => assert_eq!(said, 0),
                _ => assert!(said < 2),
            }
        }
    });
    // At rest again, it is heard; and where its window is gone, that is said.
    desk.tmux(&desk.own(), &["send-keys", "-t", "hand", "-X", "cancel"]);
    let last = Prompt::new("At rest").say("Heard");
    assert_eq!(desk.steer(&["send", &id, last.text()]), "delivered", "{}", desk.screen());
    desk.until_true("said", || desk.said(&id, last.text()) == 1);
    std::thread::scope(|scope| {
        let late = Prompt::new("Too late").say("Never");
        let closing = scope.spawn(|| {
            sleep(Duration::from_millis(150));
            desk.tmux(&desk.own(), &["kill-window", "-t", "hand"])
        });
        let output = desk.marline(&["live", "send", &id, late.text(), "--json"]);
        assert!(matches!(output.status.code(), Some(0 | 1 | 3 | 4)), "{output:?}");
        closing.join().unwrap();
    });
    desk.until_true("gone", || desk.now().is_empty());
}

#[test]
fn what_is_not_to_be_seen_is_not_allowed_for_something_else() {
    let Some(desk) = Desk::open("steering::what_is_not_to_be_seen_is_not_allowed_for_something_else") else {
        return;
    };
    desk.by_hand(&["claude", "--permission-mode", "manual"]);
    desk.until_ready();
    desk.types(Prompt::new("Begin").say("Begun").text());
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    // Of so small a terminal the dialog shows its question and answers alone.
    desk.tmux(&desk.own(), &["resize-window", "-t", "hand", "-x", "60", "-y", "16"]);
    let ask = |what: &str| {
        desk.types(
            Prompt::new(&format!("Ask for {what}")).ask(&format!("touch {what}")).say("Touched").text(),
        );
        desk.until_it("asking", |one| one["asks"]["what"]["what"] == format!("touch {what}"))
    };
    let first = ask("first.txt");
    let key = first["asks"]["key"].as_str().unwrap().to_owned();
    desk.tmux(&desk.own(), &["send-keys", "-t", "hand", "Escape"]);
    desk.until("idle");
    for what in ["other.txt", "first.txt"] {
        let now = ask(what);
        assert_ne!(now["asks"]["key"], key.as_str(), "{what} is another question");
        assert_eq!(desk.steer(&["approve", &id, "--key", &key]), "refused");
        assert!(!desk.has(what), "{}", desk.screen());
        assert_eq!(desk.steer(&["deny", &id]), "delivered");
        desk.until("idle");
    }
    // What is to be seen by its records is allowed.
    let now = ask("seen.txt");
    assert_eq!(desk.steer(&["approve", &id, "--key", now["asks"]["key"].as_str().unwrap()]), "delivered");
    desk.until_true("touched", || desk.has("seen.txt"));
    desk.until("idle");

    // Several lines that are half typed are left as they are.
    desk.tmux(&desk.own(), &["resize-window", "-t", "hand", "-x", "120", "-y", "40"]);
    let half = "many words that go on and on ".repeat(7);
    desk.tmux(&desk.own(), &["send-keys", "-t", "hand", "-l", half.trim()]);
    desk.until_true("half typed", || desk.screen().matches("go on and on").count() >= 7);
    assert_eq!(desk.steer(&["send", &id, "Something else"]), "refused");
    assert_eq!(desk.screen().matches("go on and on").count(), 7, "{}", desk.screen());
}

#[test]
fn an_answer_that_comes_as_soon_as_it_is_asked_is_heard() {
    let Some(desk) = Desk::open("steering::an_answer_that_comes_as_soon_as_it_is_asked_is_heard") else {
        return;
    };
    desk.by_hand(&["claude", "--permission-mode", "manual"]);
    desk.until_ready();
    let live: LiveSession = serde_json::from_value(desk.until("idle")).unwrap();
    let (tmux, turns) =
        (find_program("tmux", &std::env::var_os("PATH").unwrap()), desk.dir.path().join("turns"));
    for what in ["first.txt", "second.txt", "third.txt", "fourth.txt"] {
        desk.types(
            Prompt::new(&format!("Ask for {what}")).ask(&format!("touch {what}")).say("Touched").text(),
        );
        let began = Instant::now();
        while !desk.screen().contains("Esc to cancel") {
            assert!(began.elapsed() < PATIENCE, "{}", desk.screen());
        }
        // Claude lets keys fall for a moment after it has drawn this.
        let allow = Command::Answer { question: None, decision: Decision::Allow };
        let came = live.steer(tmux.as_deref(), &turns, what, &allow).unwrap();
        assert!(matches!(came, Steered::Delivered { .. }), "{came:?}\n{}", desk.screen());
        desk.until_true("touched", || desk.has(what));
        desk.until("idle");
    }
}

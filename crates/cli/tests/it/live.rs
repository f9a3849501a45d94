//! Agents in terminals, started by hand and by Marline: seen, answered, interrupted and ended from outside.

use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_lab::script::Prompt;
use serde_json::Value;

use crate::desk::{Desk, LOOK, PATIENCE, git};

/// Everything that can be done with an agent that a person opened in their tmux.
fn is_steered(desk: &Desk, words: &[&str], by: &str) {
    desk.by_hand(words);
    sleep(Duration::from_secs(1));
    let began = Instant::now();
    while !desk.screen().contains(['❯', '›', '>']) && began.elapsed() < PATIENCE {
        sleep(LOOK);
    }
    sleep(Duration::from_secs(2));

    // What the person types is seen.
    let first = Prompt::new("Typed at the desk").wait(4).say("Said at the desk");
    desk.types(first.text());
    let working = desk.until("working");
    let id = working["id"].as_str().unwrap().to_owned();
    assert_eq!(working["control"]["by"], by, "{working:#}");
    assert!(working["control"]["pane"].is_object(), "{working:#}");
    assert!(!working["evidence"].as_array().unwrap().is_empty());
    assert_eq!(desk.until("idle")["id"], id.as_str());

    // A prompt from elsewhere, once; what it asks is refused to others and allowed by its key.
    let asks = Prompt::new("Sent from elsewhere").ask("touch allowed.txt").say("It is touched");
    assert_eq!(desk.steer(&["send", &id, asks.text()]), "delivered");
    let waits = desk.until_asked();
    let key = waits["asks"]["key"].as_str().unwrap().to_owned();
    let about = waits["asks"].to_string();
    assert!(about.contains("touch allowed.txt"), "{about}");
    assert_eq!(desk.steer(&["send", &id, "Not now"]), "refused");
    assert_eq!(desk.steer(&["approve", &id, "--key", "0123456789abcdef"]), "refused");
    assert!(!desk.has("allowed.txt"));
    // Three at once: one of them answers, the others find it answered, and no key of theirs is typed anywhere.
    let outcomes = std::thread::scope(|scope| {
        let three = [0; 3].map(|_| scope.spawn(|| desk.steer(&["approve", &id, "--key", &key])));
        three.map(|one| one.join().expect("it ends"))
    });
    assert_eq!(outcomes.iter().filter(|one| *one == "delivered").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|one| *one == "refused").count(), 2, "{outcomes:?}");
    desk.until("idle");
    assert!(desk.has("allowed.txt"));
    // What an agent would run in a shell without asking is not said to it.
    if by == "tmux" {
        assert_eq!(desk.steer(&["send", &id, " !touch unasked.txt"]), "refused");
        assert!(!desk.has("unasked.txt"), "{}", desk.screen());
    }
    assert_eq!(desk.said(&id, asks.text()), 1);
    assert_eq!(desk.steer(&["approve", &id, "--key", &key]), "refused", "it is answered");

    // No is no, and a word to the agent is its next prompt.
    let asks = Prompt::new("Sent again").ask("touch denied.txt").say("It is touched, too");
    assert_eq!(desk.steer(&["send", &id, asks.text()]), "delivered");
    desk.until_asked();
    let reason = Prompt::new("Leave that").say("I leave it");
    assert_eq!(desk.steer(&["deny", &id, "--reason", reason.text()]), "delivered");
    let began = Instant::now();
    while desk.said(&id, reason.text()) == 0 {
        assert!(began.elapsed() < PATIENCE, "{}", desk.screen());
        sleep(LOOK);
    }
    desk.until("idle");
    assert!(!desk.has("denied.txt"));

    // Lines, quotes, dashes and what a terminal would take for keys come as text.
    let odd = "- Two lines \"quoted\" $(touch shell.txt) `touch tick.txt`\nand \u{1b}[201~\u{3}the second {{say: Odd indeed}}";
    assert_eq!(desk.steer(&["send", &id, odd]), "delivered");
    let began = Instant::now();
    let plain = odd.replace(['\u{1b}', '\u{3}'], "");
    while desk.said(&id, &plain) == 0 {
        assert!(began.elapsed() < PATIENCE, "{}", desk.screen());
        sleep(LOOK);
    }
    desk.until("idle");
    assert!(!desk.has("shell.txt") && !desk.has("tick.txt"));

    // An interrupt interrupts.
    assert_eq!(desk.steer(&["interrupt", &id]), "refused");
    let long = Prompt::new("Think long").wait(120).say("Never said");
    assert_eq!(desk.steer(&["send", &id, long.text()]), "delivered");
    desk.until("working");
    // However long it thinks, and whatever blinks meanwhile.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        let now = desk.now();
        assert_eq!(now[0]["state"], "working", "{now:#?}\n{}", desk.screen());
    }
    assert_eq!(desk.steer(&["interrupt", &id]), "delivered");
    desk.until("idle");

    // Killed, it is gone at once.
    let pid = desk.until("idle")["pid"].as_u64().unwrap().to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    assert_eq!(desk.now(), [] as [Value; 0]);
    assert_eq!(desk.marline(&["live", "send", &id, "Hello"]).status.code(), Some(1));
}

#[test]
fn a_claude_in_tmux_is_seen_and_steered() {
    let Some(desk) = Desk::open("live::a_claude_in_tmux_is_seen_and_steered") else { return };
    is_steered(&desk, &["claude", "--permission-mode", "manual"], "tmux");
}

#[test]
fn a_claude_is_made_to_ask_for_more_or_for_less() {
    let Some(desk) = Desk::open("live::a_claude_is_made_to_ask_for_more_or_for_less") else { return };
    desk.by_hand(&["claude", "--permission-mode", "manual"]);
    desk.until_ready();
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    for (mode, words) in [("plan", "plan mode on"), ("edits", "accept edits on"), ("ask", "manual mode on")] {
        assert_eq!(desk.steer(&["mode", &id, mode]), "delivered");
        assert!(desk.screen().contains(words), "{}", desk.screen());
    }
    assert_eq!(desk.steer(&["model", &id, "haiku; rm -rf /"]), "refused");
}

#[test]
fn a_gemini_is_made_to_ask_for_more_or_for_less_and_has_another_model() {
    let Some(desk) = Desk::open("live::a_gemini_is_made_to_ask_for_more_or_for_less_and_has_another_model")
    else {
        return;
    };
    desk.by_hand(&["gemini"]);
    desk.until_ready();
    // Its session begins with the first prompt.
    desk.types(Prompt::new("Begin").say("Begun").text());
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    for (mode, words) in
        [("plan", "plan Shift+Tab"), ("edits", "auto-accept edits"), ("ask", "Shift+Tab to accept edits")]
    {
        assert_eq!(desk.steer(&["mode", &id, mode]), "delivered", "{}", desk.screen());
        assert!(desk.screen().contains(words), "{}", desk.screen());
    }
    assert_eq!(desk.steer(&["mode", &id, "auto"]), "refused");
    assert_eq!(desk.steer(&["model", &id, "gemini-2.5-flash"]), "delivered", "{}", desk.screen());
    desk.until_true("another model", || desk.screen().contains("Model set to gemini-2.5-flash"));
    assert_eq!(desk.steer(&["model", &id, "x y; !ls"]), "refused");
}

#[test]
fn a_codex_in_tmux_is_seen_and_steered() {
    let Some(desk) = Desk::open("live::a_codex_in_tmux_is_seen_and_steered") else { return };
    is_steered(&desk, &["codex", "-a", "on-request"], "tmux");
}

#[test]
fn a_gemini_in_tmux_is_seen_and_steered() {
    let Some(desk) = Desk::open("live::a_gemini_in_tmux_is_seen_and_steered") else { return };
    is_steered(&desk, &["gemini", "--approval-mode", "default"], "tmux");
}

/// Lets Codex' terminals share a daemon, as they do by default. Its sockets lie outside the home, and go with this.
struct Daemon(PathBuf);

impl Daemon {
    fn of(desk: &Desk) -> Self {
        let config = desk.lab.home().join(".codex/config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("daemon_auto_start = false\n", "")).unwrap();
        // A new home gets a copy of the whole package before the first session begins, which takes its time on a busy disk.
        desk.by_hand(&["codex"]);
        let began = Instant::now();
        while desk.now().is_empty() {
            assert!(began.elapsed() < PATIENCE * 3, "{}", desk.screen());
            sleep(LOOK);
        }
        desk.tmux(&desk.own(), &["kill-server"]);
        desk.until_true("gone", || desk.now().is_empty());
        Daemon(desk.lab.home().join(".codex"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        for socket in ["app-server-control/app-server-control.sock", "app-server-daemon/daemon-updater.sock"]
        {
            if let Ok(socket) = std::fs::read_link(self.0.join(socket)) {
                let _ = std::fs::remove_file(socket.with_extension("lock"));
                let _ = std::fs::remove_file(socket);
            }
        }
    }
}

#[test]
fn a_codex_on_its_daemon_is_steered_through_it() {
    let Some(desk) = Desk::open("live::a_codex_on_its_daemon_is_steered_through_it") else { return };
    let _daemon = Daemon::of(&desk);
    is_steered(&desk, &["codex", "-a", "on-request"], "service");
}

#[test]
fn codex_terminals_on_one_daemon_are_told_apart() {
    let Some(desk) = Desk::open("live::codex_terminals_on_one_daemon_are_told_apart") else { return };
    let _daemon = Daemon::of(&desk);
    // Three at once in one directory.
    for window in ["one", "two", "three"] {
        desk.tmux(&desk.own(), &["new-session", "-d", "-s", window, "-x", "120", "-y", "40", "--", "codex"]);
        sleep(Duration::from_secs(2));
    }
    let began = Instant::now();
    let three = loop {
        let now = desk.now();
        if now.len() == 3 && now.iter().all(|one| one["state"] == "idle") {
            break now;
        }
        assert!(began.elapsed() < PATIENCE, "{now:#?}");
        sleep(LOOK);
    };
    let window = |one: &Value| one["control"]["pane"]["sessionName"].as_str().unwrap_or_default().to_owned();
    let screen = |window: &str| {
        let shown = desk.tmux(&desk.own(), &["capture-pane", "-p", "-t", window]);
        String::from_utf8_lossy(&shown.stdout).into_owned()
    };
    for one in &three {
        let words = format!("For window {}", window(one));
        let prompt = Prompt::new(&words).say(&format!("Said in {}", window(one)));
        assert_eq!(desk.steer(&["send", one["id"].as_str().unwrap(), prompt.text()]), "delivered");
    }
    // What is sent through the daemon shows in the terminal that it was meant for, and in no other.
    for one in &three {
        let began = Instant::now();
        let answer = format!("• Said in {}", window(one));
        while !screen(&window(one)).contains(&answer) {
            assert!(began.elapsed() < PATIENCE, "{}", screen(&window(one)));
            sleep(LOOK);
        }
        let others = three.iter().filter(|other| *other != one);
        assert!(others.into_iter().all(|other| !screen(&window(other)).contains(&answer)));
    }
    // What a terminal leaves behind is nobody else's: neither to whoever has looked on, nor to one who looks for the first time.
    let of = |name: &str| three.iter().find(|one| window(one) == name).unwrap();
    desk.tmux(&desk.own(), &["kill-session", "-t", "two"]);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        for one in desk.now().iter().filter(|one| one["control"]["pane"].is_object()) {
            assert_eq!(one["id"], of(&window(one))["id"], "{one:#?}");
        }
        sleep(LOOK);
    }
    // Taken up again while the daemon still holds it, it is there.
    let two = of("two")["id"].as_str().unwrap();
    let again = desk.marline(&["live", "start", "--resume", two]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let own = desk.dir.path().join("marline/board/tmux");
    let shown = || {
        String::from_utf8_lossy(&desk.tmux(&own, &["capture-pane", "-p", "-t", "marline:"]).stdout)
            .into_owned()
    };
    desk.until_true("taken up", || shown().contains("• Said in two"));
    assert!(!shown().contains("open in another app"), "{}", shown());
    let prompt = Prompt::new("Once more").say("Said once more");
    assert_eq!(desk.steer(&["send", two, prompt.text()]), "delivered");
    desk.until_true("said there", || shown().contains("• Said once more"));
    let three = [of("one").clone(), of("three").clone()];
    // The next turn is another model's.
    let id = three[0]["id"].as_str().unwrap();
    assert_eq!(desk.steer(&["model", id, "gpt-5.4"]), "delivered");
    let began = Instant::now();
    while !screen(&window(&three[0])).contains("gpt-5.4") {
        assert!(began.elapsed() < PATIENCE, "{}", screen(&window(&three[0])));
        sleep(LOOK);
    }
}

#[test]
fn a_picture_that_is_sent_along_is_seen_by_the_model() {
    let Some(desk) = Desk::open("live::a_picture_that_is_sent_along_is_seen_by_the_model") else { return };
    let picture = desk.dir.path().join("dot.png");
    std::fs::write(&picture, marline_lab::PICTURE).unwrap();
    let begin = Prompt::new("Begin").say("Begun");
    for agent in ["claude", "codex", "gemini"] {
        let started = desk.marline(&["live", "start", "--agent", agent, "--prompt", begin.text(), "--json"]);
        let told: Value = serde_json::from_slice(&started.stdout)
            .unwrap_or_else(|error| panic!("{agent}: {error}: {}", String::from_utf8_lossy(&started.stderr)));
        let id = told["id"].as_str().unwrap().to_owned();
        desk.until_it("idle", |one| one["state"] == "idle" && desk.said(&id, begin.text()) == 1);
        let before = desk.lab.server().asked().len();
        let look = Prompt::new("What is it?").say("A dot");
        let outcome = desk.steer(&["send", &id, look.text(), "--image", picture.to_str().unwrap()]);
        assert_eq!(outcome, "delivered", "{agent}");
        if agent == "gemini" {
            // It asks before it reads what is outside its workspace.
            let asks = desk.until_asked();
            let about = asks["asks"].to_string();
            assert!(about.contains("/pictures/"), "{about}");
            let key = asks["asks"]["key"].as_str().unwrap();
            assert_eq!(desk.steer(&["approve", &id, "--key", key]), "delivered");
        }
        let began = Instant::now();
        let asked = || {
            let asked = desk.lab.server().asked();
            asked[before..].iter().any(|asked| asked.pictures > 0)
        };
        while !asked() {
            let heard = desk.lab.server().asked()[before..].to_vec();
            let socket = desk.dir.path().join("marline/board/tmux");
            let shown = desk.tmux(&socket, &["capture-pane", "-p"]).stdout;
            let heard: Vec<_> = heard.iter().map(|asked| asked.heard.last()).collect();
            assert!(began.elapsed() < PATIENCE, "{agent} {heard:?} {}", String::from_utf8_lossy(&shown));
            sleep(LOOK);
        }
        desk.until("idle");
        assert_eq!(desk.steer(&["stop", &id]), "delivered");
        desk.until_true("gone", || desk.now().is_empty());
    }
    let none = desk.marline(&["live", "send", "x", "y", "--image", "/nowhere.png"]);
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn marline_opens_agents_and_ends_them() {
    let Some(desk) = Desk::open("live::marline_opens_agents_and_ends_them") else { return };
    let prompt = Prompt::new("Begin").say("Begun");
    let mut ids = Vec::new();
    for agent in ["claude", "codex", "gemini"] {
        let output = desk.marline(&["live", "start", "--agent", agent, "--prompt", prompt.text(), "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{agent}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    // Everybody on a machine can read command lines.
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        assert!(!words.contains("ANTHROPIC_API_KEY="), "{words}");
    }
    let listed = |now: &[Value]| -> Vec<String> {
        let mut ids: Vec<String> = now.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let mut wanted = ids.clone();
    wanted.sort();
    let began = Instant::now();
    loop {
        let now = desk.now();
        let are_idle = now.iter().all(|one| one["state"] == "idle");
        if are_idle && ids.iter().all(|id| desk.said(id, prompt.text()) == 1) {
            assert_eq!(listed(&now), wanted);
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{now:#?}");
        sleep(LOOK);
    }
    // One that is open is not opened twice, and one that was ended is taken up again under its own id.
    let again = desk.marline(&["live", "start", "--resume", &ids[0]]);
    assert_eq!(again.status.code(), Some(3), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(desk.steer(&["stop", &ids[0]]), "delivered");
    let began = Instant::now();
    while desk.now().len() != 2 {
        assert!(began.elapsed() < PATIENCE);
        sleep(LOOK);
    }
    let again = desk.marline(&["live", "start", "--resume", &ids[0], "--json"]);
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(told["id"], ids[0].as_str());
    for id in &ids {
        assert_eq!(desk.steer(&["stop", id]), "delivered");
    }
    assert_eq!(desk.now(), [] as [Value; 0]);
    // With the last window, Marline's own tmux is gone, too.
    let socket = desk.dir.path().join("marline/board/tmux");
    let began = Instant::now();
    while desk.tmux(&socket, &["list-panes", "-a"]).status.success() {
        assert!(began.elapsed() < PATIENCE);
        sleep(LOOK);
    }
}

#[test]
fn an_agent_in_a_worktree_of_its_own_is_let_in_from_outside() {
    let Some(desk) = Desk::open("live::an_agent_in_a_worktree_of_its_own_is_let_in_from_outside") else {
        return;
    };
    let repository = desk.repository();
    let start = |branch: &str| {
        let at = repository.to_str().unwrap();
        let words = ["live", "start", "--agent", "claude", "--cwd", at, "--worktree", branch, "--json"];
        let output = desk.marline(&words);
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        told["id"].as_str().unwrap().to_owned()
    };
    // Claude asks whether it may work there. One that is not let in is gone.
    let id = start("other");
    desk.until_asked();
    assert_eq!(desk.steer(&["deny", &id, "--reason", "Not here"]), "delivered");
    desk.until_true("gone", || desk.now().is_empty());
    // Codex begins no session before; it says what it waits for.
    let at = repository.to_str().unwrap();
    let output = desk.marline(&["live", "start", "--agent", "codex", "--cwd", at, "--worktree", "codex"]);
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(4) && why.contains("Trust this folder?"), "{why}");
    assert_eq!(git(&repository, &["branch", "--list", "codex"]), "");
    // The no is marked, and is not taken for a prompt.
    let id = start("try");
    let asked = desk.until_asked();
    assert!(asked["cwd"].as_str().unwrap().ends_with("repository-try"), "{asked:#}");
    assert!(asked["asks"]["question"].as_str().unwrap().ends_with("you trust?"), "{asked:#}");
    assert_eq!(desk.steer(&["send", &id, "Too early"]), "refused");
    let key = asked["asks"]["key"].as_str().unwrap();
    assert_eq!(desk.steer(&["approve", &id, "--key", key]), "delivered");
    desk.until("idle");
    let prompt = Prompt::new("In the worktree").run("touch here.txt").say("Touched");
    assert_eq!(desk.steer(&["send", &id, prompt.text()]), "delivered");
    let here = desk.dir.path().join("marline/worktrees/repository-try/here.txt");
    desk.until_true("touched", || here.exists());
    assert_eq!(desk.steer(&["stop", &id]), "delivered");
}

#[test]
fn an_agent_that_can_not_be_opened_leaves_nothing_behind() {
    let Some(desk) = Desk::open("live::an_agent_that_can_not_be_opened_leaves_nothing_behind") else {
        return;
    };
    // It begins a session with the first prompt alone.
    let output = desk.marline(&["live", "start", "--agent", "opencode"]);
    assert_eq!(output.status.code(), Some(2));
    let output = desk.marline(&["live", "start", "--agent", "claude", "--cwd", "/nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    // It ends at once: there is no such model provider.
    std::fs::write(desk.lab.home().join(".codex/config.toml"), "model_provider = \"none\"\n").unwrap();
    let output = desk.marline(&["live", "start", "--agent", "codex"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ended at once"));
    // The worktree that was made for it goes, too; so does that of an agent that is not there.
    let repository = desk.repository();
    let at = repository.to_str().unwrap();
    let lines = |words: &[&str]| git(&repository, words).lines().count();
    for (agent, code) in [("codex", 4), ("qwen", 2)] {
        let words = ["live", "start", "--agent", agent, "--prompt", "Go", "--cwd", at, "--worktree", "try"];
        let output = desk.marline(&words);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!((lines(&["worktree", "list"]), lines(&["branch", "--list", "try"])), (1, 0), "{agent}");
    }
    assert_eq!(desk.now(), [] as [Value; 0]);
}

#[test]
fn hooks_tell_at_once_and_leave_no_trace() {
    let Some(desk) = Desk::open("live::hooks_tell_at_once_and_leave_no_trace") else { return };
    let home = desk.lab.home().to_owned();
    let own =
        "{\n    \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"true\"}]}]}\n}\n";
    std::fs::write(home.join(".claude/settings.json"), own)
        .or_else(|_| {
            std::fs::create_dir(home.join(".claude"))?;
            std::fs::write(home.join(".claude/settings.json"), own)
        })
        .unwrap();
    let gemini = std::fs::read_to_string(home.join(".gemini/settings.json")).unwrap();
    // Shown first, and nothing is done without a yes.
    let shown = desk.marline(&["hooks", "install"]);
    assert_eq!(shown.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("+ "), "what would change is shown");
    assert_eq!(std::fs::read_to_string(home.join(".claude/settings.json")).unwrap(), own);
    for agent in ["claude", "gemini"] {
        let done = desk.marline(&["hooks", "install", "--agent", agent, "--yes"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let status = desk.marline(&["hooks", "status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert_eq!(status.matches("   installed ").count(), 2, "{status}");

    let board = desk.board();
    // Two of a kind in one directory: only a hook tells which session is whose.
    for window in ["one", "two"] {
        desk.tmux(&desk.own(), &["new-session", "-d", "-s", window, "-x", "120", "-y", "40", "--", "gemini"]);
    }
    desk.by_hand(&["claude"]);
    let began = Instant::now();
    let told = loop {
        let told = desk.board_says();
        let by_hook = told.iter().filter(|one| one["live"]["evidence"].to_string().contains("\"hook\""));
        if by_hook.count() == 3 {
            break told;
        }
        assert!(began.elapsed() < PATIENCE, "{told:#?}");
        sleep(LOOK);
    };
    let mut panes: Vec<String> =
        told.iter().map(|one| one["live"]["control"]["pane"]["sessionName"].to_string()).collect();
    panes.sort();
    assert_eq!(panes, ["\"hand\"", "\"one\"", "\"two\""]);

    // A hook that nobody hears is silent, harmless and quick.
    drop(board);
    let prompt = Prompt::new("Nobody listens").say("It is said all the same");
    desk.types(prompt.text());
    let began = Instant::now();
    while !desk.screen().contains("It is said all the same") {
        assert!(began.elapsed() < PATIENCE, "{}", desk.screen());
        sleep(LOOK);
    }

    for agent in ["claude", "gemini"] {
        let done = desk.marline(&["hooks", "uninstall", "--agent", agent, "--yes"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(std::fs::read_to_string(home.join(".claude/settings.json")).unwrap(), own);
    assert_eq!(std::fs::read_to_string(home.join(".gemini/settings.json")).unwrap(), gemini);
}

#[test]
fn a_gemini_that_is_taken_up_in_a_terminal_keeps_its_session() {
    let Some(desk) = Desk::open("live::a_gemini_that_is_taken_up_in_a_terminal_keeps_its_session") else {
        return;
    };
    let opened = |words: &[&str]| -> String {
        let output = desk.marline(&[&["live", "start", "--json"], words].concat());
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        told["id"].as_str().unwrap().to_owned()
    };
    let ended = |id: &str| {
        assert_eq!(desk.steer(&["stop", id]), "delivered");
        desk.until_true("gone", || desk.now().is_empty());
    };
    let first = Prompt::new("Begin it").say("Begun");
    let id = opened(&["--agent", "gemini", "--prompt", first.text()]);
    desk.until_true("said", || desk.said(&id, first.text()) == 1);
    desk.until("idle");
    ended(&id);
    // As if it was begun in another minute: the agent names a second file of the session by the minute of the start.
    let all = desk.marline(&["show", &id, "--json"]);
    let told: Value = serde_json::from_slice(&all.stdout).unwrap();
    let file = std::path::PathBuf::from(told["session"]["files"][0]["path"].as_str().unwrap());
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let older = format!("session-2026-01-02T03-04-{}", name.rsplit('-').next().unwrap());
    std::fs::rename(&file, file.with_file_name(older)).unwrap();

    assert_eq!(opened(&["--resume", &id]), id);
    let more = Prompt::new("Go on with it").say("It goes on");
    desk.until("idle");
    assert_eq!(desk.steer(&["send", &id, more.text()]), "delivered");
    desk.until_true("said", || desk.said(&id, more.text()) == 1);
    desk.until("idle");
    ended(&id);
    // The next start is the one that deletes what it takes for broken.
    let other = Prompt::new("Something else").say("Done");
    let other_id = opened(&["--agent", "gemini", "--prompt", other.text()]);
    desk.until_true("said", || desk.said(&other_id, other.text()) == 1);
    ended(&other_id);
    assert_eq!(desk.said(&id, first.text()), 1);
    assert_eq!(desk.said(&id, more.text()), 1);
    let left = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    let short = name.rsplit('-').next().unwrap().to_owned();
    assert_eq!(left.filter(|file| file.file_name().to_string_lossy().ends_with(&short)).count(), 1);
}

#[test]
fn an_agent_whose_environment_hides_its_terminal_is_steered_there() {
    let Some(desk) = Desk::open("live::an_agent_whose_environment_hides_its_terminal_is_steered_there")
    else {
        return;
    };
    desk.by_hand(&["env", "-u", "TMUX", "-u", "TMUX_PANE", "claude", "--permission-mode", "manual"]);
    desk.until_ready();
    let id = desk.until("idle")["id"].as_str().unwrap().to_owned();
    let prompt = Prompt::new("Are you there").say("I am");
    assert_eq!(desk.steer(&["send", &id, prompt.text()]), "delivered");
    desk.until_true("said", || desk.said(&id, prompt.text()) == 1);
}

#[test]
fn what_was_cut_off_does_not_work_when_it_is_taken_up_again() {
    let Some(desk) = Desk::open("live::what_was_cut_off_does_not_work_when_it_is_taken_up_again") else {
        return;
    };
    for (agent, has_board) in [("claude", false), ("codex", false), ("claude", true)] {
        // A board remembers what hooks have told of the process before.
        let board = has_board.then(|| {
            assert!(desk.marline(&["hooks", "install", "--agent", agent, "--yes"]).status.success());
            desk.board()
        });
        desk.by_hand(&[agent]);
        desk.until_ready();
        let prompt = Prompt::new("Think long").wait(120).say("Never said");
        desk.types(prompt.text());
        let live = desk.until("working");
        let (id, pid) = (live["id"].as_str().unwrap(), live["pid"].as_u64().unwrap().to_string());
        desk.until_true("written down", || desk.said(id, prompt.text()) > 0);
        // Records tell times to a second, and a process when it began.
        sleep(Duration::from_secs(2));
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        desk.tmux(&desk.own(), &["kill-server"]);
        desk.until_true("gone", || desk.now().is_empty());
        let again = desk.marline(&["live", "start", "--resume", id]);
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(6) {
            let mut now = desk.now();
            now.extend(board.iter().flat_map(|_| desk.board_says()).map(|one| one["live"].clone()));
            assert!(now.iter().all(|one| one["state"] != "working"), "{now:#?}");
        }
        desk.until("idle");
        assert_eq!(desk.steer(&["stop", id]), "delivered");
        desk.until_true("gone", || desk.now().is_empty());
    }
}

#[test]
fn agents_that_are_opened_at_once_are_all_open() {
    let Some(desk) = Desk::open("live::agents_that_are_opened_at_once_are_all_open") else { return };
    // Where no tmux of Marline's runs yet, each of them would begin it.
    let opened = std::thread::scope(|scope| {
        let open = |_| scope.spawn(|| desk.marline(&["live", "start", "--agent", "claude"]));
        let all: Vec<_> = (0..4).map(open).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    for output in &opened {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    desk.until_true("all there", || desk.now().len() == 4);
}

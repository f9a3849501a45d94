//! What must hold of live sessions, all in one run: the real agents, three windows, a phone, and two crashes in between.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use marline_lab::agents::CLAUDE;
use marline_lab::push::PushService;
use marline_lab::script::Prompt;
use serde_json::{Value, json};

use crate::desk::{Desk, PATIENCE};

/// A browser on a phone: it has a cookie of its own, and comes over HTTP.
struct Phone {
    port: u16,
    cookie: String,
}

impl Phone {
    fn pair(desk: &Desk) -> Self {
        let wanted = json!({"scope": "approve", "name": "The phone"});
        let link = desk.ask("POST", "/api/v1/devices/links", Some(&wanted)).unwrap();
        let url = link["url"].as_str().unwrap();
        let rest = url.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, path) = rest.split_once('/').unwrap();
        let mut phone = Phone { port: port.parse().unwrap(), cookie: String::new() };
        let answer = phone.raw("GET", &format!("/{path}"), None);
        let cookie = answer
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("set-cookie: ").map(str::to_owned));
        phone.cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
        phone
    }

    fn raw(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let body = body.map(Value::to_string).unwrap_or_default();
        let port = self.port;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\ncookie: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.raw(method, path, body);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_default()
    }
}

fn key() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("command-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Ids and windows of all that runs.
fn running(desk: &Desk) -> Vec<(String, String)> {
    let window =
        |live: &Value| live["control"]["pane"]["sessionName"].as_str().unwrap_or_default().to_owned();
    let told = desk.board_says();
    let mut all: Vec<(String, String)> = told
        .iter()
        .map(|one| (one["live"]["id"].as_str().unwrap().to_owned(), window(&one["live"])))
        .collect();
    all.sort();
    all
}

fn state(desk: &Desk, id: &str) -> String {
    let told = desk.board_says();
    let found = told.iter().find(|one| one["live"]["id"] == id);
    found.map_or_else(String::new, |one| one["live"]["state"].as_str().unwrap().to_owned())
}

fn send(phone: &Phone, id: &str, prompt: &Prompt) {
    let command = json!({"command": "send", "key": key(), "text": prompt.text()});
    let came = phone.ask("POST", &format!("/api/v1/live/{id}"), Some(&command));
    assert_eq!(came["outcome"], "delivered", "{came}");
}

/// A table of live sessions as it once was, with two ids each, in an older database.
fn old_table(desk: &Desk, id: &str) {
    let data = desk.dir.path().join("marline");
    std::fs::create_dir_all(&data).unwrap();
    let (_, raw) = id.split_once(':').unwrap();
    let rows = format!(
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, cli_session TEXT, cwd TEXT NOT NULL, window_id TEXT,
             adapter TEXT DEFAULT 'claude', created_at TEXT, last_activity TEXT);
         INSERT INTO sessions VALUES ('claude-1742812345', '{raw}', '{}', '@3', 'claude',
             datetime('now', '-1 day'), datetime('now', '-1 hour'));",
        desk.project().display()
    );
    let script =
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.executescript(sys.argv[2])\nc.commit()";
    let made = Command::new("python3").args(["-c", script]).arg(data.join("marline.db")).arg(rows).status();
    assert!(made.unwrap().success(), "python3 has SQLite");
}

#[test]
fn all_ten_hold_in_one_run() {
    let Some(desk) = Desk::open("ten::all_ten_hold_in_one_run") else { return };
    // A session of long ago, and an older table that knows it under two ids.
    let old = Prompt::new("Long ago").say("Said long ago");
    let run = desk.lab.run(&CLAUDE, "alpha", &["-p", "--output-format", "json", old.text()], "").unwrap();
    let told: Value = serde_json::from_str(run.lines().last().unwrap()).unwrap();
    let old_id = format!("claude:{}", told["session_id"].as_str().unwrap());
    old_table(&desk, &old_id);

    let service = PushService::start().unwrap();
    let board = desk.board();
    let phone = Phone::pair(&desk);

    // 1. The old table is migrated: the agent's own id is the session's, the other one its window's name.
    let lost = phone.ask("GET", "/api/v1/live", None)["lost"].clone();
    assert_eq!(lost.as_array().map(Vec::len), Some(1), "{lost:#}");
    assert_eq!((&lost[0]["id"], &lost[0]["windowName"]), (&json!(old_id), &json!("claude-1742812345")));

    // 2. A historical session opens at once, and starts nothing.
    desk.until_true("indexed", || desk.said(&old_id, old.text()) == 1);
    let items = phone.ask("GET", &format!("/api/v1/sessions/{old_id}/items?at=end"), None);
    let shown = items["items"].as_array().unwrap();
    assert!(shown.iter().any(|item| item["text"] == "Said long ago"), "{items:#}");
    assert!(running(&desk).is_empty());

    // Three agents, opened by hand.
    let agents: [(&str, &[&str]); 3] = [
        ("one", &["claude", "--permission-mode", "manual"]),
        ("two", &["codex", "-a", "on-request"]),
        ("three", &["gemini", "--approval-mode", "default"]),
    ];
    for (window, words) in agents {
        let begin = ["new-session", "-d", "-s", window, "-x", "120", "-y", "40", "--"];
        assert!(desk.tmux(&desk.own(), &[&begin, words].concat()).status.success());
    }
    let began = Instant::now();
    while running(&desk).len() < 3 {
        assert!(began.elapsed() < PATIENCE * 2, "{:#?}", desk.board_says());
        std::thread::sleep(Duration::from_millis(200));
    }
    let all = running(&desk);
    let id_in = |window: &str| all.iter().find(|(_, its)| its == window).unwrap().0.clone();

    // 3. Each is connected to its own window.
    for (window, source) in [("one", "claude"), ("two", "codex"), ("three", "gemini")] {
        assert!(id_in(window).starts_with(source), "{all:?}");
    }
    let claude = id_in("one");

    // 4. A message goes to the right one of three, once.
    for (window, _) in agents {
        send(
            &phone,
            &id_in(window),
            &Prompt::new(&format!("Only for {window}")).say(&format!("Heard in {window}")),
        );
    }
    for (window, _) in agents {
        let prompt = Prompt::new(&format!("Only for {window}")).say(&format!("Heard in {window}"));
        desk.until_true("said", || desk.said(&id_in(window), prompt.text()) == 1);
        let others = agents.iter().filter(|(other, _)| *other != window);
        assert!(others.into_iter().all(|(other, _)| desk.said(&id_in(other), prompt.text()) == 0));
    }
    for (window, _) in agents {
        desk.until_true("idle", || state(&desk, &id_in(window)) == "idle");
    }

    // 5. What is typed at the desk streams to the phone.
    let typed = Prompt::new("Typed at the desk").say("Answered at the desk");
    let heard = events(&phone);
    desk.tmux(&desk.own(), &["send-keys", "-t", "one", "-l", typed.text()]);
    std::thread::sleep(Duration::from_millis(400));
    desk.tmux(&desk.own(), &["send-keys", "-t", "one", "Enter"]);
    let began = Instant::now();
    loop {
        let told = heard.recv_timeout(PATIENCE).expect("the phone hears of it");
        let is_it = told["kind"] == "session" && told["session"]["id"] == claude.as_str();
        if is_it && desk.said(&claude, typed.text()) == 1 {
            break;
        }
        assert!(began.elapsed() < PATIENCE);
    }
    desk.until_true("idle", || state(&desk, &claude) == "idle");

    // 6. A notification opens its session.
    let sender = phone.ask("GET", "/api/v1/push", None)["key"].as_str().unwrap().to_owned();
    let (browser, mut subscription) = service.subscribe(&sender);
    subscription.as_object_mut().unwrap().remove("expirationTime");
    phone.ask("PUT", "/api/v1/push", Some(&json!({"subscription": subscription, "closes": true})));
    std::thread::sleep(Duration::from_secs(2));
    let asks = Prompt::new("Ask the phone").ask("touch phoned.txt").say("It is touched");
    send(&phone, &claude, &asks);
    let pushed = service.wait_for(1);
    assert_eq!(
        (pushed[0].browser, &pushed[0].said["kind"]),
        (browser, &json!("needsYou")),
        "{:?}",
        pushed[0]
    );
    let opens = pushed[0].said["url"].as_str().unwrap();
    assert_eq!(opens.replace("%3A", ":"), format!("/s/{claude}"));

    // 10, first half. Marline dies while something is asked, and finds all again: windows, states, the question.
    let before = running(&desk);
    board.kill();
    let board = desk.board();
    let phone = Phone { port: Phone::pair(&desk).port, ..phone };
    desk.until_true("found again", || running(&desk) == before);
    let asked = || {
        let all = desk.board_says();
        let one = all.iter().find(|one| one["live"]["id"] == claude.as_str());
        one.map(|one| one["live"]["asks"].clone()).unwrap_or_default()
    };
    desk.until_true("asked still", || asked()["what"].is_object());
    assert_eq!(state(&desk, &claude), "needs_approval");
    assert!(!desk.has("phoned.txt"));
    let question = asked()["key"].clone();
    let allow = json!({"command": "approve", "key": key(), "question": question});
    let path = format!("/api/v1/live/{claude}");
    let answered = phone.ask("POST", &path, Some(&allow));
    assert_eq!(
        answered["outcome"],
        "delivered",
        "{answered}\n{}",
        String::from_utf8_lossy(&desk.tmux(&desk.own(), &["capture-pane", "-p", "-t", "one"]).stdout)
    );
    desk.until_true("touched", || desk.has("phoned.txt"));
    assert_eq!(phone.ask("POST", &path, Some(&allow))["outcome"], "delivered", "it is not answered twice");
    desk.until_true("idle", || state(&desk, &claude) == "idle");

    // 7. A review comes back from another agent, and goes on as a prompt.
    let found = json!([{"severity": "major", "file": "a.rs", "line": 3, "text": "It does not compile"}]);
    let says = format!("Not yet.\n\n```json\n{found:#}\n```");
    let task = Prompt::new("Judge it").say(&says);
    let wanted = json!({
        "key": key(), "session": claude, "anchor": {"what": "last"}, "reviewers": [{"agent": "codex"}], "task": task.text(), "parts": ["text", "task"],
    });
    let review =
        phone.ask("POST", "/api/v1/reviews", Some(&wanted))["reviews"][0]["id"].as_str().unwrap().to_owned();
    let review_path = format!("/api/v1/reviews/{review}");
    desk.until_true("reviewed", || phone.ask("GET", &review_path, None)["state"] == "answered");
    let round = phone.ask("GET", &review_path, None)["rounds"][0].clone();
    assert_eq!(round["findings"][0]["text"], "It does not compile", "{round:#}");
    let back = Prompt::new("Mend what was found").say("It is mended");
    let sent = json!({"key": key(), "findings": [0], "prompt": back.text()});
    phone.ask("POST", &format!("{review_path}/send-back"), Some(&sent));
    desk.until_true("sent back", || desk.said(&claude, back.text()) == 1);
    desk.until_true("idle", || state(&desk, &claude) == "idle");

    // 8. The list of active sessions is right: the reviewer is none of them.
    assert_eq!(running(&desk), before);

    // 9. One is taken up again by its id, and is the same.
    let wanted = json!({"session": old_id, "key": key()});
    // Said again, as over a network that is bad, it is not opened twice; and nothing else is under its key.
    for _ in 0..2 {
        assert_eq!(phone.ask("POST", "/api/v1/live", Some(&wanted))["id"], old_id.as_str());
    }
    let other = json!({"agent": "claude", "cwd": desk.project(), "key": wanted["key"]});
    let refused = phone.raw("POST", "/api/v1/live", Some(&other));
    assert!(refused.starts_with("HTTP/1.1 409"), "{refused}");
    let again = Prompt::new("Taken up again").say("As if no time had passed");
    send(&phone, &old_id, &again);
    desk.until_true("said", || desk.said(&old_id, again.text()) == 1);
    assert_eq!(desk.said(&old_id, old.text()), 1);

    // 10, second half. A restart finds all four, and nothing was lost or doubled.
    let before = running(&desk);
    assert_eq!(before.len(), 4);
    board.kill();
    let _board = desk.board();
    desk.until_true("found again", || running(&desk) == before);
    for (id, prompt) in [(&claude, &typed), (&claude, &asks), (&claude, &back), (&old_id, &again)] {
        assert_eq!(desk.said(id, prompt.text()), 1, "{}", prompt.text());
    }
    let told = desk.ask("GET", "/api/v1/live", None).unwrap();
    assert_eq!(told["lost"], json!([]));
}

/// What the board tells a phone from now on.
fn events(phone: &Phone) -> std::sync::mpsc::Receiver<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", phone.port)).unwrap();
    let port = phone.port;
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncookie: {}\r\naccept: text/event-stream\r\n\r\n",
        phone.cookie
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
        for line in lines.map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let Ok(event) = serde_json::from_str(data) else { continue };
            if sender.send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

//! `marline up`: one board a home, whoever has the port, and an end that leaves nothing behind.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::SystemTime;

use marline_model::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use serde_json::{Value, json};

use crate::home::Home;

/// A board that ends with the test.
pub struct Board(Child);

impl Board {
    /// Starts one and waits for its link.
    pub fn start(home: &Home, words: &[&str]) -> (Self, String) {
        let mut command = home.command(&[&["up", "--no-open"], words].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let link = lines.find_map(|line| {
            line.split_whitespace().find(|word| word.contains("/login?token=")).map(str::to_owned)
        });
        // Nobody prints into a pipe that is closed.
        std::thread::spawn(move || lines.count());
        (Board(child), link.expect("a board prints its link"))
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success(), "it ends in order");
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn address(link: &str) -> &str {
    link.split("/login").next().unwrap()
}

#[test]
fn a_second_board_of_a_home_joins_the_first() {
    let home = Home::new();
    let (board, first) = Board::start(&home, &[]);
    let output = home.run(&["up", "--no-open"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("running already"), "{text}");
    assert!(
        text.contains(address(&first)) && !text.contains(&first),
        "another link of the same board: {text}"
    );
    let output = home.run(&["up", "--no-open", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(3), "what can't be heeded is not passed over");
    board.end();
    let (board, _) = Board::start(&home, &[]);
    board.end();
}

#[test]
fn the_bundled_sessions_are_what_their_manifest_says() {
    let home = Home::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    marline_demo::write(&home.path(), now).unwrap();
    let (sessions, manifest) = (home.sessions(), marline_demo::manifest());
    assert_eq!(sessions.len(), manifest.sessions.len() + manifest.subagents, "{:?}", sessions.keys());
    let sources: BTreeSet<&str> = manifest.sessions.iter().map(|session| session.source.as_str()).collect();
    assert!(sources.len() >= 4, "{sources:?}");
    let earliest = Value::from(Timestamp::from_millis(now - manifest.span_ms - 3_600_000).to_string());
    for expected in &manifest.sessions {
        let session = &sessions[&expected.id];
        assert_eq!(session["source"], expected.source, "{session}");
        assert_eq!(session["cwd"], format!("{}/{}", marline_demo::HOME, expected.project));
        let origin = expected.forked_from.as_ref().map(|id| format!("{}:{id}", expected.source));
        assert_eq!(session["forkedFromId"], json!(origin), "{session}");
        let counts = &session["counts"];
        assert!(counts["prompts"].as_u64() > Some(0) && counts["toolCalls"].as_u64() > Some(0), "{session}");
        assert!(session["startedAt"].as_str() >= earliest.as_str(), "{session}");
        assert!(session["title"].as_str().is_some_and(|title| !title.is_empty()), "{session}");
    }
    let forks = manifest.sessions.iter().filter(|session| session.forked_from.is_some()).count();
    assert!(forks > 0 && manifest.subagents >= 3);
}

#[test]
fn the_demo_stands_beside_the_users_own_sessions() {
    let home = Home::new();
    let (board, link) = Board::start(&home, &["--demo"]);
    // Their own are asked for elsewhere, and there are none.
    assert!(home.sessions().is_empty());
    let (own, other) = Board::start(&home, &[]);
    assert_ne!(address(&link), address(&other));
    own.end();
    board.end();
}

#[test]
fn who_has_the_port_is_said_and_the_next_one_offered() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new();
    let output = home.run(&["up", "--no-open", "--port", &port]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("hint: --port"), "{error}");
}

#[test]
fn beyond_this_machine_there_is_tls_and_a_fingerprint() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::new();
    let listen = format!("127.0.0.1:{free}");
    let (board, link) = Board::start(&home, &["--listen", &listen]);
    assert!(link.starts_with(&format!("https://{listen}/")), "{link}");
    let curl =
        |words: &[&str]| std::process::Command::new("curl").args(words).output().map(|output| output.stdout);
    // Where there is no curl, that it listens is all that can be seen.
    if let Ok(body) = curl(&["--silent", "--insecure", &format!("https://{listen}/healthz")]) {
        assert_eq!(body, b"ok");
        let plain = curl(&["--silent", &format!("http://{listen}/healthz")]).unwrap();
        assert_ne!(plain, b"ok", "in clear it does not answer");
    }
    board.end();
    let output =
        home.run(&["up", "--no-open", "--listen", &listen, "--cert", "/nowhere", "--key", "/nowhere"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_device_is_paired_listed_and_taken_out_from_the_command_line() {
    let home = Home::new();
    let none = home.run(&["pair"]);
    let error = String::from_utf8_lossy(&none.stderr).into_owned();
    assert_eq!(none.status.code(), Some(3), "{error}");
    assert!(error.contains("No board runs."), "{error}");

    let (board, first) = Board::start(&home, &[]);
    let paired = home.run(&["pair", "--scope", "reply", "--name", "My phone"]);
    let (text, said) = (String::from_utf8_lossy(&paired.stdout), String::from_utf8_lossy(&paired.stderr));
    assert!(paired.status.success(), "{said}");
    assert!(said.contains("--listen") && said.contains("tailscale serve"), "how it could be reached: {said}");
    assert!(text.contains('█') && text.contains("it may view, reply"), "{text}");
    let link = text.split_whitespace().find(|word| word.contains("/login?token=")).unwrap().to_owned();
    assert_eq!(address(&link), address(&first));

    // The code in the terminal is the link's.
    let curl = std::process::Command::new("curl").args(["--silent", "--output", "/dev/null", &link]).status();
    if !curl.is_ok_and(|status| status.success()) {
        return board.end();
    }
    let list = || String::from_utf8_lossy(&home.run(&["pair", "--list"]).stdout).into_owned();
    let listed = list();
    assert!(listed.contains("My phone") && listed.contains("view, reply"), "{listed}");
    let id = listed.split_whitespace().next().unwrap().to_owned();
    assert_eq!(home.run(&["pair", "--revoke", "nobody"]).status.code(), Some(2));
    assert!(home.run(&["pair", "--revoke", &id[..8]]).status.success());
    assert!(!list().contains("My phone"));
    let foreign = home.run(&["pair", "--url", "https://evil.example"]);
    assert_eq!(foreign.status.code(), Some(3));
    board.end();
}

#[test]
fn a_board_behind_a_proxy_gives_links_to_the_proxy() {
    let home = Home::new();
    let (board, link) = Board::start(&home, &["--public-url", "https://Desk.tail.net/"]);
    assert_eq!(address(&link), "https://desk.tail.net");
    let paired = home.run(&["pair", "--json"]);
    let answer: Value = serde_json::from_slice(&paired.stdout).unwrap();
    assert_eq!((&answer["reachable"], &answer["ways"]), (&json!(true), &json!(["https://desk.tail.net"])));
    board.end();
    for wrong in ["http://desk.tail.net", "https://desk.tail.net/path", "desk"] {
        assert_eq!(home.run(&["up", "--no-open", "--public-url", wrong]).status.code(), Some(2), "{wrong}");
    }
}

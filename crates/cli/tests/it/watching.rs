//! `marline index --watch`: what is written is found soon after, without another command looking for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::home::{Home, answer, place, prompt};

/// Long enough for a busy machine; nothing waits for it in vain unless the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running watcher; it ends with the test.
struct Watcher {
    child: Child,
    reads: Receiver<Value>,
}

impl Watcher {
    fn start(home: &Home) -> Self {
        let mut child = home.command(&["index", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, reads) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Watcher { child, reads }
    }

    /// Waits until something was read.
    fn wait(&self, event: &str) -> Value {
        loop {
            let line = self.reads.recv_timeout(PATIENCE).expect("the watcher tells what it reads");
            if line["event"] == event {
                return line;
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sessions in which a query is found, from what the watcher has committed.
fn committed(home: &Home, query: &str) -> u64 {
    home.json(&["search", query, "--no-refresh"])["total"].as_u64().unwrap()
}

/// A directory may be seen before the file in it: one looks until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_appended_line_is_found_and_only_it_is_read() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "first words"));
    let watcher = Watcher::start(&home);
    watcher.wait("done");
    // The watches are set after the first walk; a line appended before is found by the second one.
    let line = answer("s1", 1, "appendedword");
    home.append(&place("s1"), &line);
    let event = watcher.wait("refreshed");
    assert_eq!(event["bytes"], line.len());
    assert_eq!(committed(&home, "appendedword"), 1);
}

#[test]
fn the_first_session_on_a_machine_is_found() {
    let home = Home::new();
    let watcher = Watcher::start(&home);
    watcher.wait("done");
    home.write(".claude/projects/-projects-shop/s1.jsonl", prompt("s1", 0, "firstofall"));
    until("the first session is found", || committed(&home, "firstofall") == 1);
    // Another agent's, where there was none; and what else is written in a home is no session.
    home.write("notes.txt", "nothing");
    home.write(".codex/history.jsonl", "{}\n");
    home.write(".qwen/projects/-projects-shop/chats/x.jsonl", "{}\n");
    home.write(".claude/projects/-projects-shop/s2.jsonl", prompt("s2", 0, "secondofall"));
    until("the second session is found", || committed(&home, "secondofall") == 1);
}

#[test]
fn new_files_in_new_directories_are_found_and_removed_ones_noticed() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "first words"));
    let watcher = Watcher::start(&home);
    watcher.wait("done");
    let path = home.write(".claude/projects/-new-place/s2.jsonl", prompt("s2", 0, "newplaceword"));
    until("the new file is found", || committed(&home, "newplaceword") == 1);
    home.append(".claude/projects/-new-place/s2.jsonl", prompt("s2", 1, "laterword"));
    until("what is appended to it is found", || committed(&home, "laterword") == 1);
    std::fs::remove_file(path).unwrap();
    let missing = || {
        let list = home.json(&["ls", "--all", "--no-refresh"]);
        list["sessions"].as_array().unwrap().iter().any(|session| session["missing"] == true)
    };
    until("the removed file is noticed", missing);
}

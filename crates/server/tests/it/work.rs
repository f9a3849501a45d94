//! Groups, queues and approvals over the API. The agents themselves are not here: there is no program of theirs on the
//! path of these boards.

use std::fs;

use serde_json::{Value, json};

use crate::board::{TestBoard, wait_until};

const ID: &str = "0000aaaa-1111-4222-8333-444455556667";

struct Desk {
    board: TestBoard,
    sessions: Vec<Value>,
}

impl Desk {
    fn open() -> Self {
        // The projects of the fixtures are gone; one session has a directory that is there.
        let board = TestBoard::on(|home| {
            marline_lab::fixtures::copy_home(home).unwrap();
            let project = home.join("shop");
            fs::create_dir(&project).unwrap();
            let line = json!({"type": "user", "uuid": "u", "parentUuid": null, "sessionId": ID, "cwd": project,
                "timestamp": "2026-11-20T10:00:00.000Z", "version": "2.1.0",
                "message": {"role": "user", "content": "Begin the shop"}});
            let folder = home.join(".claude/projects/-shop");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{ID}.jsonl")), format!("{line}\n")).unwrap();
        });
        board.wait_until_idle();
        let list = board.get("/api/v1/sessions?limit=100").json();
        Desk { board, sessions: list["sessions"].as_array().unwrap().clone() }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.board.post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    fn refused(&self, method: &str, path: &str, body: &Value, status: u16, words: &str) {
        let answer = self.board.send(method, path, body);
        assert_eq!(answer.status, status, "{path}: {}", String::from_utf8_lossy(&answer.body));
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(words), "{path}: {detail}");
    }

    fn member(&self, source: &str) -> Value {
        let session = self.sessions.iter().find(|session| session["source"] == source).unwrap();
        json!({"source": source, "session": session["id"]})
    }

    fn directory(&self) -> String {
        let directories = self.board.get("/api/v1/directories").json();
        assert_eq!(directories["directories"].as_array().unwrap().len(), 1, "{directories}");
        directories["directories"][0].as_str().unwrap().to_owned()
    }
}

#[test]
fn groups_are_made_changed_and_deleted() {
    let desk = Desk::open();
    let members = [desk.member("codex"), desk.member("claude")];
    let mut events = desk.board.events(None);
    let made = desk.post("/api/v1/groups", &json!({"name": "release", "members": members}));
    events.next_of("work");
    let path = format!("/api/v1/groups/{}", made["id"].as_str().unwrap());
    let shown = desk.board.get(&path).json();
    assert_eq!(shown["group"]["members"].as_array().unwrap().len(), 2);
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 2);
    let patch = json!({"name": "ship", "description": "what goes out",
        "add": [desk.member("gemini"), {"source": "codex", "cwd": desk.directory()}],
        "remove": [members[0]["session"]]});
    let patched = desk.board.send("PATCH", &path, &patch);
    assert_eq!(patched.status, 200, "{}", patched.json());
    let sources: Vec<Value> =
        patched.json()["members"].as_array().unwrap().iter().map(|member| member["source"].clone()).collect();
    assert_eq!(sources, ["claude", "gemini", "codex"]);
    assert_eq!(desk.board.get("/api/v1/groups").json()["groups"][0]["group"]["name"], "ship");

    desk.refused("POST", "/api/v1/groups", &json!({"name": "ship"}), 409, "already");
    desk.refused("POST", "/api/v1/groups", &json!({"name": ""}), 400, "name");
    let unknown = json!({"source": "codex", "session": "codex:0199a213-81c0-7800-8aa1-bbab2a035a53"});
    desk.refused("POST", "/api/v1/groups", &json!({"name": "x", "members": [unknown]}), 404, "No session");
    // Where an agent works is no client's to invent.
    let elsewhere = json!({"source": "codex", "cwd": "/etc"});
    desk.refused(
        "POST",
        "/api/v1/groups",
        &json!({"name": "x", "members": [elsewhere]}),
        400,
        "No session has worked",
    );

    let exported = desk.board.get(&format!("{path}/export")).json();
    assert_eq!(exported["sessionIds"].as_array().unwrap().len(), 2);
    assert_eq!(desk.board.send("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(desk.board.get(&path).status, 404);
    let names = desk.post("/api/v1/imports", &exported);
    assert_eq!(names["names"], json!(["ship"]));
}

#[test]
fn queues_are_filled_ordered_and_run() {
    let desk = Desk::open();
    let wanted = json!({"name": "chores", "project": desk.directory(), "source": "claude"});
    let made = desk.post("/api/v1/queues", &wanted);
    let path = format!("/api/v1/queues/{}", made["id"].as_str().unwrap());
    let prompts = format!("{path}/prompts");
    for words in ["first", "second", "third"] {
        desk.post(&prompts, &json!({"prompt": words}));
    }
    let dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQIHWP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC";
    let pictured = desk.post(&prompts, &json!({"prompt": "see", "images": [dot], "manual": true}));
    let image = pictured["images"][0].as_str().unwrap();
    assert!(fs::read(image).unwrap().starts_with(b"\x89PNG"));
    desk.refused("POST", &prompts, &json!({"prompt": "see", "images": ["bm8gcGljdHVyZQ=="]}), 400, "PNG");
    desk.refused("POST", &prompts, &json!({"prompt": "x", "after": 99}), 404, "no prompt 99");
    let moved = desk.post(&format!("{prompts}/3/move"), &json!({"before": "1"}));
    let order: Vec<Value> =
        moved["prompts"].as_array().unwrap().iter().map(|one| one["prompt"].clone()).collect();
    assert_eq!(order, ["third", "first", "second", "see"]);
    let changed = desk.board.send("PATCH", &format!("{prompts}/2"), &json!({"prompt": "second, better"}));
    assert_eq!(changed.json()["prompt"], "second, better");
    assert_eq!(desk.board.send("DELETE", &format!("{prompts}/1"), &Value::Null).status, 204);

    // What would run another program, or run one otherwise, is the command line's.
    for options in [json!({"arguments": ["--x"]}), json!({"env": {"LD_PRELOAD": "x"}})] {
        let wanted = json!({"name": "y", "project": desk.directory(), "source": "codex", "options": options});
        desk.refused("POST", "/api/v1/queues", &wanted, 400, "command line alone");
    }
    let nowhere = json!({"name": "y", "project": "/", "source": "codex"});
    desk.refused("POST", "/api/v1/queues", &nowhere, 400, "No session has worked");

    let run = desk.post(&format!("{path}/runs"), &Value::Null);
    let address = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    wait_until("the end of the run", || desk.board.get(&address).json()["run"]["endedAt"].is_string());
    let shown = desk.board.get(&path).json();
    let statuses: Vec<Value> =
        shown["prompts"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["failed", "failed", "pending"], "{shown}");
    assert!(shown["prompts"][0]["why"].as_str().unwrap().len() > 10, "{shown}");
    let events = desk.board.get(&format!("{address}/events?after=0")).json();
    let events = events["events"].as_array().unwrap();
    assert_eq!(events.last().unwrap()["event"], "ended");
    let last = events.last().unwrap()["seq"].as_u64().unwrap();
    let rest = desk.board.get(&format!("{address}/events?after={}", last - 1)).json();
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    desk.refused("POST", &format!("{address}/wish"), &json!({"wish": "stop"}), 409, "is over");
    desk.refused("POST", "/api/v1/approvals/1", &json!({"decision": {"say": "allow"}}), 404, "no question 1");
    assert_eq!(desk.board.get("/api/v1/approvals").json(), json!({"open": [], "answered": []}));
    assert_eq!(desk.board.send("DELETE", &path, &Value::Null).status, 204);
}

#[test]
fn who_has_no_access_has_none_to_this() {
    let desk = Desk::open();
    for (method, path) in
        [("GET", "/api/v1/groups"), ("POST", "/api/v1/queues"), ("POST", "/api/v1/approvals/1")]
    {
        assert_eq!(desk.board.ask_plainly(method, path, &[]).status, 401, "{path}");
    }
}

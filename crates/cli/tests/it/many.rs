//! Many sessions and many events at once, with programs that look like agents: none is forgotten, whatever their number.

use std::io::Write as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::board::Board;
use crate::home::{Home, ask};

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// Programs that are called as an agent is, each with a session that its registry names; they are ended with this.
struct StandIns(Vec<Child>);

impl Drop for StandIns {
    fn drop(&mut self) {
        for one in &mut self.0 {
            let _ = one.kill();
            let _ = one.wait();
        }
    }
}

fn session(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

impl StandIns {
    fn open(home: &Home, count: usize) -> Self {
        let program = home.path().join("stand/claude");
        if !program.exists() {
            home.write("stand/claude", std::fs::read("/bin/sleep").unwrap());
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&program, mode).unwrap();
        }
        let mut all = StandIns(Vec::new());
        for n in 0..count {
            let mut command = Command::new(&program);
            let child = command.arg("1000").env_clear().env("HOME", home.path()).spawn().unwrap();
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
            let start = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().to_owned();
            let facts = json!({
                "pid": child.id(), "procStart": start, "sessionId": session(n), "cwd": "/p", "kind": "interactive",
                "status": "idle", "statusUpdatedAt": 1_795_000_000_000_u64 + n as u64,
            });
            home.write(&format!(".claude/sessions/{}.json", child.id()), facts.to_string());
            all.0.push(child);
        }
        all
    }
}

/// What the board says of all that runs.
fn told(home: &Home) -> Value {
    ask(&home.own().join("board/sock"), "GET", "/api/v1/live", None).map(|(_, told)| told).unwrap_or_default()
}

fn until(home: &Home, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let told = told(home);
        if is_it(&told) {
            return told;
        }
        assert!(began.elapsed() < PATIENCE, "not {what}: {told:#}");
        sleep(Duration::from_millis(50));
    }
}

fn count(told: &Value, part: &str) -> usize {
    told[part].as_array().map_or(0, Vec::len)
}

#[test]
fn twenty_sessions_of_one_agent_are_all_open() {
    // An earlier product kept ten of an agent, and told of the oldest that they had ended while they ran.
    const OPEN: usize = 20;
    let home = Home::new();
    let mut all = StandIns::open(&home, OPEN);
    let listed = || home.json(&["live", "ls"])["sessions"].as_array().unwrap().clone();
    let told = listed();
    assert_eq!(told.len(), OPEN, "{told:#?}");
    assert!(told.iter().all(|one| one["state"] == "idle" && one["control"]["by"] == "none"));
    // A process that took over the number of one that is gone is not it.
    let first = &mut all.0[0];
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(listed().len(), OPEN - 1);
}

#[test]
fn what_has_ended_is_told_with_what_says_so() {
    let home = Home::new();
    let mut all = StandIns::open(&home, 3);
    let (_board, _) = Board::start(&home, &[]);
    until(&home, "all open", |told| count(told, "sessions") == 3);
    let pid = all.0[1].id();
    all.0[1].kill().unwrap();
    all.0[1].wait().unwrap();
    // Its file stays behind, as after a crash: that its process is gone is seen all the same.
    let told = until(&home, "ended", |told| count(told, "ended") == 1);
    let live = &told["ended"][0]["live"];
    assert_eq!(live["id"], format!("claude:{}", session(1)));
    assert_eq!((&live["state"], &live["evidence"][0]["channel"]), (&json!("ended"), &json!("process")));
    assert_eq!(live["evidence"][0]["says"], format!("process {pid} is gone"));
    assert_eq!(count(&told, "sessions"), 2);
    let listed = home.json(&["live", "ls"]);
    assert_eq!((count(&listed, "sessions"), count(&listed, "ended")), (2, 1), "{listed:#}");
    // Taken up again by another process, it has not ended.
    let more = StandIns::open(&home, 2);
    until(&home, "open again", |told| count(told, "sessions") == 3 && count(told, "ended") == 0);
    drop(more);
}

#[test]
fn a_flood_of_hooks_leaves_the_rest_as_it_is() {
    const FLOOD: usize = 20_000;
    let home = Home::new();
    let all = StandIns::open(&home, 3);
    let (_board, _) = Board::start(&home, &[]);
    until(&home, "all open", |told| count(told, "sessions") == 3);
    let hooks = home.own().join("board/hooks");
    let says = |n: usize, name: &str| {
        let event = json!({"session_id": session(n), "hook_event_name": name, "cwd": "/p"});
        json!({"agent": "claude", "pids": [all.0[n].id()], "event": event}).to_string()
    };
    std::thread::scope(|scope| {
        let flood = |n: usize| {
            let socket = UnixDatagram::unbound().unwrap();
            socket.connect(&hooks).unwrap();
            for at in 0..FLOOD {
                // Of one agent ten thousand events a second, and much that is none.
                let _ = match at % 3 {
                    0 => socket.send(says(n, "UserPromptSubmit").as_bytes()),
                    1 => socket.send(b"{\"agent\":\"claude\",\"pids\":[1],\"event\":"),
                    _ => socket.send(&[0xff; 4_000]),
                };
            }
        };
        let floods = [0, 0].map(|n| scope.spawn(move || flood(n)));
        // Another agent's word is heard meanwhile, and answers are given.
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&hooks).unwrap();
        socket.send(says(2, "UserPromptSubmit").as_bytes()).unwrap();
        let of = |told: &Value, n: usize| {
            let all = told["sessions"].as_array().cloned().unwrap_or_default();
            let id = format!("claude:{}", session(n));
            all.iter().find(|one| one["live"]["id"] == id.as_str()).map(|one| one["live"]["state"].clone())
        };
        until(&home, "heard in the flood", |told| of(told, 2) == Some(json!("working")));
        for flood in floods {
            flood.join().unwrap();
        }
        let told = until(&home, "heard after it", |told| of(told, 0) == Some(json!("working")));
        assert_eq!(of(&told, 1), Some(json!("idle")));
    });
}

#[test]
fn a_lone_agent_that_says_nothing_is_seen_by_those_who_listen() {
    let home = Home::new();
    let program = home.write("stand/gemini", std::fs::read("/bin/sleep").unwrap());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let (_board, _) = Board::start(&home, &[]);
    // A page that is open.
    let mut page = UnixStream::connect(home.own().join("board/sock")).unwrap();
    page.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: marline\r\n\r\n").unwrap();
    until(&home, "up", |told| count(told, "sessions") == 0 && told["strays"].is_array());
    // The look that was taken for the page is over.
    sleep(Duration::from_millis(1_500));
    let child = Command::new(&program).arg("1000").env_clear().env("HOME", home.path()).spawn().unwrap();
    let _ends = StandIns(vec![child]);
    let told = until(&home, "seen", |told| count(told, "strays") == 1);
    assert_eq!(told["strays"][0]["source"], "gemini");
}

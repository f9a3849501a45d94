//! Queues and groups with a stand-in for an agent, which behaves badly, and with none: what is refused, and files.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output};

use serde_json::Value;

/// A home with an agent of our own making, which behaves badly.
struct Bad {
    dir: tempfile::TempDir,
}

impl Bad {
    fn new(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "bin", "project"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let bad = Bad { dir };
        if !script.is_empty() {
            bad.install(script);
        }
        bad
    }

    fn install(&self, script: &str) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.dir.path().join("bin/claude");
        let mut file =
            fs::File::options().create(true).truncate(true).write(true).mode(0o755).open(path).unwrap();
        write!(file, "#!/bin/sh\n{script}\n").unwrap();
    }

    fn project(&self) -> String {
        self.dir.path().join("project").display().to_string()
    }

    fn run(&self, words: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.dir.path().join("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_marline"));
        command.args(words).env_clear().env("HOME", self.dir.path().join("home")).env("PATH", path);
        command.env("MARLINE_HOME", self.dir.path().join("marline")).output().unwrap()
    }

    /// Why the one prompt of a queue was not answered.
    fn why(&self, options: &[&str]) -> (String, String) {
        let project = self.project();
        let words = ["queue", "create", "bad", "--agent", "claude", "--project", &project];
        let made = [&words, options].concat();
        assert!(self.run(&made).status.success());
        assert!(self.run(&["queue", "add", "bad", "--prompt", "-x 'do' \"it\""]).status.success());
        let ran = self.run(&["queue", "run", "bad"]);
        assert_eq!(ran.status.code(), Some(4), "{}", String::from_utf8_lossy(&ran.stdout));
        let shown: Value =
            serde_json::from_slice(&self.run(&["queue", "show", "bad", "--json"]).stdout).unwrap();
        let prompt = &shown["prompts"][0];
        assert_eq!(shown["run"], Value::Null, "the run is over");
        (prompt["status"].as_str().unwrap().to_owned(), prompt["why"].as_str().unwrap().to_owned())
    }
}

#[test]
fn agents_that_behave_badly_fail_with_a_reason() {
    let (status, why) = Bad::new("").why(&[]);
    assert_eq!(status, "failed");
    assert!(why.contains("is not installed"), "{why}");
    let (status, why) = Bad::new("echo 'no login' >&2; exit 3").why(&[]);
    assert_eq!((status.as_str(), why.as_str()), ("failed", "no login"));
    let says_so = r#"echo '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed"}'; exit 0"#;
    let (status, why) = Bad::new(says_so).why(&[]);
    assert_eq!((status.as_str(), why.as_str()), ("failed", "it ended without an answer"));
    let (status, why) = Bad::new("exec sleep 1000").why(&["--timeout", "1s"]);
    assert_eq!(status, "failed");
    assert!(why.contains("longer than 1 s"), "{why}");
    // It does not even end when it is told to.
    let (status, _) = Bad::new("trap '' TERM INT; while :; do sleep 0.1; done").why(&["--timeout", "1s"]);
    assert_eq!(status, "failed");
    let flood = "line=$(head -c 1000000 /dev/zero | tr '\\0' x); while :; do echo $line; done";
    let (status, why) = Bad::new(flood).why(&[]);
    assert_eq!(status, "failed");
    assert!(why.contains("floods"), "{why}");
}

#[test]
fn wrong_use_is_refused_with_a_reason() {
    let bad = Bad::new("exit 1");
    let project = bad.project();
    let fails = |words: &[&str], code: i32, reason: &str| {
        let output = bad.run(words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
        assert!(error.contains(reason), "{words:?}: {error}");
    };
    assert!(bad.run(&["queue", "create", "one", "--project", &project]).status.success());
    fails(&["queue", "create", "one", "--project", &project], 3, "already");
    fails(&["queue", "create", " ", "--project", &project], 2, "name");
    fails(&["queue", "create", "two", "--project", "/not/there"], 2, "no directory");
    fails(&["queue", "run", "one"], 2, "nothing waits");
    fails(&["queue", "run", "none"], 1, "no queue");
    fails(&["queue", "add", "one", "--prompt", " \n"], 2, "empty");
    fails(&["queue", "add", "one", "--prompt", "x", "--after", "7"], 1, "no prompt 7");
    fails(&["queue", "remove", "one", "3"], 1, "no prompt 3");
    fails(&["queue", "stop", "one"], 3, "does not run");
    fails(&["queue", "update", "one", "1"], 2, "Nothing to change");
    let text = bad.dir.path().join("text.png");
    fs::write(&text, "no picture").unwrap();
    fails(&["queue", "add", "one", "--prompt", "x", "--image", text.to_str().unwrap()], 2, "is no picture");
    fails(&["group", "run", "none", "--prompt", "x"], 1, "no group");
    fails(&["approvals", "allow", "9"], 1, "no question 9");
    assert!(bad.run(&["group", "create", "g"]).status.success());
    fails(&["group", "create", "h", "--agent", "cursor"], 2, "codex, gemini");
    fails(&["group", "run", "g", "--prompt", "x"], 2, "no sessions");
    fails(&["group", "add", "g", "codex:nothing"], 1, "no session");
    fails(&["group", "create", "g"], 3, "already");
    // A directory that goes away after it was named.
    assert!(bad.run(&["queue", "add", "one", "--prompt", "x"]).status.success());
    fs::remove_dir(bad.dir.path().join("project")).unwrap();
    assert_eq!(bad.run(&["queue", "run", "one"]).status.code(), Some(4));
    let shown = String::from_utf8_lossy(&bad.run(&["queue", "show", "one"]).stdout).into_owned();
    assert!(shown.contains("is gone"), "{shown}");
}

#[test]
fn groups_and_queues_go_to_files_and_come_back() {
    let bad = Bad::new("exit 1");
    let dir = bad.dir.path();
    // As codex-agent writes them.
    let own = dir.join("home/.config/codex-agent");
    fs::create_dir_all(&own).unwrap();
    let id = "0199a213-81c0-7800-8aa1-bbab2a035a53";
    let groups = serde_json::json!({"groups": [{"id": "g-1", "name": "theirs", "paused": true, "sessionIds": [id],
        "createdAt": "2026-01-02T03:04:05.000Z", "updatedAt": "2026-01-02T03:04:05.000Z"}]});
    fs::write(own.join("groups.json"), groups.to_string()).unwrap();
    let prompt = |id: &str, status: &str| {
        serde_json::json!({"id": id, "prompt": format!("do {id}"), "status": status, "mode": "auto",
            "result": {"exitCode": 0}, "addedAt": "2026-01-02T03:04:05.000Z"})
    };
    let prompts = [prompt("p-1", "completed"), prompt("p-2", "running"), prompt("p-3", "pending")];
    let queues = serde_json::json!({"queues": [{"id": "q-1", "name": "theirs", "projectPath": bad.project(),
        "createdAt": "2026-01-02T03:04:05.000Z", "prompts": prompts}]});
    fs::write(own.join("queues.json"), queues.to_string()).unwrap();
    assert!(bad.run(&["group", "import"]).status.success());
    assert!(bad.run(&["queue", "import"]).status.success());
    let again = bad.run(&["queue", "import"]);
    assert_eq!(again.status.code(), Some(3), "{}", String::from_utf8_lossy(&again.stderr));
    let exported = dir.join("out.json");
    let out = exported.to_str().unwrap();
    assert!(bad.run(&["group", "export", "theirs", "--output", out]).status.success());
    let group: Value = serde_json::from_slice(&fs::read(&exported).unwrap()).unwrap();
    assert_eq!(group["sessionIds"][0], format!("codex:{id}"));
    assert_eq!(group["createdAt"], "2026-01-02T03:04:05.000Z");
    assert!(bad.run(&["queue", "export", "--output", out]).status.success());
    let text = fs::read_to_string(&exported).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let statuses: Vec<&str> = all["queues"][0]["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| prompt["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["completed", "interrupted", "pending"]);
    // What was written is read as what it was.
    assert!(bad.run(&["queue", "delete", "theirs"]).status.success());
    assert!(bad.run(&["queue", "import", out]).status.success());
    assert!(bad.run(&["queue", "export", "--output", out]).status.success());
    assert_eq!(fs::read_to_string(&exported).unwrap(), text);
    // What waits for what, and how prompts are run, comes back, too.
    let create = ["queue", "create", "order", "--project", &bad.project(), "--retries", "4"];
    assert!(bad.run(&create).status.success());
    for words in [&["--prompt", "first", "--manual"][..], &["--prompt", "second", "--after", "1"]] {
        assert!(bad.run(&[&["queue", "add", "order"], words].concat()).status.success());
    }
    let is_left_out = || {
        let output = bad.run(&["queue", "run", "order", "--dry-run", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["queue"]["options"]["retries"], 4);
        told["prompts"].as_array().unwrap().is_empty()
    };
    assert!(is_left_out(), "the second waits for the first, and that for a person");
    let refused = bad.run(&["queue", "remove", "order", "1"]);
    assert_eq!(refused.status.code(), Some(3), "the second would be free");
    assert!(bad.run(&["queue", "export", "order", "--output", out]).status.success());
    assert!(bad.run(&["queue", "delete", "order"]).status.success());
    assert!(bad.run(&["queue", "import", out]).status.success());
    assert!(is_left_out());
    for wrong in ["", "[1]", "{\"groups\": 1}", "{\"queues\": [{\"name\": \"x\", \"prompts\": []}]}", "17"] {
        fs::write(&exported, wrong).unwrap();
        let refused = bad.run(&["queue", "import", out]);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&refused.stderr));
    }
}

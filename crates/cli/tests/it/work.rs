//! Groups and queues, with the real agents, seen from outside: the process table, the model's log, the transcripts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use marline_lab::agents::{CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use serde_json::{Value, json};

mod stand_in;

const RELEASES: [Release; 5] = [CODEX, CLAUDE, GEMINI, OPENCODE, QWEN];
const PROJECT: &str = "alpha";
/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Marline and the agents in one home.
struct Shop {
    lab: Lab,
    dir: tempfile::TempDir,
}

impl Shop {
    fn open(name: &str) -> Option<Self> {
        let agents = alone::test(name, &RELEASES)?;
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
        Some(Shop { lab, dir })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.lab.program(Path::new(env!("CARGO_BIN_EXE_marline")), &RELEASES);
        command.args(words).env("MARLINE_HOME", self.dir.path().join("marline"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs it well.
    fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {}{said}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[words, &["--json"]].concat())).unwrap()
    }

    /// Starts it beside this test; its output is nobody's.
    fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn project(&self) -> String {
        self.lab.project(PROJECT).display().to_string()
    }

    fn prompts(&self, queue: &str) -> Vec<Value> {
        self.json(&["queue", "show", queue])["prompts"].as_array().unwrap().clone()
    }

    fn statuses(&self, queue: &str) -> Vec<String> {
        self.prompts(queue).iter().map(|prompt| prompt["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The tasks of a group's last run.
    fn tasks(&self, group: &str) -> Vec<Value> {
        let shown = self.json(&["group", "show", group]);
        let Some(number) = shown["lastRun"]["number"].as_u64() else { return Vec::new() };
        let number = number.to_string();
        self.json(&["group", "runs", group, &number])["tasks"].as_array().unwrap().clone()
    }

    /// How often the model was asked for the first answer to a prompt.
    fn asked(&self, words: &str) -> usize {
        // Some agents ask about a prompt before they say it; tools are offered to the turn itself.
        let is_it = |asked: &&marline_lab::server::Asked| {
            asked.prompt.contains(words) && asked.step == 0 && !asked.tools.is_empty()
        };
        self.lab.server().asked().iter().filter(is_it).count()
    }

    /// Prompts and answers of a session that hold some words.
    fn said(&self, session: &str, words: &str) -> BTreeMap<String, usize> {
        let shown = self.json(&["show", session]);
        let mut counts = BTreeMap::new();
        for item in shown["items"].as_array().unwrap() {
            if item["text"].as_str().is_some_and(|text| text.contains(words)) {
                *counts.entry(item["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        counts
    }
}

/// Waits until something is so.
fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = is_so() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} never came to be");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The command lines of all processes here; in a namespace of its own they are all this test's.
fn processes() -> HashMap<u32, String> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let named = pids.filter_map(|pid: u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        (!words.is_empty()).then(|| (pid, String::from_utf8_lossy(&words).replace('\0', " ")))
    });
    named.collect()
}

/// The leaders of sessions that agents run in: each agent that Marline starts without a terminal is one.
fn agents() -> usize {
    let is_agent = |pid: u32, words: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let is_leader = fields.get(3).is_some_and(|session| *session == pid.to_string());
        let is_dead = fields.first().is_some_and(|state| *state == "Z");
        // Between a fork and what it is for, a child of an agent looks like it.
        is_leader && !is_dead && words.contains("node_modules/.bin/")
    };
    let all = || -> HashSet<u32> {
        let all = processes().into_iter().filter(|(pid, words)| is_agent(*pid, words));
        all.map(|(pid, _)| pid).collect()
    };
    // A look takes its time: those that are there before and after it ran at once.
    let before = all();
    all().intersection(&before).count()
}

fn nothing_is_left() {
    let names = ["codex", "claude", "gemini", "opencode", "qwen", "__agent"];
    let left = || -> Vec<String> {
        let is_agent = |(pid, words): &(u32, String)| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let is_dead = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
            !is_dead
                && *pid != std::process::id()
                && names.iter().any(|name| words.contains(name))
                && !words.contains("marline_it")
                && !words.contains("unshare")
                && !words.contains("/it-")
        };
        processes().into_iter().filter(is_agent).map(|(_, words)| words).collect()
    };
    let began = Instant::now();
    while !left().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "left behind: {:?}", left());
        std::thread::sleep(Duration::from_millis(50));
    }
}

const EVERY_AGENT: &str = "work::every_agent_works_through_queues_and_groups";

#[test]
fn every_agent_works_through_queues_and_groups() {
    let Some(shop) = Shop::open(EVERY_AGENT) else { return };
    let project = shop.project();
    let mut members = Vec::new();
    for agent in ["codex", "claude", "gemini", "opencode", "qwen"] {
        // Each in a session of its own, and all in one.
        for (mode, sessions) in [("fresh", 2), ("continue", 1)] {
            let queue = format!("{agent} {mode}");
            shop.run(&["queue", "create", &queue, "--project", &project, "--agent", agent, "--mode", mode]);
            for nth in ["first", "second"] {
                let words = format!("{queue} {nth} in quotes: \"it's\" $HOME `x` --flag");
                shop.run(&[
                    "queue",
                    "add",
                    &queue,
                    "--prompt",
                    Prompt::new(&words).say(&format!("ANSWER {nth}")).text(),
                ]);
            }
            shop.run(&["queue", "run", &queue]);
            let prompts = shop.prompts(&queue);
            let mut made: Vec<&str> =
                prompts.iter().map(|prompt| prompt["session"].as_str().unwrap()).collect();
            for (prompt, nth) in prompts.iter().zip(["first", "second"]) {
                assert_eq!(prompt["status"], "completed", "{prompt}");
                assert_eq!(prompt["answer"], format!("ANSWER {nth}"), "{prompt}");
                assert_eq!(shop.asked(&format!("{queue} {nth}")), 1, "{queue} {nth}");
                let said = shop.said(prompt["session"].as_str().unwrap(), &format!("{queue} {nth}"));
                assert_eq!(said["prompt"], 1, "{queue} {nth}: {said:?}");
            }
            made.dedup();
            assert_eq!(made.len(), sessions, "{queue}: {made:?}");
            members.push(made[0].to_owned());
        }
    }
    // The sessions themselves go on, those of one directory one after the other.
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    shop.run(&[&["group", "create", "all"], &names[..]].concat());
    let prompt = Prompt::new("To the whole group").say("AS A GROUP");
    shop.run(&["group", "run", "all", "--prompt", prompt.text(), "--max-concurrent", "4"]);
    let tasks = shop.tasks("all");
    assert_eq!(tasks.len(), 10);
    for (task, member) in tasks.iter().zip(&members) {
        assert_eq!((&task["status"], &task["answer"]), (&"completed".into(), &"AS A GROUP".into()), "{task}");
        assert_eq!(task["session"], member.as_str());
        let said = shop.said(member, "To the whole group");
        assert_eq!(said["prompt"], 1, "{member}: {said:?}");
    }
    assert_eq!(shop.asked("To the whole group"), 10);
    // A Gemini CLI that starts meanwhile would delete a session that goes on: it waits, whatever was said.
    let gemini = names.iter().find(|id| id.starts_with("gemini:")).unwrap();
    shop.run(&["group", "create", "pair", gemini, "--agent", "gemini", "--cwd", &project]);
    let prompt = Prompt::new("As a pair").say("PAIRED");
    shop.run(&[
        "group",
        "run",
        "pair",
        "--prompt",
        prompt.text(),
        "--max-concurrent",
        "2",
        "--same-dir-parallel",
    ]);
    let pair = shop.tasks("pair");
    assert!(pair.iter().all(|task| task["answer"] == "PAIRED"), "{pair:?}");
    assert!(pair[1]["startedAt"].as_str() >= pair[0]["completedAt"].as_str(), "{pair:?}");
    let ends: Vec<&str> = tasks.iter().map(|task| task["completedAt"].as_str().unwrap()).collect();
    let begins: Vec<&str> = tasks.iter().map(|task| task["startedAt"].as_str().unwrap()).collect();
    let overlaps = (0..10).flat_map(|a| (0..a).map(move |b| (a, b)));
    for (a, b) in overlaps {
        assert!(
            begins[a] >= ends[b] || begins[b] >= ends[a],
            "{a} and {b} worked in one directory at a time"
        );
    }
    nothing_is_left();
}

const TWIN: &str = "work::a_session_of_gemini_survives_another_start";

#[test]
fn a_session_of_gemini_survives_another_start() {
    let Some(shop) = Shop::open(TWIN) else { return };
    shop.run(&["group", "create", "one", "--agent", "gemini", "--cwd", &shop.project()]);
    shop.run(&["group", "run", "one", "--prompt", Prompt::new("It begins").say("BEGUN").text()]);
    let session = shop.tasks("one")[0]["session"].as_str().unwrap().to_owned();
    // As if it had begun in another minute: then Gemini CLI goes on in a second file of the session.
    let file = PathBuf::from(shop.json(&["show", &session])["session"]["files"][0]["path"].as_str().unwrap());
    let id = file.file_name().unwrap().to_str().unwrap().rsplit('-').next().unwrap().to_owned();
    fs::rename(&file, file.with_file_name(format!("session-2026-01-01T00-00-{id}"))).unwrap();
    let slow = Prompt::new("It goes on").wait(8).say("GONE ON");
    let mut run = shop.start(&["group", "run", "one", "--prompt", slow.text()]);
    until("the prompt", || (shop.asked("It goes on") == 1).then_some(()));
    // Somebody else starts the agent, in a terminal of theirs.
    shop.lab.run(&GEMINI, PROJECT, &["-p", Prompt::new("Another start").say("ANOTHER").text()], "").unwrap();
    assert!(run.wait().unwrap().success());
    let said = shop.said(&session, "It ");
    assert_eq!(said["prompt"], 2, "{said:?}");
    assert_eq!((shop.said(&session, "BEGUN")["answer"], shop.said(&session, "GONE ON")["answer"]), (1, 1));
    nothing_is_left();
}

const STEERED: &str = "work::runs_are_bounded_paused_stopped_and_tried_again";

#[test]
fn runs_are_bounded_paused_stopped_and_tried_again() {
    let Some(shop) = Shop::open(STEERED) else { return };
    let project = shop.project();
    let new = |group: &str, agent: &str, count: &str| {
        shop.run(&["group", "create", group, "--agent", agent, "--count", count, "--cwd", &project]);
    };
    // Never more than four at a time, and four where there are enough.
    new("bounded", "codex", "12");
    let slow = Prompt::new("Bounded").wait(1).say("BOUNDED");
    let words =
        ["group", "run", "bounded", "--prompt", slow.text(), "--max-concurrent", "4", "--same-dir-parallel"];
    let mut run = shop.start(&words);
    let mut most = 0;
    let status = until("the end of the run", || {
        most = most.max(agents());
        run.try_wait().unwrap()
    });
    assert!(status.success());
    assert_eq!(most, 4);
    assert!(shop.tasks("bounded").iter().all(|task| task["status"] == "completed"));

    // What is paused begins nothing more, and goes on when it is told to.
    new("paused", "claude", "5");
    let slow = Prompt::new("Paused").wait(2).say("PAUSED");
    let words =
        ["group", "run", "paused", "--prompt", slow.text(), "--max-concurrent", "2", "--same-dir-parallel"];
    let mut run = shop.start(&words);
    let counted = |status: &str| shop.tasks("paused").iter().filter(|task| task["status"] == status).count();
    until("two that run", || (counted("running") == 2).then_some(()));
    shop.run(&["group", "pause", "paused"]);
    until("the end of those that ran", || (counted("completed") == 2).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((counted("running"), counted("pending")), (0, 3));
    shop.run(&["group", "resume", "paused"]);
    until("three at work", || (counted("running") + counted("completed") > 2).then_some(()));
    // What is stopped is interrupted, and what waited is taken back.
    until("somebody at work", || (counted("running") > 0).then_some(()));
    let stopped = shop.output(&["group", "stop", "paused"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", String::from_utf8_lossy(&stopped.stderr));
    assert_eq!(run.wait().unwrap().code(), Some(3));
    assert!(counted("interrupted") > 0 && counted("running") == 0, "{:?}", shop.tasks("paused"));
    nothing_is_left();

    // One failure does not stop the others; it is tried again as often as was said.
    shop.run(&["queue", "create", "fails", "--project", &project, "--agent", "claude", "--retries", "1"]);
    let fails = Prompt::new("This one fails").fail(400);
    shop.run(&["queue", "add", "fails", "--prompt", fails.text()]);
    shop.run(&["queue", "add", "fails", "--prompt", Prompt::new("This one does not").say("FINE").text()]);
    let output = shop.output(&["queue", "run", "fails"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(shop.statuses("fails"), ["failed", "completed"]);
    assert_eq!(shop.prompts("fails")[0]["attempt"], 2);
    // Or it stops everything behind it.
    shop.run(&["queue", "set", "fails", "--stop-on-failure"]);
    shop.run(&["queue", "update", "fails", "1", "--release"]);
    shop.run(&["queue", "update", "fails", "2", "--release"]);
    assert_eq!(shop.output(&["queue", "run", "fails"]).status.code(), Some(4));
    assert_eq!(shop.statuses("fails"), ["failed", "pending"]);

    // At a limit it waits, and burns nothing of what is behind.
    let words = ["--agent", "codex", "--limit-pause", "4s"];
    shop.run(&[&["queue", "create", "limited", "--project", &project], &words[..]].concat());
    shop.run(&["queue", "add", "limited", "--prompt", Prompt::new("At the limit").fail(429).text()]);
    shop.run(&["queue", "add", "limited", "--prompt", Prompt::new("Behind it").say("AFTER").text()]);
    let mut run = shop.start(&["queue", "run", "limited"]);
    let waits = until("the limit", || {
        let first = shop.prompts("limited").remove(0);
        first.get("notBefore").is_some_and(Value::is_string).then_some(first)
    });
    assert_eq!((&waits["status"], shop.asked("Behind it")), (&"pending".into(), 0), "{waits}");
    // A queue can be changed while it runs.
    let better = Prompt::new("Within it").say("WITHIN");
    shop.run(&["queue", "update", "limited", "1", "--prompt", better.text()]);
    shop.run(&["queue", "add", "limited", "--prompt", Prompt::new("Added late").say("LATE").text()]);
    shop.run(&["queue", "move", "limited", "3", "--before", "2"]);
    assert!(run.wait().unwrap().success());
    assert_eq!(shop.statuses("limited"), ["completed"; 3]);
    let asked = shop.lab.server().asked();
    let place = |words: &str| asked.iter().position(|asked| asked.prompt.contains(words)).unwrap();
    assert!(place("Within it") < place("Added late") && place("Added late") < place("Behind it"));
    nothing_is_left();
}

const ASKED: &str = "work::what_agents_ask_is_answered";

#[test]
fn what_agents_ask_is_answered() {
    let Some(shop) = Shop::open(ASKED) else { return };
    let project = PathBuf::from(shop.project());
    for agent in ["claude", "codex", "gemini", "opencode", "qwen"] {
        let queue = format!("asks {agent}");
        let words = ["--agent", agent, "--permission", "ask", "--approval-timeout", "3s"];
        shop.run(&[&["queue", "create", &queue, "--project", &shop.project()], &words[..]].concat());
        for what in ["allowed", "denied", "forgotten"] {
            let prompt =
                Prompt::new(&format!("{agent} is {what}")).run(&format!("touch {agent}-{what}")).say("DONE");
            shop.run(&["queue", "add", &queue, "--prompt", prompt.text()]);
        }
        let mut run = shop.start(&["queue", "run", &queue]);
        let question = |nth: &str| {
            until(&format!("a question of {agent} ({nth})"), || {
                let output = shop.output(&["approvals", "list", "--json"]);
                let all: Value = serde_json::from_slice(&output.stdout).ok()?;
                let mut all = all["questions"].as_array()?.clone();
                let question = all.pop()?;
                question["question"]["what"].as_str()?.contains(nth).then_some(question)
            })
        };
        let asked = question("allowed");
        assert_eq!(asked["source"], agent);
        assert!(!project.join(format!("{agent}-allowed")).exists(), "{agent} waits");
        shop.run(&["approvals", "allow", &asked["number"].to_string()]);
        let asked = question("denied");
        assert!(project.join(format!("{agent}-allowed")).exists(), "{agent} was allowed to");
        shop.run(&["approvals", "deny", &asked["number"].to_string(), "--reason", "Not on a Sunday"]);
        // Twice is once too often.
        let again = shop.output(&["approvals", "allow", &asked["number"].to_string()]);
        assert_eq!(again.status.code(), Some(3), "{agent}");
        // To the last one nobody says anything.
        let status = run.wait().unwrap();
        let left: Vec<String> = shop.prompts(&queue).iter().map(Value::to_string).collect();
        assert!(status.code().is_some(), "{agent}: {left:?}");
        assert!(!project.join(format!("{agent}-denied")).exists(), "{agent} was denied");
        assert!(!project.join(format!("{agent}-forgotten")).exists(), "{agent} was forgotten");
        assert_eq!(shop.statuses(&queue)[0], "completed", "{agent}: {left:?}");
        // Who can be told why was told.
        if matches!(agent, "claude" | "codex") {
            let heard = shop
                .lab
                .server()
                .asked()
                .iter()
                .any(|asked| asked.heard.iter().any(|text| text.contains("Not on a Sunday")));
            assert!(heard, "{agent} was told why");
        }
        assert!(
            shop.output(&["approvals", "list"]).status.code() == Some(1),
            "{agent}: nothing is left to answer"
        );
    }
    nothing_is_left();
}

const KILLS: &str = "work::after_a_hundred_kills_every_prompt_was_answered_once";
const PROMPTS: usize = 30;
const KILLED: usize = 100;

#[test]
fn after_a_hundred_kills_every_prompt_was_answered_once() {
    let Some(shop) = Shop::open(KILLS) else { return };
    shop.run(&["queue", "create", "killed", "--project", &shop.project(), "--agent", "claude"]);
    for nth in 0..PROMPTS {
        let prompt = Prompt::new(&format!("Prompt-{nth:02}")).say(&format!("ANSWER-{nth:02}"));
        shop.run(&["queue", "add", "killed", "--prompt", prompt.text()]);
    }
    // A different run of kills each time; said, so that it can be had again.
    let mut random =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    eprintln!("seed {random}");
    let mut kills = 0;
    let mut is_begun = false;
    while kills < KILLED {
        let mut run = shop.start(&["queue", if is_begun { "resume" } else { "run" }, "killed"]);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(20 + (random >> 33) % 280));
        let is_over = run.try_wait().unwrap().is_some();
        // SIGKILL: nothing of it has time to put anything in order.
        run.kill().unwrap();
        run.wait().unwrap();
        kills += usize::from(!is_over);
        let shown = shop.json(&["queue", "show", "killed"]);
        is_begun = shown["run"].is_object();
        if !shown["prompts"].as_array().unwrap().iter().any(|prompt| prompt["status"] == "pending")
            && !is_begun
        {
            break;
        }
    }
    if is_begun {
        shop.run(&["queue", "resume", "killed"]);
    } else if shop.statuses("killed").contains(&"pending".to_owned()) {
        shop.run(&["queue", "run", "killed"]);
    }
    eprintln!("{kills} kills");
    assert!(kills >= 60, "the queue was over after {kills} kills");
    for (nth, prompt) in shop.prompts("killed").iter().enumerate() {
        assert_eq!(prompt["status"], "completed", "{prompt}");
        assert_eq!(prompt["answer"], format!("ANSWER-{nth:02}"), "{prompt}");
        assert_eq!(shop.asked(&format!("Prompt-{nth:02}")), 1, "{prompt}");
        let said = shop.said(prompt["session"].as_str().unwrap(), &format!("-{nth:02}"));
        assert_eq!((said["prompt"], said["answer"]), (1, 1), "{prompt}: {said:?}");
    }
    let sessions = shop.json(&["ls", "--all", "--limit", "500"]);
    assert_eq!(sessions["total"], PROMPTS, "no other session came to be");
    nothing_is_left();
}

const CUT_OFF: &str = "work::what_was_cut_off_is_found_again";

#[test]
fn what_was_cut_off_is_found_again() {
    let Some(shop) = Shop::open(CUT_OFF) else { return };
    let project = shop.project();
    let signal = |signal: &str, process: &str| {
        assert!(Command::new("kill").args([signal, "--", process]).status().unwrap().success());
    };
    // Told to go, it lets its agents work on and says so; the next one goes on with them.
    shop.run(&["queue", "create", "left", "--project", &project, "--agent", "codex"]);
    shop.run(&[
        "queue",
        "add",
        "left",
        "--prompt",
        Prompt::new("Left alone").wait(2).say("NOT ALONE").text(),
    ]);
    shop.run(&["queue", "add", "left", "--prompt", Prompt::new("After it").say("AFTER").text()]);
    let run = shop.command(&["queue", "run", "left"]).spawn().unwrap();
    until("the first prompt", || (shop.asked("Left alone") == 1).then_some(()));
    signal("-TERM", &run.id().to_string());
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("1 agent works on") && said.contains("queue resume left"), "{said}");
    assert_eq!(agents(), 1);
    shop.run(&["queue", "resume", "left"]);
    assert_eq!(shop.statuses("left"), ["completed", "completed"]);
    assert_eq!((shop.asked("Left alone"), shop.asked("After it")), (1, 1));

    // A machine that goes down takes both with it; an agent may also die alone.
    for (policy, status, dies_alone) in [
        ("interrupt", "interrupted", false),
        ("resume", "completed", false),
        ("interrupt", "interrupted", true),
        ("resume", "completed", true),
    ] {
        // Retries are for what failed: to say anew what is half done would do that twice.
        let words = ["--agent", "claude", "--half-done", policy, "--retries", "2"];
        let queue = format!("{policy} {dies_alone}");
        let (queue, text) = (queue.as_str(), format!("Cut off to {policy} {dies_alone}"));
        shop.run(&[&["queue", "create", queue, "--project", &project], &words[..]].concat());
        shop.run(&["queue", "add", queue, "--prompt", Prompt::new(&text).wait(30).say("NEVER SAID").text()]);
        let mut run = shop.start(&["queue", "run", queue]);
        until("the prompt", || (shop.asked(&text) == 1).then_some(()));
        let session = until("its session", || shop.prompts(queue)[0]["session"].as_str().map(str::to_owned));
        until("the prompt in the transcript", || {
            let shown = shop.output(&["show", &session, "--json"]);
            String::from_utf8_lossy(&shown.stdout).contains(&text).then_some(())
        });
        if !dies_alone {
            signal("-KILL", &run.id().to_string());
        }
        let talks = shop.dir.path().join("marline/work/talks");
        let folder = fs::read_dir(talks).unwrap().flatten().next().unwrap().path();
        let pid = fs::read_to_string(folder.join("pid")).unwrap();
        signal("-KILL", &format!("-{}", pid.split(' ').next().unwrap()));
        run.wait().unwrap();
        if !dies_alone {
            assert_eq!(shop.statuses(queue), ["running"], "nobody has said otherwise yet");
            shop.output(&["queue", "resume", queue]);
        }
        let prompt = shop.prompts(queue).remove(0);
        assert_eq!(prompt["status"], status, "{prompt}");
        assert_eq!(shop.asked(&text), 1, "it is not said twice");
        assert_eq!(prompt["session"], session.as_str());
    }
    nothing_is_left();
}

const UNWRITTEN: &str = "work::a_session_that_was_named_and_never_written_is_begun_anew";

#[test]
fn a_session_that_was_named_and_never_written_is_begun_anew() {
    let Some(shop) = Shop::open(UNWRITTEN) else { return };
    let project = shop.project();
    shop.run(&["queue", "create", "one", "--project", &project, "--agent", "claude", "--mode", "continue"]);
    for nth in ["First", "Second", "Third"] {
        shop.run(&[
            "queue",
            "add",
            "one",
            "--prompt",
            Prompt::new(nth).say(&format!("{nth} IS DONE")).text(),
        ]);
    }
    let mut run = shop.start(&["queue", "run", "one"]);
    // Claude Code is told the id as it starts, and needs half a second until it can write anything.
    let talks = shop.dir.path().join("marline/work/talks");
    let pid = until("its agent", || {
        let folder = fs::read_dir(&talks).ok()?.flatten().next()?.path();
        fs::read_to_string(folder.join("pid")).ok()?.split_once(' ').map(|(pid, _)| pid.to_owned())
    });
    assert!(Command::new("kill").args(["-KILL", "--", &format!("-{pid}")]).status().unwrap().success());
    run.wait().unwrap();
    let prompts = shop.prompts("one");
    let [first, second, third] = &prompts[..] else { panic!("{prompts:#?}") };
    assert_eq!(first["status"], "failed", "{first:#}");
    assert_eq!(shop.asked("First"), 0, "it was killed before it could ask");
    assert!(first["session"].is_string() && first["session"] != second["session"], "{prompts:#?}");
    for (prompt, answer) in [(second, "Second IS DONE"), (third, "Third IS DONE")] {
        assert_eq!(
            (&prompt["status"], &prompt["answer"]),
            (&json!("completed"), &json!(answer)),
            "{prompt:#}"
        );
        assert_eq!(prompt["session"], second["session"], "{prompts:#?}");
    }
    assert_eq!(shop.json(&["queue", "show", "one"])["queue"]["session"], second["session"]);
    nothing_is_left();
}

//! What the real agents send, list and take up again when their provider is switched.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use marline_lab::agents::{CLAUDE, CODEX, GEMINI, OPENCODE};
use marline_lab::script::Prompt;
use marline_lab::server::{Asked, Server};
use marline_lab::{Lab, alone};
use serde_json::{Value, json};

use crate::home::snapshot;

const PROJECT: &str = "alpha";

struct Desk<'a> {
    lab: &'a Lab,
    other: Server,
    dir: &'a Path,
}

impl Desk<'_> {
    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command =
            self.lab.program(Path::new(env!("CARGO_BIN_EXE_marline")), &[CODEX, CLAUDE, GEMINI]);
        command.args(words).env("MARLINE_HOME", self.dir.join("marline"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {error}{}", String::from_utf8_lossy(&output.stdout));
        output
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_slice(&self.run(words).stdout).unwrap()
    }

    /// Adds a provider that leads to the other model, with a key of its own.
    fn add(&self, name: &str, agent: &str, path: &str) {
        self.add_with(name, agent, path, &[]);
    }

    fn add_with(&self, name: &str, agent: &str, path: &str, more: &[&str]) {
        let url = format!("{}{path}", self.other.url());
        let words = ["provider", "add", name, "--agent", agent, "--base-url", &url, "--key-stdin"];
        let mut child = self.command(&[&words, more].concat()).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("key-of-{name}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("key-of-"), "a key is not told");
    }

    /// One turn of Codex; returns the thread.
    fn codex(&self, resume: Option<&str>, words: &str, answer: &str) -> String {
        let prompt = Prompt::new(words).say(answer);
        let mut all = vec!["exec", "--json", "--skip-git-repo-check"];
        all.extend(resume.map(|id| ["resume", id]).into_iter().flatten());
        all.push(prompt.text());
        let printed = self.lab.run(&CODEX, PROJECT, &all, "").unwrap();
        let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let id = lines.into_iter().find_map(|line| Some(line["thread_id"].as_str()?.to_owned()));
        id.unwrap_or_else(|| panic!("{words}: {printed}"))
    }

    /// What Codex lists, by its files and by its database alone: both say the same.
    fn listed(&self) -> Vec<String> {
        let ask = |by_database: bool| {
            let which = json!({"limit": 100, "sourceKinds": ["cli", "vscode", "exec"], "useStateDbOnly": by_database});
            let answer = self.lab.codex(PROJECT, &[("thread/list", which)]).unwrap().remove(0);
            let threads = answer["data"].as_array().unwrap().iter();
            let mut ids: Vec<String> =
                threads.map(|thread| thread["id"].as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        let (files, database) = (ask(false), ask(true));
        assert_eq!(files, database);
        files
    }

    fn asked_there(&self, words: &str) -> Asked {
        let asked = self.other.asked();
        let found = asked.iter().rev().find(|asked| asked.prompt.contains(words));
        found.unwrap_or_else(|| panic!("{words} did not reach the other model: {asked:?}")).clone()
    }
}

const NAME: &str = "providers::agents::the_real_agents_go_on_under_another_provider";

#[test]
fn the_real_agents_go_on_under_another_provider() {
    let Some(agents) = alone::test(NAME, &[CODEX, CLAUDE, GEMINI, OPENCODE]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let desk = Desk { lab: &lab, other: Server::start(0).unwrap(), dir: dir.path() };
    // A talk, resumed; a fork by reference, and a fork of that; one that another agent began; one that is archived.
    let talk = desk.codex(None, "The talk begins", "Begun");
    desk.codex(Some(&talk), "The talk goes on", "Gone on");
    let forked = |of: &str| {
        let answer = lab.codex(PROJECT, &[("thread/fork", json!({"threadId": of}))]).unwrap().remove(0);
        answer["thread"]["id"].as_str().unwrap().to_owned()
    };
    let fork = forked(&talk);
    desk.codex(Some(&fork), "The fork goes its way", "Its way");
    let second = forked(&fork);
    desk.codex(Some(&second), "The second fork goes its way", "Its own way");
    let claude = Prompt::new("Claude begins").say("By Claude");
    lab.run(&CLAUDE, PROJECT, &["-p", claude.text()], "").unwrap();
    let told = desk.json(&["ls", "--json", "--source", "claude"]);
    let claude = told["sessions"][0]["id"].as_str().unwrap().to_owned();
    let legacy = desk.json(&["handoff", &claude, "--to", "codex", "--json"]);
    let legacy = legacy["session"]["sourceSessionId"].as_str().unwrap().to_owned();
    desk.codex(Some(&legacy), "The legacy one goes on", "As ever");
    let archived = desk.codex(None, "To be put away", "Away");
    desk.run(&["archive", &archived]);
    let mut active = vec![talk.clone(), fork.clone(), second.clone(), legacy.clone()];
    active.sort();
    assert_eq!(desk.listed(), active);
    // What counts as shown is what Codex shows to those who ask for nothing in particular.
    let shown = lab.codex(PROJECT, &[("thread/list", json!({"limit": 100}))]).unwrap().remove(0);
    assert_eq!(shown["data"].as_array().map(Vec::len), Some(3));
    let told = desk.json(&["provider", "sessions", "--json"]);
    assert_eq!((&told["providers"][0]["listed"], &told["providers"][0]["sessions"]), (&json!(3), &json!(5)));

    let home = lab.home().join(".codex");
    let sessions = || {
        let mut all = snapshot(&home.join("sessions"));
        all.extend(snapshot(&home.join("archived_sessions")));
        all
    };
    let config = std::fs::read(home.join("config.toml")).unwrap();
    let before = sessions();
    // Shorter than `lab`, as long, and longer.
    for name in ["o", "oth", "other-gateway"] {
        desk.add(name, "codex", "/v1");
        // A switch alone leaves sessions alone, byte for byte, and says what Codex will hide.
        let answered = desk.run(&["provider", "test", name]);
        assert!(String::from_utf8_lossy(&answered.stdout).contains("takes the key"));
        assert_eq!(desk.asked_there("Hi").key, format!("key-of-{name}"));
        let told = desk.json(&["provider", "use", name, "--json"]);
        assert_eq!((&told["shows"], &told["hides"]), (&json!(0), &json!(3)), "{name}");
        assert_eq!(sessions(), before, "{name}");
        assert_eq!(desk.listed(), Vec::<String>::new(), "{name}: Codex hides them");
        let told = desk.json(&["rehome", "--mode", "sync", "--to", name, "--yes", "--json"]);
        assert_eq!((&told["updated"], &told["failed"]), (&json!(5), &json!([])), "{name}: {told}");
        assert_eq!(desk.listed(), active, "{name}: Codex shows them again");
        // Back: every byte of sessions and settings.
        desk.run(&["restore"]);
        assert_eq!(sessions(), before, "{name}");
        desk.run(&["provider", "undo"]);
        assert_eq!(std::fs::read(home.join("config.toml")).unwrap(), config, "{name}");
        assert_eq!(desk.listed(), active, "{name}");
    }

    // One that is being written keeps every line, and is done later.
    let busy = desk.codex(None, "The busy one begins", "Busy");
    let slow = Prompt::new("The busy one works").wait(6).say("Worked");
    let mut command = lab.program(&agents.programs(&CODEX).join("codex"), &[CODEX]);
    command.args(["exec", "--json", "--skip-git-repo-check", "resume", &busy, slow.text()]);
    let mut worker =
        command.current_dir(lab.project(PROJECT)).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let is_asked = || lab.server().asked().iter().any(|asked| asked.prompt.contains("The busy one works"));
    while !is_asked() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let words = ["provider", "use", "other-gateway", "--sync-sessions", "--yes", "--json"];
    let told = desk.json(&words);
    assert_eq!((&told["updated"], told["deferred"].as_array().map(Vec::len)), (&json!(5), Some(1)), "{told}");
    assert!(worker.wait().unwrap().success());
    let told = desk.json(&words);
    assert_eq!((&told["updated"], &told["alreadyRight"]), (&json!(1), &json!(5)), "{told}");

    // Each resumes, its model hears what it heard before, and the request bears the other provider's key.
    for (id, heard) in [
        (&talk, &["The talk begins", "Begun", "The talk goes on", "Gone on"][..]),
        (&fork, &["The talk begins", "Gone on", "The fork goes its way", "Its way"]),
        (
            &second,
            &["The talk begins", "The fork goes its way", "The second fork goes its way", "Its own way"],
        ),
        (&legacy, &["Claude begins", "By Claude", "The legacy one goes on", "As ever"]),
        (&busy, &["The busy one begins", "The busy one works", "Worked"]),
    ] {
        let words = format!("Under another provider: {id}");
        desk.codex(Some(id), &words, "Yes");
        let asked = desk.asked_there(&words);
        assert_eq!(asked.key, "key-of-other-gateway", "{id}");
        let places: Vec<_> =
            heard.iter().map(|words| asked.heard.iter().position(|heard| heard.starts_with(words))).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{id}: {places:?} in {:#?}",
            asked.heard
        );
    }
    let auth = std::fs::read_to_string(home.join("auth.json")).unwrap();
    assert!(auth.contains("key-of-other-gateway"));
    // Marline lists and resumes it under the other provider, too.
    let told = desk.json(&["ls", "--json", "--all", "--limit", "100"]);
    let listed = told["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["sourceSessionId"] == talk)
        .unwrap();
    assert_eq!(listed["provider"], "other-gateway");
    let prompt = Prompt::new("Through Marline").say("Yes");
    desk.run(&["resume", &talk, "--prompt", prompt.text()]);
    assert_eq!(desk.asked_there("Through Marline").key, "key-of-other-gateway");

    // A fork under yet another provider, whose origin stays as it is; and one id for all of them.
    desk.add("third", "codex", "/v1");
    desk.run(&["provider", "use", "third"]);
    let told = desk.json(&["rehome", "--mode", "fork", "--session", &talk, "--to", "third", "--json"]);
    let made = told["acts"][0]["plan"]["makes"].as_str().unwrap().trim_start_matches("codex:").to_owned();
    desk.codex(Some(&made), "The fork under the third", "Yes");
    let asked = desk.asked_there("The fork under the third");
    assert!(
        asked.key == "key-of-third" && asked.heard.iter().any(|heard| heard.starts_with("The talk begins"))
    );
    let before = sessions();
    for name in ["o", "third", "oth", "o", "third"] {
        desk.run(&["provider", "use", name, "--alias", "other-gateway"]);
        assert!(desk.listed().len() >= 5, "{name}: nothing is hidden");
    }
    assert_eq!(sessions(), before, "five switches behind one id change no session");
    desk.codex(Some(&talk), "Behind an alias", "Yes");
    assert_eq!(desk.asked_there("Behind an alias").key, "key-of-third");

    // Claude Code and Gemini CLI send the other key to the other address.
    desk.add("anthropic", "claude", "");
    desk.run(&["provider", "use", "anthropic"]);
    let prompt = Prompt::new("Claude under another provider").say("Yes");
    let mut command = lab.program(&agents.programs(&CLAUDE).join("claude"), &[CLAUDE]);
    for name in ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
        command.env_remove(name);
    }
    command.env("MARLINE_HOME", dir.path().join("marline"));
    let output = command
        .args(["-p", prompt.text()])
        .current_dir(lab.project(PROJECT))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(desk.asked_there("Claude under another provider").key, "key-of-anthropic");
    desk.run(&["provider", "undo"]);

    desk.add("google", "gemini", "");
    desk.run(&["provider", "use", "google"]);
    let prompt = Prompt::new("Gemini under another provider").say("Yes");
    let mut command = lab.program(&agents.programs(&GEMINI).join("gemini"), &[GEMINI]);
    for name in ["GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"] {
        command.env_remove(name);
    }
    let output = command
        .args(["--yolo", "-p", prompt.text()])
        .current_dir(lab.project(PROJECT))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(desk.asked_there("Gemini under another provider").key, "key-of-google");
    desk.run(&["provider", "undo"]);

    let before = snapshot(&lab.home().join(".config"));
    desk.add_with("compatible", "opencode", "/v1", &["--model", "lab-model"]);
    desk.run(&["provider", "use", "compatible"]);
    let prompt = Prompt::new("OpenCode under another provider").say("Yes");
    lab.run(&OPENCODE, PROJECT, &["run"], prompt.text()).unwrap();
    assert_eq!(desk.asked_there("OpenCode under another provider").key, "key-of-compatible");
    desk.run(&["provider", "undo"]);
    let config = |all: &std::collections::BTreeMap<std::path::PathBuf, (Vec<u8>, i64, i64)>| {
        all.iter().find(|(path, _)| path.ends_with("opencode.json")).map(|(_, (bytes, ..))| bytes.clone())
    };
    assert_eq!(config(&snapshot(&lab.home().join(".config"))), config(&before));
}

//! Reviews, with the real agents: one reviews the other's answer, what it found goes back, and a kill loses nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_lab::agents::{CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use serde_json::{Value, json};

const RELEASES: [Release; 5] = [CODEX, CLAUDE, GEMINI, OPENCODE, QWEN];
const PROJECT: &str = "alpha";
/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(150);
/// What stands in each first prompt of a reviewer, and nowhere else.
const REVIEWED: &str = "===== End of what you are to judge";

/// A desk with a tmux of the person's own, and Marline beside it.
struct Desk {
    lab: Lab,
    dir: tempfile::TempDir,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

impl Desk {
    fn open(name: &str) -> Option<Self> {
        let agents = alone::test(name, &RELEASES)?;
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
        Some(Desk { lab, dir })
    }

    fn project(&self) -> PathBuf {
        self.lab.project(PROJECT)
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut tmux = self.lab.program(Path::new("tmux"), &RELEASES);
        tmux.arg("-S").arg(self.dir.path().join("own")).args(["-f", "/dev/null"]).args(words);
        tmux.current_dir(self.project()).output().unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.lab.program(Path::new(env!("CARGO_BIN_EXE_marline")), &RELEASES);
        command.args(words).env("MARLINE_HOME", self.dir.path().join("marline")).current_dir(self.project());
        command.stdin(Stdio::null());
        command
    }

    fn marline(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What it prints as JSON, and how it ended.
    fn json(&self, words: &[&str]) -> (Value, Option<i32>) {
        let output = self.marline(&[words, &["--json"]].concat());
        let told = serde_json::from_slice(&output.stdout);
        let words = || format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        (told.unwrap_or_else(|error| panic!("{error}: {}", words())), output.status.code())
    }

    /// The processes of the agents that Marline runs without a terminal.
    fn reviewers(&self) -> Vec<String> {
        let talks = std::fs::read_dir(self.dir.path().join("marline/work/talks"));
        let told = talks.into_iter().flatten().flatten();
        let told = told.filter_map(|talk| std::fs::read_to_string(talk.path().join("pid")).ok());
        told.filter_map(|pid| pid.split_once(' ').map(|(pid, _)| pid.to_owned())).collect()
    }

    fn by_hand(&self, words: &[&str]) {
        let begin = ["new-session", "-d", "-s", "hand", "-x", "120", "-y", "40", "--"];
        let output = self.tmux(&[&begin, words].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let began = Instant::now();
        while !self.screen().contains(['❯', '›']) && began.elapsed() < PATIENCE {
            sleep(LOOK);
        }
        sleep(Duration::from_secs(2));
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "hand", "-l", text]);
        // Codex takes keys that come at once for a paste.
        sleep(Duration::from_millis(400));
        self.tmux(&["send-keys", "-t", "hand", "Enter"]);
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-t", "hand"]).stdout).into_owned()
    }

    /// Waits until the one session that runs is in a state, and returns its id.
    fn until(&self, state: &str) -> String {
        let began = Instant::now();
        loop {
            let (told, _) = self.json(&["live", "ls"]);
            let now = told["sessions"].as_array().unwrap();
            if let [one] = &now[..]
                && one["state"] == state
            {
                return one["id"].as_str().unwrap().to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "not {state}: {now:#?}\n{}", self.screen());
            sleep(LOOK);
        }
    }

    fn items(&self, id: &str, kind: &str) -> Vec<String> {
        let (shown, _) = self.json(&["show", id]);
        let items = shown["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind);
        items.map(|item| item["text"].as_str().unwrap().to_owned()).collect()
    }

    /// A session of an agent, made without a terminal.
    fn session(&self, agent: &str, prompt: &Prompt) -> String {
        let project = self.project().display().to_string();
        let name = format!("of {agent} {}", prompt.text().len());
        assert!(
            self.marline(&["group", "create", &name, "--agent", agent, "--cwd", &project]).status.success()
        );
        assert!(self.marline(&["group", "run", &name, "--prompt", prompt.text()]).status.success());
        let (shown, _) = self.json(&["group", "show", &name]);
        shown["group"]["members"][0]["session"].as_str().unwrap().to_owned()
    }

    /// Ids of sessions in a list.
    fn listed(&self, words: &[&str]) -> Vec<String> {
        let (told, _) = self.json(&[&["ls"], words].concat());
        let all = told["sessions"].as_array().unwrap().iter();
        let ids: Vec<String> = all.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told["total"], ids.len());
        ids
    }

    /// How often the model was asked for the first answer to a prompt.
    fn asked(&self, words: &str) -> usize {
        let is_it = |asked: &&marline_lab::server::Asked| {
            asked.prompt.contains(words) && asked.step == 0 && !asked.tools.is_empty()
        };
        self.lab.server().asked().iter().filter(is_it).count()
    }
}

/// What a reviewer says, with its findings.
fn says(words: &str, findings: &Value) -> String {
    format!("{words}\n\n```json\n{}\n```", serde_json::to_string_pretty(findings).unwrap())
}

fn is_reviewed_by(desk: &Desk, author: &[&str], reviewer: &str) {
    desk.by_hand(author);
    desk.types(Prompt::new("Write the shop").say("The shop is written, and it is perfect").text());
    let began = Instant::now();
    let parent = loop {
        let id = desk.until("idle");
        if desk.marline(&["show", &id]).status.success() && !desk.items(&id, "answer").is_empty() {
            break id;
        }
        assert!(began.elapsed() < PATIENCE, "{}", desk.screen());
    };
    // Only what is chosen is shown, and a preview shows it all and begins nothing.
    let found = json!([
        {"severity": "minor", "text": "A \"name\" could be better"},
        {"severity": "critical", "file": "src/shop.rs", "line": 12, "text": "It sells what it has not"},
    ]);
    let task = Prompt::new("Write a shop that sells").say(&says("Not perfect.", &found));
    let words = [
        "review",
        "start",
        &parent,
        "--with",
        reviewer,
        "--rounds",
        "2",
        "--part",
        "text",
        "--task",
        task.text(),
    ];
    let (preview, _) = desk.json(&[&words[..], &["--dry-run"]].concat());
    let prompt = preview["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.contains("The shop is written, and it is perfect"));
    assert!(prompt.contains("Write a shop that sells") && !prompt.contains("Write the shop"));
    assert_eq!(desk.json(&["review", "ls"]).1, Some(1));

    let (review, code) = desk.json(&words);
    assert_eq!((&review["state"], code), (&json!("answered"), Some(0)), "{review:#}");
    let id = review["id"].as_str().unwrap().to_owned();
    let round = &review["rounds"][0];
    assert_eq!(round["prompt"], prompt.as_str(), "it is told what was shown");
    assert_eq!(round["text"], "Not perfect.");
    assert_eq!((&round["findings"][0], &round["findings"][1]["severity"]), (&found[1], &json!("minor")));
    let tokens = round["usage"]["outputTokens"].as_u64().unwrap();
    assert!(tokens > 0, "{round:#}");
    assert_eq!(desk.asked(REVIEWED), 1);
    // Its session is one like any other, and lists leave it out.
    let child = review["child"].as_str().unwrap().to_owned();
    assert!(child.starts_with(&format!("{reviewer}:")));
    assert_eq!(desk.listed(&[]), [parent.as_str()]);
    assert_eq!(desk.listed(&["--reviews"]), [child.as_str()]);
    assert_eq!(desk.listed(&["--all"]).len(), 2);
    assert_eq!(desk.items(&child, "prompt").iter().filter(|text| text.contains(REVIEWED)).count(), 1);

    // The reviewer is asked on in its session; it writes nothing, whatever it is told; then its rounds are used up.
    let more = Prompt::new("And now?").write("hacked.txt", "x").say(&says("It stands.", &json!([found[1]])));
    let (review, code) = desk.json(&["review", "ask", &id, more.text()]);
    assert_eq!((&review["state"], code), (&json!("answered"), Some(0)), "{review:#}");
    assert_eq!(review["child"], child.as_str());
    assert_eq!(review["rounds"][1]["findings"], json!([found[1]]), "{review:#}");
    assert_eq!((&review["currentRound"], &review["roundsLeft"]), (&json!(1), &json!(0)));
    assert!(!desk.project().join("hacked.txt").exists());
    let refused = desk.marline(&["review", "ask", &id, "Once more"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("used up"));

    // While the session is busy nothing is sent.
    desk.types(Prompt::new("Work on").wait(6).say("Worked on").text());
    desk.until("working");
    let refused = desk.marline(&["review", "send-back", &id, "--finding", "1"]);
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    let mut back = vec!["review", "send-back", id.as_str(), "--finding", "1"];
    if author[0] == "claude" {
        // Unless it may wait behind what its agent is at.
        back.push("--queue");
    } else {
        desk.until("idle");
    }
    assert_eq!(desk.marline(&["review", "send-back", &id, "--finding", "2"]).status.code(), Some(2));
    let (made, _) = desk.json(&["review", "send-back", &id, "--finding", "1", "--dry-run"]);
    let prompt = made["prompt"].as_str().unwrap();
    assert!(prompt.contains("1. [critical] src/shop.rs:12: It sells what it has not"), "{prompt}");
    let (review, code) = desk.json(&back);
    let sent = review["sentBack"].as_array().unwrap();
    assert_eq!(
        (sent.len(), &sent[0]["outcome"]["outcome"], code),
        (1, &json!("delivered"), Some(0)),
        "{review:#}"
    );
    let goes_back = || {
        let said = desk.items(&parent, "prompt");
        said.iter().filter(|text| text.contains("It sells what it has not")).count()
    };
    let began = Instant::now();
    while goes_back() == 0 {
        assert!(began.elapsed() < PATIENCE, "it never went back\n{}", desk.screen());
        sleep(LOOK);
    }
    desk.until("idle");
    assert_eq!(goes_back(), 1);

    // Ending the session ends its reviews where that is asked for.
    let (stopped, _) = desk.json(&["live", "stop", &parent, "--reviews", "end"]);
    assert_eq!(stopped["outcome"], "delivered");
    let (review, _) = desk.json(&["review", "show", &id]);
    assert_eq!((&review["state"], review["rounds"].as_array().unwrap().len()), (&json!("ended"), 2));
}

#[test]
fn codex_reviews_claude_and_what_it_found_goes_back() {
    let Some(desk) = Desk::open("reviews::codex_reviews_claude_and_what_it_found_goes_back") else { return };
    is_reviewed_by(&desk, &["claude", "--permission-mode", "manual"], "codex");
}

#[test]
fn claude_reviews_codex_and_what_it_found_goes_back() {
    let Some(desk) = Desk::open("reviews::claude_reviews_codex_and_what_it_found_goes_back") else { return };
    is_reviewed_by(&desk, &["codex", "-a", "on-request"], "claude");
}

const KILLED: &str = "reviews::a_kill_in_the_middle_loses_no_review_and_begins_none_twice";

#[test]
fn a_kill_in_the_middle_loses_no_review_and_begins_none_twice() {
    let Some(desk) = Desk::open(KILLED) else { return };
    let parent = desk.session("claude", &Prompt::new("Do it").say("It is done"));
    let found = json!([{"severity": "major", "text": "Half of it is missing"}]);
    let slow = Prompt::new("Slowly").wait(25).say(&says("Seen.", &found));
    // Three reviewers at once; the command that began them is killed.
    let with = "codex,claude,opencode";
    let words = ["review", "start", &parent, "--with", with, "--part", "text", "--task", slow.text()];
    let mut run = desk.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while desk.asked(REVIEWED) < 3 {
        assert!(began.elapsed() < PATIENCE);
        sleep(LOOK);
    }
    assert_eq!(desk.listed(&[]), [parent.as_str()], "reviewers are in no list from their first moment");
    run.kill().unwrap();
    run.wait().unwrap();
    let (before, _) = desk.json(&["review", "ls", &parent]);
    let before = before["reviews"].as_array().unwrap().clone();
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|one| one["state"] == "running"), "{before:#?}");
    // A board goes on with all of them; it is killed, too, and another one comes.
    for is_last in [false, true] {
        let mut board = desk.command(&["up", "--no-open", "--port", "0"]);
        let mut board = board.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let are_over = || {
            let (now, _) = desk.json(&["review", "ls", &parent]);
            now["reviews"].as_array().unwrap().iter().all(|one| one["state"] == "answered")
        };
        while is_last && !are_over() {
            assert!(began.elapsed() < PATIENCE, "they never end");
            sleep(LOOK);
        }
        sleep(Duration::from_millis(700));
        board.kill().unwrap();
        board.wait().unwrap();
    }
    let (after, _) = desk.json(&["review", "ls", &parent]);
    for review in after["reviews"].as_array().unwrap() {
        assert_eq!(review["rounds"].as_array().unwrap().len(), 1, "{review:#}");
        assert_eq!(review["rounds"][0]["findings"], found, "{review:#}");
    }
    assert_eq!(desk.asked(REVIEWED), 3, "none was asked twice");
    assert_eq!((desk.listed(&[]), desk.listed(&["--reviews"]).len()), (vec![parent], 3));
}

const CRASHED: &str = "reviews::a_reviewer_that_is_killed_is_taken_up_again";

#[test]
fn a_reviewer_that_is_killed_is_taken_up_again() {
    let Some(desk) = Desk::open(CRASHED) else { return };
    let parent = desk.session("codex", &Prompt::new("Do it").say("It is done"));
    let found = json!([{"severity": "major", "text": "Half of it is missing"}]);
    // Killed at its work, and before it could write anything down.
    for is_at_work in [true, false] {
        let task = Prompt::new("Slowly").wait(6).say(&says("Seen.", &found));
        let words = ["review", "start", &parent, "--with", "claude", "--part", "text", "--task", task.text()];
        let asked = desk.asked(REVIEWED);
        let mut run = desk.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let pids = loop {
            let pids = desk.reviewers();
            if !pids.is_empty() && (!is_at_work || desk.asked(REVIEWED) > asked) {
                break pids;
            }
            assert!(began.elapsed() < PATIENCE);
            sleep(LOOK / 10);
        };
        assert!(Command::new("kill").arg("-9").args(&pids).status().unwrap().success(), "{pids:?}");
        assert!(run.wait().unwrap().code().is_some());
        let (told, _) = desk.json(&["review", "ls", &parent]);
        let reviews = told["reviews"].as_array().unwrap();
        let review = reviews.iter().find(|one| one["rounds"].as_array().unwrap().len() == 1).unwrap();
        // It went on where it was, or says why it did not; asked again, it answers in one more round.
        let is_over = ["answered", "failed"].map(Value::from).contains(&review["state"]);
        assert!(
            is_over && (review["state"] == "answered" || review["rounds"][0]["why"].is_string()),
            "{review:#}"
        );
        let again = Prompt::new("Again").say(&says("Seen again.", &found));
        let (review, code) = desk.json(&["review", "ask", review["id"].as_str().unwrap(), again.text()]);
        assert_eq!((&review["state"], code), (&json!("answered"), Some(0)), "{review:#}");
        assert_eq!(review["rounds"][1]["findings"], found, "{review:#}");
        if !is_at_work {
            // It had heard nothing: it is told what it is to judge, and what it was asked.
            let told = desk.items(review["child"].as_str().unwrap(), "prompt");
            assert!(told.len() == 1 && told[0].contains(REVIEWED) && told[0].contains("Again"), "{told:#?}");
        }
    }
    assert_eq!(desk.listed(&[]), [parent]);
}

const EVERY: &str = "reviews::every_agent_reviews_and_is_asked_on_and_writes_nothing";

#[test]
fn every_agent_reviews_and_is_asked_on_and_writes_nothing() {
    let Some(desk) = Desk::open(EVERY) else { return };
    let parent = desk.session("claude", &Prompt::new("Do it").say("It is done"));
    let found = json!([{"severity": "major", "file": "a.rs", "line": 3, "text": "Half of it is missing"}]);
    for reviewer in ["codex", "claude", "gemini", "opencode", "qwen"] {
        let file = format!("by-{reviewer}.txt");
        let task = Prompt::new("Judge it").write(&file, "x").say(&says("Seen.", &found));
        let words = ["review", "start", &parent, "--with", reviewer, "--part", "text", "--task", task.text()];
        let (review, _) = desk.json(&words);
        assert_eq!(review["rounds"][0]["findings"], found, "{review:#}");
        let more = Prompt::new("And now?").run(&format!("touch {file}")).say(&says("Still.", &json!([])));
        let (review, _) = desk.json(&["review", "ask", review["id"].as_str().unwrap(), more.text()]);
        assert_eq!(review["rounds"][1]["text"], "Still.", "{review:#}");
        assert_eq!(review["currentRound"], 1);
        assert!(!desk.project().join(&file).exists(), "{reviewer} has written");
    }
    assert_eq!((desk.listed(&[]), desk.listed(&["--reviews"]).len()), (vec![parent], 5));
}

const FAILURES: &str = "reviews::what_fails_says_why_and_can_be_asked_again";

#[test]
fn what_fails_says_why_and_can_be_asked_again() {
    let Some(desk) = Desk::open(FAILURES) else { return };
    let parent = desk.session("codex", &Prompt::new("Do it").say("It is done"));
    let begin = |with: &str, task: &Prompt| {
        desk.json(&["review", "start", &parent, "--with", with, "--part", "text", "--task", task.text()])
    };
    // The model refuses; a limit.
    for (with, status, why) in [("claude", 400, "400"), ("codex", 429, "429")] {
        let (review, code) = begin(with, &Prompt::new("Fails").fail(status));
        assert_eq!((&review["state"], code), (&json!("failed"), Some(4)), "{review:#}");
        assert!(review["rounds"][0]["why"].as_str().unwrap().contains(why), "{review:#}");
        assert_eq!(review["roundsLeft"], 3, "a failure is no round");
    }
    // What is no JSON is text.
    let (review, _) = begin("claude", &Prompt::new("Talks").say("I like it. No block from me."));
    assert_eq!(review["rounds"][0]["text"], "I like it. No block from me.");
    assert_eq!(review["rounds"][0]["isStructured"], false);
    // Nobody there.
    let mut command =
        desk.command(&["review", "start", &parent, "--with", "claude", "--part", "text", "--json"]);
    let output = command.env("PATH", "/usr/bin:/bin").output().unwrap();
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&review["state"], output.status.code()), (&json!("failed"), Some(4)), "{review:#}");
    assert!(review["rounds"][0]["why"].as_str().unwrap().contains("claude"), "{review:#}");
    // Asked again once it is there, it is told everything, and answers.
    let id = review["id"].as_str().unwrap();
    let better = Prompt::new("Again").say(&says("Fine.", &json!([])));
    let (review, code) = desk.json(&["review", "ask", id, better.text()]);
    assert_eq!((&review["state"], code), (&json!("answered"), Some(0)), "{review:#}");
    assert_eq!(review["rounds"][1]["isStructured"], true);
    assert_eq!(review["roundsLeft"], 2);
    assert_eq!(desk.items(review["child"].as_str().unwrap(), "prompt").len(), 1);
    // Ended, it is asked no more, and what it said stays.
    assert_eq!(desk.json(&["review", "end", id]).0["state"], "ended");
    assert_eq!(desk.marline(&["review", "ask", id, "Hello"]).status.code(), Some(3));
    // Without a terminal it goes back only where that is asked for.
    let (all, _) = desk.json(&["review", "ls", &parent]);
    let talked = all["reviews"].as_array().unwrap().iter().find(|one| one["rounds"][0]["text"].is_string());
    let id = talked.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.marline(&["review", "send-back", &id]).status.code(), Some(3));
    let (review, code) = desk.json(&["review", "send-back", &id, "--headless"]);
    assert_eq!(
        (&review["sentBack"][0]["outcome"]["outcome"], code),
        (&json!("delivered"), Some(0)),
        "{review:#}"
    );
    let said = desk.items(&parent, "prompt");
    assert_eq!(said.iter().filter(|text| text.contains("No block from me")).count(), 1, "{said:#?}");
    // What makes no sense is said.
    for (words, code) in [
        (&["review", "show", "nothing"][..], 1),
        (&["review", "start", &parent, "--with", "vim"], 2),
        (&["review", "start", &parent, "--with", "claude", "--item", "999"], 1),
        (&["review", "start", &parent, "--with", "claude", "--rounds", "0"], 2),
        (&["review", "start", "nothing", "--with", "claude"], 1),
    ] {
        assert_eq!(desk.marline(words).status.code(), Some(code), "{words:?}");
    }
}

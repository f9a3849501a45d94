//! A desk with agents in terminals, and Marline beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_lab::agents::{CLAUDE, CODEX, GEMINI, OPENCODE, Release};
use marline_lab::{Lab, alone};
use serde_json::Value;

use crate::home::ask;

pub const RELEASES: [Release; 4] = [CODEX, CLAUDE, GEMINI, OPENCODE];
const PROJECT: &str = "alpha";
/// Nothing here takes longer, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(40);
pub const LOOK: Duration = Duration::from_millis(150);

/// A desk with a tmux of the person's own, and Marline beside it.
pub struct Desk {
    pub lab: Lab,
    pub dir: tempfile::TempDir,
}

impl Drop for Desk {
    fn drop(&mut self) {
        for socket in [self.own(), self.dir.path().join("marline/board/tmux")] {
            let _ = self.tmux(&socket, &["kill-server"]);
        }
    }
}

impl Desk {
    pub fn open(name: &str) -> Option<Self> {
        let agents = alone::test(name, &RELEASES)?;
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
        Some(Desk { lab, dir })
    }

    /// The socket of the person's own tmux.
    pub fn own(&self) -> PathBuf {
        self.dir.path().join("own")
    }

    pub fn tmux(&self, socket: &Path, words: &[&str]) -> Output {
        let mut tmux = self.lab.program(Path::new("tmux"), &RELEASES);
        tmux.arg("-S").arg(socket).args(["-f", "/dev/null"]).args(words).current_dir(self.project());
        tmux.output().unwrap()
    }

    pub fn project(&self) -> PathBuf {
        self.lab.project(PROJECT)
    }

    /// Makes a repository with one commit, which no agent knows.
    pub fn repository(&self) -> PathBuf {
        let repository = self.dir.path().join("repository");
        std::fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet"]);
        git(&repository, &["commit", "--quiet", "--allow-empty", "-m", "Begin"]);
        repository
    }

    pub fn marline(&self, words: &[&str]) -> Output {
        let mut command: Command = self.lab.program(Path::new(env!("CARGO_BIN_EXE_marline")), &RELEASES);
        command.args(words).env("MARLINE_HOME", self.dir.path().join("marline")).current_dir(self.project());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Opens an agent as a person does, in a window of their own tmux.
    pub fn by_hand(&self, words: &[&str]) {
        let begin = ["new-session", "-d", "-s", "hand", "-x", "120", "-y", "40", "--"];
        let output = self.tmux(&self.own(), &[&begin, words].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Types as a person does.
    pub fn types(&self, text: &str) {
        self.tmux(&self.own(), &["send-keys", "-t", "hand", "-l", text]);
        // Codex takes keys that come at once for a paste.
        sleep(Duration::from_millis(400));
        self.tmux(&self.own(), &["send-keys", "-t", "hand", "Enter"]);
    }

    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&self.own(), &["capture-pane", "-p", "-t", "hand"]).stdout)
            .into_owned()
    }

    pub fn now(&self) -> Vec<Value> {
        let output = self.marline(&["live", "ls", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        told["sessions"].as_array().unwrap().clone()
    }

    /// Waits until the one session that runs is in a state.
    pub fn until(&self, state: &str) -> Value {
        self.until_it(state, |one| one["state"] == state)
    }

    /// Waits until it asks for leave, and what it asks is drawn.
    pub fn until_asked(&self) -> Value {
        self.until_it("asking", |one| one["state"] == "needs_approval" && one["asks"].is_object())
    }

    pub fn until_it(&self, state: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let now = self.now();
            if let [one] = &now[..]
                && is_it(one)
            {
                return one.clone();
            }
            assert!(began.elapsed() < PATIENCE, "not {state}: {now:#?}\n{}", self.screen());
            sleep(LOOK);
        }
    }

    /// Steers, and says how it ended: `delivered`, `refused` or `unknown`.
    pub fn steer(&self, words: &[&str]) -> String {
        let output = self.marline(&[&["live"], words, &["--json"]].concat());
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{words:?}: {error}: {}\n{}", String::from_utf8_lossy(&output.stderr), self.screen())
        });
        let outcome = told["outcome"].as_str().unwrap().to_owned();
        let code = match outcome.as_str() {
            "delivered" => 0,
            "refused" => 3,
            _ => 4,
        };
        assert_eq!(output.status.code(), Some(code), "{told}");
        outcome
    }

    /// How often something was said to the agent, by its transcript.
    pub fn said(&self, id: &str, text: &str) -> usize {
        let output = self.marline(&["show", id, "--json"]);
        // Nothing is said in a session that has no transcript yet.
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let items = shown["items"].as_array().into_iter().flatten();
        items.filter(|item| item["kind"] == "prompt" && item["text"] == text).count()
    }

    pub fn has(&self, file: &str) -> bool {
        self.project().join(file).exists()
    }

    /// Puts the board up.
    pub fn board(&self) -> Up {
        let mut up: Command = self.lab.program(Path::new(env!("CARGO_BIN_EXE_marline")), &RELEASES);
        up.args(["up", "--no-open", "--port", "0"]).env("MARLINE_HOME", self.dir.path().join("marline"));
        // A push service of the lab's is on loopback, which is refused otherwise.
        up.env("MARLINE_TEST_PUSH", "loopback");
        let board = Up(up.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while self.ask("GET", "/api/v1/live", None).is_none() {
            assert!(began.elapsed() < PATIENCE, "the board is not up");
            sleep(LOOK);
        }
        board
    }

    /// Asks the board, over its owner's socket.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let (status, body) = self.answer(method, path, body)?;
        assert_eq!(status / 100, 2, "{method} {path}: {body}");
        Some(body)
    }

    /// The same with the status, whatever it is.
    pub fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        ask(&self.dir.path().join("marline/board/sock"), method, path, body)
    }

    /// What the board says of everything that runs.
    pub fn board_says(&self) -> Vec<Value> {
        let told = self.ask("GET", "/api/v1/live", None).unwrap_or_default();
        told["sessions"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the board says something of the one session that runs.
    pub fn until_board_says(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let told = self.board_says();
            if let [one] = &told[..]
                && is_it(&one["live"])
            {
                return one["live"].clone();
            }
            assert!(began.elapsed() < PATIENCE, "not {what}: {told:#?}\n{}", self.screen());
            sleep(LOOK);
        }
    }

    /// Waits until the agent's field for a prompt is there.
    pub fn until_ready(&self) {
        let began = Instant::now();
        while !self.screen().contains(['❯', '›', '>']) {
            assert!(began.elapsed() < PATIENCE, "{}", self.screen());
            sleep(LOOK);
        }
        sleep(Duration::from_secs(2));
    }

    /// Waits for something.
    pub fn until_true(&self, what: &str, is_it: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_it() {
            assert!(began.elapsed() < PATIENCE, "not {what}\n{}", self.screen());
            sleep(LOOK);
        }
    }
}

/// A board that is up; it is ended with this.
pub struct Up(std::process::Child);

impl Up {
    /// Kills it, as a crash would.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Has git do something in a repository; what it prints.
pub fn git(repository: &Path, words: &[&str]) -> String {
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let output = Command::new("git").arg("-C").arg(repository).args(who).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

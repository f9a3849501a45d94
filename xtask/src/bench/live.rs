//! What watching and steering running agents takes: how late a state is told with fifty sessions open, what that costs at
//! rest, what a hook's call takes, and how soon an agent has what was said to it.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use marline_lab::Lab;
use marline_lab::agents::{Agents, CLAUDE, CODEX};
use marline_lab::script::Prompt;
use serde_json::{Value, json};

use super::Line;
use super::load::{Address, Connection, wait_for};
use super::process::{cpu_seconds, median_and_p95};
use crate::Outcome;
use crate::product::Product;
use crate::workspace::scratch;

/// Sessions that are open at once.
const OPEN: usize = 50;
/// Changes of each kind.
const CHANGES: usize = 60;
/// Things that are said to each real agent.
const SAID: usize = 12;
const REST: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(60);
const PROJECT: &str = "alpha";

struct Stage {
    lab: Lab,
    own: PathBuf,
    dir: PathBuf,
    product: Product,
    board: Option<Child>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
        if let Some(board) = &mut self.board {
            let _ = board.kill();
            let _ = board.wait();
        }
    }
}

/// A program that looks like a Claude Code which has a session open.
struct StandIn {
    id: String,
    pid: u32,
    start: String,
    transcript: PathBuf,
}

fn text<E: ToString>(error: E) -> String {
    error.to_string()
}

/// Measures live sessions.
pub fn measure(lines: &mut Vec<Line>) -> Outcome {
    let dir = scratch("bench-live")?;
    let agents = Agents::of_workspace();
    agents.install(&[CODEX, CLAUDE]).map_err(text)?;
    let lab = Lab::new(&dir.join("lab"), &agents).map_err(text)?;
    let own = dir.join("marline");
    let mut stage = Stage { lab, own, dir, product: Product::built()?, board: None };
    stage.up()?;
    let stand_ins = stage.stand_ins()?;
    stage.states(&stand_ins, lines)?;
    stage.rest(lines)?;
    stage.tmux(&["kill-server"]).map(drop)?;
    stage.until_gone()?;
    stage.said(lines)
}

impl Stage {
    fn command(&self, program: &Path) -> Command {
        let mut command = self.lab.program(program, &[CODEX, CLAUDE]);
        command.env("MARLINE_HOME", &self.own).current_dir(self.lab.project(PROJECT)).stdin(Stdio::null());
        command
    }

    fn tmux(&self, words: &[&str]) -> Outcome<String> {
        let mut tmux = self.command(Path::new("tmux"));
        tmux.arg("-S").arg(self.dir.join("own")).args(["-f", "/dev/null"]).args(words);
        let output = tmux.output().map_err(text)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn connect(&self) -> Outcome<Connection> {
        Address::Socket(self.own.join("board/sock")).connect()
    }

    fn up(&mut self) -> Outcome {
        let mut up = self.command(self.product.program());
        up.args(["up", "--no-open", "--port", "0"]).stdout(Stdio::null()).stderr(Stdio::null());
        self.board = Some(up.spawn().map_err(text)?);
        wait_for(PATIENCE, || self.connect().ok()?.ask("/api/v1/live").ok())
            .map(drop)
            .ok_or_else(|| "the board does not come up".to_owned())
    }

    /// Opens them in windows of one tmux.
    fn stand_ins(&self) -> Outcome<Vec<StandIn>> {
        let program = self.dir.join("stand/claude");
        std::fs::create_dir_all(self.dir.join("stand")).map_err(text)?;
        std::fs::copy("/bin/sleep", &program).map_err(text)?;
        let home = self.lab.home().join(".claude");
        let project = home.join("projects/-bench");
        for folder in [&project, &home.join("sessions")] {
            std::fs::create_dir_all(folder).map_err(text)?;
        }
        let program = program.display().to_string();
        let mut all = Vec::new();
        for n in 0..OPEN {
            let id = format!("00000000-0000-4000-8000-{n:012}");
            let window = format!("w{n}");
            self.tmux(&[
                "new-session",
                "-d",
                "-s",
                &window,
                "-x",
                "100",
                "-y",
                "30",
                "--",
                &program,
                "100000",
            ])?;
            let pid = self.tmux(&["list-panes", "-t", &window, "-F", "#{pane_pid}"])?;
            let pid: u32 = pid.trim().parse().map_err(|_| "a stand-in ended at once")?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(text)?;
            let start = stat.rsplit(')').next().and_then(|fields| fields.split_whitespace().nth(19));
            let start = start.ok_or("an odd process")?.to_owned();
            let one = StandIn { transcript: project.join(format!("{id}.jsonl")), id, pid, start };
            one.says("user", "Begin")?;
            one.says("assistant", "Begun")?;
            self.registers(&one, "idle")?;
            all.push(one);
        }
        wait_for(PATIENCE, || {
            let told = self.connect().ok()?.ask("/api/v1/live").ok()?;
            let all = told["sessions"].as_array()?;
            (all.len() == OPEN && all.iter().all(|one| one["live"]["state"] == "idle")).then_some(())
        })
        .ok_or("the sessions are not all seen")?;
        Ok(all)
    }

    /// Writes what a Claude Code says of itself.
    fn registers(&self, one: &StandIn, status: &str) -> Outcome {
        let facts = json!({
            "pid": one.pid, "procStart": one.start, "sessionId": one.id, "cwd": self.lab.project(PROJECT), "kind": "interactive",
            "status": status, "statusUpdatedAt": millis(),
        });
        let file = self.lab.home().join(format!(".claude/sessions/{}.json", one.pid));
        std::fs::write(file, facts.to_string()).map_err(text)
    }

    /// How late a change is told, by each way in which it can be seen.
    fn states(&self, all: &[StandIn], lines: &mut Vec<Line>) -> Outcome {
        let hooks = self.own.join("board/hooks");
        let mut calls = Vec::new();
        let mut by_hook = || -> Outcome<Vec<f64>> {
            self.changes(all, "working", |one| {
                let event = json!({"session_id": one.id, "hook_event_name": "UserPromptSubmit", "cwd": "/"});
                let began = Instant::now();
                let mut hook = self.command(self.product.program());
                hook.args(["__hook", "claude"]).arg(&hooks).stdin(Stdio::piped()).stdout(Stdio::null());
                let mut hook = hook.spawn().map_err(text)?;
                if let Some(mut input) = hook.stdin.take() {
                    input.write_all(event.to_string().as_bytes()).map_err(text)?;
                }
                hook.wait().map_err(text)?;
                calls.push(began.elapsed().as_secs_f64() * 1e3);
                Ok(())
            })
        };
        let (median, p95) = median_and_p95(by_hook()?);
        lines.push(Line::new(
            format!("live: a state told after its hook, {OPEN} sessions"),
            format!("{median:.0} ms, p95 {p95:.0} ms"),
            "the hook's own process included; goal: p95 below 150 ms",
        ));
        let (call, call95) = median_and_p95(calls);
        lines.push(Line::new(
            "live: a hook's call",
            format!("{call:.1} ms, p95 {call95:.1} ms"),
            "goal: 5 ms",
        ));
        let (median, p95) = median_and_p95(self.changes(all, "working", |one| one.says("user", "Do more"))?);
        lines.push(Line::new(
            format!("live: a state told after its record, {OPEN} sessions"),
            format!("{median:.0} ms, p95 {p95:.0} ms"),
            "goal: p95 below 400 ms",
        ));
        let (median, p95) = median_and_p95(self.changes(all, "working", |one| self.registers(one, "busy"))?);
        lines.push(Line::new(
            format!("live: a state told after the agent's own file, {OPEN} sessions"),
            format!("{median:.0} ms, p95 {p95:.0} ms"),
            "goal: p95 below 400 ms",
        ));
        Ok(())
    }

    /// Waits until no stand-in is told any more.
    fn until_gone(&self) -> Outcome {
        let is_none = || {
            let told = self.connect().ok()?.ask("/api/v1/live").ok()?;
            told["sessions"].as_array()?.is_empty().then_some(())
        };
        wait_for(PATIENCE, is_none).ok_or_else(|| "stand-ins that have ended are still told".to_owned())
    }

    /// Milliseconds from each change to the moment at which a client has the new state.
    fn changes(
        &self,
        all: &[StandIn],
        state: &str,
        mut change: impl FnMut(&StandIn) -> Outcome,
    ) -> Outcome<Vec<f64>> {
        let mut taken = Vec::new();
        for n in 0..CHANGES {
            let one = &all[n % all.len()];
            let mut events = self.events()?;
            let began = Instant::now();
            change(one)?;
            self.until(&mut events, one, state)?;
            taken.push(began.elapsed().as_secs_f64() * 1e3);
            // Back again, and a breath: nobody changes at every moment.
            one.says("assistant", "Done")?;
            self.registers(one, "idle")?;
            self.until(&mut events, one, "idle")?;
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(taken)
    }

    fn events(&self) -> Outcome<BufReader<UnixStream>> {
        let mut stream = UnixStream::connect(self.own.join("board/sock")).map_err(text)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: marline\r\n\r\n").map_err(text)?;
        Ok(BufReader::new(stream))
    }

    /// Waits as a page does: for an event, after which it asks.
    fn until(&self, events: &mut BufReader<UnixStream>, one: &StandIn, state: &str) -> Outcome {
        let mut connection = self.connect()?;
        let began = Instant::now();
        let id = format!("claude:{}", one.id);
        loop {
            let told = connection.ask("/api/v1/live")?;
            let found =
                told["sessions"].as_array().into_iter().flatten().find(|told| told["live"]["id"] == id);
            if found.is_some_and(|found| found["live"]["state"] == state) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{id} is not {state}"));
            }
            loop {
                let mut line = String::new();
                events.read_line(&mut line).map_err(text)?;
                if line.starts_with("event: live") {
                    break;
                }
            }
        }
    }

    /// What it costs to watch sessions in which nothing happens.
    fn rest(&self, lines: &mut Vec<Line>) -> Outcome {
        let id = self.board.as_ref().map_or(0, Child::id);
        std::thread::sleep(Duration::from_secs(3));
        let before = cpu_seconds(id).unwrap_or(0.0);
        std::thread::sleep(REST);
        let busy = cpu_seconds(id).unwrap_or(0.0) - before;
        let share = busy / REST.as_secs_f64() * 100.0;
        lines.push(Line::new(
            format!("live: {OPEN} sessions at rest"),
            format!("{share:.2} % of a core"),
            "processes of tmux not counted; goal: below 1 %",
        ));
        Ok(())
    }

    /// How soon real agents have what is said to them, by the model's own log.
    fn said(&self, lines: &mut Vec<Line>) -> Outcome {
        let ways: [(&str, &[&str], &str); 2] = [
            ("claude in tmux", &["claude", "--permission-mode", "manual"], "goal: 300 ms"),
            ("codex on its daemon", &["codex", "-a", "on-request"], "goal: 100 ms"),
        ];
        let config = self.lab.home().join(".codex/config.toml");
        let settings = std::fs::read_to_string(&config).map_err(text)?;
        std::fs::write(&config, settings.replace("daemon_auto_start = false\n", "")).map_err(text)?;
        for (name, words, goal) in ways {
            let begin = ["new-session", "-d", "-s", "hand", "-x", "110", "-y", "36", "--"];
            self.tmux(&[&begin, words].concat())?;
            let source = words[0];
            let id = wait_for(PATIENCE * 2, || {
                let told = self.connect().ok()?.ask("/api/v1/live").ok()?;
                let all = told["sessions"].as_array()?;
                let one = all
                    .iter()
                    .find(|one| one["live"]["source"] == source && one["live"]["state"] == "idle")?;
                one["live"]["id"].as_str().map(str::to_owned)
            });
            let id = id.ok_or_else(|| format!("{name} is not seen"))?;
            std::thread::sleep(Duration::from_secs(3));
            let (mut has_it, mut told) = (Vec::new(), Vec::new());
            for n in 0..SAID {
                let prompt = Prompt::new(&format!("Number {n} to {source}")).say("Heard");
                let command =
                    json!({"command": "send", "key": format!("bench-{source}-{n}"), "text": prompt.text()});
                let began = SystemTime::now();
                let came =
                    self.connect()?.send("POST", &format!("/api/v1/live/{id}"), &command.to_string())?;
                if came["outcome"] != "delivered" {
                    return Err(format!("{name}: {came}"));
                }
                told.push(began.elapsed().unwrap_or_default().as_secs_f64() * 1e3);
                let words = format!("Number {n} to {source}");
                let asked = wait_for(PATIENCE, || {
                    self.lab.server().asked().into_iter().find(|asked| asked.prompt.contains(&words))
                });
                let asked = asked.ok_or_else(|| format!("{name} never asked the model"))?;
                has_it.push(asked.answered.duration_since(began).unwrap_or_default().as_secs_f64() * 1e3);
                std::thread::sleep(Duration::from_millis(700));
            }
            let ((has, has95), (told, told95)) = (median_and_p95(has_it), median_and_p95(told));
            lines.push(Line::new(
                format!("live: said to {name}, until its model is asked"),
                format!("{has:.0} ms, p95 {has95:.0} ms"),
                format!("the agent's own time included; told as delivered after {told:.0} ms, p95 {told95:.0}; {goal}"),
            ));
            self.tmux(&["kill-server"])?;
        }
        self.end_daemon();
        Ok(())
    }

    /// Ends Codex' daemon and what renews it, by their own files.
    fn end_daemon(&self) {
        let codex = self.lab.home().join(".codex");
        for file in ["daemon-updater.pid", "daemon.pid"] {
            let Ok(bytes) = std::fs::read(codex.join("app-server-daemon").join(file)) else { continue };
            let Ok(facts) = serde_json::from_slice::<Value>(&bytes) else { continue };
            if let Some(pid) = facts["pid"].as_u64() {
                let _ = Command::new("kill").arg(pid.to_string()).status();
            }
        }
        for socket in ["app-server-control/app-server-control.sock", "app-server-daemon/daemon-updater.sock"]
        {
            if let Ok(socket) = std::fs::read_link(codex.join(socket)) {
                let _ = std::fs::remove_file(socket.with_extension("lock"));
                let _ = std::fs::remove_file(socket);
            }
        }
    }
}

impl StandIn {
    /// Writes a record as the agent would.
    fn says(&self, kind: &str, words: &str) -> Outcome {
        let content = match kind {
            "user" => json!(words),
            _ => json!([{"type": "text", "text": words}]),
        };
        let record = json!({
            "type": kind, "uuid": format!("{}-{}", self.id, millis()), "sessionId": self.id, "timestamp": stamp(), "cwd": "/bench",
            "message": {"role": kind, "content": content, "stop_reason": "end_turn", "id": format!("m{}", millis())},
        });
        let mut file = OpenOptions::new().create(true).append(true).open(&self.transcript).map_err(text)?;
        file.write_all(format!("{record}\n").as_bytes()).map_err(text)
    }
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn stamp() -> String {
    marline_model::Timestamp::from_millis(i64::try_from(millis()).unwrap_or(i64::MAX)).to_string()
}

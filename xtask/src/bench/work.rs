//! What Marline adds to agents that run without a terminal: time to each, memory for many, and how late it tells.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use marline_lab::agents::{CLAUDE, CODEX, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, agents::Agents};
use serde_json::Value;

use super::Line;
use super::process::{median_and_p95, run};
use crate::Outcome;
use crate::product::Product;
use crate::workspace::scratch;

/// Prompts of each kind, in turn.
const PROMPTS: usize = 12;
const MANY: usize = 50;
const GROUP: usize = 20;
const AT_ONCE: usize = 4;
const PROJECT: &str = "alpha";
/// The model thinks for so long, in seconds, after its log has noted the question.
const THOUGHT: u64 = 1;

struct Shop {
    lab: Lab,
    agents: Agents,
    own: std::path::PathBuf,
    product: Product,
}

/// Measures queues and groups of the real agents on the lab's model.
pub fn measure(lines: &mut Vec<Line>) -> Outcome {
    let dir = scratch("bench-work")?;
    let agents = Agents::of_workspace();
    agents.install(&[CODEX, CLAUDE]).map_err(|error| error.to_string())?;
    let lab = Lab::new(&dir.join("lab"), &agents).map_err(|error| error.to_string())?;
    let shop = Shop { lab, agents, own: dir.join("marline"), product: Product::built()? };
    for (release, name, bare) in [
        (CODEX, "codex", &["exec", "--json", "--skip-git-repo-check"][..]),
        (CLAUDE, "claude", &["-p", "--output-format", "stream-json", "--verbose"]),
    ] {
        shop.overhead(release, name, bare, lines)?;
    }
    shop.slots(lines)?;
    shop.memory(lines)
}

impl Shop {
    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = self.lab.program(program, &[CODEX, CLAUDE]);
        command.args(words).env("MARLINE_HOME", &self.own).current_dir(self.lab.project(PROJECT));
        command.stdin(Stdio::null());
        command
    }

    fn marline(&self, words: &[&str]) -> Command {
        self.command(self.product.program(), words)
    }

    fn done(&self, words: &[&str]) -> Outcome {
        run(&mut self.marline(words)).map(drop)
    }

    /// The same prompts by the agent alone and through a queue, in turn, on a machine that is as busy for both.
    fn overhead(&self, release: Release, name: &str, bare: &[&str], lines: &mut Vec<Line>) -> Outcome {
        let project = self.lab.project(PROJECT).display().to_string();
        let prompt = Prompt::new("A prompt").say("An answer");
        let program = self.agents.programs(&release).join(release.program);
        let (mut alone, mut ours) = (Vec::new(), Vec::new());
        for nth in 0..PROMPTS {
            let words = [bare, &[prompt.text()]].concat();
            alone.push(run(&mut self.command(&program, &words))?.seconds * 1e3);
            let queue = format!("{name} {nth}");
            self.done(&["queue", "create", &queue, "--project", &project, "--agent", name])?;
            // Two: what one takes more is that of a session, without the start of Marline itself.
            self.done(&["queue", "add", &queue, "--prompt", prompt.text()])?;
            let one = run(&mut self.marline(&["queue", "run", &queue, "--json"]))?.seconds;
            self.done(&["queue", "add", &queue, "--prompt", prompt.text()])?;
            self.done(&["queue", "update", &queue, "1", "--release"])?;
            let two = run(&mut self.marline(&["queue", "run", &queue, "--json"]))?.seconds;
            ours.push((two - one) * 1e3);
        }
        let ((alone, _), (ours, p95)) = (median_and_p95(alone), median_and_p95(ours));
        lines.push(Line::new(
            format!("queues: a prompt to {name}"),
            format!("{ours:.0} ms, p95 {p95:.0} ms"),
            format!("{:+.0} ms beside the bare agent's {alone:.0} ms; goal: +100 ms", ours - alone),
        ));
        Ok(())
    }

    /// How long a free slot idles, and how late what is said is told.
    fn slots(&self, lines: &mut Vec<Line>) -> Outcome {
        let project = self.lab.project(PROJECT).display().to_string();
        let count = GROUP.to_string();
        self.done(&["group", "create", "slots", "--agent", "codex", "--count", &count, "--cwd", &project])?;
        let prompt = Prompt::new("Slots").wait(THOUGHT).say("Said to be told");
        let at_once = AT_ONCE.to_string();
        let words = ["group", "run", "slots", "--prompt", prompt.text(), "--same-dir-parallel", "--json"];
        let mut command = self.marline(&[&words[..], &["--max-concurrent", &at_once]].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("marline could not start ({error})"))?;
        let output = child.stdout.take().ok_or("the process has no output")?;
        let (mut ended, mut idle, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let (now, at) = (Instant::now(), SystemTime::now());
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            match event["event"].as_str() {
                Some("completed") => ended.push(now),
                Some("started") if !ended.is_empty() => {
                    idle.push(now.duration_since(ended.remove(0)).as_secs_f64() * 1e3);
                }
                Some("item") if event["item"]["kind"] == "said" => told.push(at),
                _ => {}
            }
        }
        child.wait().map_err(|error| error.to_string())?;
        let asked = self.lab.server().asked();
        let mut answered: Vec<SystemTime> = asked
            .iter()
            .filter(|asked| asked.prompt.contains("Slots"))
            .map(|asked| asked.answered + Duration::from_secs(THOUGHT))
            .collect();
        answered.sort();
        if told.len() != GROUP || answered.len() != GROUP {
            return Err(format!("{} answers were told, {} given", told.len(), answered.len()));
        }
        let late = |(told, answered): (SystemTime, SystemTime)| {
            told.duration_since(answered).unwrap_or(Duration::ZERO).as_secs_f64() * 1e3
        };
        let (late, late95) = median_and_p95(told.into_iter().zip(answered).map(late).collect());
        let (idle, idle95) = median_and_p95(idle);
        lines.push(Line::new(
            format!("groups: a free slot idles, {GROUP} sessions, {AT_ONCE} at a time"),
            format!("{idle:.0} ms, p95 {idle95:.0} ms"),
            "goal: 200 ms",
        ));
        lines.push(Line::new(
            "groups: an answer of the model is told",
            format!("{late:.0} ms, p95 {late95:.0} ms"),
            "the agent's own time included; goal: 100 ms",
        ));
        Ok(())
    }

    /// What Marline itself holds for many sessions at once.
    fn memory(&self, lines: &mut Vec<Line>) -> Outcome {
        let project = self.lab.project(PROJECT).display().to_string();
        let many = MANY.to_string();
        self.done(&["group", "create", "many", "--agent", "codex", "--count", &many, "--cwd", &project])?;
        let prompt = Prompt::new("Many").wait(8).say("Much");
        let words = ["group", "run", "many", "--prompt", prompt.text(), "--same-dir-parallel", "--json"];
        let taken = run(&mut self.marline(&[&words[..], &["--max-concurrent", &many]].concat()))?;
        lines.push(Line::new(
            format!("groups: peak memory, {MANY} sessions at once"),
            format!("{:.0} MB", taken.peak_mb),
            format!("{:.1} s of processor in {:.0} s; goal: 150 MB", taken.cpu_seconds, taken.seconds),
        ));
        Ok(())
    }
}

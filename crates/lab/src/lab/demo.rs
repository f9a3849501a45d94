//! The demo: days of work in three small projects, by the real agents on a scripted model.
//!
//! The plays in `crates/lab/demo` say who does what. Agents run one after the other, in haste; `clock` says when that
//! is said to have happened, and `pack` makes of it the archive that `crates/demo` carries.

mod clock;
mod pack;
mod play;
mod times;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clock::{Clock, Window};
use marline_demo::{Manifest, archive};
use play::{Deed, Mode, Session, Turn};
use serde_json::{Value, json};

use super::app_server::AppServer;
use super::{Lab, LabError};
use crate::agents::{Agents, CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, Release, command};
use crate::server::Server;

/// The plays, in the order in which they happen.
fn plays() -> io::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "play"));
    paths.sort();
    paths.iter().map(fs::read_to_string).collect()
}

/// Makes the demo in a directory and returns what it holds.
///
/// # Errors
/// [`LabError`]; what agents have written stays, for a look.
pub fn make(dir: &Path, agents: &Agents) -> Result<(Vec<archive::Entry>, Manifest), LabError> {
    let texts = plays()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    fs::create_dir_all(dir)?;
    let dir = dir.canonicalize()?;
    let play = play::read(&texts, &dir.join("projects")).map_err(io::Error::other)?;
    let projects: Vec<&str> = play.projects.iter().map(String::as_str).collect();
    let lab = Lab::bare(&dir, agents, &projects, Server::play(play.scenario)?)?;
    agents.install(&[CLAUDE, CODEX, GEMINI, OPENCODE, QWEN])?;
    let mut stage = Stage { lab: &lab, ids: Vec::new(), windows: Vec::new(), delays: Vec::new() };
    stage.prepare(&projects)?;
    for deed in &play.deeds {
        stage.play(deed)?;
    }
    let Stage { ids, windows, mut delays, .. } = stage;
    for asked in lab.server.asked() {
        // A model begins to speak after a while, and then says some forty tokens a second.
        delays.push((milliseconds(asked.answered), 2500 + asked.output as i64 * 25));
    }
    let clock = Clock::new(windows, delays);
    Ok(pack::pack(&lab, &clock, &ids)?)
}

/// Replaces the archive that `crates/demo` carries.
///
/// # Errors
/// What writing says.
pub fn replace(entries: &[archive::Entry], manifest: &Manifest) -> io::Result<usize> {
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/src");
    let packed = archive::pack(entries)?;
    fs::write(to.join("home.zst"), &packed)?;
    fs::write(to.join("manifest.json"), serde_json::to_string_pretty(manifest)? + "\n")?;
    Ok(packed.len())
}

fn milliseconds(at: SystemTime) -> i64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Between two sessions: times that are rounded to seconds still tell which one they belong to.
const APART: Duration = Duration::from_millis(1200);
/// An agent that is to be interrupted has so long to get to where it waits.
const BEFORE_INTERRUPT: Duration = Duration::from_secs(4);
const CLAUDE_TOOLS: &str = "Bash,Read,Edit,Write,Grep,Glob,TodoWrite,Agent,Task,WebSearch";

struct Stage<'a> {
    lab: &'a Lab,
    /// Each session with the agent's id.
    ids: Vec<(Session, String)>,
    windows: Vec<Window>,
    delays: Vec<(i64, i64)>,
}

impl Stage<'_> {
    /// Gives the agents' home what a developer's has: tools, and models of their own names.
    fn prepare(&self, projects: &[&str]) -> Result<(), LabError> {
        let home = &self.lab.home;
        let programs = home.join(".lab");
        let said = |program: &str, words: &[&str]| -> io::Result<PathBuf> {
            let output = Command::new(program).args(words).output()?;
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        };
        let toolchain = said("rustc", &["--print", "sysroot"])?.join("bin");
        for program in ["cargo", "rustc", "rustdoc", "rustfmt", "cargo-fmt", "cargo-clippy", "clippy-driver"]
        {
            std::os::unix::fs::symlink(toolchain.join(program), programs.join(program))?;
        }
        let python = said("python3", &["-c", "import sys; print(sys.executable)"])?;
        std::os::unix::fs::symlink(python, programs.join("python3"))?;
        // OpenCode's program is a Bun that runs OpenCode; it can be told to be Bun.
        let bun = self.lab.agents.programs(&OPENCODE).join(OPENCODE.program);
        let script = format!("#!/bin/sh\nBUN_BE_BUN=1 exec '{}' \"$@\"\n", bun.display());
        fs::write(programs.join("bun"), script)?;
        let search = self
            .lab
            .agents
            .programs(&CODEX)
            .join("../@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl");
        let search = ["codex-path/rg", "path/rg"].map(|name| search.join(name));
        let search = search.iter().find(|path| path.exists());
        fs::remove_file(programs.join("rg"))?;
        if let Some(search) = search {
            std::os::unix::fs::symlink(search, programs.join("rg"))?;
        }
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(programs.join("bun"), fs::Permissions::from_mode(0o755))?;
        // A login shell, as Codex starts one, finds its own way.
        let path = format!("export PATH='{}':\"$PATH\"\n", programs.display());
        fs::write(home.join(".bash_profile"), path)?;
        fs::write(
            home.join(".gitconfig"),
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n",
        )?;
        let path = home.join(".config/opencode/opencode.json");
        let mut settings: Value = serde_json::from_slice(&fs::read(&path)?).map_err(io::Error::from)?;
        let limit = json!({"context": 400_000, "output": 64_000});
        let model = |name: &str| json!({"name": name, "limit": limit, "reasoning": true});
        settings["provider"]["gateway"] = json!({
            "npm": "@ai-sdk/openai-compatible", "name": "Gateway",
            "models": {
                "claude-sonnet-5": model("Claude Sonnet 5"), "gpt-5.2": model("GPT-5.2"),
                "gemini-3-flash": model("Gemini 3 Flash"),
            },
            "options": {"baseURL": format!("{}/v1", self.lab.server.url()), "apiKey": "lab"},
        });
        settings["small_model"] = "gateway/gemini-3-flash".into();
        fs::write(&path, settings.to_string())?;
        for project in projects {
            fs::create_dir_all(self.lab.project(project))?;
            self.shell(project, "git init --quiet")?;
        }
        Ok(())
    }

    fn shell(&self, project: &str, script: &str) -> Result<(), LabError> {
        // Any agent's environment will do: it is the one in which commands of theirs run.
        let like = command(&self.lab.agents, &CODEX, &self.lab.home, &self.lab.server.url());
        let mut shell = Command::new("bash");
        shell.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.args(["-ec", script]).current_dir(self.lab.project(project));
        let output = shell.output()?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{script} in {project}: {words}")).into())
    }

    fn play(&mut self, deed: &Deed) -> Result<(), LabError> {
        match deed {
            Deed::File { project, path, content } => {
                let path = self.lab.project(project).join(path);
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                Ok(fs::write(path, content)?)
            }
            Deed::Shell { project, command } => self.shell(project, command),
            Deed::Session(session) => {
                std::thread::sleep(APART);
                eprintln!("   {} ({} in {})", session.key, session.agent, session.project);
                let from = milliseconds(SystemTime::now());
                let id = match session.agent.as_str() {
                    "claude" => self.claude(session),
                    "codex" => self.codex(session),
                    "gemini" => self.gemini(&GEMINI, session),
                    "opencode" => self.opencode(session),
                    _ => self.gemini(&QWEN, session),
                }?;
                let to = milliseconds(SystemTime::now());
                self.windows.push(Window { from, to, ago: session.ago });
                self.ids.push(((**session).clone(), id));
                Ok(())
            }
        }
    }

    /// A person takes their time.
    fn pause(&mut self, turn: &Turn) {
        self.delays.push((milliseconds(SystemTime::now()), turn.after));
        std::thread::sleep(Duration::from_millis(5));
    }

    fn origin(&self, session: &Session) -> Option<String> {
        let key = session.fork_of.as_ref()?;
        self.ids.iter().find(|(known, _)| known.key == *key).map(|(_, id)| id.clone())
    }

    fn run(
        &self,
        release: &Release,
        session: &Session,
        words: &[&str],
        input: &str,
        id: &str,
    ) -> Result<String, LabError> {
        let ended = self.lab.agent(release, &session.project, words, input)?;
        self.lab.id(release, &ended, id)
    }

    fn claude(&mut self, session: &Session) -> Result<String, LabError> {
        let origin = self.origin(session);
        let mut id = origin.clone();
        for turn in &session.turns {
            self.pause(turn);
            let prompt = if turn.mode == Mode::Compact { "/compact" } else { &turn.prompt };
            let mut words = vec!["-p", "--permission-mode", "acceptEdits"];
            // What is not allowed is declined: nobody is there to be asked.
            let tools = if turn.mode == Mode::Decline { "Read,Grep,Glob" } else { CLAUDE_TOOLS };
            words.extend(["--allowedTools", tools]);
            words.extend(session.model.iter().flat_map(|model| ["--model", model.as_str()]));
            words.extend(id.iter().flat_map(|id| ["--resume", id.as_str()]));
            if id.is_some() && id == origin {
                words.push("--fork-session");
            }
            if id == origin {
                words.extend(session.name.iter().flat_map(|name| ["--name", name.as_str()]));
            }
            words.extend(["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"]);
            let mut content = vec![json!({"type": "text", "text": prompt})];
            if let Some(image) = &turn.image {
                let data = BASE64_STANDARD.encode(fs::read(self.lab.project(&session.project).join(image))?);
                let source = json!({"type": "base64", "media_type": "image/png", "data": data});
                content.push(json!({"type": "image", "source": source}));
            }
            let content = if turn.image.is_some() { content.into() } else { Value::from(prompt) };
            let message = json!({"type": "user", "message": {"role": "user", "content": content}});
            let said = self.run(&CLAUDE, session, &words, &format!("{message}\n"), "session_id")?;
            id = Some(said);
        }
        Ok(id.unwrap_or_default())
    }

    fn codex(&mut self, session: &Session) -> Result<String, LabError> {
        let mut server = AppServer::start(self.lab, &session.project)?;
        server.model.clone_from(&session.model);
        if session.turns.iter().any(|turn| turn.mode == Mode::Decline) {
            server.approval = "untrusted";
        }
        let id = match self.origin(session) {
            Some(origin) => {
                let fork = server.call("thread/fork", json!({"threadId": origin}))?;
                fork["thread"]["id"].as_str().unwrap_or_default().to_owned()
            }
            None => server.thread()?,
        };
        for turn in &session.turns {
            self.pause(turn);
            server.decision = if turn.mode == Mode::Decline { "decline" } else { "accept" };
            if turn.mode == Mode::Compact {
                server.call("thread/compact/start", json!({"threadId": id}))?;
                server.wait_turn(&id)?;
                continue;
            }
            let mut input = vec![json!({"type": "text", "text": turn.prompt})];
            if let Some(image) = &turn.image {
                let path = self.lab.project(&session.project).join(image);
                input.push(json!({"type": "localImage", "path": path}));
            }
            let begun = server.call("turn/start", json!({"threadId": id, "input": input}))?;
            if turn.mode == Mode::Interrupt {
                std::thread::sleep(BEFORE_INTERRUPT);
                let parameters = json!({"threadId": id, "turnId": begun["turn"]["id"]});
                server.call("turn/interrupt", parameters)?;
            }
            server.wait_turn(&id)?;
        }
        if let Some(name) = &session.name {
            server.call("thread/name/set", json!({"threadId": id, "name": name}))?;
        }
        Ok(id)
    }

    /// Gemini CLI, and Qwen Code, which came of it.
    fn gemini(&mut self, release: &Release, session: &Session) -> Result<String, LabError> {
        let mut id: Option<String> = None;
        for turn in &session.turns {
            self.pause(turn);
            let mut words = vec!["--yolo", "-o", "stream-json"];
            words.extend(session.model.iter().flat_map(|model| ["-m", model.as_str()]));
            words.extend(id.iter().flat_map(|id| ["--resume", id.as_str()]));
            words.extend(["-p", &turn.prompt]);
            id = Some(self.run(release, session, &words, "", "session_id")?);
        }
        Ok(id.unwrap_or_default())
    }

    fn opencode(&mut self, session: &Session) -> Result<String, LabError> {
        let origin = self.origin(session);
        let mut id = origin.clone();
        for turn in &session.turns {
            self.pause(turn);
            let mut words = vec!["run", "--format", "json"];
            words.extend(session.model.iter().flat_map(|model| ["--model", model.as_str()]));
            words.extend(id.iter().flat_map(|id| ["--session", id.as_str()]));
            if id.is_some() && id == origin {
                words.push("--fork");
            } else if id.is_none() {
                words.extend(session.name.iter().flat_map(|name| ["--title", name.as_str()]));
            }
            let image = turn.image.as_ref().map(|image| self.lab.project(&session.project).join(image));
            let image = image.map(|path| path.display().to_string());
            words.extend(image.iter().flat_map(|path| ["--file", path.as_str()]));
            // A prompt among the words would be put in quotation marks.
            id = Some(self.run(&OPENCODE, session, &words, &turn.prompt, "sessionID")?);
        }
        Ok(id.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plays_can_be_read() {
        let texts = plays().expect("they are there");
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let play = play::read(&texts, Path::new("/projects")).expect("they are plays");
        assert!(play.projects.len() >= 3 && !play.scenario.finds.is_empty());
    }
}

//! Opening agents in terminals of Marline's own tmux, and ending agents.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use marline_agents::drive::Opening;
use marline_model::{SessionId, Source, Timestamp};
use rustix::process::{Pid, Signal, kill_process};

use super::find::still;
use super::steer::Steered;
use super::tmux::{Pane, Server, too_old, word};
use super::types::{LiveSession, Now};
use crate::launch::{Started, quoted};
use crate::target::agent;
use crate::{ActError, Acts, Target};

/// The id of a new session has so long to appear.
const UNTIL_NAMED: Duration = Duration::from_secs(15);
/// An agent that is told to end has so long to do so.
const GRACE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(40);
/// A window is asked for so often.
const TRIES: u32 = 4;
/// The tmux session that all of Marline's windows are in.
const SESSION: &str = "marline";

/// Variables by which an agent knows that it runs within another one, or in which terminal: not for a new one.
fn is_inherited(name: &str) -> bool {
    const KEPT: [&str; 2] = ["CLAUDE_CONFIG_DIR", "CLAUDE_CODE_USE_BEDROCK"];
    let is_nested = ["CLAUDE_CODE_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_MESSAGING", "CLAUDE_PID"];
    !KEPT.contains(&name)
        && (is_nested.iter().any(|start| name.starts_with(start))
            || ["CLAUDECODE", "AI_AGENT", "TMUX", "TMUX_PANE", "TERM", "GEMINI_CLI", "GEMINI_SESSION_ID"]
                .contains(&name))
}

/// Where agents are opened: Marline's own tmux.
pub struct Windows<'a> {
    /// The `tmux` program.
    pub tmux: &'a Path,
    /// The server's socket.
    pub socket: &'a Path,
    /// The environment they get, but for what belongs to another agent's terminal.
    pub env: &'a [(String, String)],
}

/// How a new session begins.
pub struct Beginning<'a> {
    /// Its agent.
    pub source: Source,
    /// What it is told first.
    pub prompt: Option<&'a str>,
    /// Its model.
    pub model: Option<&'a str>,
    /// Where it works.
    pub project: &'a Path,
    /// It works in a git worktree of its own instead, on a new branch of this name.
    pub branch: Option<&'a str>,
}

/// An agent that is to be opened.
pub struct Wanted {
    source: Source,
    /// The session, where its id is known before.
    id: Option<SessionId>,
    started: Started,
    /// The session that is taken up.
    target: Option<Target>,
    own: Option<Worktree>,
}

/// An agent that was opened.
pub struct Opened {
    /// Its session.
    pub id: SessionId,
    /// Where it runs.
    pub pane: Pane,
    /// What its window is called.
    pub name: String,
    /// Takes away what would have the agent delete the session later; it ends by itself.
    pub tidying: Option<JoinHandle<()>>,
}

impl Wanted {
    /// A session that is there; `cwd`: in another directory than its own.
    ///
    /// # Errors
    /// As for [`Started::resume`].
    pub fn again(target: Target, cwd: Option<&Path>, path: &OsStr) -> Result<Self, ActError> {
        let started = Started::resume(&target, cwd, path)?;
        let (source, id) = (target.source(), Some(target.id.clone()));
        Ok(Wanted { source, id, started, target: Some(target), own: None })
    }

    /// A new session; `worktrees`: the directory that worktrees are made in.
    ///
    /// # Errors
    /// [`ActError::Invalid`] where the agent is not there, needs a prompt, or git makes no worktree. Nothing is left then.
    pub fn anew(
        beginning: &Beginning<'_>,
        acts: &Acts,
        worktrees: &Path,
        path: &OsStr,
    ) -> Result<Self, ActError> {
        let &Beginning { source, prompt, model, project, branch } = beginning;
        let prompt = prompt.filter(|prompt| !prompt.trim().is_empty());
        let live = agent(source).live();
        if !live.is_named_at_start() && prompt.is_none() {
            let message = format!("{} begins a session with the first prompt", agent(source).name());
            return Err(ActError::Invalid { message, hint: Some("Give it a prompt.".to_owned()) });
        }
        let uuid = live.takes_id().then(|| acts.uuid());
        let opening = Opening { id: uuid.as_deref(), prompt, model };
        let own = branch.map(|branch| Worktree::add(project, branch, worktrees)).transpose();
        let own =
            own.map_err(|error| ActError::invalid(format!("git could not make a worktree: {error}")))?;
        let place = own.as_ref().map_or(project, |own| &own.path);
        let started = Started::open(source, &opening, place, path)
            .inspect_err(|_| own.iter().for_each(Worktree::remove))?;
        let id = uuid.and_then(|uuid| SessionId::new(source, &uuid).ok());
        Ok(Wanted { source, id, started, target: None, own })
    }

    /// Opens it in a window, and waits until its session is known by its own id. `look` says what runs, and is asked again and again;
    /// it waits between looks by itself.
    ///
    /// # Errors
    /// What tmux says; or that the agent ended, or did not tell its session in time. Nothing is left then.
    pub fn open(
        mut self,
        windows: &Windows<'_>,
        name: Option<String>,
        look: impl FnMut() -> io::Result<Arc<Now>>,
    ) -> io::Result<Opened> {
        let name = name.unwrap_or_else(|| {
            let folder = self.started.cwd.file_name().map(|name| name.to_string_lossy().into_owned());
            format!("{} {}", self.started.launch.program, folder.unwrap_or_default())
        });
        let target = self.target.take();
        let opened = windows.open(&name, &self.started).and_then(|pane| {
            let tidying = target.map(|target| spawn(move || Started::tidy_soon(&target)));
            let id = self.until_named(windows, &pane, look).inspect_err(|_| windows.close(&pane))?;
            Ok(Opened { id, pane, name, tidying })
        });
        opened.inspect_err(|_| self.own.iter().for_each(Worktree::remove))
    }

    /// What its screen asks: Codex begins no session in a folder that nobody has trusted.
    fn asked(&self, screen: &str) -> Option<String> {
        Some(agent(self.source).live().screen(screen).dialog?.said())
    }

    fn until_named(
        &self,
        windows: &Windows<'_>,
        pane: &Pane,
        mut look: impl FnMut() -> io::Result<Arc<Now>>,
    ) -> io::Result<SessionId> {
        let began = Instant::now();
        let is_it = |live: &&LiveSession| {
            live.control.pane().is_some_and(|its| its.pane_id == pane.pane_id && its.socket == pane.socket)
                && self.id.as_ref().is_none_or(|id| *id == live.id)
        };
        let failed = |why: String| io::Error::other(format!("{why} ({})", self.started.typed()));
        loop {
            if let Some(live) = look()?.sessions.iter().find(is_it) {
                return Ok(live.id.clone());
            }
            if !windows.server().panes().iter().any(|one| one.pane_id == pane.pane_id && !one.is_dead) {
                return Err(failed("it ended at once".to_owned()));
            }
            if began.elapsed() > UNTIL_NAMED {
                let asks = windows.server().screen(&pane.pane_id).ok().and_then(|screen| self.asked(&screen));
                let asks = asks.map_or_else(String::new, |asks| {
                    format!("; it asks, and has none before: {asks} Open it by hand once, and answer that")
                });
                return Err(failed(format!(
                    "it did not say within 15 s which session it has, and was ended{asks}"
                )));
            }
        }
    }
}

impl Windows<'_> {
    fn server(&self) -> Server {
        Server::new(self.tmux, self.socket)
    }

    /// Opens an agent in a window. It gets its words as they are, no shell reads them.
    fn open(&self, name: &str, started: &Started) -> io::Result<Pane> {
        // tmux would take another one without a word.
        if !started.cwd.is_dir() {
            let gone = format!("the directory {} is gone", started.cwd.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, gone));
        }
        if let Some(old) = too_old(self.tmux) {
            return Err(io::Error::other(format!("{old}: 3.0 or newer is needed")));
        }
        if let Some(folder) = self.socket.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let server = self.server();
        let cwd = started.cwd.display().to_string();
        let mut words: Vec<String> =
            ["-P", "-F", "#{pane_id}", "-n", name, "-c", &cwd].map(str::to_owned).to_vec();
        for (name, value) in self.env.iter().filter(|(name, _)| !is_inherited(name)) {
            words.extend(["-e".to_owned(), format!("{name}={value}")]);
        }
        words.push("--".to_owned());
        let program = started.program.display().to_string();
        match started.launch.words.is_empty() {
            // One word alone is given to a shell.
            true => words.push(quoted(&program)),
            false => words.extend(std::iter::once(program).chain(started.launch.words.iter().cloned())),
        }
        // Not as words of a command, which everybody on the machine could read: there may be keys among them.
        let words: Vec<String> = words.iter().map(|each| word(each)).collect();
        let script = |first: String| format!("{first} {}\n", words.join(" "));
        let in_session = script(format!("new-window -d -t {SESSION}:"));
        let with_session = script(format!("new-session -d -s {SESSION} -x 160 -y 48"));
        // Another one may make the session at the same time, or the server's last window end.
        let mut tries = 0;
        let made = loop {
            let made = server.script(&in_session, false).or_else(|_| server.script(&with_session, true));
            tries += 1;
            if made.is_ok() || tries == TRIES {
                break made?;
            }
            sleep(LOOK);
        };
        let pane = made.trim().to_owned();
        let found = server.panes().into_iter().find(|one| one.pane_id == pane);
        found.ok_or_else(|| io::Error::other(format!("{} ended at once", started.launch.program)))
    }

    fn close(&self, pane: &Pane) {
        let _ = self.server().run(["kill-pane", "-t", &pane.pane_id]);
    }
}

/// A git worktree that was made for an agent.
struct Worktree {
    project: PathBuf,
    branch: String,
    path: PathBuf,
}

impl Worktree {
    /// Makes one on a new branch, below `below`, of the repository that `project` is in; nothing is left where git can't.
    fn add(project: &Path, branch: &str, below: &Path) -> io::Result<Self> {
        let plain: String =
            branch.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '-' }).collect();
        let name =
            project.file_name().map_or_else(String::new, |name| format!("{}-", name.to_string_lossy()));
        let path = below.join(format!("{name}{plain}"));
        std::fs::create_dir_all(below)?;
        let own = Worktree { project: project.to_owned(), branch: branch.to_owned(), path };
        let target = own.path.display().to_string();
        // A name that begins with a dash would be an option.
        let made = own.git(&["worktree", "add", "--quiet", &format!("-b{branch}"), "--", &target])?;
        if made.status.success() {
            return Ok(own);
        }
        Err(io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned()))
    }

    /// Takes it away again, with its branch: nobody has worked in it.
    fn remove(&self) {
        let _ = self.git(&["worktree", "remove", "--", &self.path.display().to_string()]);
        let _ = self.git(&["branch", "--quiet", "-d", "--", &self.branch]);
    }

    fn git(&self, words: &[&str]) -> io::Result<Output> {
        Command::new("git").arg("-C").arg(&self.project).args(words).stdin(Stdio::null()).output()
    }
}

/// Ends an agent: it is told to, and after a while made to.
pub fn stop(pid: u32, started_at: Timestamp) -> Steered {
    let (Some(process), Some(number)) = (still(pid, started_at), Pid::from_raw(pid as i32)) else {
        return Steered::Refused { why: "its agent is gone".to_owned() };
    };
    let began = Instant::now();
    let mut signal = Signal::TERM;
    while process.lives() {
        if began.elapsed() > GRACE * 2 {
            return Steered::Unknown { seen: "its process can't be ended".to_owned() };
        }
        if signal == Signal::TERM || began.elapsed() > GRACE {
            let _ = kill_process(number, signal);
            // One that was suspended would never hear it.
            let _ = kill_process(number, Signal::CONT);
            signal = Signal::KILL;
        }
        sleep(LOOK);
    }
    Steered::Delivered { proof: "its process is gone".to_owned() }
}

//! Opening agents in terminals of Marline's own tmux, and ending agents.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use marline_model::Timestamp;

use super::find::still;
use super::steer::Steered;
use super::tmux::{Pane, Server};
use crate::launch::{Started, quoted};

/// An agent that is told to end has so long to do so.
const GRACE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(40);
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

/// Opens an agent in a window of Marline's own tmux, with an environment. The agent gets its words as they are, no shell reads
/// them.
///
/// # Errors
/// What tmux says.
pub fn open(
    tmux: &Path,
    socket: &Path,
    name: &str,
    started: &Started,
    env: impl IntoIterator<Item = (String, String)>,
) -> io::Result<Pane> {
    // tmux would take another one without a word.
    if !started.cwd.is_dir() {
        let gone = format!("the directory {} is gone", started.cwd.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, gone));
    }
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let server = Server::new(tmux, socket);
    let cwd = started.cwd.display().to_string();
    let mut words: Vec<String> =
        ["-P", "-F", "#{pane_id}", "-n", name, "-c", &cwd].map(str::to_owned).to_vec();
    for (name, value) in env.into_iter().filter(|(name, _)| !is_inherited(name)) {
        words.extend(["-e".to_owned(), format!("{name}={value}")]);
    }
    words.push("--".to_owned());
    let program = started.program.display().to_string();
    match started.launch.words.is_empty() {
        // One word alone is given to a shell.
        true => words.push(quoted(&program)),
        false => words.extend(std::iter::once(program).chain(started.launch.words.iter().cloned())),
    }
    let begin = |first: &[&str]| server.run(first.iter().copied().chain(words.iter().map(String::as_str)));
    let target = format!("{SESSION}:");
    let made = begin(&["new-window", "-d", "-t", &target])
        .or_else(|_| begin(&["-f", "/dev/null", "new-session", "-d", "-s", SESSION, "-x", "160", "-y", "48"]))
        // Somebody made the session at the same time.
        .or_else(|_| begin(&["new-window", "-d", "-t", &target]))?;
    let pane = made.trim().to_owned();
    let found = server.panes().into_iter().find(|one| one.pane_id == pane);
    found.ok_or_else(|| io::Error::other(format!("{} ended at once", started.launch.program)))
}

/// Makes a git worktree on a new branch, below `below`, of the repository that `project` is in.
///
/// # Errors
/// What git says; nothing is left then.
pub fn worktree(project: &Path, branch: &str, below: &Path) -> io::Result<PathBuf> {
    let plain: String =
        branch.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let name = project.file_name().map_or_else(String::new, |name| format!("{}-", name.to_string_lossy()));
    let path = below.join(format!("{name}{plain}"));
    std::fs::create_dir_all(below)?;
    let git =
        |words: &[&str]| Command::new("git").arg("-C").arg(project).args(words).stdin(Stdio::null()).output();
    let target = path.display().to_string();
    // A name that begins with a dash would be an option.
    let made = git(&["worktree", "add", "--quiet", &format!("-b{branch}"), "--", &target])?;
    if made.status.success() {
        return Ok(path);
    }
    Err(io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned()))
}

/// Takes a worktree away again that nobody has worked in, with its branch.
pub fn remove_worktree(project: &Path, branch: &str, path: &Path) {
    let git =
        |words: &[&str]| Command::new("git").arg("-C").arg(project).args(words).stdin(Stdio::null()).output();
    let _ = git(&["worktree", "remove", "--", &path.display().to_string()]);
    let _ = git(&["branch", "--quiet", "-d", "--", branch]);
}

/// Closes a window of Marline's own.
pub fn close(tmux: &Path, pane: &Pane) {
    let _ = Server::new(tmux, &pane.socket).run(["kill-pane", "-t", &pane.pane_id]);
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

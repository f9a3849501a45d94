//! Terminals in tmux: which there are, what they show, and typing into them.
//!
//! Every call is one short `tmux` process against a named socket, so that no setting of a person's decides where it goes.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A terminal inside tmux.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pane {
    /// The server's socket.
    #[schema(value_type = String)]
    pub socket: PathBuf,
    /// The terminal's id there, such as `%3`.
    pub pane_id: String,
    /// The window that it is in, such as `@1`.
    pub window_id: String,
    /// What the window is called.
    pub window_name: String,
    /// The tmux session that the window is in.
    pub session_name: String,
    /// The process that was started in it.
    pub pid: u32,
    /// That process is gone.
    pub is_dead: bool,
    /// A person scrolls or copies in it: keys would not reach the agent.
    pub is_in_mode: bool,
}

/// What a terminal shows at one moment, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// The process that was started in it.
    pub pid: u32,
    /// That process is gone.
    pub is_dead: bool,
    /// A person scrolls or copies in it: keys would not reach the agent.
    pub is_in_mode: bool,
    /// Columns and lines.
    pub size: (u32, u32),
    /// The cursor's column.
    pub cursor: usize,
    /// What stands in it, without colours.
    pub screen: String,
}

/// A tmux server.
#[derive(Debug, Clone)]
pub struct Server {
    program: PathBuf,
    socket: PathBuf,
}

const FORMAT: &str =
    "#{pane_id}\t#{window_id}\t#{pane_pid}\t#{pane_dead}\t#{pane_in_mode}\t#{session_name}\t#{window_name}";

const GLIMPSE: &str =
    "#{pane_pid} #{?pane_dead,1,0} #{pane_in_mode} #{pane_width} #{pane_height} #{cursor_x}";

/// Says that a tmux is older than 3.0, which is the first that takes a script and what is pasted as it is meant.
pub fn too_old(program: &Path) -> Option<String> {
    let told = Command::new(program).arg("-V").stdin(Stdio::null()).output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    // One of its development calls itself `next-3.5`, or `master`.
    let version = told.trim_start_matches(|c: char| !c.is_ascii_digit());
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major < 3).then(|| format!("{told} is too old"))
}

/// A word as a script of tmux holds it, whatever is in it.
pub(super) fn word(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || " -_./:,=@%+".contains(c) || !c.is_ascii() => out.push(c),
            c => out.push_str(&format!("\\{:03o}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

impl Server {
    /// The server of a socket, which need not run.
    pub fn new(program: &Path, socket: &Path) -> Self {
        Server { program: program.to_owned(), socket: socket.to_owned() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Within another tmux, it must not take that for its own; and it speaks UTF-8, whatever the locale.
        command.env_remove("TMUX").arg("-u").arg("-S").arg(&self.socket).stdin(Stdio::null());
        command
    }

    /// Has tmux do something.
    ///
    /// # Errors
    /// What tmux says, or that it could not be started.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> io::Result<String> {
        answer(self.command().args(words).output()?)
    }

    /// Has tmux do what a script says; what stands in a script stands in no process table. `begins`: a server is begun where
    /// none runs, and ends at once if it has no session then.
    ///
    /// # Errors
    /// What tmux says, or that it could not be started.
    pub fn script(&self, script: &str, begins: bool) -> io::Result<String> {
        let mut command = self.command();
        if begins {
            command.args(["-f", "/dev/null", "start-server", ";"]);
        }
        command.args(["source-file", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(script.as_bytes()))?;
        answer(child.wait_with_output()?)
    }

    /// All terminals; none where no server runs.
    pub fn panes(&self) -> Vec<Pane> {
        let listed = self.run(["list-panes", "-a", "-F", FORMAT]).unwrap_or_default();
        listed.lines().filter_map(|line| self.pane(line)).collect()
    }

    fn pane(&self, line: &str) -> Option<Pane> {
        let mut parts = line.splitn(7, '\t');
        let mut next = || parts.next().map(str::to_owned);
        let (pane_id, window_id, pid) = (next()?, next()?, next()?.parse().ok()?);
        let (is_dead, is_in_mode) = (next()? == "1", next()? != "0");
        let (session_name, window_name) = (next()?, next()?);
        let socket = self.socket.clone();
        Some(Pane { socket, pane_id, window_id, window_name, session_name, pid, is_dead, is_in_mode })
    }

    /// What a terminal shows, without colours, long lines joined.
    ///
    /// # Errors
    /// What tmux says, such as that the terminal is gone.
    pub fn screen(&self, pane: &str) -> io::Result<String> {
        self.run(["capture-pane", "-p", "-t", pane])
    }

    /// The same with how the terminal stands, in one step.
    ///
    /// # Errors
    /// What tmux says, such as that the terminal is gone.
    pub fn glimpse(&self, pane: &str) -> io::Result<Glimpse> {
        let told =
            self.run(["display-message", "-p", "-t", pane, GLIMPSE, ";", "capture-pane", "-p", "-t", pane])?;
        let odd = || io::Error::other("tmux does not say how the terminal stands");
        let (facts, screen) = told.split_once('\n').ok_or_else(odd)?;
        let facts: Vec<u32> = facts.split(' ').filter_map(|fact| fact.parse().ok()).collect();
        let &[pid, is_dead, in_mode, width, height, cursor] = facts.as_slice() else { return Err(odd()) };
        Ok(Glimpse {
            pid,
            is_dead: is_dead != 0,
            is_in_mode: in_mode != 0,
            size: (width, height),
            cursor: cursor as usize,
            screen: screen.to_owned(),
        })
    }

    /// Presses keys by their names.
    ///
    /// # Errors
    /// What tmux says.
    pub fn press(&self, pane: &str, keys: &[&str]) -> io::Result<()> {
        let words = [&["send-keys", "-t", pane, "--"], keys].concat();
        self.run(words).map(drop)
    }

    /// Presses a key if all of some plain pieces of text stand on the screen at that moment: the server looks and presses in
    /// one step. Says whether it did.
    ///
    /// # Errors
    /// What tmux says.
    pub fn press_if_shown(&self, pane: &str, pieces: &[String], key: &str) -> io::Result<bool> {
        let shown = |piece: &String| format!("#{{!=:#{{C:{piece}}},0}}");
        let all =
            pieces.iter().map(shown).reduce(|all, one| format!("#{{&&:{all},{one}}}")).unwrap_or_default();
        let press = format!("send-keys -t {pane} {key} ; display-message -p pressed");
        let told = self.run(["if-shell", "-F", "-t", pane, &all, &press, "display-message -p other"])?;
        Ok(told.trim() == "pressed")
    }

    /// Puts text in as a paste: a program that knows bracketed paste takes its newlines for text.
    ///
    /// # Errors
    /// What tmux says.
    pub fn paste(&self, pane: &str, text: &str) -> io::Result<()> {
        // A buffer of its own for each paste, gone after it.
        let buffer = format!("marline-{}-{}", std::process::id(), pane.trim_start_matches('%'));
        let mut command = self.command();
        command.args(["load-buffer", "-b", &buffer, "-"]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes())?;
        }
        answer(child.wait_with_output()?)?;
        self.run(["paste-buffer", "-p", "-r", "-d", "-b", &buffer, "-t", pane]).map(drop)
    }
}

fn answer(output: Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(if words.is_empty() { format!("tmux failed: {}", output.status) } else { words }))
}

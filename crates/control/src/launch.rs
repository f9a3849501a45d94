//! Starting an agent on a session.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::drive::{Launch, Opening};
use marline_model::Source;

use crate::target::agent;
use crate::{ActError, Target};

/// An agent that can be started: the program is there, and the directory.
#[derive(Debug)]
pub struct Started {
    /// The program.
    pub program: PathBuf,
    /// What was said to it.
    pub launch: Launch,
    /// Where it runs.
    pub cwd: PathBuf,
}

impl Started {
    /// Opens a session in its own agent, under its own provider, in its own directory; `path` is where programs lie, `cwd`
    /// another directory.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when the agent or the directory is gone.
    pub fn resume(target: &Target, cwd: Option<&Path>, path: &OsStr) -> Result<Self, ActError> {
        Self::of(
            target,
            target.agent().drive().resume(target.id.raw(), target.provider.as_deref()),
            cwd,
            path,
        )
    }

    /// Runs one turn of a session without a terminal.
    ///
    /// # Errors
    /// As for [`Started::resume`].
    pub fn turn(target: &Target, prompt: &str, cwd: Option<&Path>, path: &OsStr) -> Result<Self, ActError> {
        let launch = target.agent().drive().turn(target.id.raw(), target.provider.as_deref(), prompt);
        Self::of(target, launch, cwd, path)
    }

    /// Opens a new session of an agent that begins with some words; `is_headless`: without a terminal, for one turn.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when the agent is not there.
    pub fn begin(
        to: Source,
        words: &str,
        is_headless: bool,
        cwd: &Path,
        path: &OsStr,
    ) -> Result<Self, ActError> {
        let drive = agent(to).drive();
        if is_headless {
            return Self::launched(to, drive.begin_turn(words), cwd, path);
        }
        Self::open(to, &Opening { prompt: Some(words), ..Opening::default() }, cwd, path)
    }

    /// Opens a new session of an agent in a terminal.
    ///
    /// # Errors
    /// As for [`Started::begin`].
    pub fn open(to: Source, opening: &Opening<'_>, cwd: &Path, path: &OsStr) -> Result<Self, ActError> {
        Self::launched(to, agent(to).drive().open(opening), cwd, path)
    }

    fn launched(to: Source, launch: Launch, cwd: &Path, path: &OsStr) -> Result<Self, ActError> {
        let program = program(to, launch.program, path)?;
        Ok(Started { program, launch, cwd: cwd.to_owned() })
    }

    fn of(target: &Target, launch: Launch, cwd: Option<&Path>, path: &OsStr) -> Result<Self, ActError> {
        let cwd = target.directory(cwd)?;
        let program = program(target.source(), launch.program, path)?;
        Ok(Started { program, launch, cwd })
    }

    /// Takes away what a turn left behind for which the agent would delete the session when it starts next. Says whether anything
    /// was.
    pub fn tidy(target: &Target) -> bool {
        let strays = target.agent().drive().strays(target.id.raw(), &target.file);
        for stray in &strays {
            let _ = std::fs::remove_file(stray);
        }
        !strays.is_empty()
    }

    /// Does that for a session that has just been opened in a terminal, as soon as something is left behind, or for some seconds.
    pub fn tidy_soon(target: &Target) {
        const PATIENCE: Duration = Duration::from_secs(8);
        const LOOK: Duration = Duration::from_millis(100);
        let began = Instant::now();
        while target.agent().drive().resumes_alone() && !Self::tidy(target) && began.elapsed() < PATIENCE {
            sleep(LOOK);
        }
    }

    /// The command, to be run or replaced by.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.launch.words).current_dir(&self.cwd);
        command
    }

    /// The command as one types it into a shell.
    pub fn typed(&self) -> String {
        let words = std::iter::once(self.launch.program).chain(self.launch.words.iter().map(String::as_str));
        let words: Vec<String> = words.map(quoted).collect();
        format!("cd {} && {}", quoted(&self.cwd.to_string_lossy()), words.join(" "))
    }
}

/// The program of an agent.
pub(crate) fn program(source: Source, name: &str, path: &OsStr) -> Result<PathBuf, ActError> {
    find_program(name, path).ok_or_else(|| ActError::Invalid {
        message: format!("{} is not installed: there is no {name} on the path", agent(source).name()),
        hint: Some("Install it. Its sessions can be read all the same: marline show ID".to_owned()),
    })
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The first program of a name on a path.
pub fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program = |program: &PathBuf| {
        program.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path).map(|folder| folder.join(name)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_typed_as_a_shell_takes_it() {
        let launch =
            Launch { program: "codex", words: vec!["resume".into(), "it's \"so\"".into(), String::new()] };
        let started = Started { program: "/bin/codex".into(), launch, cwd: "/a b".into() };
        assert_eq!(started.typed(), r#"cd '/a b' && codex resume 'it'\''s "so"' ''"#);
    }
}

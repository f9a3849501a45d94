//! Building `marline`, and running it on a home of our choice.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::workspace::{cargo, target};
use crate::{Outcome, step};

/// What would lead an agent's adapter away from `HOME`.
const HOMES: [&str; 12] = [
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "CODEX_SQLITE_HOME",
    "GEMINI_CLI_HOME",
    "QWEN_HOME",
    "OPENCODE_CONFIG_DIR",
    "OPENCODE_DB",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// The built program and the homes it runs with.
pub struct Product {
    program: PathBuf,
    homes: Option<Homes>,
}

struct Homes {
    agents: PathBuf,
    own: PathBuf,
}

impl Product {
    /// Builds the program in release.
    pub fn build() -> Outcome<Self> {
        step::run("build marline", cargo().args(["build", "--release", "--locked", "--package", "marline"]))?;
        Self::built()
    }

    /// Returns the program as it was built last.
    pub fn built() -> Outcome<Self> {
        let program = target()?.join("release").join(format!("marline{}", std::env::consts::EXE_SUFFIX));
        Ok(Self { program, homes: None })
    }

    /// Gives it the agents' home and a home of its own, instead of the user's.
    pub fn in_homes(mut self, agents: &Path, own: &Path) -> Self {
        self.homes = Some(Homes { agents: agents.to_owned(), own: own.to_owned() });
        self
    }

    /// Returns where the program lies.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns a command that runs it.
    pub fn command(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        if let Some(homes) = &self.homes {
            for name in HOMES {
                command.env_remove(name);
            }
            command.env("HOME", &homes.agents).env("MARLINE_HOME", &homes.own);
        }
        command
    }

    /// Runs it and returns the JSON it prints. That nothing was found is an answer too.
    pub fn json(&self, words: &[&str]) -> Outcome<Value> {
        let line = words.join(" ");
        let output =
            self.command(words).output().map_err(|error| format!("marline could not start ({error})"))?;
        if output.status.code().is_none_or(|code| code > 1) {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("marline {line} ended with {}: {}", output.status, errors.trim()));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("marline {line} printed no JSON: {error}"))
    }
}

//! A home full of sessions that the real agents wrote, and what was scripted in each.

mod app_server;
mod claude;
mod codex;
mod gemini;
mod opencode;
mod process;
mod qwen;

use std::io;
use std::path::{Path, PathBuf};

use crate::agents::{ALL, Agents, Release, command, prepare_home};
use crate::fixtures::{SessionTruth, Truth};
use crate::server::Server;
use process::{Ended, run};

/// Why there is no home. What agents have written stays, for a look.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A file or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An agent did not what it was asked to.
    #[error("{agent}: {what}; its words are in {log}", log = log.display())]
    Agent {
        /// Which one.
        agent: &'static str,
        /// What was expected.
        what: String,
        /// Where its output is.
        log: PathBuf,
    },
}

/// Makes one agent's sessions.
type Maker = fn(&Lab) -> Result<Vec<SessionTruth>, LabError>;

/// Drives the agents in one directory: `home` for them, `projects` to work in.
pub struct Lab {
    dir: PathBuf,
    home: PathBuf,
    agents: Agents,
    server: Server,
}

/// Projects that agents work in, each a git repository on the branch `lab-branch`.
const PROJECTS: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

impl Lab {
    /// Prepares a directory, which is made.
    ///
    /// # Errors
    /// [`LabError::Io`]; the directory must be empty.
    pub fn new(dir: &Path, agents: &Agents) -> Result<Self, LabError> {
        std::fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let home = dir.join("home");
        if home.exists() {
            let words = format!("{} is there already", home.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, words).into());
        }
        std::fs::create_dir_all(home.join(".tmp"))?;
        let server = Server::start(0)?;
        let projects: Vec<PathBuf> = PROJECTS.iter().map(|name| dir.join("projects").join(name)).collect();
        prepare_home(&home, &server.url(), &projects)?;
        let lab = Lab { dir, home, agents: agents.clone(), server };
        projects.iter().try_for_each(|project| lab.make_project(project))?;
        Ok(lab)
    }

    fn make_project(&self, project: &Path) -> Result<(), LabError> {
        std::fs::create_dir_all(project)?;
        std::fs::write(project.join("README.md"), "# A project of the lab\n")?;
        for words in [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &["-c", "user.name=lab", "-c", "user.email=lab@example.org", "commit", "--quiet", "-m", "Start"],
            &["checkout", "--quiet", "-b", "lab-branch"],
        ] {
            let mut git = std::process::Command::new("git");
            git.args(words).current_dir(project).env("HOME", &self.home).env("GIT_CONFIG_NOSYSTEM", "1");
            if !git.status()?.success() {
                return Err(io::Error::other(format!("git {} failed", words.join(" "))).into());
            }
        }
        Ok(())
    }

    /// Makes every kind of session, older releases first, as on a machine whose agents were upgraded.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn make_everything(&self) -> Result<Truth, LabError> {
        self.agents.install(&ALL)?;
        // Agents wait for the model and for themselves most of the time, so they work side by side.
        let makers: [Maker; 5] = [codex::make, claude::make, gemini::make, opencode::make, qwen::make];
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = makers.into_iter().map(|make| scope.spawn(move || make(self))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a maker does not panic"))
                .collect::<Vec<_>>()
        });
        let mut sessions = Vec::new();
        for part in parts {
            sessions.extend(part?);
        }
        Ok(Truth { sessions })
    }

    /// The home of the agents.
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn project(&self, name: &str) -> PathBuf {
        self.dir.join("projects").join(name)
    }

    fn log(&self) -> PathBuf {
        self.dir.join("agents.log")
    }

    /// Runs an agent to its end.
    fn agent(
        &self,
        release: &Release,
        project: &str,
        words: &[&str],
        input: &str,
    ) -> Result<Ended, LabError> {
        let mut command = command(&self.agents, release, &self.home, &self.server.url());
        command.args(words).current_dir(self.project(project));
        Ok(run(command, input, &self.log(), &mut |_| false)?)
    }

    /// Runs an agent and interrupts it when its prompt, which holds `mark`, has reached the model.
    fn interrupted(
        &self,
        release: &Release,
        project: &str,
        words: &[&str],
        mark: &str,
    ) -> Result<Ended, LabError> {
        let mut command = command(&self.agents, release, &self.home, &self.server.url());
        command.args(words).current_dir(self.project(project));
        let mut has_asked = |_: &str| self.server.asked().iter().any(|asked| asked.prompt.contains(mark));
        Ok(run(command, "", &self.log(), &mut has_asked)?)
    }

    /// Takes the session's id out of what an agent printed.
    fn id(&self, release: &Release, ended: &Ended, key: &str) -> Result<String, LabError> {
        ended.field(key).ok_or_else(|| LabError::Agent {
            agent: release.program,
            what: format!("printed no {key}"),
            log: self.log(),
        })
    }
}

/// The truth of a session in which everything was said by the script.
fn said(source: &str, id: &str, project: &str, prompts: u64, answers: u64, tool_calls: u64) -> SessionTruth {
    SessionTruth {
        source: source.to_owned(),
        source_session_id: id.to_owned(),
        project: project.to_owned(),
        prompts,
        answers,
        tool_calls,
        ..SessionTruth::default()
    }
}

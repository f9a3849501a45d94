//! A home full of sessions that the real agents wrote, and what was scripted in each.

mod app_server;
mod claude;
mod codex;
pub mod demo;
mod gemini;
mod opencode;
mod process;
mod qwen;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::agents::{ALL, Agents, Release, command, prepare_home};
use crate::fixtures::{SessionTruth, Truth};
use crate::script::Prompt;
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

const MAKERS: [(&str, Maker); 5] = [
    ("codex", codex::make),
    ("claude", claude::make),
    ("gemini", gemini::make),
    ("opencode", opencode::make),
    ("qwen", qwen::make),
];
/// The agents that the lab drives.
pub const AGENTS: [&str; 5] = [MAKERS[0].0, MAKERS[1].0, MAKERS[2].0, MAKERS[3].0, MAKERS[4].0];
/// More at once only wait for each other's processor time.
const AT_ONCE: usize = 3;

/// Drives the agents in one directory: `home` for them, `projects` to work in.
pub struct Lab {
    dir: PathBuf,
    home: PathBuf,
    agents: Agents,
    server: Server,
    /// How many more agents may run now.
    free: Mutex<usize>,
    is_free: Condvar,
    /// What was said to whom.
    talks: Mutex<Vec<(String, Prompt)>>,
}

/// Projects that agents work in, each a git repository on the branch `lab-branch`.
const PROJECTS: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

impl Lab {
    /// Prepares a directory, which is made.
    ///
    /// # Errors
    /// [`LabError::Io`]; the directory must be empty.
    pub fn new(dir: &Path, agents: &Agents) -> Result<Self, LabError> {
        let lab = Self::bare(dir, agents, &PROJECTS, Server::start(0)?)?;
        PROJECTS.iter().try_for_each(|project| lab.make_project(&lab.project(project)))?;
        Ok(lab)
    }

    /// Prepares a directory without anything in its projects.
    fn bare(dir: &Path, agents: &Agents, projects: &[&str], server: Server) -> Result<Self, LabError> {
        std::fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let home = dir.join("home");
        if home.exists() {
            let words = format!("{} is there already", home.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, words).into());
        }
        std::fs::create_dir_all(home.join(".tmp"))?;
        let projects: Vec<PathBuf> = projects.iter().map(|name| dir.join("projects").join(name)).collect();
        prepare_home(&home, &server.url(), &projects)?;
        let (free, is_free, talks) = (Mutex::new(AT_ONCE), Condvar::new(), Mutex::default());
        Ok(Lab { dir, home, agents: agents.clone(), server, free, is_free, talks })
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
        self.make(&AGENTS)
    }

    /// Makes every kind of session of some [`AGENTS`].
    ///
    /// # Errors
    /// [`LabError`].
    pub fn make(&self, agents: &[&str]) -> Result<Truth, LabError> {
        self.agents.install(&ALL)?;
        let makers = MAKERS.into_iter().filter(|(agent, _)| agents.contains(agent));
        // Agents wait for the model and for themselves most of the time, so they work side by side.
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = makers.map(|(_, make)| scope.spawn(move || make(self))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a maker does not panic"))
                .collect::<Vec<_>>()
        });
        let mut sessions = Vec::new();
        for part in parts {
            sessions.extend(part?);
        }
        for (id, prompt) in self.talks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let session = sessions.iter_mut().find(|session| session.source_session_id == *id);
            let session = session.ok_or_else(|| io::Error::other(format!("nobody owns the session {id}")))?;
            session.asked.push(prompt.text().to_owned());
            session.answered.extend(prompt.answer());
        }
        Ok(Truth { sessions })
    }

    /// Keeps what was said in a session, for the truth.
    fn note(&self, id: &str, prompt: &Prompt) {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), prompt.clone()));
    }

    /// Waits until one more agent may run.
    fn place(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.is_free.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }

    /// The home of the agents.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The model that the agents talk to.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Runs an agent to its end, and returns what it printed.
    ///
    /// # Errors
    /// [`LabError::Io`]
    pub fn run(
        &self,
        release: &Release,
        project: &str,
        words: &[&str],
        input: &str,
    ) -> Result<String, LabError> {
        Ok(self.agent(release, project, words, input)?.output)
    }

    /// A program in the environment of some agents, which it finds on its path.
    pub fn program(&self, program: &Path, releases: &[Release]) -> std::process::Command {
        let mut started = std::process::Command::new(program);
        started.env_clear();
        let path = std::env::var_os("PATH").unwrap_or_default();
        for release in releases {
            let like = command(&self.agents, release, &self.home, &self.server.url());
            started.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        }
        let own = releases.iter().map(|release| self.agents.programs(release));
        let paths = std::env::join_paths(own.chain(std::env::split_paths(&path))).unwrap_or(path);
        started.env("PATH", paths);
        started
    }

    /// Asks Codex' app-server one thing after the other; it ends with the last answer.
    ///
    /// # Errors
    /// [`LabError::Io`] with Codex' words, when it refuses.
    pub fn codex(
        &self,
        project: &str,
        calls: &[(&str, serde_json::Value)],
    ) -> Result<Vec<serde_json::Value>, LabError> {
        let mut server = app_server::AppServer::start(self, project)?;
        calls.iter().map(|(method, words)| Ok(server.call(method, words.clone())?)).collect()
    }

    /// Where a project lies.
    pub fn project(&self, name: &str) -> PathBuf {
        self.dir.join("projects").join(name)
    }

    fn log(&self) -> PathBuf {
        self.dir.join("agents.log")
    }

    /// Puts the smallest picture there is into a project, one white dot, and returns its path.
    fn picture(&self, project: &str) -> io::Result<String> {
        let path = self.project(project).join("dot.png");
        std::fs::write(&path, PICTURE)?;
        Ok(path.display().to_string())
    }

    /// Runs an agent to its end.
    fn agent(
        &self,
        release: &Release,
        project: &str,
        words: &[&str],
        input: &str,
    ) -> Result<Ended, LabError> {
        let _place = self.place();
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
        let _place = self.place();
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

/// The smallest picture there is, one white dot, as PNG.
pub const PICTURE: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T', 0x08, 0xd7, 0x63,
    0xf8, 0xff, 0xff, 0x3f, 0, 0x05, 0xfe, 0x02, 0xfe, 0xdc, 0xcc, 0x59, 0xe7, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The right to run one agent.
struct Place<'a>(&'a Lab);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.is_free.notify_one();
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

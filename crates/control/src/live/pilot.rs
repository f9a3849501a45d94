//! Steering a session by whatever way it has: one place for the command line and the board.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use marline_agents::live::LiveMode;
use marline_agents::screen::Means;
use marline_agents::talk::Decision;
use marline_model::{LiveState, Timestamp};

use super::daemon::Daemon;
use super::pictures::with_pictures;
use super::start::stop;
use super::steer::{Steered, Terminal, refused};
use super::through::Service;
use super::tmux::Pane;
use super::types::{Control, LiveSession};
use crate::target::agent;

/// Something for an agent that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Says something, as if it was typed.
    Send {
        /// The words.
        text: String,
        /// Pictures that belong to them.
        images: Vec<PathBuf>,
    },
    /// Interrupts what it does.
    Interrupt,
    /// Answers what it asks.
    Answer {
        /// The question that was shown; without it, whatever it asks now.
        question: Option<String>,
        /// The answer.
        decision: Decision,
    },
    /// Chooses among the answers to a question that asks for no leave.
    Choose {
        /// The question that was shown; without it, whatever it asks now.
        question: Option<String>,
        /// The places of the answers, from 0: one, or of several all that are to be chosen.
        places: Vec<usize>,
        /// An answer in words of one's own.
        words: Option<String>,
    },
    /// Has it go on with another model.
    Model {
        /// Its name.
        model: String,
    },
    /// Has it ask for more or for less.
    Mode {
        /// What it may do without asking.
        mode: LiveMode,
    },
    /// Ends the agent; the session stays.
    Stop,
}

impl Command {
    /// Says whether it is a command of the agent's own, such as `/new`, which is no prompt.
    fn is_own(&self) -> bool {
        let Command::Send { text, images } = self else { return false };
        let name = text.trim_start().strip_prefix('/').map(|rest| rest.split(char::is_whitespace).next());
        // A path is none.
        images.is_empty() && name.flatten().is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }

    /// The words that stand in the transcript when it was said to a session.
    pub fn words(&self, live: &LiveSession) -> Option<String> {
        let Command::Send { text, images } = self else { return None };
        match live.control {
            Control::Tmux { .. } => with_pictures(live.source, text, images).pop(),
            _ => Some(text.clone()),
        }
    }
}

impl LiveSession {
    /// Steers it. `key` names the command to the agent, where it takes such names. `turns`: the directory by which commands to one
    /// session wait for each other, whoever gives them: the second answer to a question finds it answered.
    ///
    /// # Errors
    /// What the terminal or the daemon says; nothing was done then, or it is told as unknown.
    pub fn steer(
        &self,
        tmux: Option<&Path>,
        turns: &Path,
        key: &str,
        command: &Command,
    ) -> io::Result<Steered> {
        let Some((pid, started_at)) = self.pid.zip(self.started_at) else {
            return Ok(refused("Marline works in it, and its runs steer it"));
        };
        if *command == Command::Stop {
            return Ok(self.end(pid, started_at));
        }
        let _turn = turn(turns, pid)?;
        match &self.control {
            // A daemon's own questions stand on the terminal that shows it, which alone knows commands.
            Control::Service { pane: Some(pane), .. }
                if matches!(command, Command::Choose { .. }) || command.is_own() =>
            {
                self.at_terminal(pid, started_at, pane, tmux, command)
            }
            Control::Service { pane: None, .. } if command.is_own() => {
                Ok(refused("commands of its own are taken in a terminal, and none shows it"))
            }
            Control::Service { socket, .. } => {
                let service = Service { session: &self.id, socket };
                match command {
                    Command::Send { text, images } => service.send(key, text, images),
                    Command::Interrupt => service.interrupt(),
                    Command::Answer { question, decision } => service.answer(question.as_deref(), decision),
                    Command::Choose { .. } => Ok(refused("no terminal shows its question")),
                    Command::Model { model } => service.model(model),
                    Command::Mode { mode } => service.mode(*mode),
                    Command::Stop => Ok(refused("it is ended otherwise")),
                }
            }
            Control::Tmux { pane } => self.at_terminal(pid, started_at, pane, tmux, command),
            Control::Marline { .. } => Ok(refused("Marline works in it, and its runs steer it")),
            Control::None { why, .. } => Ok(refused(format!("it can only be read: {why}"))),
        }
    }

    /// Does a command at its terminal.
    fn at_terminal(
        &self,
        pid: u32,
        started_at: Timestamp,
        pane: &Pane,
        tmux: Option<&Path>,
        command: &Command,
    ) -> io::Result<Steered> {
        let Some(tmux) = tmux else { return Ok(refused("there is no tmux program on the path")) };
        let transcript = self.transcript.as_deref();
        let terminal = Terminal { session: &self.id, pid, started_at, pane, tmux, transcript };
        // One that goes away in the middle of it may have heard the beginning.
        self.type_into(&terminal, command).or_else(|error| match terminal.obstacle() {
            Some(why) => Ok(Steered::Unknown { seen: format!("{why} meanwhile: {error}") }),
            None => Err(error),
        })
    }

    /// Does a command by keys.
    fn type_into(&self, terminal: &Terminal<'_>, command: &Command) -> io::Result<Steered> {
        let live = agent(self.source).live();
        match command {
            Command::Send { text, images } => terminal.send_parts(&with_pictures(self.source, text, images)),
            Command::Interrupt => terminal.interrupt(),
            Command::Answer { question, decision } => {
                let question = question.as_deref();
                match decision {
                    Decision::Allow => terminal.approve(question, Means::Allow),
                    Decision::AllowForSession => terminal.approve(question, Means::AllowMore),
                    Decision::Deny { reason } => terminal.deny(question, reason.as_deref()),
                }
            }
            Command::Choose { question, places, words } => {
                terminal.answer_question(question.as_deref(), places, words.as_deref())
            }
            Command::Model { model } => match live.model_words(model) {
                Some(words) => terminal.choose(&words),
                None => Ok(refused("it can't be told that model from outside")),
            },
            Command::Mode { mode } => terminal.mode(*mode),
            Command::Stop => Ok(refused("it is ended otherwise")),
        }
    }

    /// Ends what runs it. A daemon goes on for its other sessions: only the turn, and the terminal that shows it, end.
    fn end(&self, pid: u32, started_at: Timestamp) -> Steered {
        if let Control::Service { socket, .. } = &self.control {
            let service = Service { session: &self.id, socket };
            if self.state != LiveState::Idle
                && let Err(error) = service.interrupt()
            {
                return Steered::Unknown { seen: format!("its daemon did not answer: {error}") };
            }
            if Daemon::pid_of(socket) == Some(pid) {
                return Steered::Delivered { proof: "its turn was ended; no terminal shows it".to_owned() };
            }
        }
        stop(pid, started_at)
    }
}

/// Waits for the turn of a command to an agent; it ends when the file is closed.
fn turn(dir: &Path, pid: u32) -> io::Result<File> {
    /// Two agents of one file wait for each other without need, and nothing else.
    const FILES: u32 = 64;
    std::fs::create_dir_all(dir)?;
    let file = File::create(dir.join(format!("turn-{}", pid % FILES)))?;
    file.lock()?;
    Ok(file)
}

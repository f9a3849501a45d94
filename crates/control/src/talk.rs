//! Carrying a talk with an agent that has no terminal, so that it outlives the Marline that began it.
//!
//! The agent's output goes to a file and its input comes from a named pipe that it holds open itself, so nothing breaks
//! when the reader dies. What is said to it is written down first. Whoever finds the folder of a talk can go on with it:
//! the [`Protocol`] hears everything again, and says only what was not said before.
//!
//! ```text
//! launch.json   the program, its words, directory and variables
//! order.json    what was asked of it
//! pid           made by whoever starts it, once: the process and when it began, or that it never will
//! in            its standard input, a named pipe; or `all`, a file, for one that is told everything at once
//! said          what was written to it, a line before and a mark behind each
//! out, err      its standard output and error
//! ```

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use marline_agents::drive::Opening;
use marline_agents::talk::{AgentEvent, Begin, Decision, Order, Powers, Protocol};
use marline_model::Source;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::ActError;
use crate::launch::{Started, program};
use crate::process::Process;
use crate::target::agent;

/// More output than this is a flood: the agent is ended.
const MOST_OUTPUT: u64 = 512 << 20;
/// So much is read at once.
const PIECE: usize = 256 << 10;
/// So often, before the others have their turn.
const PIECES: usize = 32;
/// Of what an agent says on standard error, so much is told.
const LAST_WORDS: u64 = 2_000;
/// An agent that is told to end has so long to do so.
const GRACE: Duration = Duration::from_secs(3);
/// Whoever starts an agent has so long to say that it runs.
const UNTIL_STARTED: Duration = Duration::from_secs(10);

/// How an agent's process is started; everything that the shim needs.
#[derive(Debug, Serialize, Deserialize)]
struct Start {
    program: PathBuf,
    words: Vec<String>,
    cwd: PathBuf,
    env: Vec<(String, String)>,
    /// Its input is a file, which ends; else the pipe, which never does.
    is_told_all: bool,
}

/// What was asked of whom.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    source: Source,
    order: Order,
}

/// What was said to the agent. Its own protocol's lines need no words: it says them again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
enum Said {
    Protocol,
    Answer {
        question: String,
        decision: Decision,
    },
    Send {
        key: String,
        prompt: String,
    },
    Interrupt,
    /// All before it has gone out whole.
    Whole,
}

/// Something said, and how much had been heard then.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SaidAt {
    heard: u64,
    #[serde(flatten)]
    said: Said,
}

/// How it stands with the agent of a talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Runs,
    /// It is gone, and these were its last words.
    Gone(String),
}

/// What a talk that another Marline began is now.
pub enum Found {
    /// Its agent was never started, and never will be in this folder.
    NeverBegan,
    /// It goes on, or can be heard to its end.
    Carried(Box<Carried>),
    /// It was cut off while something was said to it: nobody knows whether it was heard.
    Unsure(Box<Carried>),
}

/// A talk that is carried.
pub struct Carried {
    dir: PathBuf,
    /// The session, where it is known before the agent says it.
    session: Option<String>,
    protocol: Box<dyn Protocol>,
    out: File,
    heard: u64,
    rest: Vec<u8>,
    input: Option<File>,
    /// What has not gone out yet, in order.
    unsaid: VecDeque<(SaidAt, Vec<u8>)>,
    /// The rest of what goes out now; it is written down already.
    going: Vec<u8>,
    said: File,
    /// Lines of the protocol that were said before.
    said_before: usize,
    /// Other things that were said before, with the place at which they were.
    done_before: Vec<SaidAt>,
    child: Option<Child>,
    process: Option<Process>,
    /// What it had started when it was told to end.
    descendants: Vec<Process>,
    /// It has said more than is heard.
    is_flooded: bool,
    /// It was alive a moment ago, so that its number is no other's.
    was_seen: bool,
    started: Instant,
    ending: Option<Instant>,
}

impl Carried {
    /// Begins a talk in a folder, which is made. `marline` is this program, `path` is where programs lie.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when the agent or the directory is not there, [`ActError::Unsupported`] when it can't do what
    /// is asked, [`ActError::Failed`] when the folder can't be written or the agent can't be started.
    pub fn begin(
        dir: &Path,
        source: Source,
        order: &Order,
        marline: &Path,
        path: &std::ffi::OsStr,
    ) -> Result<Self, ActError> {
        let agent = agent(source);
        let talk = agent
            .drive()
            .talk(order)
            .map_err(|cannot| ActError::Unsupported { agent: agent.name(), cannot: cannot.to_owned() })?;
        if !order.cwd.is_dir() {
            return Err(ActError::invalid(format!("the directory {} is gone", order.cwd.display())));
        }
        let start = Start {
            program: program(source, talk.launch.program, path)?,
            words: talk.launch.words,
            cwd: order.cwd.clone(),
            env: talk
                .env
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .chain(order.env.clone())
                .collect(),
            is_told_all: talk.input.is_some(),
        };
        let make = || -> io::Result<()> {
            fs::create_dir_all(dir)?;
            rustix::fs::mkfifoat(CWD, dir.join("in"), Mode::from_raw_mode(0o600))?;
            for name in ["out", "err", "said"] {
                OpenOptions::new().create_new(true).write(true).mode(0o600).open(dir.join(name))?;
            }
            let write = |name: &str, bytes: Vec<u8>| -> io::Result<()> {
                OpenOptions::new()
                    .create_new(true)
                    .write(true)
                    .mode(0o600)
                    .open(dir.join(name))?
                    .write_all(&bytes)
            };
            if let Some(input) = talk.input {
                write("all", input.into_bytes())?;
            }
            write("order.json", serde_json::to_vec(&Asked { source, order: order.clone() })?)?;
            write("launch.json", serde_json::to_vec(&start)?)
        };
        make().map_err(ActError::file(dir))?;
        let session = known(source, order);
        let mut carried = Self::open(dir, session, talk.protocol).map_err(ActError::file(dir))?;
        // In a session of its own: what ends this terminal does not end the agent.
        let child = Command::new(marline)
            .arg("__agent")
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().append(true).open(dir.join("err")).map_err(ActError::file(dir))?)
            .spawn();
        carried.child = Some(child.map_err(ActError::file(marline))?);
        let first = carried.protocol.open();
        carried.say_all(first).map_err(ActError::file(dir))?;
        Ok(carried)
    }

    fn open(dir: &Path, session: Option<String>, protocol: Box<dyn Protocol>) -> io::Result<Self> {
        Ok(Carried {
            session,
            out: File::open(dir.join("out"))?,
            said: File::options().append(true).open(dir.join("said"))?,
            dir: dir.to_owned(),
            protocol,
            heard: 0,
            rest: Vec::new(),
            input: None,
            unsaid: VecDeque::new(),
            going: Vec::new(),
            said_before: 0,
            done_before: Vec::new(),
            child: None,
            process: None,
            descendants: Vec::new(),
            was_seen: false,
            is_flooded: false,
            started: Instant::now(),
            ending: None,
        })
    }

    /// Finds what became of a talk in a folder. One that was never started will never be.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn find(dir: &Path) -> Result<Found, ActError> {
        let find = || -> io::Result<Found> {
            if !dir.join("launch.json").exists() || never(dir)? {
                return Ok(Found::NeverBegan);
            }
            let asked: Asked = serde_json::from_slice(&fs::read(dir.join("order.json"))?)?;
            let talk = agent(asked.source).drive().talk(&asked.order).map_err(io::Error::other)?;
            let session = known(asked.source, &asked.order);
            let mut carried = Self::open(dir, session, talk.protocol)?;
            let before = fs::read_to_string(dir.join("said"))?;
            let mut is_whole = true;
            for line in before.lines() {
                // A line that was cut off was not said.
                let Ok(one) = serde_json::from_str::<SaidAt>(line) else { continue };
                is_whole = matches!(one.said, Said::Whole);
                match one.said {
                    Said::Protocol => carried.said_before += 1,
                    Said::Whole => {}
                    _ => carried.done_before.push(one),
                }
            }
            let first = carried.protocol.open();
            carried.say_all(first)?;
            let carried = Box::new(carried);
            Ok(if is_whole { Found::Carried(carried) } else { Found::Unsure(carried) })
        };
        find().map_err(ActError::file(dir))
    }

    /// The raw id of its session, where that is known before the agent says it.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// What can be done with it.
    pub fn powers(&self) -> Powers {
        self.protocol.powers()
    }

    /// It works at something that nobody here asked for.
    pub fn is_busy(&self) -> bool {
        self.protocol.is_busy()
    }

    /// Hears what the agent has said since, and says what the protocol wants said.
    ///
    /// # Errors
    /// [`ActError::Failed`] when its files can't be read, or it floods.
    pub fn poll(&mut self, events: &mut Vec<AgentEvent>) -> Result<Life, ActError> {
        // Looked at before its words: what it said before it went is heard.
        let life = self.life();
        if self.is_flooded {
            return Ok(life);
        }
        let is_all = self.listen(events).map_err(ActError::file(&self.dir))?;
        if self.heard > MOST_OUTPUT || self.rest.len() as u64 > MOST_OUTPUT / 16 {
            self.is_flooded = true;
            self.signal(Signal::KILL);
            return Err(ActError::failed("the agent", io::Error::other("it floods its output")));
        }
        if matches!(life, Life::Runs) {
            self.push().map_err(ActError::file(&self.dir))?;
            if self.ending.is_some_and(|since| since.elapsed() > GRACE) {
                self.signal(Signal::KILL);
            }
        }
        Ok(if is_all { life } else { Life::Runs })
    }

    fn life(&mut self) -> Life {
        let is_child_gone = match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => true,
        };
        if self.process.is_none() {
            self.process = fs::read_to_string(self.dir.join("pid")).ok().and_then(|text| named(&text));
        }
        let lives = match self.process {
            Some(process) => process.lives(),
            // Between the start of the shim and its word.
            None => !is_child_gone && self.started.elapsed() < UNTIL_STARTED,
        };
        if lives {
            self.was_seen = self.process.is_some();
            return Life::Runs;
        }
        // What it left running ends with it.
        if mem::take(&mut self.was_seen)
            && let Some(group) = self.process.and_then(|process| Pid::from_raw(process.pid as i32))
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for one in self.descendants.drain(..).filter(|one| one.lives()) {
            if let Some(pid) = Pid::from_raw(one.pid as i32) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        Life::Gone(self.last_words())
    }

    fn last_words(&self) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(self.dir.join("err"))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
            let mut words = Vec::new();
            file.read_to_end(&mut words)?;
            Ok(uncoloured(&String::from_utf8_lossy(&words)).trim().to_owned())
        };
        read().unwrap_or_default()
    }

    /// Hears what there is, but not for ever; says whether that was all.
    fn listen(&mut self, events: &mut Vec<AgentEvent>) -> io::Result<bool> {
        let unheard = self.unheard()?;
        if unheard == 0 {
            self.repeat(self.heard + 1);
            return Ok(true);
        }
        let mut piece = vec![0; PIECE.min(unheard as usize)];
        for _ in 0..PIECES {
            let read = self.out.read(&mut piece)?;
            if read == 0 {
                self.repeat(self.heard + 1);
                return Ok(true);
            }
            self.rest.extend_from_slice(&piece[..read]);
            let mut from = 0;
            while let Some(length) = memchr::memchr(b'\n', &self.rest[from..]) {
                let line = String::from_utf8_lossy(&self.rest[from..from + length]).into_owned();
                from += length + 1;
                self.heard += length as u64 + 1;
                self.repeat(self.heard);
                let answers = self.protocol.hear(&line, events);
                self.say_all(answers)?;
            }
            self.rest.drain(..from);
        }
        Ok(false)
    }

    fn unheard(&self) -> io::Result<u64> {
        Ok(self.out.metadata()?.len().saturating_sub(self.heard + self.rest.len() as u64))
    }

    /// Does to the protocol what was done to it before, up to a place.
    fn repeat(&mut self, before: u64) {
        while self.done_before.first().is_some_and(|one| one.heard < before) {
            match self.done_before.remove(0).said {
                Said::Answer { question, decision } => drop(self.protocol.answer(&question, &decision)),
                Said::Send { key, prompt } => drop(self.protocol.send(&key, &prompt)),
                Said::Interrupt => drop(self.protocol.interrupt()),
                Said::Protocol | Said::Whole => {}
            }
        }
    }

    fn say_all(&mut self, lines: Vec<String>) -> io::Result<()> {
        for line in lines {
            if self.said_before > 0 {
                self.said_before -= 1;
            } else {
                self.say(Said::Protocol, &line)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, said: Said, line: &str) -> io::Result<()> {
        let at = SaidAt { heard: self.heard, said };
        self.unsaid.push_back((at, format!("{line}\n").into_bytes()));
        self.push()
    }

    fn note(&mut self, said: &SaidAt) -> io::Result<()> {
        let mut line = serde_json::to_vec(said)?;
        line.push(b'\n');
        self.said.write_all(&line)
    }

    /// Writes what is to be said, as much as goes without waiting. What begins to go out is written down in the same
    /// breath: whoever finds it without a mark behind it can't know how much of it was heard.
    fn push(&mut self) -> io::Result<()> {
        let is_silent = self.unsaid.is_empty() && self.going.is_empty();
        // Its end of the pipe is open once it has said that it runs.
        if is_silent || (self.process.is_none() && !self.dir.join("pid").exists()) {
            return Ok(());
        }
        let flags = OFlags::NONBLOCK.bits() as i32;
        let input = match self.input.take() {
            Some(input) => input,
            None => File::options().read(true).write(true).custom_flags(flags).open(self.dir.join("in"))?,
        };
        let pushed = self.push_into(&input);
        self.input = Some(input);
        pushed
    }

    fn push_into(&mut self, mut input: &File) -> io::Result<()> {
        loop {
            if self.going.is_empty() {
                let Some((said, line)) = self.unsaid.pop_front() else { return Ok(()) };
                self.note(&said)?;
                self.going = line;
            }
            match input.write(&self.going) {
                Ok(written) => {
                    self.going.drain(..written);
                    if self.going.is_empty() {
                        self.note(&SaidAt { heard: self.heard, said: Said::Whole })?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers a question; says whether it was still open.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn answer(&mut self, question: &str, decision: &Decision) -> Result<bool, ActError> {
        let line = self.protocol.answer(question, decision);
        let said = Said::Answer { question: question.to_owned(), decision: decision.clone() };
        self.say_if(line, said)
    }

    /// Sends another prompt; says whether that can be done now.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn send(&mut self, key: &str, prompt: &str) -> Result<bool, ActError> {
        let line = self.protocol.send(key, prompt);
        self.say_if(line, Said::Send { key: key.to_owned(), prompt: prompt.to_owned() })
    }

    /// Interrupts the turn, in the agent's own way or by ending it.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn interrupt(&mut self) -> Result<(), ActError> {
        let line = self.protocol.interrupt();
        if !self.say_if(line, Said::Interrupt)? {
            self.signal(Signal::INT);
        }
        Ok(())
    }

    fn say_if(&mut self, line: Option<String>, said: Said) -> Result<bool, ActError> {
        let Some(line) = line else { return Ok(false) };
        self.say(said, &line).map_err(ActError::file(&self.dir))?;
        Ok(true)
    }

    /// Tells the agent to end; it has some seconds to do so.
    pub fn end(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(Instant::now());
            // Agents put the commands that they run into sessions of their own.
            self.descendants = self.process.map_or_else(Vec::new, Process::descendants);
            self.signal(Signal::TERM);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = self.process.filter(|process| process.lives())
            && let Some(group) = Pid::from_raw(process.pid as i32)
        {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// The session of an order, where it has an id already: Claude Code takes that of a new one.
fn known(source: Source, order: &Order) -> Option<String> {
    match &order.begin {
        Begin::Resume { session } => Some(session.clone()),
        Begin::New { id } if source == Source::Claude => Some(id.clone()),
        Begin::New { .. } | Begin::Fork { .. } => None,
    }
}

/// A text without what colours a terminal.
fn uncoloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    }
    out + rest
}

/// Says whether a talk's agent was not started, and sees to it that it never will be.
fn never(dir: &Path) -> io::Result<bool> {
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(dir.join("pid")) {
        Ok(mut file) => file.write_all(b"never\n").map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::read_to_string(dir.join("pid"))?.starts_with("never"))
        }
        Err(error) => Err(error),
    }
}

fn named(text: &str) -> Option<Process> {
    let (pid, began) = text.strip_suffix('\n')?.split_once(' ')?;
    Some(Process { pid: pid.parse().ok()?, began: began.parse().ok()? })
}

/// Becomes the agent of a talk; returns only when it can't. This is what `marline __agent DIR` does.
pub fn become_agent(dir: &Path) -> io::Error {
    let ready = || -> io::Result<Command> {
        let start: Start = serde_json::from_slice(&fs::read(dir.join("launch.json"))?)?;
        // The leader of a session of its own, and of a group that can be ended as a whole.
        rustix::process::setsid()?;
        let append = |name: &str| File::options().append(true).open(dir.join(name));
        let input = match start.is_told_all {
            true => File::open(dir.join("all"))?,
            false => File::options().read(true).write(true).open(dir.join("in"))?,
        };
        let (out, err) = (append("out")?, append("err")?);
        let pid = std::process::id();
        let this = Process::of(pid).ok_or_else(|| io::Error::other("this process has no place in /proc"))?;
        // Whole from the first: under another name until then. Only one is ever started.
        let named = dir.join(format!("pid.{pid}"));
        fs::write(&named, format!("{pid} {}\n", this.began))?;
        let linked = fs::hard_link(&named, dir.join("pid"));
        fs::remove_file(&named)?;
        linked?;
        let mut command = Command::new(start.program);
        command.args(start.words).current_dir(start.cwd).envs(start.env);
        command.stdin(input).stdout(out).stderr(err);
        Ok(command)
    };
    match ready() {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    }
}

impl Started {
    /// Says whether the program of an agent is there.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when it is not.
    pub fn check(source: Source, path: &std::ffi::OsStr) -> Result<PathBuf, ActError> {
        let launch = agent(source).drive().open(&Opening::default());
        program(source, launch.program, path)
    }
}

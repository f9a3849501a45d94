//! The agents that run, whoever started them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use marline_agents::Env;
use marline_model::{Source, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use crate::process::{AgentProcess, Process, parent_of, pids};
use crate::target::agent;

/// A clock that is set moves the beginning of every process; by less than this it is the same one.
const SET: i64 = 1_500;

/// An agent that runs, and with which somebody can talk.
#[derive(Debug, Clone)]
pub struct Running {
    pub source: Source,
    pub process: Process,
    /// The program and what it was told.
    pub words: Vec<String>,
    pub cwd: Option<PathBuf>,
    /// It was stopped, as by Ctrl-Z.
    pub is_suspended: bool,
    /// The socket of the tmux server and the terminal there, if it runs in one.
    pub terminal: Option<(PathBuf, String)>,
    /// The same where its environment does not tell, as below `sudo` or `env -i`: the socket, and the process of the terminal.
    pub below: Option<(PathBuf, u32)>,
    /// When it began.
    pub began: Timestamp,
}

/// The agents that run with the homes of `env`. Those that other users, or other homes, have are nobody's business.
pub fn running(env: &Env) -> Vec<Running> {
    let all: Vec<AgentProcess> = pids().filter_map(AgentProcess::of).collect();
    let parents: Vec<Option<u32>> = all.iter().map(|one| parent_of(one.process.pid)).collect();
    // What an agent has just started is its copy to the last word, before it becomes another program.
    let is_copy = |one: &AgentProcess, of: &AgentProcess| one.words == of.words && one.process.is_young();
    // A script that only starts the program proper.
    let is_shell_of = |one: &AgentProcess| {
        all.iter().zip(&parents).any(|(other, parent)| {
            other.source == one.source
                && *parent == Some(one.process.pid)
                && other.words[1..] == one.words[1..]
                && !is_copy(other, one)
        })
    };
    let is_half_started = |one: &AgentProcess, parent: Option<u32>| {
        let is_its = |other: &&AgentProcess| Some(other.process.pid) == parent && other.source == one.source;
        all.iter().find(is_its).is_some_and(|other| is_copy(one, other))
    };
    let booted = booted();
    let of = |(one, parent): (&AgentProcess, &Option<u32>)| {
        let live = agent(one.source).live();
        if !live.is_a_talk(&one.words) || is_shell_of(one) || is_half_started(one, *parent) {
            return None;
        }
        let theirs = environment(one.process.pid)?;
        if !is_same(&agent(one.source).home(&env_of(&theirs)?), &agent(one.source).home(env)) {
            return None;
        }
        let terminal = theirs.get("TMUX").zip(theirs.get("TMUX_PANE")).and_then(|(tmux, pane)| {
            let (socket, _) = tmux.rsplit_once(',')?.0.rsplit_once(',')?;
            Some((PathBuf::from(socket), pane.clone()))
        });
        Some(Running {
            source: one.source,
            process: one.process,
            words: one.words.clone(),
            cwd: fs::read_link(format!("/proc/{}/cwd", one.process.pid)).ok(),
            is_suspended: one.process.is_suspended(),
            below: if terminal.is_none() { tmux_above(one.process.pid) } else { None },
            terminal,
            began: Timestamp::from_millis(booted + one.process.began_millis()),
        })
    };
    all.iter().zip(&parents).filter_map(of).collect()
}

/// A process of an agent's, by its number.
pub fn process_of(source: Source, pid: u32) -> Option<Running> {
    let process = Process::of(pid)?;
    Some(Running {
        source,
        process,
        words: Vec::new(),
        cwd: None,
        is_suspended: process.is_suspended(),
        terminal: None,
        below: None,
        began: Timestamp::from_millis(booted() + process.began_millis()),
    })
}

/// The process of a number, if it still is the one that began then: after it, another one may bear the number.
pub fn still(pid: u32, began: Timestamp) -> Option<Process> {
    let process = Process::of(pid)?;
    let now = booted() + process.began_millis();
    ((now - began.as_millis()).abs() < SET).then_some(process)
}

/// The tmux server that a process runs below, by its socket, and the process that was started in the terminal there.
fn tmux_above(pid: u32) -> Option<(PathBuf, u32)> {
    let mut below = pid;
    while let Some(parent) = parent_of(below).filter(|parent| *parent > 1) {
        let name = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
        if name.starts_with("tmux: server") {
            return Some((listens_at(parent)?, below));
        }
        below = parent;
    }
    None
}

/// The unix socket that a process listens at. `/proc/net/unix` tells the flags of a socket in its fourth column, of which
/// `00010000` means that it listens, its inode in the seventh and its path in the last.
fn listens_at(pid: u32) -> Option<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let inode = |file: fs::DirEntry| {
        let target = fs::read_link(file.path()).ok()?;
        Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    let inodes: Vec<String> = files.filter_map(inode).collect();
    let sockets = fs::read_to_string("/proc/net/unix").ok()?;
    sockets.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let listens = fields.nth(3)? == "00010000";
        let is_its = inodes.iter().any(|inode| Some(inode.as_str()) == fields.clone().nth(2));
        let path = line.find('/').map(|at| PathBuf::from(&line[at..]))?;
        (listens && is_its).then_some(path)
    })
}

/// The environment that a process was started with; nothing, if it is another user's.
fn environment(pid: u32) -> Option<HashMap<String, String>> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    Some(pairs.collect())
}

fn env_of(vars: &HashMap<String, String>) -> Option<Env> {
    let home = PathBuf::from(vars.get("HOME")?);
    Some(Env::new(home, vars.clone()))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
}

/// When the machine began, in milliseconds of the clock; the same at every look, unless the clock is set. `/proc/stat` has it in
/// whole seconds only, which is too little to tell which of two terminals was opened before a thread was made.
fn booted() -> i64 {
    /// Clocks that are slewed drift by less meanwhile.
    const DRIFT: i64 = 500;
    static KNOWN: AtomicI64 = AtomicI64::new(0);
    let millis = |clock| {
        let now = clock_gettime(clock);
        now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
    };
    // As fine as the beginnings that are counted from it.
    let now = (millis(ClockId::Realtime) - millis(ClockId::Boottime) + 5) / 10 * 10;
    let known = KNOWN.load(Ordering::Relaxed);
    if (now - known).abs() < DRIFT {
        return known;
    }
    KNOWN.store(now, Ordering::Relaxed);
    now
}

//! Processes of this machine, as Linux tells them in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use marline_model::Source;

/// A process and when it began, in ticks since the machine did: together they name it for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    pub began: u64,
}

impl Process {
    /// The process of a number; one that only waits to be forgotten is none.
    pub fn of(pid: u32) -> Option<Self> {
        let fields = fields(pid)?;
        let is_gone = matches!(fields.split(' ').next()?, "Z" | "X");
        let began = fields.split(' ').nth(19)?.parse().ok()?;
        (!is_gone).then_some(Process { pid, began })
    }

    /// Says whether it still runs.
    pub fn lives(self) -> bool {
        Process::of(self.pid) == Some(self)
    }

    /// Says whether it was stopped, as by Ctrl-Z.
    pub fn is_suspended(self) -> bool {
        fields(self.pid).is_some_and(|fields| fields.starts_with('T'))
    }

    /// When it began, in milliseconds since the machine did. A tick is a hundredth of a second on Linux, on every machine.
    pub fn began_millis(self) -> i64 {
        self.began as i64 * 10
    }

    /// Says whether it began within the last second.
    pub fn is_young(self) -> bool {
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds = uptime.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok());
        seconds.is_some_and(|seconds| seconds * 1e3 - (self.began_millis() as f64) < 1e3)
    }

    /// All that it has started, and what they have.
    pub fn descendants(self) -> Vec<Process> {
        let parents: HashMap<u32, u32> = pids().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
        let is_of = |pid: &u32| {
            let mut ancestors = std::iter::successors(parents.get(pid), |parent| parents.get(parent));
            ancestors.any(|ancestor| *ancestor == self.pid)
        };
        parents.keys().filter(|pid| is_of(pid)).filter_map(|pid| Process::of(*pid)).collect()
    }
}

/// The numbers of all processes.
pub(crate) fn pids() -> impl Iterator<Item = u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that started one.
pub fn parent_of(pid: u32) -> Option<u32> {
    fields(pid)?.split(' ').nth(1)?.parse().ok()
}

/// What `/proc/PID/stat` says behind the name, which may hold anything.
fn fields(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.get(stat.rfind(')')? + 2..)?.to_owned())
}

/// A process of an agent's.
pub(crate) struct AgentProcess {
    pub source: Source,
    pub process: Process,
    /// What the kernel calls it.
    pub name: String,
    /// The program, or the script that it runs, and what it was told.
    pub words: Vec<String>,
}

impl AgentProcess {
    /// Reads what a process is; nothing, if it is none of an agent's.
    pub fn of(pid: u32) -> Option<Self> {
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
        let name = String::from_utf8_lossy(&read("comm")?).trim().to_owned();
        let line = read("cmdline")?;
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<String> = words.collect();
        // Itself, or a script: `node --flag /usr/bin/claude`, `node …/@google/gemini-cli/dist/index.js`.
        let program = words[0].rsplit('/').next().unwrap_or_default().to_owned();
        let script = || {
            let at = words.iter().skip(1).position(|word| !word.starts_with('-'))? + 1;
            Some((at, words[at].split('/').find_map(agent_of)?))
        };
        let (at, source) = match agent_of(&name).or_else(|| agent_of(&program)) {
            Some(source) => (0, source),
            None if INTERPRETERS.contains(&program.as_str()) => script()?,
            None => return None,
        };
        words.drain(..at);
        Some(AgentProcess { source, process: Process::of(pid)?, name, words })
    }

    /// The files that it has open.
    pub(crate) fn open_files(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let open = fs::read_dir(format!("/proc/{}/fd", self.process.pid)).into_iter().flatten().flatten();
        open.filter_map(|open| fs::read_link(open.path()).ok())
    }
}

/// What runs agents that are scripts.
const INTERPRETERS: [&str; 3] = ["node", "bun", "nodejs"];

/// The agent of a program or a package: `codex`, `claude-code`, `opencode-ai`.
fn agent_of(name: &str) -> Option<Source> {
    Source::ALL.into_iter().find(|source| {
        name.trim_start_matches(['.', '@'])
            .strip_prefix(source.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_known_by_their_names() {
        for (name, agent) in [
            ("codex", Source::Codex),
            ("claude", Source::Claude),
            (".opencode", Source::OpenCode),
            ("gemini-cli", Source::Gemini),
            ("claude-code", Source::Claude),
            ("gemini.js", Source::Gemini),
            ("@qwen-code", Source::Qwen),
        ] {
            assert_eq!(agent_of(name), Some(agent), "{name}");
        }
        for name in ["timeout", "tail", "marline", "codexes", "my-claude", ""] {
            assert_eq!(agent_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_process_is_named_by_its_number_and_its_beginning() {
        let this = Process::of(std::process::id()).unwrap();
        assert!(this.lives());
        assert!(!Process { began: this.began + 1, ..this }.lives(), "another one had that number");
        assert!(!this.is_suspended());
        assert!(!Process::of(1).unwrap().is_young(), "the machine's first process");
    }
}

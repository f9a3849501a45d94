//! Whether agents have come or gone, told by the process table alone, for next to nothing.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::process::{AgentProcess, Process, pids};
use crate::target::agent;

/// A process may become an agent for so long after it came: it is a shell at first, and then the program.
const UNTIL_SURE: Duration = Duration::from_secs(5);

/// Remembers the processes that there were.
#[derive(Default)]
pub struct Arrivals {
    known: HashMap<u32, Known>,
}

struct Known {
    since: Instant,
    /// The agent that it is, and whether it is suspended.
    agent: Option<(Process, bool)>,
}

impl Arrivals {
    /// Says whether an agent came, went, was suspended or went on since this was asked last. What is asked first is remembered alone.
    pub fn have_changed(&mut self) -> bool {
        self.have_changed_among(&pids().collect())
    }

    fn have_changed_among(&mut self, now: &HashSet<u32>) -> bool {
        let is_first = self.known.is_empty();
        let mut has_changed = false;
        self.known.retain(|pid, known| {
            let is_there = now.contains(pid);
            has_changed |= !is_there && known.agent.is_some();
            is_there
        });
        for pid in now.iter().copied() {
            let known = self.known.entry(pid).or_insert_with(|| Known { since: Instant::now(), agent: None });
            let is = match known.agent {
                Some((process, _)) => process.lives().then(|| (process, process.is_suspended())),
                None if known.since.elapsed() > UNTIL_SURE => continue,
                None => talk(pid),
            };
            has_changed |= known.agent != is;
            known.agent = is;
        }
        has_changed && !is_first
    }
}

/// The agent that a process is, if somebody can talk with it.
fn talk(pid: u32) -> Option<(Process, bool)> {
    let one = AgentProcess::of(pid)?;
    agent(one.source).live().is_a_talk(&one.words).then(|| (one.process, one.process.is_suspended()))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A program that has an agent's name, begun below a shell.
    fn stand_in(dir: &std::path::Path) -> Child {
        let program = dir.join("gemini");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let script = format!("sleep 0.3; exec {} 60", program.display());
        Command::new("/bin/sh").args(["-c", &script]).stdin(Stdio::null()).spawn().unwrap()
    }

    fn until_changed(arrivals: &mut Arrivals, processes: &HashSet<u32>) {
        let began = Instant::now();
        while !arrivals.have_changed_among(processes) {
            assert!(began.elapsed() < Duration::from_secs(10), "nothing is seen of it");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn agents_that_come_pause_and_go_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut arrivals = Arrivals::default();
        let this = std::process::id();
        assert!(!arrivals.have_changed_among(&HashSet::from([this])));
        let mut child = stand_in(dir.path());
        let signal = |name: &str| {
            assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
        };
        let both = HashSet::from([this, child.id()]);
        until_changed(&mut arrivals, &both);
        signal("-STOP");
        until_changed(&mut arrivals, &both);
        signal("-CONT");
        until_changed(&mut arrivals, &both);
        assert!(!arrivals.have_changed_among(&both));
        child.kill().unwrap();
        child.wait().unwrap();
        until_changed(&mut arrivals, &HashSet::from([this]));
        assert!(!arrivals.have_changed_among(&HashSet::from([this])));
    }
}

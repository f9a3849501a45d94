//! Processes of this machine, as Linux tells them in `/proc`.

use std::collections::HashMap;
use std::fs;

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
pub(crate) fn parent_of(pid: u32) -> Option<u32> {
    fields(pid)?.split(' ').nth(1)?.parse().ok()
}

/// What `/proc/PID/stat` says behind the name, which may hold anything.
fn fields(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.get(stat.rfind(')')? + 2..)?.to_owned())
}

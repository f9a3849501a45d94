//! Processes that end: by themselves, by an interrupt, or by time.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

/// No agent takes longer for a scripted turn.
const PATIENCE: Duration = Duration::from_secs(120);
/// From the request's arrival to the interrupt: the agent has to be waiting for the answer.
const BEFORE_INTERRUPT: Duration = Duration::from_millis(1500);
/// An interrupted agent has so long to write down what happened.
const GRACE: Duration = Duration::from_secs(15);

/// What an agent printed.
#[derive(Debug)]
pub struct Ended {
    pub output: String,
}

impl Ended {
    /// The first value of a key in any line that is JSON, at any depth.
    pub fn field(&self, key: &str) -> Option<String> {
        fn find(value: &Value, key: &str) -> Option<String> {
            if let Some(found) = value.get(key).and_then(Value::as_str) {
                return Some(found.to_owned());
            }
            match value {
                Value::Object(fields) => fields.values().find_map(|value| find(value, key)),
                Value::Array(list) => list.iter().find_map(|value| find(value, key)),
                _ => None,
            }
        }
        let values = self.output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        values.into_iter().find_map(|value| find(&value, key))
    }
}

/// A child in a process group of its own; the whole group ends with it.
pub struct Group(pub Child);

impl Group {
    /// Starts it.
    pub fn spawn(command: &mut Command, log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).process_group(0);
        command.spawn().map(Group).map_err(|error| {
            let program = Path::new(command.get_program()).display();
            io::Error::new(error.kind(), format!("{program} could not be started: {error}"))
        })
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.0.id() as i32) {
            // It may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Runs a command to its end. When `is_time` says so, given what was printed so far, it is interrupted.
pub fn run(
    mut command: Command,
    input: &str,
    log: &Path,
    is_time: &mut dyn FnMut(&str) -> bool,
) -> io::Result<Ended> {
    let mut group = Group::spawn(&mut command, log)?;
    if let Some(mut stdin) = group.0.stdin.take() {
        // An agent that reads nothing closes its end.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = Arc::new(Mutex::new(Vec::new()));
    let mut stdout = group.0.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let sink = Arc::clone(&output);
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(read @ 1..) = stdout.read(&mut piece) {
            sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..read]);
        }
    });
    let text =
        || String::from_utf8_lossy(&output.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let started = Instant::now();
    let mut interrupted: Option<Instant> = None;
    while group.0.try_wait()?.is_none() {
        if interrupted.is_none() && is_time(&text()) {
            std::thread::sleep(BEFORE_INTERRUPT);
            group.signal(Signal::INT);
            interrupted = Some(Instant::now());
        }
        if interrupted.is_some_and(|at| at.elapsed() > GRACE) {
            break;
        }
        if started.elapsed() > PATIENCE {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{command:?} did not end")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(group);
    let _ = reader.join();
    Ok(Ended { output: text() })
}

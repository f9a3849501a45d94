//! A process, its time and its memory.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;

/// Ticks of the system's clock a second, as `/proc` counts on every Linux.
const TICKS: f64 = 100.0;
/// Between two looks at a process's memory.
const LOOK: Duration = Duration::from_millis(3);

/// What a process took.
#[derive(Debug, Default)]
pub struct Taken {
    pub seconds: f64,
    /// Of all cores; to the last look before its end.
    pub cpu_seconds: f64,
    /// The most memory it held; 0 where there is no `/proc`.
    pub peak_mb: f64,
    /// What it printed, where each line is JSON.
    pub events: Vec<Value>,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Outcome<Taken> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("marline could not start ({error})"))?;
    let stdout = child.stdout.take().ok_or("the process has no output")?;
    let (id, has_ended) = (child.id(), AtomicBool::new(false));
    let (events, (cpu_seconds, peak_mb)) = std::thread::scope(|scope| {
        let looks = scope.spawn(|| look(id, &has_ended));
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let events: Vec<Value> = lines.filter_map(|line| serde_json::from_str(&line).ok()).collect();
        has_ended.store(true, Ordering::Relaxed);
        (events, looks.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    let seconds = started.elapsed().as_secs_f64();
    if status.code().is_none_or(|code| code > 1) {
        return Err(format!("marline ended with {status}"));
    }
    Ok(Taken { seconds, cpu_seconds, peak_mb, events })
}

/// Looks at a process until it ends. Returns its CPU seconds and its peak memory in MB.
fn look(id: u32, has_ended: &AtomicBool) -> (f64, f64) {
    let (mut cpu, mut peak) = (0.0, 0.0);
    while !has_ended.load(Ordering::Relaxed) {
        if let Some(now) = memory(id) {
            peak = now;
        }
        if let Some(now) = cpu_seconds(id) {
            cpu = now;
        }
        std::thread::sleep(LOOK);
    }
    (cpu, peak)
}

/// The most memory that a running process has held, in MB.
pub fn memory(id: u32) -> Option<f64> {
    status(id, "VmHWM:")
}

/// What it holds now, in MB.
pub fn resident(id: u32) -> Option<f64> {
    status(id, "VmRSS:")
}

fn status(id: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1e3)
}

/// CPU seconds of a running process.
pub fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, which may hold anything, ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// The middle one, and the one that 95 of 100 don't exceed.
pub fn median_and_p95(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get((values.len() as f64 * share) as usize).or(values.last());
    (at(0.5).copied().unwrap_or(0.0), at(0.95).copied().unwrap_or(0.0))
}

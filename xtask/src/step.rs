//! Steps that say what they do and how long it took.

use std::process::Command;
use std::time::Instant;

use crate::Outcome;

/// Runs a program as a step.
pub fn run(name: &str, command: &mut Command) -> Outcome {
    act(name, || {
        let program = command.get_program().to_string_lossy().into_owned();
        let status = command.status().map_err(|error| format!("{program} could not start ({error})"))?;
        if status.success() { Ok(()) } else { Err(format!("{name} failed: {program} ended with {status}")) }
    })
}

/// Does something as a step.
pub fn act<T>(name: &str, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprintln!("── {name}");
    let started = Instant::now();
    let outcome = act();
    let ending = if outcome.is_ok() { "" } else { ", failed" };
    eprintln!("── {name}: {:.1} s{ending}", started.elapsed().as_secs_f64());
    outcome
}

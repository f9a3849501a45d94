//! Starting over in release: a generator and a benchmark in a debug build would measure the debug build.

use std::process::Command;

use crate::workspace::{cargo, target};
use crate::{Outcome, step};

/// Builds this binary in release with all commands, `marline` beside it, and hands the arguments over.
pub fn run(words: &[String]) -> Outcome {
    // One call for both, so that what they share is built once, with the same features.
    let packages = ["--package", "marline", "--package", "xtask", "--features", "xtask/bench"];
    step::run("build in release", cargo().args(["build", "--release", "--locked"]).args(packages))?;
    let program = target()?.join("release").join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    if let Some(cargo) = std::env::var_os("CARGO") {
        command.env("CARGO", cargo);
    }
    let status = command.args(words).status();
    let status = status.map_err(|error| format!("{} could not start ({error})", program.display()))?;
    // The program has said what was wrong.
    if status.success() { Ok(()) } else { std::process::exit(status.code().unwrap_or(1)) }
}

//! One file for each command.

pub mod act;
pub mod doctor;
pub mod generate;
pub mod handoff;
pub mod hooks;
pub mod index;
pub mod live;
pub mod ls;
pub mod pair;
pub mod provider;
pub mod resume;
pub mod review;
pub mod search;
pub mod show;
pub mod sources;
pub mod up;
pub mod usage;
pub mod work;

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a value as JSON on one line.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(|error| Failure::output(error.into()))?;
    out.write_all(b"\n").map_err(Failure::output)
}

/// Prints a line, with styles where they are wanted.
pub fn print_line(line: &str) -> Result<(), Failure> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    writeln!(out, "{line}").map_err(Failure::output)
}

/// Asks whether to go on; where there is nobody to ask, it is a no.
pub fn confirmed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut out = std::io::stderr();
    let mut ask = || -> std::io::Result<String> {
        write!(out, "Go on? [y/N] ")?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(Failure::output)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

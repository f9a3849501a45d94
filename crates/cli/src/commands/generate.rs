//! Shell completions and man pages, made from the command line's own description.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::Cli;
use crate::failure::Failure;

pub fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "marline", &mut script);
    io::Write::write_all(&mut io::stdout(), &script).map_err(Failure::output)?;
    Ok(ExitCode::SUCCESS)
}

pub fn man(dir: &Path) -> Result<ExitCode, Failure> {
    fs::create_dir_all(dir).map_err(Failure::output)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(Failure::output)?;
    Ok(ExitCode::SUCCESS)
}

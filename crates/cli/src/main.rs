//! The `marline` binary: parses the command line, wires the parts together, prints.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 nothing found,
//! 2 wrong use, 3 refused or conflict, 4 the agent or a file failed.

mod args;
mod ask;
mod commands;
mod context;
mod failure;
mod hook;
mod port;
mod signals;
mod terminal;
mod ways;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, with_negations};
use crate::failure::Failure;

fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if hook::is_one(&words) {
        hook::run(&words);
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse_from(with_negations(words.into_iter())) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe is no error.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Some(command) = cli.command else {
        let mut help = <Cli as clap::CommandFactory>::command();
        help.print_long_help().map_err(Failure::output)?;
        return Ok(ExitCode::SUCCESS);
    };
    match command {
        Command::Completions { shell } => commands::generate::completions(shell),
        Command::Man { dir } => commands::generate::man(&dir),
        Command::Up(args) => commands::up::run(&args),
        Command::Pair(args) => commands::pair::run(&args),
        Command::Index(args) => commands::index::run(&args),
        Command::Ls(args) => commands::ls::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Search(args) => commands::search::run(&args),
        Command::Resume(args) => commands::resume::run(&args),
        Command::Fork(args) => commands::act::fork(&args),
        Command::Handoff(args) => commands::handoff::run(&args),
        Command::Rename(args) => commands::act::rename(&args),
        Command::Archive(args) => commands::act::archive(&args),
        Command::Unarchive(args) => commands::act::unarchive(&args),
        Command::Delete(args) => commands::act::delete(&args),
        Command::Undo(args) => commands::act::undo(&args),
        Command::Provider { command } => commands::provider::run(&command),
        Command::Rehome(args) => commands::provider::rehome(&args),
        Command::Restore(args) => commands::provider::restore(&args),
        Command::Live { command } => commands::live::run(&command),
        Command::Hooks { command } => commands::hooks::run(&command),
        Command::Review { command } => commands::review::run(&command),
        Command::Group { command } => commands::work::group::run(&command),
        Command::Queue { command } => commands::work::queue::run(&command),
        Command::Approvals { command } => commands::work::approvals::run(&command),
        Command::Agent { dir } => {
            let error = marline_control::become_agent(&dir);
            eprintln!("the agent could not be started: {error}");
            Ok(ExitCode::from(4))
        }
        Command::Usage(args) => commands::usage::run(&args),
        Command::Sources(args) => commands::sources::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
    }
}

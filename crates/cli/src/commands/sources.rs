//! `marline sources`: what was found where.

use std::process::ExitCode;

use crate::args::ReadArgs;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, harmless, styled};

pub fn run(args: &ReadArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(args)?;
    let reports = context.index.sources(&context.env)?;
    if args.json {
        print_json(&serde_json::json!({ "sources": reports }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for report in &reports {
        let found = if report.roots.is_empty() { "not found".to_owned() } else { report.roots.join(", ") };
        print_line(&format!("{} {}", styled(BOLD, &report.name), styled(DIM, &harmless(&found))))?;
        if report.roots.is_empty() {
            continue;
        }
        print_line(&format!(
            "  {} sessions, {} sub-agents, {} files, {:.1} MB",
            report.sessions,
            report.subagents,
            report.files,
            report.bytes as f64 / 1e6,
        ))?;
        if let (Some(first), Some(last)) = (report.first_at, report.last_at) {
            print_line(&format!("  {first} to {last}"))?;
        }
        if !report.versions.is_empty() {
            print_line(&format!("  versions {}", harmless(&report.versions.join(", "))))?;
        }
        for (reason, count) in &report.skipped {
            let example = report.skipped_in.get(reason).map(|path| format!(", as in {path}"));
            let example = example.unwrap_or_default();
            print_line(&format!("  skipped {count}: {}{}", harmless(reason), harmless(&example)))?;
        }
        for (what, counts) in [("unknown", &report.unknown), ("without a session", &report.without_session)] {
            for (reason, count) in counts {
                print_line(&format!("  {what} {count}: {}", harmless(reason)))?;
            }
        }
        for problem in &report.problems {
            print_line(&format!("  problem {}", harmless(problem)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

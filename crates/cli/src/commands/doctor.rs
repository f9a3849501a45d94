//! `marline doctor`: what is wrong, and what to do.

use std::process::ExitCode;

use crate::args::DoctorArgs;
use crate::commands::act::acts;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{DIM, harmless, styled};

pub fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&args.read)?;
    let findings = match &args.id {
        Some(id) => acts()?.why_hidden(&context.index.session(id)?),
        None => {
            let mut findings = marline_index::findings(&context.index, &context.env, context.now)?;
            findings.extend(acts()?.findings(&std::env::var_os("PATH").unwrap_or_default())?);
            findings
        }
    };
    if args.read.json {
        print_json(&serde_json::json!({ "findings": findings }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &findings {
        print_line(&harmless(&finding.problem))?;
        print_line(&styled(DIM, &format!("  {}", harmless(&finding.cure))))?;
    }
    if findings.is_empty() {
        print_line(if args.id.is_some() { "Its agent shows it." } else { "Nothing is wrong." })?;
    }
    Ok(ExitCode::SUCCESS)
}

//! `marline usage`: tokens and cost.

use std::process::ExitCode;

use marline_index::UsageLine;

use crate::args::UsageArgs;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, fit, note, pad, styled};

pub fn run(args: &UsageArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&args.read)?;
    let filter = args.filter.filter(context.now)?;
    let report = context.index.usage(args.by.into(), None, &filter)?;
    if args.read.json {
        print_json(&report)?;
    } else if !report.lines.is_empty() {
        let width = report.lines.iter().map(|line| line.key.chars().count()).max().unwrap_or(0).clamp(10, 60);
        let head = ["requests", "input", "cached", "cache write", "output", "reasoning", "cost"];
        let head: String = head.iter().map(|name| format!("{name:>14}")).collect();
        print_line(&styled(DIM, &format!("{}{head}", pad("", width))))?;
        for line in &report.lines {
            print_line(&row(line, width))?;
        }
        print_line(&styled(BOLD, &row(&report.total, width)))?;
        if !report.unpriced_models.is_empty() {
            note(&format!("Without a price, so not in the cost: {}.", report.unpriced_models.join(", ")));
        }
        note(&format!("Prices of {}.", report.prices_of));
    } else {
        note("No usage was recorded.");
    }
    Ok(if report.lines.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn row(line: &UsageLine, width: usize) -> String {
    let usage = &line.usage;
    let key = if line.key.is_empty() { "(not recorded)" } else { &line.key };
    let numbers = [
        line.requests,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    ];
    let numbers: String = numbers.iter().map(|number| format!("{number:>14}")).collect();
    let cost = match line.cost_micro_usd {
        None => "-".to_owned(),
        Some(micro) => format!("${:.4}", micro as f64 / 1e6),
    };
    format!("{}{numbers}{cost:>14}", pad(&fit(key, width), width))
}

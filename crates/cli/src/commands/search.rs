//! `marline search`: find what was said and done.

use std::process::ExitCode;
use std::time::Duration;

use marline_index::{Answer, Hit, Query, Searched};

use crate::args::SearchArgs;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, HIT, ago, fit, harmless, kind_style, note, source_style, styled};

/// How long a regular expression may look into texts.
const REGEX_BUDGET: Duration = Duration::from_secs(30);

pub fn run(args: &SearchArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&args.read)?;
    let filter = args.filter.filter(context.now)?;
    // Each argument that holds a blank was quoted in the shell; the query's own quotes stay as they are.
    let text = args.query.join(" ");
    let mut flags = String::new();
    for (name, values) in [("kind", &args.kind), ("tool", &args.tool)] {
        for value in values {
            flags += &format!(" {name}:\"{value}\"");
        }
    }
    let searched = if args.regex {
        let query = Query::parse(&flags, filter, context.now)?;
        context.index.search_regex(&text, &query, args.limit, REGEX_BUDGET)?
    } else {
        let query = Query::parse(&format!("{text}{flags}"), filter, context.now)?;
        context.index.search(&query, Answer::best(args.limit), context.now)?
    };
    if args.read.json {
        print_json(&searched)?;
    } else {
        print(&context, &searched)?;
    }
    Ok(if searched.hits.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print(context: &Context, searched: &Searched) -> Result<(), Failure> {
    let mut last = None;
    for hit in &searched.hits {
        if last != Some(&hit.session.id) {
            let when = hit.session.updated_at.map_or_else(String::new, |at| ago(at, context.now));
            print_line(&format!(
                "{} {} {}",
                styled(source_style(hit.session.id.source()), &hit.session.id.to_string()),
                styled(BOLD, &fit(hit.session.title.as_deref().unwrap_or("(no title)"), 80)),
                styled(DIM, &format!("{} {when}", fit(hit.session.project.as_deref().unwrap_or(""), 24))),
            ))?;
            last = Some(&hit.session.id);
        }
        let mark = format!("  #{:<5} {:<10}", hit.seq, hit.kind.as_str());
        print_line(&format!("{} {}", styled(kind_style(hit.kind), &mark), highlighted(hit)))?;
    }
    for text in &searched.notes {
        note(text);
    }
    if searched.hits.is_empty() && searched.notes.is_empty() {
        note("Nothing found.");
    } else if searched.total > searched.hits.len() as u64 {
        let least = if searched.complete { "" } else { "at least " };
        note(&format!("{} of {least}{} shown; --limit shows more.", searched.hits.len(), searched.total));
    }
    Ok(())
}

fn highlighted(hit: &Hit) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, end) in &hit.highlights {
        let (Some(before), Some(word)) = (hit.snippet.get(at..*start), hit.snippet.get(*start..*end)) else {
            continue;
        };
        out += &harmless(before);
        out += &styled(HIT, &harmless(word));
        at = *end;
    }
    out + &harmless(&hit.snippet[at..])
}

//! `marline ls`: list sessions.

use std::process::ExitCode;

use marline_index::{Page, Session};
use marline_model::{SessionId, SessionKind};

use crate::args::LsArgs;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, dollars, fit, note, pad, short, source_style, styled, width};

pub fn run(args: &LsArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&args.read)?;
    let mut filter = args.filter.filter(context.now)?;
    filter.all = args.all;
    filter.reviews = args.reviews;
    filter.reviewers = crate::commands::work::reviewers()?;
    let page = context.index.sessions(&filter, args.sort.into(), args.limit, args.cursor.as_deref())?;
    if args.read.json {
        print_json(&page)?;
    } else {
        print(&context, &page, &filter.reviewers)?;
    }
    Ok(if page.sessions.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print(context: &Context, page: &Page, reviewers: &[SessionId]) -> Result<(), Failure> {
    match width() {
        Some(width) => {
            for session in &page.sessions {
                print_line(&row(context, session, width, reviewers.contains(&session.id)))?;
            }
        }
        None => {
            for session in &page.sessions {
                print_line(&plain(session))?;
            }
        }
    }
    let rest = page.total - (page.sessions.len() as u64).min(page.total);
    if page.sessions.is_empty() {
        note("No session matches. `marline sources` tells what was found where.");
    } else if let Some(cursor) = &page.next_cursor {
        note(&format!("{rest} more; `--cursor {cursor}` goes on, `--limit` shows more at once."));
    }
    Ok(())
}

fn row(context: &Context, session: &Session, width: usize, is_reviewer: bool) -> String {
    let raw = session.id.raw();
    let short_id = &raw[..raw.floor_char_boundary(12)];
    let counts = &session.counts;
    let when = session.updated_at.map_or_else(String::new, |at| ago(at, context.now));
    let facts = format!(
        "{:>4} prompts {:>5} tools {:>6} tokens {:>8}",
        counts.prompts + session.inherited.prompts,
        counts.tool_calls + session.inherited.tool_calls,
        short(session.usage.total()),
        dollars(session.cost_micro_usd),
    );
    let mut marks = String::new();
    for (is, mark) in [
        (session.kind == SessionKind::Subagent, " sub-agent"),
        (is_reviewer, " reviewer"),
        (session.forked_from_id.is_some(), " fork"),
        (session.archived, " archived"),
        (session.missing, " file gone"),
    ] {
        marks += if is { mark } else { "" };
    }
    let project = fit(session.project.as_deref().unwrap_or("-"), 16);
    let fixed = 9 + 13 + 17 + 11 + facts.len() + 2;
    let room = width.saturating_sub(fixed + marks.len());
    let title = session.title.as_deref().unwrap_or("(no title)");
    format!(
        "{} {} {} {} {} {}{}",
        styled(source_style(session.source), &pad(session.source.as_str(), 8)),
        styled(DIM, &pad(short_id, 12)),
        pad(&project, 16),
        styled(DIM, &pad(&when, 10)),
        styled(BOLD, &pad(&fit(title, room.max(20)), room.max(20))),
        styled(DIM, &facts),
        styled(DIM, &marks),
    )
}

/// One session a line, fields separated by tabs.
fn plain(session: &Session) -> String {
    let at = session.updated_at.map_or_else(String::new, |at| at.to_string());
    [
        session.id.to_string(),
        at,
        fit(session.project.as_deref().unwrap_or(""), 200),
        fit(session.title.as_deref().unwrap_or(""), 500),
    ]
    .join("\t")
}

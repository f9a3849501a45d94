//! `marline show`: a session's transcript.

use std::io::{self, Write};
use std::process::ExitCode;

use marline_index::{Entry, Session, Transcript, TranscriptPage};
use marline_model::ItemKind;

use crate::args::ShowArgs;
use crate::commands::print_json;
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, Output, dollars, harmless, kind_style, link, short, source_style, styled};

/// Items of a page when nobody says how many.
const PAGE: usize = 2000;
/// Lines of a tool's output that are shown when it is folded.
const FOLDED_LINES: usize = 4;

pub fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&args.read)?;
    let wanted = if args.tail {
        Transcript::Tail(args.limit.unwrap_or(50))
    } else {
        Transcript::From(args.from, args.limit.unwrap_or(if args.read.json { 1000 } else { PAGE }))
    };
    let mut page = context.index.transcript(&args.id, wanted)?;
    if args.raw {
        return raw(&context, &page);
    }
    if args.read.json {
        print_json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut output = Output::paged();
    let children = context.index.children(&page.session.id)?;
    let mut shown = output.write(&header(&page, &children));
    loop {
        for item in &page.items {
            shown = shown.and_then(|()| output.write(&entry(item, args.tools)));
        }
        // Without a limit the whole session is shown, a page at a time.
        match page.next_cursor.filter(|_| args.limit.is_none() && shown.is_ok()) {
            Some(next) => page = context.index.transcript(&args.id, Transcript::From(next, PAGE))?,
            None => break,
        }
    }
    output.finish();
    shown.map_err(Failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// The records as they stand in the agent's file; a record with several items once.
fn raw(context: &Context, page: &TranscriptPage) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    let mut last = None;
    for item in page.items.iter() {
        let place = (item.raw.path.clone(), item.raw.offset);
        if last.as_ref() == Some(&place) {
            continue;
        }
        let id = item.inherited_from.clone().unwrap_or_else(|| page.session.id.to_string());
        let record = context.index.raw_record(&id, item.seq)?;
        out.write_all(&record).and_then(|()| out.write_all(b"\n")).map_err(Failure::output)?;
        last = Some(place);
    }
    Ok(ExitCode::SUCCESS)
}

fn header(page: &TranscriptPage, children: &[Session]) -> String {
    let session = &page.session;
    let title = session.title.as_deref().unwrap_or("(no title)");
    let mut out = format!(
        "{}\n{}\n",
        styled(BOLD, &harmless(title)),
        styled(source_style(session.source), &session.id.to_string())
    );
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out += &format!("{} {}\n", styled(DIM, &format!("{name:<9}")), harmless(&value));
        }
    };
    line("directory", session.cwd.clone());
    line("branch", session.git_branch.clone());
    line("model", session.model.clone());
    line("provider", session.provider.clone());
    line("version", session.agent_version.clone());
    line("started", session.started_at.map(|at| at.to_string()));
    line("updated", session.updated_at.map(|at| at.to_string()));
    line("parent", session.parent_id.clone());
    line("fork of", session.forked_from_id.clone());
    let counts = &session.counts;
    line(
        "counts",
        Some(format!(
            "{} prompts, {} answers, {} tool calls, {} errors",
            counts.prompts, counts.answers, counts.tool_calls, counts.errors,
        )),
    );
    let inherited = &session.inherited;
    line(
        "inherited",
        (inherited.prompts + inherited.answers + inherited.tool_calls > 0).then(|| {
            format!(
                "{} prompts, {} answers, {} tool calls",
                inherited.prompts, inherited.answers, inherited.tool_calls
            )
        }),
    );
    line(
        "tokens",
        (session.usage.total() > 0).then(|| {
            let usage = &session.usage;
            format!(
                "{} in, {} cached, {} written to cache, {} out; {}",
                short(usage.input_tokens),
                short(usage.cached_input_tokens),
                short(usage.cache_write_tokens),
                short(usage.output_tokens),
                dollars(session.cost_micro_usd),
            )
        }),
    );
    for file in &session.files {
        out += &format!("{} {}\n", styled(DIM, "file     "), link(&harmless(&file.path), &file.path));
    }
    for child in children {
        out += &format!("{} {}\n", styled(DIM, "sub-agent"), child.id);
    }
    for warning in &page.warnings {
        out += &format!("{} {}\n", styled(kind_style(ItemKind::Error), "note     "), harmless(warning));
    }
    out
}

/// An item as it is printed.
pub fn entry(item: &Entry, whole_output: bool) -> String {
    let at = item.at.map_or_else(String::new, |at| {
        at.to_string().replace('T', " ").get(..19).unwrap_or_default().to_owned()
    });
    let mark = if item.inherited { " (inherited)" } else { "" };
    let mut out = format!(
        "\n{} {}{}\n",
        styled(kind_style(item.kind), &format!("#{} {}", item.seq, item.kind.as_str())),
        styled(DIM, &at),
        styled(DIM, mark),
    );
    if item.unreadable && item.text.is_empty() {
        out += &styled(DIM, "(the record can't be read any more)\n");
    }
    if let Some(tool) = &item.tool {
        let mut facts = tool.status.as_str().to_owned();
        if let Some(code) = tool.exit_code {
            facts += &format!(", exit {code}");
        }
        if let Some(ms) = tool.duration_ms {
            facts += &format!(", {:.1} s", ms as f64 / 1000.0);
        }
        out += &format!("{} {}\n", styled(BOLD, &harmless(&tool.name)), styled(DIM, &facts));
        if let Some(input) = tool.input.as_deref().filter(|input| !input.is_empty()) {
            out += &fold(&harmless(input), whole_output, "  ");
        }
        if let Some(output) = tool.output.as_deref().filter(|output| !output.trim().is_empty()) {
            out += &styled(DIM, &fold(&harmless(output), whole_output, "  │ "));
        }
    }
    let folds = !matches!(item.kind, ItemKind::Prompt | ItemKind::Answer | ItemKind::Error);
    if !item.text.is_empty() {
        let text = fold(&harmless(&item.text), whole_output || !folds, "");
        out += &if folds { styled(DIM, &text) } else { text };
    }
    out
}

/// Shows the first lines only, unless everything is wanted.
fn fold(text: &str, whole: bool, indent: &str) -> String {
    const WIDTH: usize = 400;
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = if whole || lines.len() <= FOLDED_LINES + 1 { lines.len() } else { FOLDED_LINES };
    let mut out = String::new();
    for line in &lines[..shown] {
        let end = if whole { line.len() } else { line.floor_char_boundary(WIDTH) };
        out += &format!("{indent}{}{}\n", &line[..end], if end < line.len() { "…" } else { "" });
    }
    if shown < lines.len() {
        out += &format!("{indent}… {} more lines; --tools shows them\n", lines.len() - shown);
    }
    out
}

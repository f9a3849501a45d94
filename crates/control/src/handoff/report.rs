//! What becomes of each part of a conversation that is handed over.

use marline_model::Source;
use serde::Serialize;
use utoipa::ToSchema;

use super::Way;
use super::conversation::Tally;
use crate::target::agent;

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The other agent's model is told it as it was.
    Carried,
    /// The other agent's model is told it in another way.
    Changed,
    /// The other agent's model is not told it.
    Dropped,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportLine {
    /// What becomes of it.
    pub fate: Fate,
    /// How many.
    pub count: u64,
    /// Of what, and why.
    pub what: String,
}

/// What is carried, changed and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its lines: what is carried first.
    pub lines: Vec<ReportLine>,
    /// About so many tokens stand in the other agent's context: a quarter of the bytes.
    pub tokens: u64,
}

impl Report {
    pub(super) fn of(tally: &Tally, to: Source, way: Way, document: Option<&str>) -> Self {
        use Fate::{Carried, Changed, Dropped};
        let to = agent(to).name();
        let calls: u64 = tally.calls.values().sum();
        let names: Vec<&str> = tally.calls.keys().take(6).map(String::as_str).collect();
        let names = names.join(", ");
        let mut lines = Vec::new();
        let mut say = |fate, count, one: &str, more: String| {
            if count > 0 {
                let many = if count == 1 { "" } else { "s" };
                lines.push(ReportLine { fate, count, what: format!("{one}{many}{more}") });
            }
        };
        match way {
            Way::Native => {
                say(Carried, tally.prompts, "prompt", String::new());
                say(Carried, tally.answers, "answer", String::new());
                say(Carried, tally.commands, "command", format!(" with output, as {to}'s own tool"));
                say(Carried, tally.pictures, "picture", " in prompts".to_owned());
                let own = format!(" of tools that {to} may not have, under their own names: {names}");
                say(Changed, calls, "call", own);
                say(Changed, tally.outputs_cut, "output", ", cut to 32 KiB".to_owned());
                say(Dropped, tally.pictures_left, "picture", " in outputs, or larger than 5 MB".to_owned());
            }
            Way::Brief | Way::Pack => {
                let is_brief = way == Way::Brief;
                let which = if is_brief { ", summed up" } else { ", listed, and read when needed" };
                say(Changed, tally.prompts, "prompt", which.to_owned());
                say(Changed, tally.answers, "answer", which.to_owned());
                let (calls, pictures) = (calls + tally.commands, tally.pictures + tally.pictures_left);
                let how = if is_brief { ", told by the files changed" } else { ", read when needed" };
                say(Changed, calls, "tool call", how.to_owned());
                let (fate, told) = if is_brief { (Dropped, "") } else { (Changed, ", told of") };
                say(fate, pictures, "picture", told.to_owned());
            }
        }
        say(Dropped, tally.reasoning, "thought", ": sealed, or another model's own".to_owned());
        say(Dropped, tally.contexts, "text", format!(" that the agent put in; {to} puts in its own"));
        say(
            Dropped,
            tally.compactions,
            "compaction",
            ": what was summed up is handed over itself".to_owned(),
        );
        say(Dropped, tally.errors, "error", String::new());
        say(Dropped, tally.notices, "notice", String::new());
        say(Dropped, tally.unreadable, "record", " that can't be read any more".to_owned());
        lines.sort_by_key(|line| line.fate);
        let bytes = document.map_or(tally.bytes, str::len);
        Report { lines, tokens: (bytes / 4) as u64 }
    }
}

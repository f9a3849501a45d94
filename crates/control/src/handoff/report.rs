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
        let mut say = |fate, count, what: String| {
            if count > 0 {
                lines.push(ReportLine { fate, count, what });
            }
        };
        match way {
            Way::Native => {
                say(Carried, tally.prompts, "prompts".to_owned());
                say(Carried, tally.answers, "answers".to_owned());
                say(Carried, tally.commands, format!("commands with their output, as {to}'s own tool"));
                say(Carried, tally.pictures, "pictures in prompts".to_owned());
                say(
                    Changed,
                    calls,
                    format!("calls of tools that {to} may not have, under their own names: {names}"),
                );
                say(Changed, tally.outputs_cut, "outputs, cut to 32 KiB".to_owned());
                say(Dropped, tally.pictures_left, "pictures in outputs, or larger than 5 MB".to_owned());
            }
            Way::Brief | Way::Pack => {
                let which =
                    if way == Way::Brief { "summed up" } else { "listed, and read when they are needed" };
                say(Changed, tally.prompts, format!("prompts, {which}"));
                say(Changed, tally.answers, format!("answers, {which}"));
                let fate = if way == Way::Brief { Dropped } else { Changed };
                let (calls, pictures) = (calls + tally.commands, tally.pictures + tally.pictures_left);
                let how = if way == Way::Brief {
                    "told by the files that they changed"
                } else {
                    "read when they are needed"
                };
                say(Changed, calls, format!("tool calls, {how}"));
                say(
                    fate,
                    pictures,
                    if way == Way::Brief { "pictures" } else { "pictures, told of" }.to_owned(),
                );
            }
        }
        say(Dropped, tally.reasoning, "thoughts: they are sealed, or another model's own".to_owned());
        say(Dropped, tally.contexts, format!("texts that the agent put in; {to} puts in its own"));
        say(Dropped, tally.compactions, "summaries: what they sum up is handed over itself".to_owned());
        say(Dropped, tally.errors, "errors".to_owned());
        say(Dropped, tally.notices, "notices".to_owned());
        say(Dropped, tally.unreadable, "records that can't be read any more".to_owned());
        lines.sort_by_key(|line| line.fate);
        let bytes = document.map_or(tally.bytes, str::len);
        Report { lines, tokens: (bytes / 4) as u64 }
    }
}

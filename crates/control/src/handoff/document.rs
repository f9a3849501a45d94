//! The documents that an agent is given instead of a history: a brief that sums the work up, and a pack that tells where
//! to read it.
//!
//! Both are made of what is recorded alone; no model is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use marline_agents::action::{Action, TodoStatus};
use marline_agents::said::{Call, What};
use marline_index::ItemKey;
use marline_model::ToolStatus;

use super::Conversation;
use crate::target::agent;

/// Characters of the goal.
const GOAL: usize = 3_000;
/// Characters of a message that is quoted.
const QUOTED: usize = 1_500;
/// Characters of a line.
const LINE: usize = 200;
/// Messages that are quoted.
const LAST: usize = 8;
/// Prompts, answers and files that are listed.
const LISTED: usize = 40;

/// A document of Markdown.
struct Document {
    text: String,
}

impl Document {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn part(&mut self, title: &str) {
        let _ = write!(self.text, "\n## {title}\n\n");
    }

    fn quote(&mut self, text: &str, longest: usize) {
        for line in cut(text.trim(), longest).lines() {
            self.line(format!("> {line}").trim_end());
        }
    }
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{} […]", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// A text on one line.
fn one_line(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LINE)
}

/// A file that was changed.
#[derive(Default)]
struct Changed {
    times: usize,
    added: usize,
    removed: usize,
}

impl Conversation {
    fn begin(&self) -> Document {
        let session = &self.session;
        let mut document = Document { text: String::new() };
        document.line(format!(
            "# Hand-over: {}",
            one_line(session.title.as_deref().unwrap_or("work that was begun"))
        ));
        document.line("");
        let who = agent(session.source).name();
        let where_ = session.cwd.as_deref().map(|cwd| format!(" in `{cwd}`")).unwrap_or_default();
        let branch =
            session.git_branch.as_deref().map(|branch| format!(", branch `{branch}`")).unwrap_or_default();
        let until = session.updated_at.map(|at| format!(", until {at}")).unwrap_or_default();
        document.line(format!(
            "You take over work that {who} did with this person{where_}{branch}{until}. What follows is made from the record of that \
             session, `{}`. Look at the files as they are now before you rely on it.",
            session.id
        ));
        document
    }

    fn goal(&self, document: &mut Document) {
        document.part("Goal");
        let mut prompts = self.prompts();
        if let Some((_, first)) = prompts.next() {
            document.line("It began with:");
            document.line("");
            document.quote(first, GOAL);
        }
        let later: Vec<_> = prompts.collect();
        if later.is_empty() {
            return;
        }
        document.line("");
        let left = later.len().saturating_sub(LISTED);
        document.line(if left > 0 { format!("Then, after {left} more:") } else { "Then:".to_owned() });
        document.line("");
        for (key, prompt) in &later[left..] {
            document.line(format!("- {} (item {key})", one_line(prompt)));
        }
    }

    fn files(&self, document: &mut Document) {
        let mut files: BTreeMap<String, Changed> = BTreeMap::new();
        for (_, call) in self.calls().filter(|(_, call)| call.status != ToolStatus::Declined) {
            let Action::Edit { files: edited } = Action::of(&call.tool, &call.input) else { continue };
            for file in edited {
                let changed = files.entry(file.moved_to.unwrap_or(file.path)).or_default();
                changed.times += 1;
                changed.added += file.added;
                changed.removed += file.removed;
            }
        }
        if files.is_empty() {
            return;
        }
        document.part("Files changed");
        for (path, changed) in files.iter().take(LISTED) {
            let state = self.state(path);
            document.line(format!(
                "- `{path}`: +{} −{} in {} change{}; {state}",
                changed.added,
                changed.removed,
                changed.times,
                if changed.times == 1 { "" } else { "s" }
            ));
        }
        if files.len() > LISTED {
            document.line(format!("- and {} more", files.len() - LISTED));
        }
    }

    /// How a file stands now.
    fn state(&self, path: &str) -> &'static str {
        let path = Path::new(self.session.cwd.as_deref().unwrap_or("/")).join(path);
        let Ok(facts) = path.metadata() else { return "it is gone" };
        let modified = facts.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |since| since.as_millis() as i64);
        match self.session.updated_at {
            // A clock of a file system may be a little behind or before.
            Some(at) if modified > at.as_millis() + 2_000 => "changed by others since",
            _ => "as it was left",
        }
    }

    /// What the agent said last of each thing that it was asked.
    fn decisions(&self, document: &mut Document) {
        let mut ends: Vec<(ItemKey, &str)> = Vec::new();
        let mut is_open = false;
        for (key, said) in &self.said {
            match &said.what {
                What::Prompt { .. } => is_open = false,
                What::Answer { text, .. } => {
                    if is_open {
                        ends.pop();
                    }
                    ends.push((*key, text));
                    is_open = true;
                }
                What::Call(_) => {}
            }
        }
        if ends.is_empty() {
            return;
        }
        document.part("What was decided and done");
        let left = ends.len().saturating_sub(LISTED);
        if left > 0 {
            document.line(format!("- {left} earlier answers are left out"));
        }
        for (key, text) in &ends[left..] {
            document.line(format!("- {} (item {key})", one_line(text)));
        }
    }

    fn open_ends(&self, document: &mut Document) {
        let mut ends = Vec::new();
        let todo = self.calls().rev().find_map(|(_, call)| match Action::of(&call.tool, &call.input) {
            Action::Todo { items } => Some(items),
            _ => None,
        });
        for item in todo.into_iter().flatten() {
            match item.status {
                TodoStatus::Pending => ends.push(format!("To do: {}", one_line(&item.text))),
                TodoStatus::InProgress => ends.push(format!("Begun: {}", one_line(&item.text))),
                TodoStatus::Completed => {}
            }
        }
        let last_prompt = self.said.iter().rposition(|(_, said)| matches!(said.what, What::Prompt { .. }));
        let tail = &self.said[last_prompt.unwrap_or(0)..];
        if !tail.iter().any(|(_, said)| matches!(said.what, What::Answer { .. })) {
            ends.push("The last prompt was not answered.".to_owned());
        }
        for (key, call) in tail.iter().filter_map(|(key, said)| match &said.what {
            What::Call(call) => Some((key, call)),
            _ => None,
        }) {
            let how = match call.status {
                ToolStatus::Failed => "failed",
                ToolStatus::Pending => "has no recorded end",
                ToolStatus::Declined => "was declined by the person",
                ToolStatus::Completed => continue,
            };
            ends.push(format!("`{}` {how} (item {key})", told(call)));
        }
        if let Some(error) = &self.last_error {
            ends.push(format!("The agent failed: {}", one_line(error)));
        }
        if ends.is_empty() {
            return;
        }
        document.part("Open ends");
        for end in ends {
            document.line(format!("- {end}"));
        }
    }

    fn last_messages(&self, document: &mut Document) {
        let spoken: Vec<(&str, &str)> = self
            .said
            .iter()
            .filter_map(|(_, said)| match &said.what {
                What::Prompt { text, .. } => Some(("The person", text.as_str())),
                What::Answer { text, .. } => Some((agent(self.session.source).name(), text.as_str())),
                What::Call(_) => None,
            })
            .collect();
        document.part("The last messages");
        for (who, text) in &spoken[spoken.len().saturating_sub(LAST)..] {
            document.line(format!("{who}:"));
            document.line("");
            document.quote(text, QUOTED);
            document.line("");
        }
    }

    fn reading(&self, document: &mut Document, marline: &str) {
        let id = &self.session.id;
        document.part("Reading the original");
        document.line("All of it can be read with these commands; they change nothing:");
        document.line("");
        document.line(format!("- `{marline} show {id} --from N --limit 20`: items from number N on"));
        document.line(format!(
            "- `{marline} show {id} --from N --limit 20 --tools`: with the whole output of tools"
        ));
        document.line(format!("- `{marline} show {id} --tail`: how it ended"));
        document
            .line(format!("- `{marline} search 'WORDS session:{id}'`: where something was said or printed"));
    }
}

/// A call in a few words.
fn told(call: &Call) -> String {
    call.command().map_or_else(|| call.tool.clone(), |(command, _)| one_line(&command))
}

/// Sums the work up.
pub fn brief(conversation: &Conversation, marline: &str) -> String {
    let mut document = conversation.begin();
    conversation.goal(&mut document);
    conversation.files(&mut document);
    conversation.decisions(&mut document);
    conversation.open_ends(&mut document);
    conversation.last_messages(&mut document);
    conversation.reading(&mut document, marline);
    document.text
}

/// Tells what there is, and how to read it.
pub fn pack(conversation: &Conversation, marline: &str) -> String {
    let mut document = conversation.begin();
    conversation.reading(&mut document, marline);
    document.part("What there is");
    let prompts: Vec<_> = conversation.prompts().collect();
    let left = prompts.len().saturating_sub(LISTED);
    if left > 0 {
        document.line(format!("- {left} earlier prompts"));
    }
    for (key, prompt) in &prompts[left..] {
        document.line(format!("- item {key}: {}", one_line(prompt)));
    }
    conversation.files(&mut document);
    conversation.open_ends(&mut document);
    document.text
}

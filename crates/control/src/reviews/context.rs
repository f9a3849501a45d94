//! What a reviewer is shown of a session: taken from the index, bounded, and the same for a preview and the review.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use marline_agents::action::{Action, DiffOp, FileDiff};
use marline_index::{Entry, Index, IndexError, ItemKey, Session, Window};
use marline_model::{ItemKind, SessionId, Source, ToolStatus};
use marline_store::reviews::{Anchor, ContextPart, PartKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::git;

/// Items of a page while a stretch or a turn is gone through.
const PAGE: usize = 200;
/// Items of a stretch or a turn.
const MOST_ITEMS: usize = 4_000;
/// Inputs of tools beyond this are not looked into.
const MOST_INPUT: usize = 1 << 20;

/// How long a part may be, in bytes: together some 45,000 tokens.
const fn most(kind: PartKind) -> usize {
    match kind {
        PartKind::Task => 16 << 10,
        PartKind::Text => 40 << 10,
        PartKind::Diff | PartKind::Project => 60 << 10,
    }
}

/// Why there is nothing to review. Nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The session, or an item of it, is not there.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// What was asked for holds nothing.
    #[error("there is nothing to review: {0}")]
    Nothing(String),
    /// The project's changes can't be told.
    #[error("the changes of {project} can't be told")]
    Project {
        /// The directory.
        project: String,
        /// Why.
        source: io::Error,
    },
}

/// What is to be shown.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of what.
    pub anchor: Anchor,
    /// Which parts; empty: those that belong to it.
    pub parts: Vec<PartKind>,
    /// The task in a person's words, instead of the prompt that led to it.
    pub task: Option<String>,
}

/// A part, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContextText)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its text as the reviewer gets it.
    pub text: String,
    /// So many bytes were left out of its middle.
    pub cut_bytes: u64,
}

/// What a reviewer is shown.
#[derive(Debug, Clone)]
pub struct Context {
    /// The session.
    pub session: SessionId,
    /// What of it, by key.
    pub anchor: Anchor,
    /// Where it worked.
    pub cwd: String,
    /// The parts that hold something.
    pub parts: Vec<Part>,
}

impl Context {
    /// The parts without their texts.
    pub fn told(&self) -> Vec<ContextPart> {
        let told = |part: &Part| ContextPart {
            kind: part.kind,
            bytes: part.text.len() as u64,
            cut_bytes: part.cut_bytes,
        };
        self.parts.iter().map(told).collect()
    }
}

/// Makes what a reviewer is shown.
///
/// # Errors
/// [`ContextError`]
pub fn context(index: &Index, session: &Session, wanted: &Wanted) -> Result<Context, ContextError> {
    let id = &session.id;
    let nothing = |what: &str| ContextError::Nothing(what.to_owned());
    let cwd = session.cwd.clone().ok_or_else(|| nothing("the session's directory is not known"))?;
    let found = Found::of(index, id, &wanted.anchor)?;
    let defaults: &[PartKind] = match wanted.anchor {
        Anchor::Project => &[PartKind::Task, PartKind::Project],
        _ => &[PartKind::Task, PartKind::Text, PartKind::Diff],
    };
    let is_wanted = |kind: PartKind| {
        let own = wanted.task.is_some() && kind == PartKind::Task;
        own || if wanted.parts.is_empty() { defaults.contains(&kind) } else { wanted.parts.contains(&kind) }
    };
    let mut parts = Vec::new();
    for kind in [PartKind::Task, PartKind::Text, PartKind::Diff, PartKind::Project] {
        if !is_wanted(kind) {
            continue;
        }
        let text = match kind {
            PartKind::Task => wanted.task.clone().or_else(|| found.task.clone()).unwrap_or_default(),
            PartKind::Text => found.text(id.source()),
            PartKind::Diff => found.diff(),
            PartKind::Project => git::changes(Path::new(&cwd))
                .map_err(|source| ContextError::Project { project: cwd.clone(), source })?,
        };
        if !text.trim().is_empty() {
            let (text, cut_bytes) = shortened(text, most(kind));
            parts.push(Part { kind, text, cut_bytes });
        }
    }
    if parts.iter().all(|part| part.kind == PartKind::Task) {
        return Err(nothing(match wanted.anchor {
            Anchor::Project => "nothing in the project has changed since the last commit",
            _ => "no words and no edits stand there; choose other parts, or another item",
        }));
    }
    Ok(Context { session: id.clone(), anchor: found.anchor, cwd, parts })
}

/// What an anchor stands for.
struct Found {
    anchor: Anchor,
    /// The prompt that led to it.
    task: Option<String>,
    /// What is reviewed, in order.
    shown: Vec<Entry>,
    /// Where edits are looked for.
    edits: Vec<Entry>,
}

impl Found {
    fn of(index: &Index, id: &SessionId, anchor: &Anchor) -> Result<Self, ContextError> {
        match anchor {
            Anchor::Last => {
                let key = last(index, id, ItemKind::Answer)?
                    .ok_or_else(|| ContextError::Nothing("the session has no answer yet".to_owned()))?;
                Found::of(index, id, &Anchor::Item { key: key.to_string() })
            }
            Anchor::Item { key } => {
                let entry = index.item_at(id, parsed(id, key)?)?;
                let (task, turn) = turn_before(index, id, entry.key)?;
                let edits = if entry.kind == ItemKind::Answer { turn } else { vec![entry.clone()] };
                Ok(Found { anchor: anchor.clone(), task, shown: vec![entry], edits })
            }
            Anchor::Stretch { from, to } => {
                let (from, to) = (parsed(id, from)?, parsed(id, to)?);
                let (from, to) = (from.min(to), from.max(to));
                let mut all = vec![index.item_at(id, from)?];
                index.item_at(id, to)?;
                while let Some(end) = all.last().filter(|last| last.key < to).map(|last| last.key) {
                    let page = index.items(id, Window::After(end), PAGE)?;
                    if page.items.is_empty() || all.len() > MOST_ITEMS {
                        let words =
                            format!("more than {MOST_ITEMS} items stand between the two; choose less");
                        return Err(ContextError::Nothing(words));
                    }
                    all.extend(page.items.into_iter().filter(|item| item.key <= to));
                }
                let task = match all[0].kind {
                    ItemKind::Prompt => Some(all[0].text.clone()),
                    _ => turn_before(index, id, from)?.0,
                };
                let anchor = Anchor::Stretch { from: from.to_string(), to: to.to_string() };
                Ok(Found { anchor, task, edits: all.clone(), shown: all })
            }
            Anchor::Project => {
                let key = last(index, id, ItemKind::Prompt)?;
                let task = key.map(|key| index.item_at(id, key)).transpose()?.map(|prompt| prompt.text);
                Ok(Found { anchor: Anchor::Project, task, shown: Vec::new(), edits: Vec::new() })
            }
        }
    }

    fn text(&self, source: Source) -> String {
        if let [one] = &self.shown[..] {
            // An edit says nothing beside its diff.
            return if one.tool.is_some() { String::new() } else { one.text.clone() };
        }
        let mut text = String::new();
        for item in &self.shown {
            let line = match (&item.tool, item.kind) {
                (_, ItemKind::Prompt) => format!("--- The person:\n{}\n\n", item.text.trim()),
                (_, ItemKind::Answer) => format!("--- {source}:\n{}\n\n", item.text.trim()),
                (_, ItemKind::Error) => format!("--- Failed: {}\n\n", item.text.trim()),
                (Some(_), _) => action(item).map_or_else(String::new, |action| done(&action)),
                _ => String::new(),
            };
            text += &line;
        }
        text
    }

    fn diff(&self) -> String {
        let mut diff = String::new();
        for item in &self.edits {
            // What failed or was refused has changed nothing.
            let failed = |status| matches!(status, ToolStatus::Failed | ToolStatus::Declined);
            if item.tool.as_ref().is_none_or(|tool| failed(tool.status)) {
                continue;
            }
            if let Some(Action::Edit { files }) = action(item) {
                files.iter().for_each(|file| unified(file, &mut diff));
            }
        }
        diff
    }
}

fn action(item: &Entry) -> Option<Action> {
    let tool = item.tool.as_ref()?;
    let input = tool.input.as_deref().unwrap_or_default();
    Some(Action::of(&tool.name, &input[..input.floor_char_boundary(MOST_INPUT)]))
}

/// A call in a line.
fn done(action: &Action) -> String {
    match action {
        Action::Command { command, .. } => {
            format!("--- ran: {}\n\n", command.lines().next().unwrap_or_default())
        }
        Action::Edit { files } => {
            let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            format!("--- edited: {}\n\n", names.join(", "))
        }
        _ => String::new(),
    }
}

fn unified(file: &FileDiff, out: &mut String) {
    let to = file.moved_to.as_deref().unwrap_or(&file.path);
    let _ = writeln!(out, "--- {}\n+++ {to}", file.path);
    for hunk in &file.hunks {
        let count = |gone: DiffOp| hunk.lines.iter().filter(|line| line.op != gone).count();
        let (old, new) = (count(DiffOp::Add), count(DiffOp::Remove));
        // Where an agent records no numbers, none are made up.
        let place = match (hunk.old_start, hunk.new_start) {
            (0, 0) => "…".to_owned(),
            (from, to) => format!("-{from},{old} +{to},{new}"),
        };
        let _ = writeln!(out, "@@ {place} @@");
        for line in &hunk.lines {
            let mark = match line.op {
                DiffOp::Keep => ' ',
                DiffOp::Add => '+',
                DiffOp::Remove => '-',
            };
            let _ = writeln!(out, "{mark}{}", line.text);
        }
    }
    if file.truncated {
        out.push_str("[more lines of this file were left out here]\n");
    }
    out.push('\n');
}

fn parsed(id: &SessionId, key: &str) -> Result<ItemKey, ContextError> {
    key.parse().map_err(|_| IndexError::Lacks { session: id.clone(), what: format!("item {key}") }.into())
}

/// The last item of a kind, as far back as one looks.
fn last(index: &Index, id: &SessionId, kind: ItemKind) -> Result<Option<ItemKey>, ContextError> {
    let mut window = Window::End;
    for _ in 0..MOST_ITEMS / PAGE {
        let page = index.items(id, window, PAGE)?;
        if let Some(item) = page.items.iter().rev().find(|item| item.kind == kind) {
            return Ok(Some(item.key));
        }
        match page.previous {
            Some(previous) => window = Window::Before(previous),
            None => break,
        }
    }
    Ok(None)
}

/// The prompt before an item, and what lies between the two.
fn turn_before(
    index: &Index,
    id: &SessionId,
    key: ItemKey,
) -> Result<(Option<String>, Vec<Entry>), ContextError> {
    let (mut turn, mut before) = (Vec::new(), key);
    while turn.len() < MOST_ITEMS {
        let page = index.items(id, Window::Before(before), PAGE)?;
        let Some(first) = page.items.first().map(|item| item.key) else { break };
        for item in page.items.into_iter().rev() {
            if item.kind == ItemKind::Prompt {
                turn.reverse();
                return Ok((Some(item.text), turn));
            }
            turn.push(item);
        }
        before = first;
    }
    turn.reverse();
    Ok((None, turn))
}

/// Cuts a text's middle out, and says so there. Returns how many bytes went.
fn shortened(text: String, most: usize) -> (String, u64) {
    if text.len() <= most {
        return (text, 0);
    }
    let head = text.floor_char_boundary(most / 3 * 2);
    let tail = text.ceil_char_boundary(text.len() - most / 3);
    let cut = tail - head;
    (format!("{}\n[… {cut} bytes were left out here …]\n{}", &text[..head], &text[tail..]), cut as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_said_and_counted() {
        assert_eq!(shortened("short".to_owned(), 10), ("short".to_owned(), 0));
        let text = "ä".repeat(1_000);
        let (cut, gone) = shortened(text.clone(), 300);
        assert!(cut.contains(&format!("[… {gone} bytes were left out here …]")));
        let kept = cut.chars().filter(|c| *c == 'ä').count() * 2;
        assert_eq!(kept as u64 + gone, text.len() as u64);
    }
}

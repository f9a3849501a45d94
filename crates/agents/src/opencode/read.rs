//! OpenCode's messages and parts → items; the same for the database and for the older tree of files.

use std::borrow::Cow;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};

use super::wire::gives_items;
use crate::agent::{Reader, Want};
use crate::event::{Event, Item, Meta, ToolCall, ToolEnd, hash};
use crate::json::{Malformed, Raw};
use crate::text::{files_of, strings_of};

/// Reads the parts of one session; the message that a part belongs to is set before.
#[derive(Default)]
pub struct PartReader {
    /// The role of the message whose parts follow.
    pub is_user: bool,
    /// The session is a sub-agent's: its prompts are no human's.
    pub is_child: bool,
    /// The message is a summary that replaces the history.
    pub is_summary: bool,
    /// When the message was made: its parts may bear no time.
    pub at: Option<Timestamp>,
    /// The message has an answer already: the next text goes on with it.
    pub answered: bool,
}

impl PartReader {
    /// Reads a message's own fields.
    pub fn message(&mut self, session: &str, id: &str, data: Raw<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        self.is_user = data.get("role").is_some_and(|role| role.word() == b"user");
        self.is_summary = data.get("summary").is_some_and(Raw::is_true);
        self.answered = false;
        let at = data.path(&["time", "created"]).and_then(Raw::int).map(Timestamp::from_millis);
        self.at = at;
        if let Some(at) = at {
            emit(Event::SeenAt(at));
        }
        if self.is_user {
            return;
        }
        let text = |name: &str| data.get(name).and_then(Raw::text);
        emit(Event::Meta(Meta { model: text("modelID"), provider: text("providerID"), ..Meta::default() }));
        if let Some(tokens) = data.get("tokens") {
            let field = |names: &[&str]| tokens.path(names).and_then(Raw::count).unwrap_or(0);
            let reasoning = field(&["reasoning"]);
            let usage = Usage {
                input_tokens: field(&["input"]),
                cached_input_tokens: field(&["cache", "read"]),
                cache_write_tokens: field(&["cache", "write"]),
                cache_write_1h_tokens: 0,
                // `output` leaves reasoning out.
                output_tokens: field(&["output"]) + reasoning,
                reasoning_tokens: reasoning,
            };
            let key = hash(&[session.as_bytes(), id.as_bytes()]);
            emit(Event::Usage { key, usage, model: text("modelID"), at, child: None });
        }
    }

    /// Reads the error that a message may bear instead of parts.
    pub fn error(&mut self, data: Raw<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let Some(error) = data.get("error").filter(|error| error.is_object()) else { return };
        let name = error.get("name").map_or(b"" as &[u8], Raw::word);
        let words = error.path(&["data", "message"]).or_else(|| error.get("message")).and_then(Raw::text);
        let words = words.unwrap_or_else(|| Cow::Owned(strings_of(error)));
        let at = data.path(&["time", "completed"]).or_else(|| data.path(&["time", "created"]));
        let at = at.and_then(Raw::int).map(Timestamp::from_millis);
        let kind = if name == b"MessageAbortedError" { ItemKind::Notice } else { ItemKind::Error };
        emit(Event::Item(Item::new(kind, 0, at, hash(&[error.bytes()]), words)));
    }

    fn part(&mut self, part: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) {
        let kind = part.get("type").and_then(Raw::text).unwrap_or_default();
        let time = |name| part.path(&["time", name]).or_else(|| part.path(&["state", "time", name]));
        let at = time("start").and_then(Raw::int).map(Timestamp::from_millis).or(self.at);
        let text = || part.get("text").and_then(Raw::text).unwrap_or_default();
        let mut item = |kind: ItemKind, text: Cow<'_, str>| {
            let key = hash(&[kind.as_str().as_bytes(), text.as_bytes()]);
            let mut item = Item::new(kind, 0, at, key, text);
            item.continues = kind == ItemKind::Answer && std::mem::replace(&mut self.answered, true);
            emit(Event::Item(item));
        };
        match &*kind {
            "text" => {
                let words = text();
                let made = part.get("synthetic").is_some_and(Raw::is_true)
                    || part.get("ignored").is_some_and(Raw::is_true);
                let role = match (self.is_user, made || self.is_child) {
                    (true, true) => ItemKind::Context,
                    (true, false) => ItemKind::Prompt,
                    _ if self.is_summary => ItemKind::Compaction,
                    _ => ItemKind::Answer,
                };
                // A prompt given on the command line is stored with quotes around it.
                let words = match words.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
                    Some(inner) if role == ItemKind::Prompt => Cow::Owned(inner.to_owned()),
                    _ => words,
                };
                if !words.trim().is_empty() {
                    item(role, words);
                }
            }
            "reasoning" if !text().trim().is_empty() => item(ItemKind::Reasoning, text()),
            "reasoning" => {}
            "tool" => tool(part, at, want, emit),
            "patch" => {
                item(ItemKind::FileChange, Cow::Owned(part.get("files").map(strings_of).unwrap_or_default()))
            }
            "file" | "subtask" => item(ItemKind::Context, Cow::Owned(strings_of(part))),
            "compaction" => item(ItemKind::Compaction, "Conversation compacted".into()),
            "retry" => item(ItemKind::Notice, Cow::Owned(strings_of(part))),
            known if gives_items(known).is_some() => {}
            _ => {
                item(ItemKind::Unknown, String::from_utf8_lossy(part.bytes()));
                emit(Event::UnknownKind(kind));
            }
        }
    }
}

fn tool(part: Raw<'_>, at: Option<Timestamp>, want: Want, emit: &mut dyn FnMut(Event<'_>)) {
    let call_id = part.get("callID").and_then(Raw::text).unwrap_or_default();
    let name = part.get("tool").and_then(Raw::text).unwrap_or_default();
    let state = part.get("state");
    let field = |names: &[&str]| state.and_then(|state| state.path(names));
    let key = hash(&[call_id.as_bytes()]);
    let input = field(&["input"]);
    let mut item = Item::new(ItemKind::Tool, 0, at, key, Cow::Borrowed(""));
    item.tool = Some(ToolCall {
        files: input.map(|input| files_of(&name, input)).unwrap_or_default(),
        input: input.map_or(Cow::Borrowed(""), |input| match want {
            Want::Expand => input.text_or_raw(),
            _ => Cow::Owned(strings_of(input)),
        }),
        name,
        call_id,
    });
    emit(Event::Item(item));
    let exit_code = field(&["metadata", "exit"]).and_then(Raw::int);
    let status = match field(&["status"]).map_or(b"" as &[u8], Raw::word) {
        b"completed" if exit_code.is_some_and(|code| code != 0) => ToolStatus::Failed,
        b"completed" => ToolStatus::Completed,
        b"error" => {
            let error = field(&["error"]).and_then(Raw::text).unwrap_or_default();
            let refused = error.contains("rejected permission") || error.contains("user rejected");
            if refused { ToolStatus::Declined } else { ToolStatus::Failed }
        }
        _ => return,
    };
    let time = |name| field(&["time", name]).and_then(Raw::count);
    let output = field(&["output"]).or_else(|| field(&["error"]));
    emit(Event::ToolEnd(ToolEnd {
        call: key,
        part: Some(1),
        text: output.map(Raw::text_or_raw).unwrap_or_default(),
        status: Some(status),
        exit_code,
        duration_ms: time("start").zip(time("end")).map(|(start, end)| end.saturating_sub(start)),
        at,
    }));
}

impl Reader for PartReader {
    fn read(&mut self, value: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        if value.get("role").is_some() {
            self.error(value, emit);
        } else {
            self.part(value, want, emit);
        }
        Ok(())
    }

    fn state(&self) -> String {
        String::new()
    }
}

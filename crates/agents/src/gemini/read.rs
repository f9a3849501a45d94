//! Gemini's records → items.
//!
//! A message is written again, with the same id, when its tool calls finish; `--resume` writes the whole
//! history again in another shape (`$set.messages`: parts instead of thoughts and tool calls, no tokens).
//! So each thing is known by what it is (message id and type, call id, words) and taken when first seen.

use std::borrow::Cow;
use std::collections::HashSet;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};

use super::locate::project_root;
use super::wire::is_known;
use crate::agent::{FileRole, Reader, SessionFile, Want};
use crate::event::{Event, Item, Meta, TitleKind, ToolCall, ToolEnd, hash};
use crate::framing;
use crate::json::{Malformed, Raw};
use crate::text::{exit_code_in, files_of, join, strings_of};

/// What must be remembered from one record to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    session: String,
    /// Everything taken so far, by [`hash`].
    seen: HashSet<u64>,
    /// Calls whose output was taken.
    ended: HashSet<u64>,
}

/// Reads one chat.
pub struct GeminiReader {
    state: State,
    cwd: Option<String>,
    parent: Option<String>,
    expand: bool,
}

impl GeminiReader {
    pub fn new(file: &SessionFile, state: Option<&str>) -> Self {
        let parent = match &file.role {
            FileRole::Subagent { parent } => parent.clone(),
            _ => None,
        };
        GeminiReader {
            state: state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            cwd: project_root(&file.path),
            parent,
            expand: false,
        }
    }

    fn header(&mut self, value: Raw<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        if let Some(text) = value.get("summary").and_then(Raw::text).filter(|text| !text.is_empty()) {
            emit(Event::Title { kind: TitleKind::Generated, text, session: None });
        }
        let Some(id) = value.get("sessionId").and_then(Raw::text).filter(|id| !id.is_empty()) else { return };
        if self.state.session.is_empty() {
            self.state.session = id.clone().into_owned();
            emit(Event::Identity(id));
            // Written by Marline.
            if let Some(session) = value.path(&["forkedFrom", "sessionId"]).and_then(Raw::text) {
                emit(Event::ForkedFrom { session, shared_bytes: None });
            }
            if let Some(cwd) = &self.cwd {
                emit(Event::Meta(Meta { cwd: Some(Cow::Borrowed(cwd)), ..Meta::default() }));
            }
            if let Some(parent) = &self.parent {
                emit(Event::Parent { session: Cow::Borrowed(parent), call: None });
            }
        }
        for name in ["startTime", "lastUpdated"] {
            if let Some(at) = value.get(name).and_then(|at| Timestamp::from_rfc3339_utc(at.word())) {
                emit(Event::SeenAt(at));
            }
        }
    }

    /// Takes a thing that was not taken before; a single record taken out of its file gives all it holds.
    fn is_new(&mut self, parts: &[&[u8]]) -> bool {
        self.state.seen.insert(hash(parts)) || self.expand
    }

    fn message(&mut self, message: Raw<'_>, again: bool, out: &mut Out<'_, '_>) {
        let (mut id, mut kind, mut content, mut shown) = (b"" as &[u8], b"" as &[u8], None, None);
        let (mut thoughts, mut calls, mut tokens, mut model, mut at) = (None, None, None, None, None);
        for (key, value) in message.fields().flatten() {
            match key {
                b"id" => id = value.word(),
                b"type" => kind = value.word(),
                b"content" => content = Some(value),
                // Since 0.5x: what the human typed, where files that it names were put into `content`.
                b"displayContent" => shown = Some(value),
                b"thoughts" => thoughts = Some(value),
                b"toolCalls" => calls = Some(value),
                b"tokens" => tokens = Some(value),
                b"model" => model = value.text(),
                b"timestamp" => at = Timestamp::from_rfc3339_utc(value.word()),
                _ => {}
            }
        }
        out.at = at;
        if let Some(at) = at.filter(|_| !again) {
            (out.emit)(Event::SeenAt(at));
        }
        match kind {
            b"user" => self.user(id, content, shown, again, out),
            b"gemini" => {
                self.thoughts(id, thoughts, content, out);
                let words = content.map(|content| words_of(content, false)).unwrap_or_default();
                if !words.trim().is_empty() {
                    let new = self.is_first_writing(id, kind, &words, again);
                    out.numbered(new, |out| out.item(ItemKind::Answer, hash(&[id, kind]), words));
                }
                for call in calls.map(Raw::elements).into_iter().flatten() {
                    self.tool_call(call, out);
                }
                for part in content.map(Raw::elements).into_iter().flatten() {
                    if let Some(call) = part.get("functionCall") {
                        self.tool_call(call, out);
                    }
                }
                if let Some(model) = &model {
                    (out.emit)(Event::Meta(Meta { model: Some(model.clone()), ..Meta::default() }));
                }
                if let Some(tokens) = tokens.filter(|tokens| tokens.is_object()) {
                    let key = hash(&[self.state.session.as_bytes(), id]);
                    (out.emit)(Event::Usage { key, usage: usage_of(tokens), model, at, child: None });
                }
            }
            b"info" | b"warning" | b"error" => {
                let words = content.map(|content| words_of(content, false)).unwrap_or_default();
                let item = if kind == b"error" { ItemKind::Error } else { ItemKind::Notice };
                let new = self.is_first_writing(id, kind, &words, again);
                out.numbered(new, |out| out.item(item, hash(&[id, kind]), words));
            }
            _ => {
                let kind = String::from_utf8_lossy(kind);
                if !is_known(&kind) {
                    (out.emit)(Event::UnknownKind(Cow::Owned(format!("message/{kind}"))));
                }
                let new = self.is_new(&[id, b"unknown", message.bytes()]);
                out.numbered(new, |out| {
                    out.item(ItemKind::Unknown, hash(&[id]), String::from_utf8_lossy(message.bytes()));
                });
            }
        }
    }

    /// Says whether a text is written for the first time: by its message's id, and in a history that is
    /// written again, where ids may be new ones, by its words too.
    fn is_first_writing(&mut self, id: &[u8], kind: &[u8], words: &str, again: bool) -> bool {
        let known_words = !self.state.seen.insert(hash(&[b"words", kind, words.trim().as_bytes()]));
        let new_id = self.state.seen.insert(hash(&[id, kind]));
        (new_id && !(again && known_words)) || self.expand
    }

    fn user(
        &mut self,
        id: &[u8],
        content: Option<Raw<'_>>,
        shown: Option<Raw<'_>>,
        again: bool,
        out: &mut Out<'_, '_>,
    ) {
        let Some(content) = content else { return };
        for part in content.elements() {
            if let Some(response) = part.get("functionResponse") {
                // The output stands in the tool call of the message before, unless that one has none.
                let call = hash(&[response.get("id").map_or(b"" as &[u8], Raw::word)]);
                let new = self.state.ended.insert(call) || self.expand;
                let text = response.get("response").map(response_text).unwrap_or_default();
                out.numbered(new, |out| out.tool_end(call, text, None, None));
            }
        }
        let sent = words_of(content, false);
        let typed = shown.map(|shown| words_of(shown, false)).filter(|typed| !typed.trim().is_empty());
        if let Some(added) = typed.as_ref().filter(|typed| **typed != sent) {
            let new = self.is_first_writing(id, b"added", added, again);
            out.numbered(new, |out| out.item(ItemKind::Context, hash(&[id, b"added"]), sent.clone()));
        }
        let words = typed.unwrap_or(sent);
        if words.trim().is_empty() {
            return;
        }
        let new = self.is_first_writing(id, b"user", &words, again);
        let injected = is_injected(&words);
        let kind = if injected || self.parent.is_some() { ItemKind::Context } else { ItemKind::Prompt };
        out.numbered(new, |out| out.item(kind, hash(&[id, b"user"]), words));
    }

    fn thoughts(
        &mut self,
        id: &[u8],
        thoughts: Option<Raw<'_>>,
        content: Option<Raw<'_>>,
        out: &mut Out<'_, '_>,
    ) {
        let field =
            |thought: Raw<'_>, name| thought.get(name).and_then(Raw::text).unwrap_or_default().into_owned();
        let listed = thoughts.map(Raw::elements).into_iter().flatten().map(|thought| {
            join([Cow::Owned(field(thought, "subject")), Cow::Owned(field(thought, "description"))])
                .into_owned()
        });
        let words = join(listed.map(Cow::Owned));
        let words = match words.is_empty() {
            true => content.map(|content| words_of(content, true)).unwrap_or_default(),
            false => words,
        };
        if !words.trim().is_empty() {
            let new = self.is_new(&[id, b"thoughts"]);
            out.numbered(new, |out| out.item(ItemKind::Reasoning, hash(&[id, b"thoughts"]), words));
        }
    }

    fn tool_call(&mut self, call: Raw<'_>, out: &mut Out<'_, '_>) {
        let Some(call_id) = call.get("id").and_then(Raw::text) else { return };
        let name = call.get("name").and_then(Raw::text).unwrap_or_default();
        let key = hash(&[call_id.as_bytes()]);
        let arguments = call.get("args");
        let new = self.is_new(&[b"call", call_id.as_bytes()]);
        let input = arguments.map_or(Cow::Borrowed(""), |input| match out.want {
            Want::Messages => Cow::Borrowed(""),
            Want::Everything => Cow::Owned(strings_of(input)),
            Want::Expand => input.text_or_raw(),
        });
        let files = arguments.map(|input| files_of(&name, input)).unwrap_or_default();
        let tool = ToolCall { name, call_id, input, files };
        out.numbered(new, |out| out.tool(key, tool));
        let status = match call.get("status").map_or(b"" as &[u8], Raw::word) {
            b"success" => Some(ToolStatus::Completed),
            b"error" => Some(ToolStatus::Failed),
            b"cancelled" => Some(ToolStatus::Declined),
            _ => None,
        };
        if let (Some(status), result) = (status, call.get("result")) {
            let new = self.state.ended.insert(key) || self.expand;
            let result = result
                .map(Raw::elements)
                .into_iter()
                .flatten()
                .filter_map(|part| part.path(&["functionResponse", "response"]).map(response_text));
            let text = join(result);
            let exit_code = exit_code_in(&text);
            // A command that exits with an error is a "success" of the tool.
            let status = if exit_code.is_some_and(|code| code != 0) { ToolStatus::Failed } else { status };
            out.numbered(new, |out| out.tool_end(key, text, Some(status), exit_code));
        }
    }
}

impl Reader for GeminiReader {
    fn read(&mut self, value: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        self.expand = want == Want::Expand;
        let mut out = Out { next: 0, at: None, want, emit };
        if let Some(set) = value.get("$set") {
            for message in set.get("messages").map(Raw::elements).into_iter().flatten() {
                self.message(message, true, &mut out);
            }
            self.header(set, out.emit);
        } else if let Some(target) = value.get("$rewindTo") {
            let key = hash(&[b"rewind", target.bytes()]);
            let new = self.is_new(&[b"rewind", target.bytes()]);
            out.numbered(new, |out| {
                out.item(ItemKind::Notice, key, "Rewound to an earlier message".into());
            });
        } else if value.get("type").is_some() {
            self.message(value, false, &mut out);
        } else if value.get("sessionId").is_some() {
            self.header(value, out.emit);
        } else {
            let name = value.fields().flatten().next().map_or(Cow::Borrowed(""), |(name, _)| {
                Cow::Owned(String::from_utf8_lossy(name).into_owned())
            });
            (out.emit)(Event::UnknownKind(name));
            out.item(ItemKind::Unknown, hash(&[value.bytes()]), String::from_utf8_lossy(value.bytes()));
        }
        Ok(())
    }

    fn state(&self) -> String {
        serde_json::to_string(&self.state).expect("a state is plain data")
    }
}

/// Numbers a record's items.
struct Out<'e, 'f> {
    next: u16,
    at: Option<Timestamp>,
    want: Want,
    emit: &'e mut (dyn FnMut(Event<'_>) + 'f),
}

impl Out<'_, '_> {
    fn part(&mut self) -> u16 {
        self.next += 1;
        self.next - 1
    }

    fn numbered(&mut self, made: bool, make: impl FnOnce(&mut Self)) {
        if made {
            make(self);
        } else {
            self.next += 1;
        }
    }

    fn item(&mut self, kind: ItemKind, key: u64, text: Cow<'_, str>) {
        let part = self.part();
        let unread = self.want == Want::Messages && !kind.is_message();
        let text = if unread { Cow::Borrowed("") } else { text };
        (self.emit)(Event::Item(Item::new(kind, part, self.at, key, text)));
    }

    fn tool(&mut self, key: u64, tool: ToolCall<'_>) {
        let part = self.part();
        let mut item = Item::new(ItemKind::Tool, part, self.at, key, Cow::Borrowed(""));
        item.tool = Some(tool);
        (self.emit)(Event::Item(item));
    }

    fn tool_end(
        &mut self,
        call: u64,
        text: Cow<'_, str>,
        status: Option<ToolStatus>,
        exit_code: Option<i64>,
    ) {
        let part = Some(self.part());
        let framed = framing::gemini(&text);
        let text = match self.want {
            Want::Messages => Cow::Borrowed(""),
            _ if framed.text.len() < text.len() => Cow::Owned(framed.printed().into_owned()),
            _ => text,
        };
        (self.emit)(Event::ToolEnd(ToolEnd {
            call,
            part,
            text,
            status,
            exit_code,
            duration_ms: None,
            at: self.at,
        }));
    }
}

/// The words of a content: a string, or parts with `text`, of which some are thoughts.
fn words_of(content: Raw<'_>, thoughts: bool) -> Cow<'_, str> {
    if let Some(text) = content.text() {
        return if thoughts { Cow::Borrowed("") } else { text };
    }
    join(content.elements().map(|part| {
        let is_thought = part.get("thought").is_some_and(Raw::is_true);
        match part.get("text").and_then(Raw::text) {
            Some(text) if is_thought == thoughts => text,
            None if !thoughts && part.get("inlineData").is_some() => Cow::Borrowed("[image]"),
            _ => Cow::Borrowed(""),
        }
    }))
}

fn response_text(response: Raw<'_>) -> Cow<'_, str> {
    let known = ["output", "error"].iter().find_map(|name| response.get(name)?.text());
    known.unwrap_or_else(|| Cow::Owned(strings_of(response)))
}

fn is_injected(text: &str) -> bool {
    let text = text.trim_start();
    [
        "<session_context>",
        "<system-reminder>",
        "<hook_context>",
        "<state_snapshot>",
        "This is the Gemini CLI. We are",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// `input` counts cached tokens, `output` leaves thoughts out.
fn usage_of(tokens: Raw<'_>) -> Usage {
    let field = |name| tokens.get(name).and_then(Raw::count).unwrap_or(0);
    let (cached, thoughts) = (field("cached"), field("thoughts"));
    Usage {
        input_tokens: field("input").saturating_sub(cached),
        cached_input_tokens: cached,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
        output_tokens: field("output") + thoughts,
        reasoning_tokens: thoughts,
    }
}

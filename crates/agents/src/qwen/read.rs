//! Qwen's records → items.

use std::borrow::Cow;
use std::path::PathBuf;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};

use super::wire::gives_items;
use crate::agent::{FileRole, Reader, SessionFile, Want};
use crate::event::{Event, Item, Meta, TitleKind, ToolCall, ToolEnd, hash};
use crate::framing;
use crate::json::{Malformed, Raw};
use crate::text::{exit_code_in, files_of, join, strings_of};

/// What must be remembered from one record to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The parents of the prompts so far: two prompts with one parent are a rewind.
    prompt_parents: Vec<u64>,
    /// Who the session's parent or origin is was told.
    introduced: bool,
}

/// Reads one chat.
pub struct QwenReader {
    state: State,
    role: FileRole,
    /// What stands beside a sub-agent's chat about it.
    meta: PathBuf,
}

/// The fields of a record that matter.
#[derive(Default)]
struct Record<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    uuid: &'a [u8],
    parent: &'a [u8],
    provenance: &'a [u8],
    at: Option<Timestamp>,
    cwd: Option<Raw<'a>>,
    version: Option<Raw<'a>>,
    branch: Option<Raw<'a>>,
    model: Option<Raw<'a>>,
    message: Option<Raw<'a>>,
    usage: Option<Raw<'a>>,
    result: Option<Raw<'a>>,
    payload: Option<Raw<'a>>,
    forked_from: Option<Raw<'a>>,
}

impl<'a> Record<'a> {
    fn parse(value: Raw<'a>) -> Result<Self, Malformed> {
        let mut record = Record::default();
        for field in value.fields() {
            let (key, value) = field?;
            match key {
                b"type" => record.kind = value.word(),
                b"subtype" => record.subtype = value.word(),
                b"uuid" => record.uuid = value.word(),
                b"parentUuid" => record.parent = value.word(),
                b"provenance" => record.provenance = value.word(),
                b"timestamp" => record.at = Timestamp::from_rfc3339_utc(value.word()),
                b"cwd" => record.cwd = Some(value),
                b"version" => record.version = Some(value),
                b"gitBranch" => record.branch = Some(value),
                b"model" => record.model = Some(value),
                b"message" => record.message = Some(value),
                b"usageMetadata" => record.usage = Some(value),
                b"toolCallResult" => record.result = Some(value),
                b"systemPayload" => record.payload = Some(value),
                b"forkedFrom" => record.forked_from = Some(value),
                _ => {}
            }
        }
        // Qwen 0.24: a fork copies records under new ids and names the old ones, by which they are known again.
        if let Some(origin) = record.forked_from.and_then(|from| from.get("messageUuid")) {
            record.uuid = origin.word();
        }
        Ok(record)
    }

    fn parts(&self) -> impl Iterator<Item = Raw<'a>> {
        self.message.and_then(|message| message.get("parts")).map(Raw::elements).into_iter().flatten()
    }

    /// The words of the message; thoughts apart.
    fn words(&self, thoughts: bool) -> Cow<'a, str> {
        join(self.parts().filter_map(|part| {
            let is_thought = part.get("thought").is_some_and(Raw::is_true);
            (is_thought == thoughts).then(|| part.get("text")?.text()).flatten()
        }))
    }
}

impl QwenReader {
    pub fn new(file: &SessionFile, state: Option<&str>) -> Self {
        let state = state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        QwenReader { state, role: file.role.clone(), meta: file.path.with_extension("meta.json") }
    }

    /// Tells once whose sub-agent or fork this is.
    fn introduce(&mut self, record: &Record<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        if std::mem::replace(&mut self.state.introduced, true) {
            return;
        }
        if let FileRole::Subagent { parent } = &self.role {
            let meta = std::fs::read(&self.meta).unwrap_or_default();
            let meta = Raw::first(&meta).ok().map(|(meta, _)| meta);
            let text = |name| meta.and_then(|meta| meta.get(name)?.text());
            let agent = text("parentAgentId").map(|agent| Cow::Owned(format!("agent-{agent}")));
            if let Some(session) = agent.or_else(|| parent.clone().map(Cow::Owned)) {
                emit(Event::Parent { session, call: None });
            }
            if let Some(text) = text("description") {
                emit(Event::Title { kind: TitleKind::Generated, text, session: None });
            }
        }
        if let Some(session) = record.forked_from.and_then(|from| from.get("sessionId")?.text()) {
            emit(Event::ForkedFrom { session, shared_bytes: None });
        }
    }

    fn prompt(&mut self, record: &Record<'_>, out: &mut Out<'_, '_>) {
        let words = record.words(false);
        if words.trim().is_empty() {
            return;
        }
        let is_subagent = matches!(self.role, FileRole::Subagent { .. });
        let human = !is_subagent && matches!(record.provenance, b"real_user" | b"");
        let parent = hash(&[record.parent]);
        let rewound = human && !record.parent.is_empty() && self.state.prompt_parents.contains(&parent);
        if human {
            self.state.prompt_parents.push(parent);
        }
        // The part is taken in either case, so that a record always numbers its items alike.
        let part = out.part();
        if rewound {
            let text = "Rewound: what follows replaces what came after an earlier point".into();
            out.emit(Item::new(ItemKind::Notice, part, record.at, hash(&[b"rewind", record.uuid]), text));
        }
        out.item(
            if human { ItemKind::Prompt } else { ItemKind::Context },
            record.at,
            hash(&[record.uuid]),
            words,
        );
    }
}

fn answer(record: &Record<'_>, out: &mut Out<'_, '_>) {
    let thoughts = record.words(true);
    if !thoughts.trim().is_empty() {
        out.item(ItemKind::Reasoning, record.at, hash(&[b"thoughts", record.uuid]), thoughts);
    }
    let words = record.words(false);
    if !words.trim().is_empty() {
        out.item(ItemKind::Answer, record.at, hash(&[record.uuid]), words);
    }
    for call in record.parts().filter_map(|part| part.get("functionCall")) {
        let text = |name: &str| call.get(name).and_then(Raw::text).unwrap_or_default();
        let (name, call_id, arguments) = (text("name"), text("id"), call.get("args"));
        let mut item =
            Item::new(ItemKind::Tool, out.part(), record.at, hash(&[call_id.as_bytes()]), "".into());
        item.tool = Some(ToolCall {
            files: arguments.map(|arguments| files_of(&name, arguments)).unwrap_or_default(),
            input: arguments.map_or(Cow::Borrowed(""), |arguments| match out.want {
                Want::Messages => Cow::Borrowed(""),
                Want::Everything => Cow::Owned(strings_of(arguments)),
                Want::Expand => arguments.text_or_raw(),
            }),
            name,
            call_id,
        });
        out.emit(item);
    }
    let model = record.model.and_then(Raw::text);
    if let Some(usage) = record.usage {
        let key = hash(&[record.uuid]);
        (out.emit)(Event::Usage {
            key,
            usage: usage_of(usage),
            model: model.clone(),
            at: record.at,
            child: None,
        });
    }
    (out.emit)(Event::Meta(Meta { model, ..Meta::default() }));
}

fn tool_result(record: &Record<'_>, out: &mut Out<'_, '_>) {
    for response in record.parts().filter_map(|part| part.get("functionResponse")) {
        let call = hash(&[response.get("id").map_or(b"" as &[u8], Raw::word)]);
        let texts = response.get("response").map(|response| {
            let known = ["output", "error"].iter().find_map(|name| response.get(name)?.text());
            known.unwrap_or_else(|| Cow::Owned(strings_of(response)))
        });
        let text = texts.unwrap_or_default();
        let shown = record.result.and_then(|result| result.path(&["resultDisplay", "exitCode"])?.int());
        let exit_code = shown.or_else(|| exit_code_in(&text));
        let status =
            match record.result.and_then(|result| result.get("status")).map_or(b"" as &[u8], Raw::word) {
                b"error" => ToolStatus::Failed,
                b"cancelled" => ToolStatus::Declined,
                _ if exit_code.is_some_and(|code| code != 0) => ToolStatus::Failed,
                _ => ToolStatus::Completed,
            };
        let part = Some(out.part());
        let framed = framing::gemini(&text);
        let text = match out.want {
            Want::Messages => Cow::Borrowed(""),
            _ if framed.text.len() < text.len() => Cow::Owned(framed.printed().into_owned()),
            _ => text,
        };
        (out.emit)(Event::ToolEnd(ToolEnd {
            call,
            part,
            text,
            status: Some(status),
            exit_code,
            duration_ms: None,
            at: record.at,
        }));
    }
}

fn system(record: &Record<'_>, out: &mut Out<'_, '_>) {
    let key = hash(&[record.uuid]);
    match record.subtype {
        b"ui_telemetry" => {
            let event = record.payload.and_then(|payload| payload.get("uiEvent"));
            let field = |name| event.and_then(|event: Raw<'_>| event.get(name));
            // Calls and answers stand in records of their own; a failed request stands here alone.
            if field("event.name").is_some_and(|name| name.word().ends_with(b".api_error")) {
                let words = field("error_message").and_then(Raw::text).unwrap_or_default();
                out.item(ItemKind::Error, record.at, key, words);
            }
        }
        b"chat_compression" => {
            out.item(ItemKind::Compaction, record.at, key, "Conversation compacted".into())
        }
        b"custom_title" => {
            let title = record.payload.and_then(|payload| payload.get("customTitle")?.text());
            if let Some(text) = title.filter(|title| !title.is_empty()) {
                (out.emit)(Event::Title { kind: TitleKind::Given, text, session: None });
            }
        }
        _ => {
            let words = record.payload.map(strings_of).unwrap_or_default();
            out.item(ItemKind::Notice, record.at, key, Cow::Owned(words));
        }
    }
}

impl Reader for QwenReader {
    fn read(&mut self, value: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        let record = Record::parse(value)?;
        if let Some(at) = record.at {
            emit(Event::SeenAt(at));
        }
        emit(Event::Meta(Meta {
            cwd: record.cwd.and_then(Raw::text),
            version: record.version.and_then(Raw::text),
            branch: record.branch.and_then(Raw::text).filter(|branch| !branch.is_empty()),
            ..Meta::default()
        }));
        self.introduce(&record, emit);
        let mut out = Out { next: 0, want, emit };
        let mut kind = String::from_utf8_lossy(record.kind).into_owned();
        if !record.subtype.is_empty() {
            kind = format!("{kind}/{}", String::from_utf8_lossy(record.subtype));
        }
        match (record.kind, gives_items(&kind)) {
            (_, Some(false)) => {}
            (b"user", _) => self.prompt(&record, &mut out),
            (b"assistant", _) => answer(&record, &mut out),
            (b"tool_result", _) => tool_result(&record, &mut out),
            (b"system", Some(true)) => system(&record, &mut out),
            _ => {
                (out.emit)(Event::UnknownKind(Cow::Borrowed(&kind)));
                out.item(
                    ItemKind::Unknown,
                    record.at,
                    hash(&[value.bytes()]),
                    String::from_utf8_lossy(value.bytes()),
                );
            }
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
    want: Want,
    emit: &'e mut (dyn FnMut(Event<'_>) + 'f),
}

impl Out<'_, '_> {
    fn part(&mut self) -> u16 {
        self.next += 1;
        self.next - 1
    }

    fn emit(&mut self, item: Item<'_>) {
        (self.emit)(Event::Item(item));
    }

    fn item(&mut self, kind: ItemKind, at: Option<Timestamp>, key: u64, text: Cow<'_, str>) {
        let part = self.part();
        let unread = self.want == Want::Messages && !kind.is_message();
        self.emit(Item::new(kind, part, at, key, if unread { Cow::Borrowed("") } else { text }));
    }
}

/// `promptTokenCount` counts cached tokens. Whether `candidatesTokenCount` counts thoughts depends on the model's
/// provider; the total tells.
fn usage_of(usage: Raw<'_>) -> Usage {
    let field = |name| usage.get(name).and_then(Raw::count).unwrap_or(0);
    let (cached, thoughts) = (field("cachedContentTokenCount"), field("thoughtsTokenCount"));
    let (prompt, candidates) = (field("promptTokenCount"), field("candidatesTokenCount"));
    let counts_thoughts = field("totalTokenCount") == prompt + candidates;
    Usage {
        input_tokens: prompt.saturating_sub(cached),
        cached_input_tokens: cached,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
        output_tokens: candidates + if counts_thoughts { 0 } else { thoughts },
        reasoning_tokens: thoughts,
    }
}

//! Claude's records → items.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};

use super::wire::{Record, Treatment, treatment};
use crate::agent::{FileRole, Reader, SessionFile, Want};
use crate::event::{Event, Item, Meta, TitleKind, ToolCall, ToolEnd, hash};
use crate::framing;
use crate::json::{Malformed, Raw};
use crate::text::{exit_code_in, files_of, join, strings_of};

/// How many summaries of other leaves are remembered until their leaf is seen.
const MAX_SUMMARIES: usize = 16;
/// How many queued prompts are remembered until their own record is seen.
const MAX_QUEUED: usize = 32;

/// What must be remembered from one record to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The parent was told.
    introduced: bool,
    /// `uuid` of the last record of the tree.
    last_uuid: u64,
    /// The message id of the last answer: a message is several records.
    last_answer: u64,
    /// The parents of the prompts so far: two prompts with one parent are a rewind.
    prompt_parents: Vec<u64>,
    /// Old releases keep side conversations in the main file: `uuid` → position in `sidechains`.
    sidechain_of: HashMap<u64, usize>,
    /// The root `uuid` of each side conversation.
    sidechains: Vec<String>,
    /// Summaries whose leaf was not seen yet: `leafUuid`, text.
    summaries: Vec<(u64, String)>,
    /// Prompts that stood in the queue; their own record may follow, or not.
    queued: Vec<u64>,
    /// Prompts whose record came before its queue entry.
    prompts: Vec<u64>,
    /// The title that was written last.
    title: u64,
}

/// Reads one transcript.
pub struct ClaudeReader {
    state: State,
    role: FileRole,
    /// What stands beside a sub-agent's transcript about it.
    meta: PathBuf,
    expand: bool,
}

impl ClaudeReader {
    pub fn new(file: &SessionFile, state: Option<&str>) -> Self {
        // A state that this release can't read is as good as none: it is only ever our own.
        let state = state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let meta = file.path.with_extension("meta.json");
        ClaudeReader { state, role: file.role.clone(), meta, expand: false }
    }

    fn is_subagent(&self) -> bool {
        matches!(self.role, FileRole::Subagent { .. })
    }

    /// Returns the inline side conversation that a record belongs to, by its root's `uuid`.
    fn sidechain(&mut self, record: &Record<'_>) -> Option<Cow<'static, str>> {
        if !record.is_sidechain || self.is_subagent() {
            return None;
        }
        let root = match self.state.sidechain_of.get(&hash(&[record.parent_uuid])) {
            Some(root) => *root,
            None => {
                self.state.sidechains.push(String::from_utf8_lossy(record.uuid).into_owned());
                self.state.sidechains.len() - 1
            }
        };
        self.state.sidechain_of.insert(hash(&[record.uuid]), root);
        Some(Cow::Owned(self.state.sidechains[root].clone()))
    }

    fn introduce(&mut self, record: &Record<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        if self.state.introduced || record.uuid.is_empty() {
            return;
        }
        self.state.introduced = true;
        if let FileRole::Subagent { parent } = &self.role {
            // Claude Code since 2.1: who started it, if not the session itself, and what for.
            let meta = std::fs::read(&self.meta).unwrap_or_default();
            let meta = Raw::first(&meta).ok().map(|(meta, _)| meta);
            let text = |name| meta.and_then(|meta| meta.get(name)?.text());
            let named = match text("parentAgentId") {
                Some(agent) => Cow::Owned(format!("agent-{agent}")),
                None => parent.clone().map_or(String::from_utf8_lossy(record.session_id), Cow::Owned),
            };
            if !named.is_empty() {
                let call = text("toolUseId").map(|call| hash(&[call.as_bytes()]));
                emit(Event::Parent { session: named, call });
            }
            if let Some(text) = text("description") {
                emit(Event::Title { kind: TitleKind::Generated, text, session: None });
            }
            let warm_up = record.message.and_then(|message| message.get("content"));
            if warm_up.is_some_and(|content| content.word() == b"Warmup") {
                // 2.0.2x to 2.0.76: two runs of one line each, to fill the prompt cache.
                emit(Event::NotASession);
            }
        }
        let forked = record.forked_from.and_then(|from| from.get("sessionId")?.text());
        if let Some(origin) = forked.or_else(|| record.handed_over?.text()) {
            emit(Event::ForkedFrom { session: origin, shared_bytes: None });
        }
    }

    fn user(&mut self, record: &Record<'_>, at: Option<Timestamp>, want: Want, out: &mut Out<'_, '_>) {
        let Some(content) = record.message.and_then(|message| message.get("content")) else { return };
        let key = hash(&[record.uuid]);
        if content.is_string() {
            let text = content.text().unwrap_or_default();
            self.human(record, at, key, text, want, out);
            return;
        }
        let mut words = Vec::new();
        for block in content.elements() {
            match block.get("type").map_or(b"" as &[u8], Raw::word) {
                b"tool_result" => self.tool_result(record, block, at, want, out),
                b"text" => words.extend(block.get("text").and_then(Raw::text).filter(|t| !is_injected(t))),
                b"image" => words.push(Cow::Borrowed("[image]")),
                b"document" => words.push(Cow::Borrowed("[document]")),
                _ => {}
            }
        }
        if !words.is_empty() {
            self.human(record, at, key, join(words), want, out);
        } else if content.elements().any(|block| block.get("text").is_some()) {
            let texts = content.elements().filter_map(|block| block.get("text")?.text());
            out.item(ItemKind::Context, at, key, join(texts), want);
        }
    }

    /// Text that stands where the human's words stand; most of it is not the human's.
    fn human<'a>(
        &mut self,
        record: &Record<'a>,
        at: Option<Timestamp>,
        key: u64,
        text: Cow<'a, str>,
        want: Want,
        out: &mut Out<'_, '_>,
    ) {
        let origin = record.origin.and_then(|origin| origin.get("kind")).map_or(b"" as &[u8], Raw::word);
        let machine = record.is_meta
            || record.is_compact_summary
            || record.is_sidechain
            || record.has_plan
            || record.prompt_source == b"system"
            || matches!(origin, b"task-notification" | b"peer")
            || is_injected(&text);
        if let Some(notice) = command_of(&text).filter(|_| !record.is_meta && !record.is_sidechain) {
            // A command may say nothing: its empty output is no event to show.
            out.skip_part(!notice.is_empty(), |out| {
                out.item(ItemKind::Notice, at, key, Cow::Owned(notice), want);
            });
        } else if let Some(words) = framing::claude_interruption(&text) {
            out.item(ItemKind::Notice, at, key, Cow::Borrowed(words), want);
        } else if machine {
            out.item(ItemKind::Context, at, key, text, want);
        } else if !text.trim().is_empty() {
            let words = hash(&[text.trim().as_bytes()]);
            if let Some(n) = self.state.queued.iter().position(|queued| *queued == words) {
                // Since 2.1.101 a prompt typed while the agent works may stand as an attachment and as a record.
                if record.prompt_source == b"queued" || self.expand {
                    self.state.queued.remove(n);
                    out.skip_part(self.expand, |out| out.item(ItemKind::Prompt, at, key, text, want));
                    return;
                }
            }
            self.note_rewind(record, at, key, out);
            self.state.prompts.push(words);
            if self.state.prompts.len() > MAX_QUEUED {
                self.state.prompts.remove(0);
            }
            out.item(ItemKind::Prompt, at, key, text, want);
        }
    }

    /// A prompt whose parent already has a prompt for a child replaces what came after that parent.
    fn note_rewind(&mut self, record: &Record<'_>, at: Option<Timestamp>, key: u64, out: &mut Out<'_, '_>) {
        let parent = hash(&[record.parent_uuid]);
        let rewound = !record.parent_uuid.is_empty() && self.state.prompt_parents.contains(&parent);
        self.state.prompt_parents.push(parent);
        // The part is taken in either case, so that a record always numbers its items alike.
        out.skip_part(rewound, |out| {
            let text = "Rewound: what follows replaces what came after an earlier point".into();
            out.item(ItemKind::Notice, at, hash(&[b"rewind", &key.to_le_bytes()]), text, Want::Everything);
        });
    }

    fn tool_result<'a>(
        &mut self,
        record: &Record<'a>,
        block: Raw<'a>,
        at: Option<Timestamp>,
        want: Want,
        out: &mut Out<'_, '_>,
    ) {
        let (mut call, mut content, mut failed) = (b"" as &[u8], None, false);
        for (key, value) in block.fields().flatten() {
            match key {
                b"tool_use_id" => call = value.word(),
                b"content" => content = Some(value),
                b"is_error" => failed = value.is_true(),
                _ => {}
            }
        }
        let detail = record.tool_result.filter(|detail| detail.is_object());
        let duration_ms = detail
            .and_then(|detail| detail.get("totalDurationMs").or_else(|| detail.get("durationMs"))?.count());
        let head = content.map_or(Cow::Borrowed(""), |content| {
            // The exit code stands at the start; a large output is not decoded only to look for it.
            if want == Want::Messages && !failed { Cow::Borrowed("") } else { result_text(content) }
        });
        let declined = record.is_denied || (failed && head.starts_with("The user doesn't want to"));
        let exit_code = if failed { exit_code_in(&head) } else { None };
        let status = match (declined, failed) {
            (true, _) => ToolStatus::Declined,
            (_, true) => ToolStatus::Failed,
            _ => ToolStatus::Completed,
        };
        let printed = framing::claude(&head);
        let text = match want {
            Want::Messages => Cow::Borrowed(""),
            _ if printed.len() < head.len() => Cow::Owned(printed.to_owned()),
            _ => head,
        };
        out.tool_end(ToolEnd {
            call: hash(&[call]),
            part: None,
            text,
            status: Some(status),
            exit_code,
            duration_ms,
            at,
        });
    }

    fn assistant(&mut self, record: &Record<'_>, at: Option<Timestamp>, want: Want, out: &mut Out<'_, '_>) {
        let Some(message) = record.message else { return };
        let (mut id, mut model, mut content, mut usage) = (b"" as &[u8], None, None, None);
        for (key, value) in message.fields().flatten() {
            match key {
                b"id" => id = value.word(),
                b"model" => model = Some(value),
                b"content" => content = Some(value),
                b"usage" => usage = Some(value),
                _ => {}
            }
        }
        let synthetic = model.is_some_and(|model| model.word() == b"<synthetic>");
        let model = model.and_then(Raw::text).filter(|_| !synthetic);
        let record_key = hash(&[record.uuid]);
        let blocks = content.map(Raw::elements).into_iter().flatten();
        let whole = content.and_then(Raw::text).filter(|_| content.is_some_and(Raw::is_string));
        for (text, block) in
            blocks.map(|block| (None, Some(block))).chain(whole.map(|text| (Some(text), None)))
        {
            let field = |name| block.and_then(|block: Raw<'_>| block.get(name));
            let kind = field("type").map_or(b"text" as &[u8], Raw::word);
            match kind {
                b"text" => {
                    let text = text.or_else(|| field("text")?.text()).unwrap_or_default();
                    if text.trim().is_empty() || text == "(no content)" {
                        continue;
                    }
                    if record.is_api_error {
                        out.item(ItemKind::Error, at, record_key, text, Want::Everything);
                    } else if synthetic {
                        out.item(ItemKind::Notice, at, record_key, text, want);
                    } else {
                        let answer = hash(&[id, if id.is_empty() { record.uuid } else { b"" }]);
                        let continues = self.state.last_answer == answer;
                        self.state.last_answer = answer;
                        let mut item = Item::new(ItemKind::Answer, out.part(), at, record_key, text);
                        item.continues = continues;
                        out.emit(item);
                    }
                }
                b"thinking" => {
                    let text = field("thinking").filter(|thinking| thinking.word() != b"");
                    if let Some(text) = text {
                        let text = decoded(text, want);
                        out.item(ItemKind::Reasoning, at, hash(&[b"thinking", record.uuid]), text, want);
                    }
                }
                b"tool_use" | b"server_tool_use" | b"mcp_tool_use" => {
                    let (Some(name), input) = (field("name").and_then(Raw::text), field("input")) else {
                        continue;
                    };
                    let call_id = field("id").and_then(Raw::text).unwrap_or_default();
                    let mut item = Item::new(
                        ItemKind::Tool,
                        out.part(),
                        at,
                        hash(&[call_id.as_bytes()]),
                        Cow::Borrowed(""),
                    );
                    item.tool = Some(ToolCall {
                        files: input.map(|input| files_of(&name, input)).unwrap_or_default(),
                        input: input.map_or(Cow::Borrowed(""), |input| match want {
                            Want::Messages => Cow::Borrowed(""),
                            Want::Everything => Cow::Owned(strings_of(input)),
                            Want::Expand => input.text_or_raw(),
                        }),
                        name,
                        call_id,
                    });
                    out.emit(item);
                }
                b"web_search_tool_result" | b"mcp_tool_result" | b"web_fetch_tool_result" => {
                    let Some(block) = block else { continue };
                    self.tool_result(record, block, at, want, out);
                }
                _ => {}
            }
        }
        // Of what was handed over, the requests and the model are another agent's.
        if record.handed_over.is_some() {
            return;
        }
        if let (Some(usage), false) = (usage, synthetic) {
            let request = if id.is_empty() { record.uuid } else { record.request_id };
            let (key, usage) = (hash(&[id, request]), usage_of(usage));
            out.event(|child| Event::Usage { key, usage, model: model.clone(), at, child });
        }
        if let Some(model) = model {
            out.event(|_| Event::Meta(Meta { model: Some(model.clone()), ..Meta::default() }));
        }
    }

    fn attachment(
        &mut self,
        record: &Record<'_>,
        kind: &[u8],
        at: Option<Timestamp>,
        want: Want,
        out: &mut Out<'_, '_>,
    ) {
        let Some(attachment) = record.attachment else { return };
        let key = hash(&[record.uuid]);
        if kind == b"queued_command" {
            let human = attachment.get("commandMode").is_none_or(|mode| mode.word() == b"prompt")
                && attachment.get("isMeta").is_none_or(|meta| !meta.is_true())
                && attachment.path(&["origin", "kind"]).is_none_or(|kind| kind.word() == b"human");
            let prompt = attachment.get("prompt").map(result_text).unwrap_or_default();
            if prompt.trim().is_empty() {
                return;
            }
            let words = hash(&[prompt.trim().as_bytes()]);
            if !human || record.is_sidechain || is_injected(&prompt) {
                out.item(ItemKind::Context, at, key, prompt, want);
            } else {
                let known = self.state.prompts.contains(&words);
                if !known {
                    self.state.queued.push(words);
                    if self.state.queued.len() > MAX_QUEUED {
                        self.state.queued.remove(0);
                    }
                }
                out.skip_part(!known || self.expand, |out| {
                    out.item(ItemKind::Prompt, at, key, prompt, want);
                });
            }
            return;
        }
        let text = match want {
            Want::Messages => Cow::Borrowed(""),
            _ => Cow::Owned(strings_of(attachment)),
        };
        out.item(ItemKind::Context, at, key, text, want);
    }

    fn system(&mut self, record: &Record<'_>, at: Option<Timestamp>, want: Want, out: &mut Out<'_, '_>) {
        let key = hash(&[record.uuid]);
        let text = record.content.and_then(Raw::text).unwrap_or_default();
        match record.subtype {
            b"compact_boundary" | b"microcompact_boundary" => {
                let field = |name| record.compact.and_then(|compact| compact.get(name));
                let text = match (field("trigger").and_then(Raw::text), field("preTokens").and_then(Raw::int))
                {
                    (Some(trigger), Some(tokens)) => {
                        format!("{text} ({trigger}, {tokens} tokens before)").into()
                    }
                    _ => text,
                };
                out.item(ItemKind::Compaction, at, key, text, Want::Everything);
            }
            b"api_error" => {
                let text = record.error.map(strings_of).filter(|text| !text.trim().is_empty());
                let text = text.unwrap_or_else(|| "The model's service reported an error".to_owned());
                out.item(ItemKind::Notice, at, key, Cow::Owned(text), want);
            }
            _ if text.trim().is_empty() => {}
            _ => {
                let text = command_of(&text).map_or(text, Cow::Owned);
                out.skip_part(!text.is_empty(), |out| out.item(ItemKind::Notice, at, key, text, want));
            }
        }
    }

    fn titled(&mut self, record: &Record<'_>, out: &mut Out<'_, '_>) {
        let kind = if record.kind == b"custom-title" { TitleKind::Given } else { TitleKind::Generated };
        let Some(text) = record.title.and_then(Raw::text).filter(|text| !text.trim().is_empty()) else {
            return;
        };
        let title = hash(&[text.as_bytes()]);
        // The same title is written again after every turn.
        let new = self.state.title != title;
        self.state.title = title;
        out.skip_part(new || self.expand, |out| {
            out.item(ItemKind::Notice, None, title, format!("Title: {text}").into(), Want::Everything);
        });
        out.event(|_| Event::Title { kind, text: text.clone(), session: None });
    }

    fn summary(&mut self, record: &Record<'_>, out: &mut Out<'_, '_>) {
        let Some(text) = record.summary.and_then(Raw::text).filter(|text| !text.trim().is_empty()) else {
            return;
        };
        let leaf = hash(&[record.leaf_uuid]);
        out.item(
            ItemKind::Notice,
            None,
            hash(&[b"summary", record.leaf_uuid]),
            format!("Summary: {text}").into(),
            Want::Everything,
        );
        // 1.0 to 2.1.29: a file may hold summaries of other sessions; only a leaf of this one titles it.
        if leaf == self.state.last_uuid {
            out.event(|_| Event::Title { kind: TitleKind::Generated, text: text.clone(), session: None });
        } else if self.state.summaries.len() < MAX_SUMMARIES {
            self.state.summaries.push((leaf, text.into_owned()));
        }
    }

    /// What was typed while the agent worked; it may or may not become a prompt.
    fn queue(&mut self, record: &Record<'_>, at: Option<Timestamp>, want: Want, out: &mut Out<'_, '_>) {
        let Some(words) = record.content.and_then(Raw::text) else { return };
        if !words.trim().is_empty() && !is_injected(&words) && !words.starts_with('/') {
            out.item(ItemKind::Context, at, hash(&[b"queued", words.as_bytes()]), words, want);
        }
    }

    fn remember(&mut self, record: &Record<'_>, out: &mut Out<'_, '_>) {
        if record.uuid.is_empty() {
            return;
        }
        let uuid = hash(&[record.uuid]);
        self.state.last_uuid = uuid;
        if let Some(n) = self.state.summaries.iter().position(|(leaf, _)| *leaf == uuid) {
            let (_, text) = self.state.summaries.remove(n);
            out.event(|_| Event::Title {
                kind: TitleKind::Generated,
                text: text.clone().into(),
                session: None,
            });
        }
    }
}

impl Reader for ClaudeReader {
    fn read(&mut self, value: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        let record = Record::parse(value)?;
        self.expand = want == Want::Expand;
        let at = Timestamp::from_rfc3339_utc(record.timestamp);
        let nested = match record.kind {
            b"system" => record.subtype,
            b"attachment" => record
                .attachment
                .and_then(|attachment| attachment.get("type"))
                .map_or(b"" as &[u8], Raw::word),
            _ => b"",
        };
        let kind = String::from_utf8_lossy(record.kind);
        let kind = if nested.is_empty() {
            kind
        } else {
            Cow::Owned(format!("{kind}/{}", String::from_utf8_lossy(nested)))
        };
        let treatment = treatment(&kind);
        if let Some(at) = at.filter(|_| treatment != Some(Treatment::Passed)) {
            emit(Event::SeenAt(at));
        }
        if record.cwd.is_some() {
            let decoded = |raw: Option<Raw<'_>>| raw.and_then(Raw::text).map(|text| text.into_owned());
            let branch = decoded(record.branch).filter(|branch| !branch.is_empty() && branch != "HEAD");
            emit(Event::Meta(Meta {
                cwd: decoded(record.cwd).map(Cow::Owned),
                branch: branch.map(Cow::Owned),
                version: decoded(record.version).map(Cow::Owned),
                ..Meta::default()
            }));
        }
        self.introduce(&record, emit);
        let child = self.sidechain(&record);
        let is_inherited = record.handed_over.is_some();
        let mut out = Out { next: 0, child, is_inherited, emit };
        match (record.kind, treatment) {
            (_, Some(Treatment::Passed | Treatment::Facts)) => {}
            (b"user", _) => self.user(&record, at, want, &mut out),
            (b"assistant", _) => self.assistant(&record, at, want, &mut out),
            (b"custom-title" | b"ai-title", _) => self.titled(&record, &mut out),
            (b"queue-operation", _) => self.queue(&record, at, want, &mut out),
            (b"summary", _) => self.summary(&record, &mut out),
            (b"system", Some(_)) => self.system(&record, at, want, &mut out),
            (b"attachment", Some(_)) => self.attachment(&record, nested, at, want, &mut out),
            _ => {
                out.event(|_| Event::UnknownKind(kind.clone()));
                let text =
                    if want == Want::Messages { "".into() } else { String::from_utf8_lossy(value.bytes()) };
                let key = hash(&[if record.uuid.is_empty() { value.bytes() } else { record.uuid }]);
                out.item(ItemKind::Unknown, at, key, text, want);
            }
        }
        self.remember(&record, &mut out);
        Ok(())
    }

    fn state(&self) -> String {
        serde_json::to_string(&self.state).expect("a state is plain data")
    }
}

/// Numbers a record's items and gives them their side conversation.
struct Out<'e, 'f> {
    next: u16,
    child: Option<Cow<'static, str>>,
    is_inherited: bool,
    emit: &'e mut (dyn FnMut(Event<'_>) + 'f),
}

impl Out<'_, '_> {
    fn part(&mut self) -> u16 {
        self.next += 1;
        self.next - 1
    }

    fn emit(&mut self, mut item: Item<'_>) {
        item.child = self.child.clone();
        item.inherited = self.is_inherited;
        (self.emit)(Event::Item(item));
    }

    fn item(&mut self, kind: ItemKind, at: Option<Timestamp>, key: u64, text: Cow<'_, str>, want: Want) {
        let part = self.part();
        let text = if want == Want::Messages && !kind.is_message() { Cow::Borrowed("") } else { text };
        self.emit(Item::new(kind, part, at, key, text));
    }

    /// Takes a part's number in any case, and makes it only if `made`.
    fn skip_part(&mut self, made: bool, make: impl FnOnce(&mut Self)) {
        if made {
            make(self);
        } else {
            self.next += 1;
        }
    }

    fn tool_end(&mut self, mut end: ToolEnd<'_>) {
        end.part = Some(self.part());
        (self.emit)(Event::ToolEnd(end));
    }

    fn event<'x>(&mut self, make: impl FnOnce(Option<Cow<'static, str>>) -> Event<'x>) {
        (self.emit)(make(self.child.clone()));
    }
}

fn decoded(value: Raw<'_>, want: Want) -> Cow<'_, str> {
    if want == Want::Messages { Cow::Borrowed("") } else { value.text().unwrap_or_default() }
}

/// Text of a tool's result: a string, or blocks of text and images.
fn result_text(content: Raw<'_>) -> Cow<'_, str> {
    if let Some(text) = content.text() {
        return text;
    }
    join(content.elements().map(|block| match block.get("text").and_then(Raw::text) {
        Some(text) => text,
        None if block.get("type").is_some_and(|kind| kind.word() == b"image") => Cow::Borrowed("[image]"),
        None => Cow::Owned(strings_of(block)),
    }))
}

/// Says whether a text that stands as the human's was put there by the program.
fn is_injected(text: &str) -> bool {
    const STARTS: [&str; 14] = [
        "<system-reminder>",
        "<task-notification>",
        "<local-command-caveat>",
        "<ide_opened_file>",
        "<ide_selection>",
        "<bash-stdout>",
        "<bash-stderr>",
        "<user-memory-input>",
        "<tools-used",
        "<user-prompt-submit-hook>",
        "Caveat: The messages below were generated by the user while running local commands",
        "This session is being continued from a previous conversation",
        "Base directory for this skill:",
        "Implement the following plan:",
    ];
    let text = text.trim_start();
    STARTS.iter().any(|start| text.starts_with(start))
}

/// Reads a slash command, its output or a shell line that the human typed to Claude Code itself.
fn command_of(text: &str) -> Option<String> {
    let tag = |name: &str| -> Option<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let start = text.find(&open)? + open.len();
        Some(text[start..].split(&close).next().unwrap_or_default().trim())
    };
    let text_start = text.trim_start();
    if text_start.starts_with("<command-name>") || text_start.starts_with("<command-message>") {
        let (name, arguments) = (tag("command-name")?, tag("command-args").unwrap_or_default());
        return Some(format!("{name} {arguments}").trim_end().to_owned());
    }
    for name in ["local-command-stdout", "local-command-stderr"] {
        if text_start.starts_with(&format!("<{name}>")) {
            return tag(name).map(str::to_owned);
        }
    }
    if text_start.starts_with("<bash-input>") {
        tag("bash-input").map(|line| format!("! {line}"))
    } else {
        None
    }
}

/// Classes do not overlap: `input_tokens` already leaves out what was read from or written to a cache.
fn usage_of(usage: Raw<'_>) -> Usage {
    let mut out = Usage::default();
    for (key, value) in usage.fields().flatten() {
        match key {
            b"input_tokens" => out.input_tokens = value.count().unwrap_or(0),
            b"cache_read_input_tokens" => out.cached_input_tokens = value.count().unwrap_or(0),
            b"cache_creation_input_tokens" => out.cache_write_tokens = value.count().unwrap_or(0),
            b"output_tokens" => out.output_tokens = value.count().unwrap_or(0),
            b"output_tokens_details" => {
                out.reasoning_tokens = value.get("thinking_tokens").and_then(Raw::count).unwrap_or(0);
            }
            b"cache_creation" => {
                out.cache_write_1h_tokens =
                    value.get("ephemeral_1h_input_tokens").and_then(Raw::count).unwrap_or(0);
            }
            _ => {}
        }
    }
    out
}

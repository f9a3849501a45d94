//! Codex's records → items.

use std::borrow::Cow;

use marline_model::{ItemKind, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};

use super::wire::{Line, gives_items};
use crate::agent::{Reader, SessionFile, Want};
use crate::event::{Event, FileAct, Item, Meta, TitleKind, ToolCall, ToolEnd, hash};
use crate::framing;
use crate::json::{Malformed, Raw};
use crate::text::{exit_code_in, files_of, join, status_of, strings_of};

/// How much of a prompt is kept until its event confirms it.
const MAX_UNPAIRED: usize = 300;

/// What must be remembered from one record to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The thread's id, from the first header.
    thread: String,
    /// A sub-agent's session: no prompt in it is a human's.
    is_subagent: bool,
    /// Records with a smaller ordinal are the parent's.
    own_from: u64,
    /// So many records that follow were handed over by another agent.
    handed_over: u64,
    /// Events tell what was said, so the copies among the response items are passed over.
    has_events: bool,
    /// Prompts taken from response items before the first event, which may repeat them.
    unpaired: Vec<String>,
    /// `token_usage_record` tells the usage (0.169 on), so `token_count` is passed over.
    has_usage_records: bool,
    /// The total of the last `token_count`: the same total again is the same request again.
    last_total: Option<u64>,
    /// The model of the current turn.
    model: String,
}

/// Reads one rollout.
pub struct CodexReader {
    state: State,
    expand: bool,
}

impl CodexReader {
    pub fn new(_file: &SessionFile, state: Option<&str>) -> Self {
        let state = state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        CodexReader { state, expand: false }
    }

    fn header(&mut self, payload: Raw<'_>, emit: &mut dyn FnMut(Event<'_>)) {
        let text = |name: &str| payload.get(name).and_then(Raw::text).filter(|text| !text.is_empty());
        let id = text("id").unwrap_or_default();
        if self.state.thread.is_empty() {
            if id.is_empty() {
                return;
            }
            self.state.thread = id.clone().into_owned();
            emit(Event::Identity(id));
            let spawned = payload.path(&["source", "subagent"]);
            self.state.is_subagent =
                spawned.is_some() || text("thread_source").as_deref() == Some("subagent");
            self.state.own_from =
                payload.get("subagent_history_start_ordinal").and_then(Raw::count).unwrap_or(0);
            let parent = spawned
                .and_then(|spawned| spawned.path(&["thread_spawn", "parent_thread_id"])?.text())
                .or_else(|| text("parent_thread_id"));
            if let Some(parent) = parent.clone() {
                emit(Event::Parent { session: parent, call: None });
                // The last part of its path is the task that the parent gave it, with underscores for spaces.
                if let Some(task) = text("agent_path").as_deref().and_then(|path| path.rsplit('/').next()) {
                    let text = task.replace('_', " ").into();
                    emit(Event::Title { kind: TitleKind::Generated, text, session: None });
                }
            } else if let Some(origin) = text("forked_from_id") {
                let base = payload.get("history_base");
                let shared_bytes = base.and_then(|base| base.get("end_byte_offset")?.count());
                let session = base.and_then(|base| base.get("thread_id")?.text()).unwrap_or(origin);
                emit(Event::ForkedFrom { session, shared_bytes });
            } else if let Some(handed) = payload.get("handed_over") {
                // Written by Marline.
                self.state.handed_over = handed.get("records").and_then(Raw::count).unwrap_or(0);
                if let Some(session) = handed.get("from").and_then(Raw::text) {
                    emit(Event::ForkedFrom { session, shared_bytes: None });
                }
            }
        } else if *id != self.state.thread {
            // Older forks and sub-agents copy their origin's header after their own.
            return;
        }
        let git = |name| payload.path(&["git", name]).and_then(Raw::text).filter(|text| !text.is_empty());
        emit(Event::Meta(Meta {
            cwd: text("cwd"),
            branch: git("branch"),
            commit: git("commit_hash"),
            remote: git("repository_url"),
            version: text("cli_version"),
            provider: text("model_provider"),
            model: None,
        }));
    }

    fn response_item(&mut self, line: &Line<'_>, out: &mut Out<'_, '_>) {
        let Some(payload) = line.payload else { return };
        let text = |name: &str| payload.get(name).and_then(Raw::text);
        match payload.get("type").map_or(b"" as &[u8], Raw::word) {
            b"message" => self.message(payload, out),
            b"agent_message" => {
                let words = payload.get("content").map(content_text).unwrap_or_default();
                out.item(ItemKind::Context, words);
            }
            b"reasoning" => {
                let summary = payload.get("summary").map(content_text).unwrap_or_default();
                let content = payload.get("content").map(content_text).unwrap_or_default();
                let words = join([summary, content]);
                if !words.trim().is_empty() {
                    out.item(ItemKind::Reasoning, words);
                }
            }
            b"function_call" | b"custom_tool_call" => {
                let Some(name) = text("name") else { return };
                let call_id = text("call_id").unwrap_or_default();
                let input = payload.get("arguments").or_else(|| payload.get("input"));
                let patch = name == "apply_patch";
                let input = match (out.want, input) {
                    (Want::Messages, _) if !patch => Cow::Borrowed(""),
                    (_, Some(input)) => input.text_or_raw(),
                    (_, None) => Cow::Borrowed(""),
                };
                let files = if patch { patched_files(&input) } else { nested_files(&name, &input) };
                let input = match out.want {
                    Want::Everything => searchable_input(input),
                    _ => input,
                };
                out.tool(name, call_id, input, files);
            }
            b"local_shell_call" => {
                let call_id = text("call_id").or_else(|| text("id")).unwrap_or_default();
                let input = payload.path(&["action", "command"]).map(strings_of).unwrap_or_default();
                out.tool(Cow::Borrowed("local_shell"), call_id, Cow::Owned(input), Vec::new());
            }
            kind @ (b"web_search_call" | b"tool_search_call" | b"image_generation_call") => {
                let name = match kind {
                    b"web_search_call" => "web_search",
                    b"tool_search_call" => "tool_search",
                    _ => "image_generation",
                };
                let call_id = text("call_id").or_else(|| text("id")).unwrap_or_default();
                let call_id = if call_id.is_empty() {
                    Cow::Owned(format!("{name}-{:x}", hash(&[payload.bytes()])))
                } else {
                    call_id
                };
                let about = payload.get("action").or_else(|| payload.get("arguments"));
                let input = Cow::Owned(about.map(strings_of).unwrap_or_default());
                let call = hash(&[call_id.as_bytes()]);
                out.tool(Cow::Borrowed(name), call_id, input, Vec::new());
                if kind != b"tool_search_call" {
                    // These have no output of their own; the record itself says that they are done.
                    out.event(Event::ToolEnd(ToolEnd {
                        call,
                        part: None,
                        text: Cow::Borrowed(""),
                        status: Some(ToolStatus::Completed),
                        exit_code: None,
                        duration_ms: None,
                        at: out.at,
                    }));
                }
            }
            b"function_call_output"
            | b"custom_tool_call_output"
            | b"local_shell_call_output"
            | b"tool_search_output"
            | b"tool_search_call_output" => self.tool_output(payload, out),
            _ => {}
        }
    }

    fn message(&mut self, payload: Raw<'_>, out: &mut Out<'_, '_>) {
        let words = payload.get("content").map(content_text).unwrap_or_default();
        if words.trim().is_empty() {
            return;
        }
        match payload.get("role").map_or(b"" as &[u8], Raw::word) {
            b"user" if is_injected(&words) => {
                let aborted = words.trim_start().starts_with("<turn_aborted>");
                out.numbered(!aborted, |out| out.item(ItemKind::Context, words));
            }
            b"user" if self.state.is_subagent => out.item(ItemKind::Context, words),
            b"user" => {
                let taken = self.expand || !self.state.has_events;
                if taken && !self.expand {
                    self.state.unpaired.push(head_of(&words).to_owned());
                }
                out.numbered(taken, |out| out.item(ItemKind::Prompt, words));
            }
            b"assistant" => {
                let taken = self.expand || !self.state.has_events;
                out.numbered(taken, |out| out.item(ItemKind::Answer, words));
            }
            _ => out.item(ItemKind::Context, words),
        }
    }

    fn tool_output(&mut self, payload: Raw<'_>, out: &mut Out<'_, '_>) {
        let call_id = payload.get("call_id").map_or(b"" as &[u8], Raw::word);
        let output = payload.get("output").or_else(|| payload.get("tools"));
        // The exit code stands in the first words or, in old releases, inside a nested object.
        let full = output.map(output_text).unwrap_or_default();
        let nested = Raw::first(full.as_bytes()).ok().map(|(raw, _)| raw).filter(|raw| raw.is_object());
        let metadata = nested.and_then(|nested| nested.get("metadata"));
        let inner = nested.and_then(|nested| nested.get("output")?.text()).map(Cow::into_owned);
        let exit_code = metadata.and_then(|metadata| metadata.get("exit_code")?.int());
        let duration = metadata.and_then(|metadata| metadata.get("duration_seconds")?.float());
        let exit_code = exit_code.or_else(|| exit_code_in(&full));
        let head = head_of(&full);
        let declined = ["rejected by user", "rejected by the user", "aborted by user"];
        let declined = declined.iter().any(|words| head.contains(words));
        let failed = head.starts_with("exec_command failed") || head.starts_with("failed to");
        let status = match exit_code {
            _ if declined => ToolStatus::Declined,
            Some(code) => status_of(code),
            None if failed => ToolStatus::Failed,
            None => ToolStatus::Completed,
        };
        let framed = framing::codex(&full);
        let duration = duration.map(|seconds| (seconds * 1000.0) as u64).or(framed.duration_ms);
        let text = match inner {
            _ if out.want == Want::Messages => Cow::Borrowed(""),
            Some(inner) => Cow::Owned(inner),
            None if framed.text.len() < full.len() => Cow::Owned(framed.text.to_owned()),
            None => full,
        };
        out.tool_end(ToolEnd {
            call: hash(&[call_id]),
            part: None,
            text,
            status: Some(status),
            exit_code,
            duration_ms: duration,
            at: out.at,
        });
    }

    /// What a person said, as an event. It may stand as a response item already.
    fn prompt_event(&mut self, words: Cow<'_, str>, out: &mut Out<'_, '_>) {
        self.state.has_events = true;
        let head = head_of(&words);
        let known = self
            .state
            .unpaired
            .iter()
            .position(|known| head.is_empty() || known.contains(head) || head.contains(known.as_str()));
        if let Some(n) = known {
            self.state.unpaired.remove(n);
        }
        let words_there = !words.trim().is_empty();
        out.numbered(words_there && (known.is_none() || self.expand), |out| {
            out.item(ItemKind::Prompt, words)
        });
    }

    fn event(&mut self, line: &Line<'_>, kind: &[u8], out: &mut Out<'_, '_>) {
        let text = |name: &str| line.field(name).and_then(Raw::text);
        match kind {
            b"user_message" => {
                let words = text("message").unwrap_or_default();
                if !is_injected(&words) {
                    self.prompt_event(words, out);
                }
            }
            b"agent_message" => {
                self.state.has_events = true;
                if let Some(words) = text("message").filter(|words| !words.trim().is_empty()) {
                    out.item(ItemKind::Answer, words);
                }
            }
            b"error" | b"turn_failed" => {
                let words =
                    text("message").or_else(|| line.field("error").map(|e| Cow::Owned(strings_of(e))));
                out.item(ItemKind::Error, words.unwrap_or_default());
            }
            b"stream_error" | b"warning" => out.item(ItemKind::Notice, text("message").unwrap_or_default()),
            b"task_complete" | b"turn_complete" => {
                if let Some(error) =
                    line.field("error").filter(|error| error.is_object() || error.is_string())
                {
                    let words = error.get("message").and_then(Raw::text);
                    out.item(ItemKind::Error, words.unwrap_or_else(|| Cow::Owned(strings_of(error))));
                }
            }
            b"turn_aborted" => {
                let words = match text("reason") {
                    None => Cow::Borrowed("Interrupted"),
                    Some(reason) if reason == "interrupted" => Cow::Borrowed("Interrupted"),
                    Some(reason) => Cow::Owned(format!("Turn {reason}")),
                };
                // A sub-agent's copied history ends with one that is no interruption of anything.
                out.numbered(!out.inherited, |out| {
                    out.item(ItemKind::Notice, words);
                });
            }
            b"thread_rolled_back" => {
                let turns = line.field("num_turns").and_then(Raw::int).unwrap_or(1);
                out.item(ItemKind::Notice, Cow::Owned(format!("Rewound by {turns} turns")));
            }
            b"token_count" => self.token_count(line, out),
            b"thread_settings_applied" => {
                let field = |name| line.payload?.path(&["thread_settings", name])?.text();
                if let Some(model) = field("model") {
                    self.state.model = model.into_owned();
                }
                // Its provider is history, too: Codex resumes a thread under that of the row or the header.
                out.event(Event::Meta(Meta { model: field("model"), ..Meta::default() }));
            }
            b"thread_name_updated" => {
                if let Some(name) = text("thread_name").filter(|name| !name.is_empty()) {
                    out.event(Event::Title { kind: TitleKind::Given, text: name, session: None });
                }
            }
            b"exec_command_end" | b"mcp_tool_call_end" => {
                let Some(call) = line.field("call_id") else { return };
                let exit_code = line.field("exit_code").and_then(Raw::int);
                out.event(Event::ToolEnd(ToolEnd {
                    call: hash(&[call.word()]),
                    part: None,
                    text: Cow::Borrowed(""),
                    status: exit_code.map(status_of),
                    exit_code,
                    duration_ms: line.field("duration").and_then(duration_of),
                    at: out.at,
                }));
            }
            b"patch_apply_end" => {
                let Some(call) = line.field("call_id") else { return };
                let status = line.field("success").map(|success| match success.is_true() {
                    true => ToolStatus::Completed,
                    false => ToolStatus::Failed,
                });
                out.event(Event::ToolEnd(ToolEnd {
                    call: hash(&[call.word()]),
                    part: None,
                    text: Cow::Borrowed(""),
                    status,
                    exit_code: None,
                    duration_ms: None,
                    at: out.at,
                }));
            }
            _ => {}
        }
    }

    /// `item_completed` (paginated history, 0.145 on).
    fn completed(&mut self, item: Raw<'_>, kind: &[u8], out: &mut Out<'_, '_>) {
        self.state.has_events = true;
        match kind {
            b"UserMessage" => {
                let words = item.get("content").map(content_text).unwrap_or_default();
                if !is_injected(&words) {
                    self.prompt_event(words, out);
                }
            }
            b"AgentMessage" => {
                let words = item.get("content").map(content_text).unwrap_or_default();
                if !words.trim().is_empty() {
                    out.item(ItemKind::Answer, words);
                }
            }
            b"CommandExecution" | b"FileChange" | b"McpToolCall" => {
                let Some(id) = item.get("id") else { return };
                let exit_code = item.get("exit_code").and_then(Raw::int);
                let status = match item.get("status").map_or(b"" as &[u8], Raw::word) {
                    b"completed" => Some(ToolStatus::Completed),
                    b"failed" => Some(ToolStatus::Failed),
                    b"declined" => Some(ToolStatus::Declined),
                    _ => None,
                };
                out.event(Event::ToolEnd(ToolEnd {
                    call: hash(&[id.word()]),
                    part: None,
                    text: Cow::Borrowed(""),
                    status,
                    exit_code,
                    duration_ms: item.get("duration").and_then(duration_of),
                    at: out.at,
                }));
            }
            _ => {}
        }
    }

    fn token_count(&mut self, line: &Line<'_>, out: &mut Out<'_, '_>) {
        let Some(info) = line.field("info") else { return };
        let total = info.path(&["total_token_usage", "total_tokens"]).and_then(Raw::count);
        // 0.80 and 0.130 write each figure twice, around each tool call.
        if self.state.has_usage_records || total.is_none() || total == self.state.last_total {
            return;
        }
        self.state.last_total = total;
        let Some(last) = info.get("last_token_usage") else { return };
        let total = total.unwrap_or(0).to_le_bytes();
        let key = hash(&[b"token_count", self.state.thread.as_bytes(), &total]);
        self.usage(key, last, out);
    }

    fn usage(&self, key: u64, usage: Raw<'_>, out: &mut Out<'_, '_>) {
        if out.inherited {
            return;
        }
        let field = |name| usage.get(name).and_then(Raw::count).unwrap_or(0);
        let (cached, written) = (field("cached_input_tokens"), field("cache_write_input_tokens"));
        let usage = Usage {
            // Codex counts cached tokens among the input tokens.
            input_tokens: field("input_tokens").saturating_sub(cached + written),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            cache_write_1h_tokens: 0,
            output_tokens: field("output_tokens"),
            reasoning_tokens: field("reasoning_output_tokens"),
        };
        let model = (!self.state.model.is_empty()).then(|| Cow::Owned(self.state.model.clone()));
        out.event(Event::Usage { key, usage, model, at: out.at, child: None });
    }
}

impl Reader for CodexReader {
    fn read(&mut self, value: Raw<'_>, want: Want, emit: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        let line = Line::parse(value)?;
        self.expand = want == Want::Expand;
        let at = Timestamp::from_rfc3339_utc(line.timestamp);
        if let Some(at) = at {
            emit(Event::SeenAt(at));
        }
        let is_copied = line.ordinal.is_some_and(|ordinal| ordinal > 0 && ordinal < self.state.own_from);
        let inherited = is_copied || self.state.handed_over > 0;
        if line.kind != b"session_meta" {
            self.state.handed_over = self.state.handed_over.saturating_sub(1);
        }
        let nested = line.field("type").map_or(b"" as &[u8], Raw::word);
        let item = line.field("item").filter(|_| nested == b"item_completed");
        let item_kind = item.and_then(|item| item.get("type")).map_or(b"" as &[u8], Raw::word);
        let mut out = Out { next: 0, at, want, inherited, emit };
        let kind = match (line.kind, item) {
            (b"event_msg", Some(_)) => format!("item_completed/{}", String::from_utf8_lossy(item_kind)),
            (b"event_msg" | b"response_item", _) => {
                format!("{}/{}", String::from_utf8_lossy(line.kind), String::from_utf8_lossy(nested))
            }
            _ => String::from_utf8_lossy(line.kind).into_owned(),
        };
        match (line.kind, gives_items(&kind)) {
            (_, Some(false)) if kind.starts_with("item_completed") => self.state.has_events = true,
            (_, Some(false)) => {}
            (_, None) => {
                out.event(Event::UnknownKind(Cow::Borrowed(&kind)));
                let text = match want {
                    Want::Messages => Cow::Borrowed(""),
                    _ => String::from_utf8_lossy(value.bytes()),
                };
                out.item(ItemKind::Unknown, text);
            }
            (b"session_meta", _) => {
                if let Some(payload) = line.payload {
                    self.header(payload, out.emit);
                }
            }
            (b"turn_context", _) => {
                let text = |name| line.field(name).and_then(Raw::text);
                if let Some(model) = text("model") {
                    self.state.model = model.into_owned();
                }
                out.event(Event::Meta(Meta { model: text("model"), cwd: text("cwd"), ..Meta::default() }));
            }
            (b"compacted", _) => {
                let words = line.field("message").and_then(Raw::text).unwrap_or_default();
                out.item(ItemKind::Compaction, words);
            }
            (b"token_usage_record", _) => {
                self.state.has_usage_records = true;
                if let (Some(response), Some(usage)) = (line.field("response_id"), line.field("usage")) {
                    self.usage(hash(&[response.word()]), usage, &mut out);
                }
            }
            (b"response_item", _) => self.response_item(&line, &mut out),
            (_, _) => match item {
                Some(item) => self.completed(item, item_kind, &mut out),
                None => self.event(&line, nested, &mut out),
            },
        }
        Ok(())
    }

    fn state(&self) -> String {
        serde_json::to_string(&self.state).expect("a state is plain data")
    }
}

/// Reads `session_index.jsonl`: one name a line, the newest wins.
pub struct NamesReader;

impl Reader for NamesReader {
    fn read(
        &mut self,
        value: Raw<'_>,
        _want: Want,
        emit: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Malformed> {
        let (mut id, mut name) = (None, None);
        for field in value.fields() {
            match field? {
                (b"id", value) => id = value.text(),
                (b"thread_name", value) => name = value.text(),
                _ => {}
            }
        }
        // An empty name takes the last one away.
        if let (Some(id), Some(text)) = (id, name) {
            emit(Event::Title { kind: TitleKind::Given, text, session: Some(id) });
        }
        Ok(())
    }

    fn state(&self) -> String {
        String::new()
    }
}

/// Numbers a record's items.
struct Out<'e, 'f> {
    next: u16,
    at: Option<Timestamp>,
    want: Want,
    inherited: bool,
    emit: &'e mut (dyn FnMut(Event<'_>) + 'f),
}

impl Out<'_, '_> {
    fn part(&mut self) -> u16 {
        self.next += 1;
        self.next - 1
    }

    /// Takes a part's number in any case, and makes the item only if `made`.
    fn numbered(&mut self, made: bool, make: impl FnOnce(&mut Self)) {
        if made {
            make(self);
        } else {
            self.next += 1;
        }
    }

    fn item(&mut self, kind: ItemKind, text: Cow<'_, str>) {
        let part = self.part();
        // Copies of a history have new ids or none, so an item is known by its words.
        let key = hash(&[text.as_bytes()]);
        let unread = self.want == Want::Messages
            && !matches!(kind, ItemKind::Prompt | ItemKind::Answer | ItemKind::Error);
        let mut item = Item::new(kind, part, self.at, key, if unread { Cow::Borrowed("") } else { text });
        item.inherited = self.inherited;
        (self.emit)(Event::Item(item));
    }

    fn tool<'a>(
        &mut self,
        name: Cow<'a, str>,
        call_id: Cow<'a, str>,
        input: Cow<'a, str>,
        files: Vec<(Cow<'a, str>, FileAct)>,
    ) {
        let part = self.part();
        let key = hash(&[call_id.as_bytes()]);
        let mut item = Item::new(ItemKind::Tool, part, self.at, key, Cow::Borrowed(""));
        item.inherited = self.inherited;
        item.tool = Some(ToolCall { name, call_id, input, files });
        (self.emit)(Event::Item(item));
    }

    fn tool_end(&mut self, mut end: ToolEnd<'_>) {
        end.part = Some(self.part());
        (self.emit)(Event::ToolEnd(end));
    }

    fn event(&mut self, event: Event<'_>) {
        (self.emit)(event);
    }
}

fn head_of(text: &str) -> &str {
    let text = text.trim();
    &text[..text.floor_char_boundary(MAX_UNPAIRED)]
}

/// Text of a message's content: a string, or blocks with `text`.
fn content_text(content: Raw<'_>) -> Cow<'_, str> {
    if let Some(text) = content.text() {
        return text;
    }
    join(content.elements().map(|block| {
        if let Some(text) = block.text() {
            return text;
        }
        let kind = block.get("type").map_or(b"" as &[u8], Raw::word);
        match block.get("text").and_then(Raw::text) {
            // An attached image is wrapped in tags that the human did not type.
            Some(text) if text.starts_with("<image") || text == "</image>" => Cow::Borrowed(""),
            Some(text) => text,
            None if matches!(kind, b"input_image" | b"image" | b"local_image") => Cow::Borrowed("[image]"),
            None if kind == b"encrypted_content" => {
                // A task handed to a sub-agent is plain text in this field as long as the provider has no key.
                block.get("encrypted_content").and_then(Raw::text).unwrap_or_default()
            }
            None => Cow::Borrowed(""),
        }
    }))
}

fn output_text(output: Raw<'_>) -> Cow<'_, str> {
    if let Some(text) = output.text() {
        return text;
    }
    if output.is_array() {
        return content_text(output);
    }
    output.get("content").map_or_else(|| Cow::Owned(strings_of(output)), content_text)
}

/// Arguments are JSON inside a JSON string: for searching, the strings inside count.
fn searchable_input(input: Cow<'_, str>) -> Cow<'_, str> {
    match Raw::first(input.as_bytes()) {
        Ok((value, _)) if value.is_object() => Cow::Owned(strings_of(value)),
        _ => input,
    }
}

fn nested_files(name: &str, input: &str) -> Vec<(Cow<'static, str>, FileAct)> {
    let Ok((value, _)) = Raw::first(input.as_bytes()) else { return Vec::new() };
    files_of(name, value).into_iter().map(|(path, act)| (Cow::Owned(path.into_owned()), act)).collect()
}

/// Reads the file names out of a patch.
fn patched_files(patch: &str) -> Vec<(Cow<'static, str>, FileAct)> {
    patch
        .lines()
        .filter_map(|line| {
            ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "]
                .iter()
                .find_map(|mark| line.strip_prefix(mark))
        })
        .map(|path| (Cow::Owned(path.trim().to_owned()), FileAct::Write))
        .collect()
}

/// Reads `{secs, nanos}`.
fn duration_of(duration: Raw<'_>) -> Option<u64> {
    let part = |name| duration.get(name).and_then(Raw::count);
    Some(part("secs")? * 1000 + part("nanos")? / 1_000_000)
}

/// Says whether a text under the human's role was put there by the program.
fn is_injected(text: &str) -> bool {
    const STARTS: [&str; 15] = [
        "<environment_context>",
        "<user_instructions>",
        "<permissions instructions>",
        "<collaboration_mode>",
        "<skills_instructions>",
        "<INSTRUCTIONS>",
        "<skill>",
        "<turn_aborted>",
        "<subagent_notification>",
        "<user_shell_command>",
        "<hook_context>",
        "<goal_context>",
        "<model_switch>",
        "# AGENTS.md instructions",
        "Another language model started to solve this problem",
    ];
    let text = text.trim_start();
    STARTS.iter().any(|start| text.starts_with(start))
}

//! Claude Code's transcripts, in the shapes of four releases.

use std::io::{self, Write as _};

use super::json::{Json, quoted};
use super::session::Session;
use super::text::{Numbered, Said};

const MODELS: [&str; 4] = [
    "claude-opus-4-5-20251101",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
    "claude-opus-5-5",
];
/// A session is compacted when it has grown by so many bytes.
const COMPACTED_AFTER: u64 = 3_000_000;

/// A release, by where it keeps side conversations and what else it writes.
#[derive(Clone, Copy, PartialEq)]
enum Release {
    /// Side conversations stand in the main file.
    Inline,
    /// They stand beside it, as `agent-<id>.jsonl`.
    Beside,
    /// They stand in `<session>/subagents`.
    Folder,
    /// As before, with the bulk of the newest releases: prompt snapshots and shapes of requests.
    Bulk,
}

impl Release {
    fn version(self) -> &'static str {
        match self {
            Self::Inline => "1.0.128",
            Self::Beside => "2.0.76",
            Self::Folder => "2.1.47",
            Self::Bulk => "2.1.329",
        }
    }
}

struct Claude<'s, 'w> {
    session: &'s mut Session<'w>,
    release: Release,
    id: String,
    model: &'static str,
    /// The record that the next one follows.
    parent: String,
    /// The side conversation that is being written.
    side: Option<String>,
}

/// Writes a session and its side conversations; small ones may be forked.
pub(super) fn write(session: &mut Session<'_>, bytes: u64) -> io::Result<()> {
    let random = &mut session.voice.random;
    let release = match random.below(100) {
        0..=19 => Release::Inline,
        20..=34 => Release::Beside,
        35..=69 => Release::Folder,
        _ if bytes > 120_000 => Release::Bulk,
        _ => Release::Folder,
    };
    let id = random.uuid();
    let model = random.one(&MODELS);
    let mut claude = Claude { session, release, id, model, parent: String::new(), side: None };
    claude.whole(bytes)
}

impl Claude<'_, '_> {
    fn folder(&self) -> String {
        format!(".claude/projects/{}", self.session.voice.project.slug)
    }

    fn whole(&mut self, bytes: u64) -> io::Result<()> {
        let main_name = format!("{}/{}.jsonl", self.folder(), self.id);
        self.session.open(main_name.clone())?;
        if self.release == Release::Bulk {
            self.bulk()?;
        } else if self.session.voice.random.chance(0.15) {
            let said = self.session.voice.say(50, 0);
            self.session.mark(&said, "summary");
            let leaf = self.session.voice.random.uuid();
            self.session.put(&Json::object(|json| {
                json.text("type", "summary").text("summary", &said.text).text("leafUuid", leaf);
            }))?;
        }
        let has_side_files = self.release != Release::Inline && bytes > 50_000;
        let has_side_files = has_side_files && self.session.voice.random.chance(0.35);
        let main_bytes = if has_side_files { bytes / 3 * 2 } else { bytes };
        let mut compact_at = COMPACTED_AFTER;
        while self.session.written() < main_bytes || self.session.row.prompts == 0 {
            self.turn(main_bytes)?;
            if self.release == Release::Inline && self.session.voice.random.chance(0.08) {
                self.inline_side_conversation(main_bytes)?;
            }
            if self.session.written() > compact_at {
                compact_at = self.session.written() + COMPACTED_AFTER;
                self.compact()?;
            }
        }
        self.title()?;
        let is_plain = self.session.made.places.is_empty();
        self.session.close_main()?;
        let (main_parent, main_row_file) = (std::mem::take(&mut self.parent), self.session.row.file.clone());
        while has_side_files && self.session.written() < bytes {
            self.side_file(bytes)?;
        }
        self.session.row.file = main_row_file;
        self.describe();
        self.session.finish();
        let is_small = bytes < 400_000 && is_plain && self.session.voice.has_no_needles();
        if is_small && self.session.voice.random.chance(0.04) {
            self.fork(&main_name, main_parent)?;
        }
        Ok(())
    }

    fn describe(&mut self) {
        self.session.row.agent = "claude";
        self.session.row.id = self.id.clone();
        self.session.row.model = self.model.to_owned();
    }

    /// A fork repeats the history under its own session id, with the same records.
    fn fork(&mut self, origin: &str, parent: String) -> io::Result<()> {
        let history = std::fs::read(self.session.path(origin))?;
        let (old, new) = (self.id.clone(), self.session.voice.random.uuid());
        self.id = new;
        self.parent = parent;
        self.session.tick(3_600_000.0);
        let name = format!("{}/{}.jsonl", self.folder(), self.id);
        self.session.open(name)?;
        for line in history.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            if line.contains("\"uuid\":") {
                self.session.put(line.replace(&old, &self.id).as_bytes())?;
            }
        }
        let end = self.session.written() + 20_000;
        self.turn(end)?;
        self.session.close_main()?;
        self.describe();
        self.session.finish();
        Ok(())
    }

    /// Writes a record of the tree.
    fn record(&mut self, kind: &str, mean_millis: f64, fill: impl FnOnce(&mut Json)) -> io::Result<()> {
        let time = self.session.tick(mean_millis);
        let uuid = self.session.voice.random.uuid();
        let project = self.session.voice.project;
        let line = Json::object(|json| {
            match self.parent.as_str() {
                "" => json.raw("parentUuid", "null"),
                parent => json.text("parentUuid", parent),
            };
            json.flag("isSidechain", self.side.is_some());
            if let Some(agent) = self.side.as_ref().filter(|agent| !agent.is_empty()) {
                json.text("agentId", agent);
            }
            json.text("userType", "external").text("cwd", &project.directory).text("sessionId", &self.id);
            json.text("version", self.release.version()).text("gitBranch", project.branch).text("type", kind);
            fill(json);
            json.text("uuid", &uuid).text("timestamp", &time);
        });
        self.parent = uuid;
        self.session.put(&line)
    }

    /// Writes a line that is not part of the tree.
    fn note(&mut self, kind: &str, fill: impl FnOnce(&mut Json)) -> io::Result<()> {
        let id = &self.id;
        let line = Json::object(|json| {
            json.text("type", kind).text("sessionId", id);
            fill(json);
        });
        self.session.put(&line)
    }

    fn say(&mut self, bytes: usize) -> Said {
        let written = self.session.written();
        self.session.voice.say(bytes, written)
    }

    fn turn(&mut self, end: u64) -> io::Result<()> {
        let is_main = self.side.is_none();
        if is_main && self.session.voice.random.chance(0.3) {
            self.file_snapshot()?;
        }
        self.prompt()?;
        let calls = 1 + self.session.voice.random.wait(7.0) as u64;
        for _ in 0..calls {
            if self.session.written() >= end {
                break;
            }
            self.answer(true)?;
            match self.session.voice.random.below(40) {
                0 => self.record("progress", 80.0, |json| {
                    json.inside("data", |data| {
                        data.text("type", "hook_progress").text("hookEvent", "PostToolUse");
                        data.text("hookName", "PostToolUse:Bash").text("command", "lint --fix");
                    });
                })?,
                1 if is_main => self.queued_prompt()?,
                2 if is_main && self.release != Release::Inline => {
                    let words = "<system-reminder>\nThe task list is empty.\n</system-reminder>";
                    self.record("user", 20.0, |json| {
                        json.flag("isMeta", true);
                        json.inside("message", |message| {
                            message.text("role", "user").text("content", words);
                        });
                    })?;
                }
                _ => {}
            }
        }
        self.answer(false)?;
        if is_main && self.session.voice.random.chance(0.4) {
            let millis = self.session.voice.random.between(800, 300_000);
            self.record("system", 8.0, |json| {
                json.text("subtype", "turn_duration").number("durationMs", millis).flag("isMeta", false);
            })?;
        }
        Ok(())
    }

    fn prompt(&mut self) -> io::Result<()> {
        let written = self.session.written();
        let said = self.session.voice.prompt(written);
        let is_main = self.side.is_none();
        if is_main {
            self.session.count_prompt(&said);
        }
        let image = self.session.voice.random.chance(0.015).then(|| self.session.voice.image());
        let is_list = self.session.voice.random.chance(0.3);
        self.session.mark(&said, "user_text");
        let is_new = self.release == Release::Bulk;
        self.record("user", 60_000.0, |json| {
            if is_new && is_main {
                json.text("promptSource", "typed").inside("origin", |origin| {
                    origin.text("kind", "human");
                });
            }
            json.inside("message", |message| {
                message.text("role", "user");
                if image.is_none() && !is_list {
                    message.text("content", &said.text);
                    return;
                }
                message.list("content", |list| {
                    list.element(|block| {
                        block.text("type", "text").text("text", &said.text);
                    });
                    if let Some(image) = &image {
                        list.element(|block| {
                            block.text("type", "image").inside("source", |source| {
                                source
                                    .text("type", "base64")
                                    .text("media_type", "image/png")
                                    .text("data", image);
                            });
                        });
                    }
                });
            });
        })?;
        if is_new && is_main {
            self.request(&said)?;
        }
        Ok(())
    }

    /// What the newest releases add to each request: the prompt again, as part of the request, and as the last one.
    fn request(&mut self, said: &Said) -> io::Result<()> {
        let (hash, request) = (self.session.voice.random.hex(64), self.session.voice.random.uuid());
        self.session.mark(said, "request_blob");
        self.note("api-request-blob", |json| {
            json.text("hash", &hash).inside("message", |message| {
                message.text("role", "user").list("content", |list| {
                    list.element(|block| {
                        block.text("type", "text").text("text", &said.text);
                    });
                });
            });
        })?;
        let (time, model) = (self.session.tick(5.0), self.model);
        self.note("api-request", |json| {
            json.text("id", request).text("timestamp", time).text("querySource", "repl_main_thread");
            json.text("shapeHash", &hash).inside("params", |params| {
                params.text("model", model).number("max_tokens", 128_000);
            });
            json.list("tail", |list| {
                list.raw_element(quoted(hash.as_bytes()));
            });
        })?;
        if self.session.voice.random.chance(0.5) {
            self.session.mark(said, "last_prompt");
            let leaf = self.parent.clone();
            self.note("last-prompt", |json| {
                json.text("lastPrompt", &said.text).text("leafUuid", leaf);
            })?;
        }
        Ok(())
    }

    /// A prompt typed while the agent is busy. Only the newest releases tell that it was sent.
    fn queued_prompt(&mut self) -> io::Result<()> {
        let said = self.say(70);
        let time = self.session.tick(900.0);
        self.session.mark(&said, "queued_text");
        self.note("queue-operation", |json| {
            json.text("operation", "enqueue").text("timestamp", time).text("content", &said.text);
        })?;
        if self.release == Release::Bulk {
            self.session.count_prompt(&said);
            self.session.mark(&said, "queued_text");
            self.record("attachment", 50.0, |json| {
                json.inside("attachment", |attachment| {
                    attachment.text("type", "queued_command").text("prompt", &said.text);
                    attachment.text("commandMode", "prompt");
                });
            })?;
        }
        Ok(())
    }

    /// One message of the model: a line for each content block, each with the usage so far.
    fn answer(&mut self, calls_a_tool: bool) -> io::Result<()> {
        let random = &mut self.session.voice.random;
        let message_id = format!("msg_01{}", random.letters(22));
        let request_id = format!("req_011{}", random.letters(21));
        let input = random.between(1, 60);
        let (cache_write, cache_read) = (random.between(0, 9_000), random.between(9_000, 170_000));
        let output = random.between(20, 1_800);
        let (thinks, talks) = (random.chance(0.35), !calls_a_tool || random.chance(0.5));
        let tokens = &mut self.session.row.tokens;
        tokens.input += input;
        tokens.cache_write += cache_write;
        tokens.cache_read += cache_read;
        tokens.output += output;
        if self.side.is_none() {
            self.session.row.answers += 1;
        }
        let mut call = None;
        let mut blocks = Vec::new();
        if thinks {
            blocks.push("thinking");
        }
        if talks {
            blocks.push("text");
        }
        if calls_a_tool {
            blocks.push("tool_use");
        }
        let count = blocks.len();
        for (at, block) in blocks.into_iter().enumerate() {
            let content = match block {
                "thinking" => self.thinking(),
                "text" => {
                    let written = self.session.written();
                    let said = self.session.voice.answer(written);
                    self.session.mark(&said, "assistant_text");
                    Json::object(|json| {
                        json.text("type", "text").text("text", &said.text);
                    })
                }
                _ => {
                    let id = format!("toolu_01{}", self.session.voice.random.letters(22));
                    let (name, input) = self.tool_input();
                    let content = Json::object(|json| {
                        json.text("type", "tool_use").text("id", &id).text("name", name).raw("input", input);
                    });
                    call = Some((id, name));
                    content
                }
            };
            // While the answer streams, the usage of a line may be a first one.
            let so_far =
                if at + 1 < count && self.release != Release::Inline { 1 + output / 40 } else { output };
            let (model, stop) = (self.model, if calls_a_tool { "tool_use" } else { "end_turn" });
            self.record("assistant", 4_000.0, |json| {
                json.inside("message", |message| {
                    message.text("model", model).text("id", &message_id).text("type", "message");
                    message.text("role", "assistant").list("content", |list| {
                        list.raw_element(&content);
                    });
                    message.text("stop_reason", stop).raw("stop_sequence", "null").inside("usage", |usage| {
                        usage
                            .number("input_tokens", input)
                            .number("cache_creation_input_tokens", cache_write);
                        usage.number("cache_read_input_tokens", cache_read).inside(
                            "cache_creation",
                            |split| {
                                split.number("ephemeral_5m_input_tokens", cache_write);
                                split.number("ephemeral_1h_input_tokens", 0);
                            },
                        );
                        usage.number("output_tokens", so_far).text("service_tier", "standard");
                    });
                });
                json.text("requestId", &request_id);
            })?;
        }
        if let Some((id, name)) = call {
            self.session.row.tool_calls += 1;
            self.tool_result(&id, name)?;
        }
        Ok(())
    }

    fn thinking(&mut self) -> Vec<u8> {
        let written = self.session.written();
        let said = self.session.voice.answer(written);
        self.session.mark(&said, "thinking");
        let signature = self.session.voice.base64(700.0, 300, 4_000);
        Json::object(|json| {
            json.text("type", "thinking").text("thinking", &said.text).text("signature", signature);
        })
    }

    fn path(&mut self) -> String {
        let file = self.session.voice.file();
        format!("{}/{file}", self.session.voice.project.directory)
    }

    fn tool_input(&mut self) -> (&'static str, Vec<u8>) {
        let (path, written) = (self.path(), self.session.written());
        let voice = &mut self.session.voice;
        let mut text = Vec::new();
        match voice.random.below(20) {
            0..=7 => {
                let _ = write!(text, "cd {} && cargo nextest run ", voice.project.directory);
                let bytes = voice.random.between(10, 220) as usize;
                voice.prose(bytes, &mut text);
                let said = voice.plant(text, written);
                self.session.mark(&said, "tool_input");
                let input = Json::object(|json| {
                    json.text("command", &said.text).text("description", "Run the tests");
                });
                ("Bash", input)
            }
            8..=13 => {
                let offset = voice.random.between(1, 900);
                let input = Json::object(|json| {
                    json.text("file_path", path).number("offset", offset).number("limit", 400);
                });
                ("Read", input)
            }
            14..=15 => {
                let pattern = voice.name();
                let input = Json::object(|json| {
                    json.text("pattern", pattern).text("path", path).text("output_mode", "content");
                });
                ("Grep", input)
            }
            16..=17 => {
                let bytes = voice.random.length(500.0, 1.0, 20, 9_000);
                let mut old = Vec::new();
                voice.excerpt(bytes, Numbered::No, &mut old);
                voice.code(bytes, &mut text);
                let said = voice.plant(text, written);
                self.session.mark(&said, "tool_input");
                let input = Json::object(|json| {
                    json.text("file_path", path).text("old_string", old).text("new_string", &said.text);
                });
                ("Edit", input)
            }
            _ => {
                let bytes = voice.random.length(2_600.0, 1.0, 50, 60_000);
                voice.code(bytes, &mut text);
                let said = voice.plant(text, written);
                self.session.mark(&said, "tool_input");
                let input = Json::object(|json| {
                    json.text("file_path", path).text("content", &said.text);
                });
                ("Write", input)
            }
        }
    }

    fn tool_result(&mut self, id: &str, name: &str) -> io::Result<()> {
        if self.session.voice.random.chance(0.004) {
            return self.image_result(id);
        }
        let (path, written, clock) = (self.path(), self.session.written(), self.session.clock);
        if matches!(name, "Edit" | "Write") {
            let (mut text, mut original) = (Vec::new(), Vec::new());
            self.session.voice.excerpt(1_500, Numbered::Yes, &mut text);
            let bytes = self.session.voice.random.length(9_000.0, 1.0, 400, 120_000);
            self.session.voice.excerpt(bytes, Numbered::No, &mut original);
            let said = self.session.voice.plant(text, written);
            self.session.mark(&said, "tool_output");
            return self.result_record(id, &quoted(&said.text), false, |copy| {
                copy.text("filePath", path).text("originalFile", original).list("structuredPatch", |list| {
                    list.element(|hunk| {
                        hunk.number("oldStart", 1)
                            .number("oldLines", 9)
                            .number("newStart", 1)
                            .number("newLines", 9);
                        hunk.list("lines", |lines| {
                            for line in said.text.split(|&byte| byte == b'\n').take(9) {
                                lines.raw_element(quoted(line));
                            }
                        });
                    });
                });
                copy.flag("userModified", false).flag("replaceAll", false);
            });
        }
        let said = self.session.voice.output(clock, written);
        self.session.mark(&said, "tool_output");
        let text = quoted(&said.text);
        if name == "Read" {
            return self.result_record(id, &text, false, |copy| {
                copy.text("type", "text").inside("file", |file| {
                    file.text("filePath", path).raw("content", &text).number("numLines", 400);
                    file.number("startLine", 1).number("totalLines", 1_200);
                });
            });
        }
        let is_error = self.session.voice.random.chance(0.06);
        self.result_record(id, &text, is_error, |copy| {
            copy.raw("stdout", &text).text("stderr", "").flag("interrupted", false).flag("isImage", false);
        })
    }

    /// Writes a tool's output, and its copy in structure.
    fn result_record(
        &mut self,
        id: &str,
        text: &[u8],
        is_error: bool,
        copy: impl FnOnce(&mut Json),
    ) -> io::Result<()> {
        self.record("user", 2_500.0, |json| {
            json.inside("message", |message| {
                message.text("role", "user").list("content", |list| {
                    list.element(|block| {
                        block.text("tool_use_id", id).text("type", "tool_result").raw("content", text);
                        block.flag("is_error", is_error);
                    });
                });
            });
            json.inside("toolUseResult", copy);
        })
    }

    fn image_result(&mut self, id: &str) -> io::Result<()> {
        let image = self.session.voice.image();
        self.record("user", 2_500.0, |json| {
            json.inside("message", |message| {
                message.text("role", "user").list("content", |list| {
                    list.element(|block| {
                        block.text("tool_use_id", id).text("type", "tool_result").list("content", |list| {
                            list.element(|part| {
                                part.text("type", "image").inside("source", |source| {
                                    source.text("type", "base64").text("data", &image);
                                    source.text("media_type", "image/png");
                                });
                            });
                        });
                    });
                });
            });
            json.inside("toolUseResult", |copy| {
                copy.text("type", "image").inside("file", |file| {
                    file.text("base64", &image).text("type", "image/png");
                    file.number("originalSize", image.len() as u64 / 4 * 3);
                });
            });
        })
    }

    fn file_snapshot(&mut self) -> io::Result<()> {
        let (id, backup) = (self.session.voice.random.uuid(), self.session.voice.random.hex(16));
        let (path, time) = (self.session.voice.file(), self.session.tick(2.0));
        self.session.put(&Json::object(|json| {
            json.text("type", "file-history-snapshot").text("messageId", &id).inside(
                "snapshot",
                |snapshot| {
                    snapshot.text("messageId", &id).inside("trackedFileBackups", |backups| {
                        // A path may hold no character that JSON escapes: it is a key here.
                        backups.inside(path, |entry| {
                            entry.text("backupFileName", format!("{backup}@v1")).number("version", 1);
                            entry.text("backupTime", &time);
                        });
                    });
                    snapshot.text("timestamp", &time);
                },
            );
            json.flag("isSnapshotUpdate", false);
        }))
    }

    fn compact(&mut self) -> io::Result<()> {
        self.record("system", 10.0, |json| {
            json.text("subtype", "compact_boundary").text("content", "Conversation compacted");
            json.flag("isMeta", false).text("level", "info").inside("compactMetadata", |metadata| {
                metadata.text("trigger", "auto").number("preTokens", 157_904);
            });
        })?;
        let said = self.say(9_000);
        self.session.mark(&said, "compact_summary");
        self.record("user", 10.0, |json| {
            json.inside("message", |message| {
                message.text("role", "user").text("content", &said.text);
            });
            json.flag("isCompactSummary", true).flag("isVisibleInTranscriptOnly", true);
        })
    }

    fn title(&mut self) -> io::Result<()> {
        let (kind, key) = match self.session.voice.random.below(10) {
            0..=1 => ("custom-title", "customTitle"),
            2..=4 if self.release != Release::Inline => ("ai-title", "aiTitle"),
            _ => return Ok(()),
        };
        let said = self.say(40);
        self.session.mark(&said, "title");
        self.note(kind, |json| {
            json.text(key, &said.text);
        })
    }

    /// What the newest releases write before the first prompt: a hundred kilobytes that nobody said.
    fn bulk(&mut self) -> io::Result<()> {
        let world = self.session.voice.world;
        let which = self.session.voice.random.below(world.system_prompts.len());
        let (system, tools) = (&world.system_prompts[which], &world.tool_lists[which]);
        let (hash, time) = (self.session.voice.random.hex(64), self.session.tick(5.0));
        self.note("mode", |json| {
            json.text("mode", "normal");
        })?;
        self.note("permission-mode", |json| {
            json.text("permissionMode", "acceptEdits");
        })?;
        self.record("attachment", 2.0, |json| {
            json.inside("attachment", |attachment| {
                attachment.text("type", "skill_listing").raw("content", &world.instructions[which]);
            });
        })?;
        self.record("attachment", 2.0, |json| {
            json.inside("attachment", |attachment| {
                attachment.text("type", "prompt_snapshot").raw("systemPrompt", system).raw("tools", tools);
                attachment.text("contextRendering", "announced");
            });
        })?;
        self.note("api-request-shape", |json| {
            json.text("shapeHash", hash).text("timestamp", time).text("version", "2.1.329");
            json.inside("shape", |shape| {
                shape.raw("system", system).raw("tools", tools);
            });
        })
    }

    /// The oldest layout: a side conversation between the lines of the main one.
    fn inline_side_conversation(&mut self, end: u64) -> io::Result<()> {
        let back = std::mem::take(&mut self.parent);
        self.side = Some(String::new());
        let stop = end.min(self.session.written() + 30_000);
        self.turn(stop)?;
        self.side = None;
        self.parent = back;
        Ok(())
    }

    fn side_file(&mut self, bytes: u64) -> io::Result<()> {
        let agent = self.session.voice.random.hex(if self.release == Release::Beside { 8 } else { 17 });
        let folder = match self.release {
            Release::Beside => self.folder(),
            _ => format!("{}/{}/subagents", self.folder(), self.id),
        };
        self.session.open(format!("{folder}/agent-{agent}.jsonl"))?;
        if self.release == Release::Bulk {
            let call = format!("toolu_01{}", self.session.voice.random.letters(22));
            let path = self.session.path(&format!("{folder}/agent-{agent}.meta.json"));
            let meta = Json::object(|json| {
                json.text("agentType", "Explore").flag("isBuiltIn", true).text("description", "Look around");
                json.text("toolUseId", call).number("spawnDepth", 1).flag("finished", true);
            });
            std::fs::write(path, meta)?;
        }
        self.side = Some(agent);
        self.parent.clear();
        let stop = self.session.written() + self.session.voice.random.between(8_000, 300_000);
        let stop = stop.min(bytes);
        self.turn(stop)?;
        while self.session.written() < stop {
            self.turn(stop)?;
        }
        self.side = None;
        self.session.close_side()
    }
}

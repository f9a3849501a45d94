//! Codex' rollouts: legacy ones, and paginated ones with their copy-on-write forks.

use std::io::{self, Write as _};

use super::clock::{iso, written};
use super::json::{Json, quoted};
use super::session::Session;
use super::text::Said;

const MODELS: [&str; 4] = ["gpt-5.2-codex", "gpt-5.1-codex-max", "gpt-5.4", "gpt-5.5"];
/// A session is compacted when it has grown by so many bytes.
const COMPACTED_AFTER: u64 = 4_000_000;

#[derive(Clone, Copy, PartialEq)]
enum History {
    /// Events repeat what the response items say; totals stand twice.
    Legacy,
    /// Lines are numbered, events are whole items, usage stands in records of its own too.
    Paginated,
}

/// Where a fork may leave its origin: after a turn.
struct ForkPoint {
    thread: String,
    ordinal: u64,
    offset: u64,
    total: Total,
}

/// Tokens of a thread as Codex counts them: cached input is input, reasoning is output.
#[derive(Clone, Copy, Default)]
struct Total {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

impl Total {
    fn fill(self, json: &mut Json) {
        json.number("input_tokens", self.input).number("cached_input_tokens", self.cached);
        json.number("output_tokens", self.output).number("reasoning_output_tokens", self.reasoning);
        json.number("total_tokens", self.input + self.output);
    }
}

struct Codex<'s, 'w> {
    session: &'s mut Session<'w>,
    history: History,
    id: String,
    model: &'static str,
    turn_id: String,
    ordinal: u64,
    total: Total,
}

/// Writes a session, and perhaps a fork of it.
pub(super) fn write(session: &mut Session<'_>, bytes: u64) -> io::Result<()> {
    let random = &mut session.voice.random;
    let history = if random.chance(0.5) { History::Legacy } else { History::Paginated };
    let model = random.one(&MODELS);
    let id = random.uuid_at(session.clock);
    let mut codex =
        Codex { session, history, id, model, turn_id: String::new(), ordinal: 0, total: Total::default() };
    codex.open(None)?;
    let mut compact_at = COMPACTED_AFTER;
    let mut point = None;
    while codex.session.written() < bytes || codex.session.row.prompts == 0 {
        let last = codex.turn(bytes)?;
        if point.is_none() || codex.session.voice.random.chance(0.3) {
            point = Some(codex.fork_point());
        }
        if codex.session.written() > compact_at {
            compact_at = codex.session.written() + COMPACTED_AFTER;
            codex.compact(&last)?;
        }
    }
    codex.close()?;
    let forks = history == History::Paginated && bytes < 2_000_000 && codex.session.voice.random.chance(0.08);
    if let Some(point) = point.filter(|_| forks) {
        codex.fork(&point)?;
    }
    Ok(())
}

impl Codex<'_, '_> {
    /// Opens the rollout and writes its head.
    fn open(&mut self, origin: Option<&ForkPoint>) -> io::Result<()> {
        let id = &self.id;
        let begun = written(self.session.clock, "%Y/%m/%d/rollout-%Y-%m-%dT%H-%M-%S");
        self.session.open(format!(".codex/sessions/{begun}-{id}.jsonl"))?;
        let (world, project) = (self.session.voice.world, self.session.voice.project);
        let instructions = self.session.voice.random.one(&world.instructions);
        let commit = self.session.voice.random.hex(40);
        let is_paginated = self.history == History::Paginated;
        let version = if is_paginated { "0.169.0" } else { "0.130.0" };
        let (id, started) = (self.id.clone(), iso(self.session.clock));
        self.line("session_meta", 4.0, |payload| {
            if is_paginated {
                payload.text("session_id", &id);
            }
            payload.text("id", &id);
            if let Some(origin) = origin {
                payload.text("forked_from_id", &origin.thread);
                payload.number("forked_from_ordinal_exclusive", origin.ordinal);
            }
            payload
                .text("timestamp", started)
                .text("cwd", &project.directory)
                .text("originator", "codex_cli_rs");
            payload.text("cli_version", version).text("source", "cli").text("model_provider", "openai");
            payload.inside("base_instructions", |base| {
                base.raw("text", instructions);
            });
            if is_paginated {
                payload.text("history_mode", "paginated");
            }
            if let Some(origin) = origin {
                payload.inside("history_base", |base| {
                    base.text("thread_id", &origin.thread).number("end_ordinal_exclusive", origin.ordinal);
                    base.number("end_byte_offset", origin.offset);
                });
            }
            payload.inside("git", |git| {
                git.text("commit_hash", commit).text("branch", project.branch);
                git.text("repository_url", format!("git@git.example.org:team/{}.git", project.short));
            });
        })?;
        if origin.is_some() {
            return Ok(());
        }
        let context = format!(
            "<environment_context>\n  <cwd>{}</cwd>\n  <shell>bash</shell>\n</environment_context>",
            project.directory
        );
        self.message("user", "input_text", context.as_bytes())?;
        if is_paginated {
            self.message(
                "developer",
                "input_text",
                b"<skills_instructions>\n## Skills\n</skills_instructions>",
            )?;
            self.line("world_state", 2.0, |payload| {
                payload.flag("full", true).inside("state", |state| {
                    state.raw("base", instructions);
                });
            })?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.session.close_main()?;
        let row = &mut self.session.row;
        row.agent = "codex";
        row.id = self.id.clone();
        row.model = self.model.to_owned();
        self.session.finish();
        Ok(())
    }

    fn fork_point(&self) -> ForkPoint {
        let offset = self.session.offset();
        ForkPoint { thread: self.id.clone(), ordinal: self.ordinal, offset, total: self.total }
    }

    /// A fork copies nothing: it names the bytes of its origin that it goes on from, and inherits its totals.
    fn fork(&mut self, origin: &ForkPoint) -> io::Result<()> {
        self.session.tick(3_600_000.0);
        self.id = self.session.voice.random.uuid_at(self.session.clock);
        self.ordinal = origin.ordinal;
        self.total = origin.total;
        self.open(Some(origin))?;
        for _ in 0..self.session.voice.random.between(1, 3) {
            let end = self.session.written() + 30_000;
            self.turn(end)?;
        }
        self.close()
    }

    fn line(&mut self, kind: &str, mean_millis: f64, fill: impl FnOnce(&mut Json)) -> io::Result<()> {
        let time = self.session.tick(mean_millis);
        let line = Json::object(|json| {
            json.text("timestamp", time);
            if self.history == History::Paginated {
                json.number("ordinal", self.ordinal);
            }
            json.text("type", kind).inside("payload", fill);
        });
        self.ordinal += 1;
        self.session.put(&line)
    }

    fn event(&mut self, kind: &str, fill: impl FnOnce(&mut Json)) -> io::Result<()> {
        self.line("event_msg", 4.0, |payload| {
            payload.text("type", kind);
            fill(payload);
        })
    }

    /// Writes the event that repeats an item of a paginated rollout.
    fn item(&mut self, kind: &str, fill: impl FnOnce(&mut Json)) -> io::Result<()> {
        let (thread, turn) = (self.id.clone(), self.turn_id.clone());
        let id = self.session.voice.random.uuid_at(self.session.clock);
        let now = self.session.clock;
        self.event("item_completed", |payload| {
            payload.text("thread_id", thread).text("turn_id", turn).inside("item", |item| {
                item.text("type", kind).text("id", id);
                fill(item);
            });
            payload.number("started_at_ms", now).number("completed_at_ms", now + 3);
        })
    }

    fn message(&mut self, role: &str, part: &str, text: &[u8]) -> io::Result<()> {
        let id = format!("msg_{}", self.session.voice.random.hex(24));
        let is_paginated = self.history == History::Paginated;
        self.line("response_item", 4.0, |payload| {
            payload.text("type", "message");
            if is_paginated {
                payload.text("id", id);
            }
            payload.text("role", role).list("content", |list| {
                list.element(|block| {
                    block.text("type", part).text("text", text);
                });
            });
        })
    }

    fn turn(&mut self, end: u64) -> io::Result<Said> {
        self.turn_id = self.session.voice.random.uuid_at(self.session.clock);
        let (turn, model) = (self.turn_id.clone(), self.model);
        self.session.tick(60_000.0);
        self.event("task_started", |payload| {
            payload.text("turn_id", &turn).number("model_context_window", 272_000);
        })?;
        let directory = &self.session.voice.project.directory;
        self.line("turn_context", 4.0, |payload| {
            payload.text("turn_id", &turn).text("cwd", directory).text("approval_policy", "on-request");
            payload.inside("sandbox_policy", |policy| {
                policy.text("type", "workspace-write").flag("network_access", false);
            });
            payload.text("model", model).text("effort", "high").text("summary", "auto");
        })?;
        self.prompt()?;
        let calls = 1 + self.session.voice.random.wait(9.0) as u64;
        for _ in 0..calls {
            if self.session.written() >= end {
                break;
            }
            self.call()?;
            if self.session.voice.random.chance(0.3) {
                self.answer("commentary")?;
            }
        }
        let last = self.answer("final_answer")?;
        self.usage()?;
        self.session.mark(&last, "last_message");
        self.event("task_complete", |payload| {
            payload.text("turn_id", turn).text("last_agent_message", &last.text);
        })?;
        Ok(last)
    }

    fn prompt(&mut self) -> io::Result<()> {
        let written = self.session.written();
        let said = self.session.voice.prompt(written);
        self.session.count_prompt(&said);
        self.session.mark(&said, "user_text");
        self.message("user", "input_text", &said.text)?;
        self.session.mark(&said, "user_text");
        match self.history {
            History::Legacy => self.event("user_message", |payload| {
                payload.text("message", &said.text).raw("images", "[]").raw("local_images", "[]");
            }),
            History::Paginated => self.item("UserMessage", |item| {
                item.list("content", |list| {
                    list.element(|part| {
                        part.text("type", "text").text("text", &said.text).raw("text_elements", "[]");
                    });
                });
            }),
        }
    }

    fn answer(&mut self, phase: &str) -> io::Result<Said> {
        let written = self.session.written();
        let said = self.session.voice.answer(written);
        self.session.row.answers += 1;
        self.session.tick(4_000.0);
        self.session.mark(&said, "assistant_text");
        match self.history {
            History::Legacy => self.event("agent_message", |payload| {
                payload.text("message", &said.text).text("phase", phase);
            })?,
            History::Paginated => self.item("AgentMessage", |item| {
                item.list("content", |list| {
                    list.element(|part| {
                        part.text("type", "Text").text("text", &said.text);
                    });
                });
            })?,
        }
        self.session.mark(&said, "assistant_text");
        self.message("assistant", "output_text", &said.text)?;
        Ok(said)
    }

    fn reasoning(&mut self) -> io::Result<()> {
        let written = self.session.written();
        let said = self.session.voice.say(120, written);
        self.session.mark(&said, "thinking");
        match self.history {
            History::Legacy => self.event("agent_reasoning", |payload| {
                payload.text("text", &said.text);
            })?,
            History::Paginated => self.item("Reasoning", |item| {
                item.list("summary_text", |list| {
                    list.raw_element(quoted(&said.text));
                });
                item.raw("raw_content", "[]");
            })?,
        }
        let mut sealed = b"gAAAA".to_vec();
        sealed.extend(self.session.voice.base64(1_500.0, 300, 12_000));
        self.session.mark(&said, "thinking");
        self.line("response_item", 4.0, |payload| {
            payload.text("type", "reasoning").list("summary", |list| {
                list.element(|part| {
                    part.text("type", "summary_text").text("text", &said.text);
                });
            });
            payload.raw("content", "null").text("encrypted_content", sealed);
        })
    }

    fn call(&mut self) -> io::Result<()> {
        self.session.row.tool_calls += 1;
        if self.session.voice.random.chance(0.6) {
            self.reasoning()?;
        }
        let id = format!("call_{}", self.session.voice.random.letters(24));
        if self.session.voice.random.chance(0.15) {
            self.patch(&id)?;
            self.usage()?;
            return self.output(&id, "custom_tool_call_output", b"Success. Updated the following files:\n");
        }
        let written = self.session.written();
        let voice = &mut self.session.voice;
        let mut command = Vec::new();
        let _ = write!(command, "sed -n '1,240p' {} && rg -n ", voice.file());
        let bytes = voice.random.between(10, 200) as usize;
        voice.prose(bytes, &mut command);
        let said = voice.plant(command, written);
        self.session.mark(&said, "tool_input_nested");
        let directory = &self.session.voice.project.directory;
        let arguments = Json::object(|json| {
            json.text("cmd", &said.text).text("workdir", directory).number("yield_time_ms", 10_000);
        });
        self.line("response_item", 300.0, |payload| {
            payload.text("type", "function_call").text("name", "exec_command").text("arguments", arguments);
            payload.text("call_id", &id);
        })?;
        self.usage()?;
        if self.session.voice.random.chance(0.004) {
            let mut image = b"data:image/png;base64,".to_vec();
            image.extend(self.session.voice.image());
            return self.line("response_item", 500.0, |payload| {
                payload.text("type", "function_call_output").text("call_id", &id).list("output", |list| {
                    list.element(|part| {
                        part.text("type", "input_image").text("image_url", image);
                    });
                });
            });
        }
        let (written, clock) = (self.session.written(), self.session.clock);
        let printed = self.session.voice.output(clock, written);
        let exit_code = u64::from(self.session.voice.random.chance(0.06));
        if self.history == History::Paginated {
            self.session.mark(&said, "tool_input");
            self.session.mark(&printed, "tool_output");
            self.item("CommandExecution", |item| {
                item.list("command", |list| {
                    list.raw_element(b"\"/bin/bash\"")
                        .raw_element(b"\"-lc\"")
                        .raw_element(quoted(&said.text));
                });
                item.text("status", if exit_code == 0 { "completed" } else { "failed" });
                item.text("aggregated_output", &printed.text).number("exit_code", exit_code);
                item.inside("duration", |duration| {
                    duration.number("secs", 0).number("nanos", 25_340_895);
                });
            })?;
        }
        let chunk = self.session.voice.random.hex(6);
        let tokens = printed.text.len() / 4;
        let mut output = format!(
            "Chunk ID: {chunk}\nWall time: 0.0253 seconds\nProcess exited with code {exit_code}\n\
             Original token count: {tokens}\nOutput:\n"
        )
        .into_bytes();
        output.extend_from_slice(&printed.text);
        self.session.mark(&printed, "tool_output");
        self.output(&id, "function_call_output", &output)
    }

    fn output(&mut self, id: &str, kind: &str, text: &[u8]) -> io::Result<()> {
        self.line("response_item", 500.0, |payload| {
            payload.text("type", kind).text("call_id", id).text("output", text);
        })
    }

    fn patch(&mut self, id: &str) -> io::Result<()> {
        let written = self.session.written();
        let voice = &mut self.session.voice;
        let mut patch = Vec::new();
        let _ = write!(patch, "*** Begin Patch\n*** Update File: {}\n@@\n", voice.file());
        let bytes = voice.random.length(900.0, 1.0, 40, 20_000);
        let mut code = Vec::new();
        voice.code(bytes, &mut code);
        for line in code.split_inclusive(|&byte| byte == b'\n') {
            patch.push(*voice.random.one(b"++- "));
            patch.extend_from_slice(line);
        }
        patch.extend_from_slice(b"*** End Patch");
        let said = voice.plant(patch, written);
        self.session.mark(&said, "tool_input");
        self.line("response_item", 300.0, |payload| {
            payload.text("type", "custom_tool_call").text("status", "completed").text("call_id", id);
            payload.text("name", "apply_patch").text("input", &said.text);
        })
    }

    fn usage(&mut self) -> io::Result<()> {
        let random = &mut self.session.voice.random;
        let input = random.between(6_000, 180_000);
        let cached = input / 2 + random.between(0, input / 3);
        let output = random.between(20, 1_500);
        let last = Total { input, cached, output, reasoning: random.between(0, output) };
        let percent = random.below(100) as u64;
        let total = &mut self.total;
        total.input += last.input;
        total.cached += last.cached;
        total.output += last.output;
        total.reasoning += last.reasoning;
        let tokens = &mut self.session.row.tokens;
        tokens.input += last.input - last.cached;
        tokens.cache_read += last.cached;
        tokens.output += last.output;
        let total = self.total;
        if self.history == History::Paginated {
            let (thread, turn) = (self.id.clone(), self.turn_id.clone());
            let response = format!("resp_{}", self.session.voice.random.hex(24));
            self.line("token_usage_record", 4.0, |payload| {
                payload.text("thread_id", thread).text("turn_id", turn).text("response_id", response);
                payload.inside("usage", |usage| last.fill(usage));
                payload.inside("thread_token_usage", |usage| total.fill(usage));
            })?;
        }
        // Legacy rollouts hold each count twice, without a change between.
        for _ in 0..if self.history == History::Legacy { 2 } else { 1 } {
            self.event("token_count", |payload| {
                payload.inside("info", |info| {
                    info.inside("total_token_usage", |usage| total.fill(usage));
                    info.inside("last_token_usage", |usage| last.fill(usage));
                    info.number("model_context_window", 272_000);
                });
                payload.inside("rate_limits", |limits| {
                    limits.inside("primary", |primary| {
                        primary.raw("used_percent", format!("{percent}.0")).number("window_minutes", 300);
                    });
                    limits.raw("secondary", "null").raw("credits", "null").raw("plan_type", "null");
                });
            })?;
        }
        Ok(())
    }

    fn compact(&mut self, last: &Said) -> io::Result<()> {
        let written = self.session.written();
        let said = self.session.voice.say(8_000, written);
        self.session.mark(&said, "compact_summary");
        self.session.mark(last, "replacement_history");
        self.line("compacted", 4.0, |payload| {
            payload.text("message", &said.text).list("replacement_history", |list| {
                list.element(|item| {
                    item.text("type", "message").text("role", "user").list("content", |list| {
                        list.element(|part| {
                            part.text("type", "input_text").text("text", &last.text);
                        });
                    });
                });
            });
        })
    }
}

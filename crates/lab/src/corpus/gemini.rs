//! Gemini CLI's chats: one document, or the newer file of one record a line.

use std::fs;
use std::io;
use std::path::Path;

use super::LARGEST_GEMINI;
use super::clock::{iso, written};
use super::json::Json;
use super::session::Session;
use super::world::Project;

const MODEL: &str = "gemini-3-pro-preview";

/// Writes the files by which newer releases find the directory of a project's folder.
pub(super) fn write_projects(home: &Path, projects: &[Project]) -> io::Result<()> {
    let all = Json::object(|json| {
        json.inside("projects", |map| {
            for project in projects {
                map.text(&project.directory, &project.short);
            }
        });
    });
    fs::create_dir_all(home.join(".gemini"))?;
    fs::write(home.join(".gemini/projects.json"), all)?;
    for project in projects {
        let folder = home.join(".gemini/tmp").join(&project.short);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(".project_root"), &project.directory)?;
    }
    Ok(())
}

/// Writes a session.
pub(super) fn write(session: &mut Session<'_>, bytes: u64) -> io::Result<()> {
    let id = session.voice.random.uuid();
    let is_lines = session.voice.random.chance(0.5);
    let project = session.voice.project;
    let (folder, suffix) = if is_lines { (&project.short, "jsonl") } else { (&project.hash, "json") };
    let begun = written(session.clock, "%Y-%m-%dT%H-%M");
    session.open(format!(".gemini/tmp/{folder}/chats/session-{begun}-{}.{suffix}", &id[..8]))?;
    session.row.agent = "gemini";
    session.row.id = id;
    session.row.model = MODEL.to_owned();
    let end = bytes.min(LARGEST_GEMINI);
    if is_lines {
        lines(session, end)?
    } else {
        document(session, end)?
    }
    session.close_main()?;
    session.finish();
    Ok(())
}

fn head(session: &Session<'_>, json: &mut Json) {
    let time = iso(session.clock);
    json.text("sessionId", &session.row.id).text("projectHash", &session.voice.project.hash);
    json.text("startTime", &time).text("lastUpdated", &time);
}

fn lines(session: &mut Session<'_>, end: u64) -> io::Result<()> {
    let header = Json::object(|json| {
        head(session, json);
        json.text("kind", "main");
    });
    session.put(&header)?;
    let (id, time) = (session.voice.random.hex(32), session.tick(5.0));
    let context =
        format!("<session_context>\nWorkspace: {}\n</session_context>", session.voice.project.directory);
    session.put(&Json::object(|json| {
        json.inside("$set", |set| {
            set.list("messages", |list| {
                list.element(|message| {
                    message.text("id", id).text("timestamp", &time).text("type", "user");
                    message.list("content", |list| {
                        list.element(|part| {
                            part.text("text", &context);
                        });
                    });
                });
            });
            set.text("lastUpdated", &time);
        });
    }))?;
    while session.written() < end || session.row.prompts == 0 {
        prompt(session, Shape::Line)?;
        for _ in 0..session.voice.random.between(1, 4) {
            answer(session, Shape::Line)?;
        }
        let time = session.tick(5.0);
        session.put(&Json::object(|json| {
            json.inside("$set", |set| {
                set.text("lastUpdated", time);
            });
        }))?;
    }
    Ok(())
}

fn document(session: &mut Session<'_>, end: u64) -> io::Result<()> {
    let mut begin = Json::object(|json| head(session, json));
    begin.pop();
    begin.extend_from_slice(b",\"messages\":[");
    session.put(&begin)?;
    prompt(session, Shape::First)?;
    answer(session, Shape::Next)?;
    while session.written() < end {
        prompt(session, Shape::Next)?;
        for _ in 0..session.voice.random.between(1, 4) {
            answer(session, Shape::Next)?;
        }
    }
    session.put(b"]}")
}

/// Where a message stands: a line of its own, or in a document, the first or a later one.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Line,
    First,
    Next,
}

fn put(session: &mut Session<'_>, shape: Shape, message: Vec<u8>) -> io::Result<()> {
    match shape {
        Shape::Next => session.put(&[b",", message.as_slice()].concat()),
        _ => session.put(&message),
    }
}

fn prompt(session: &mut Session<'_>, shape: Shape) -> io::Result<()> {
    let written = session.written();
    let said = session.voice.prompt(written);
    session.count_prompt(&said);
    session.mark(&said, "user_text");
    let (id, time) = (session.voice.random.uuid(), session.tick(30_000.0));
    let message = Json::object(|json| {
        json.text("id", id).text("timestamp", time).text("type", "user");
        if shape == Shape::Line {
            json.list("content", |list| {
                list.element(|part| {
                    part.text("text", &said.text);
                });
            });
        } else {
            json.text("content", &said.text);
        }
    });
    put(session, shape, message)
}

fn answer(session: &mut Session<'_>, shape: Shape) -> io::Result<()> {
    let written = session.written();
    let said = session.voice.answer(written);
    let thought = session.voice.say(150, written);
    session.row.answers += 1;
    let (id, time) = (session.voice.random.uuid(), session.tick(8_000.0));
    let mut calls = Vec::new();
    let mut outputs = Vec::new();
    for at in 0..session.voice.random.below(4) {
        session.row.tool_calls += 1;
        let clock = session.clock;
        let output = session.voice.output(clock, written);
        let call = format!("read_file-{clock}-{at}");
        let path = session.voice.file();
        calls.push(Json::object(|json| {
            json.text("id", &call).text("name", "read_file").inside("args", |args| {
                args.text("file_path", path);
            });
            json.list("result", |list| {
                list.element(|part| {
                    part.inside("functionResponse", |response| {
                        response.text("id", &call).text("name", "read_file").inside("response", |response| {
                            response.text("output", &output.text);
                        });
                    });
                });
            });
            json.text("status", "success").text("timestamp", &time).text("displayName", "ReadFile");
        }));
        outputs.push(output);
    }
    let random = &mut session.voice.random;
    let input = random.between(3_000, 90_000);
    let (cached, output, thoughts) =
        (random.between(0, input / 2), random.between(20, 1_500), random.between(0, 400));
    let tokens = &mut session.row.tokens;
    tokens.input += input - cached;
    tokens.cache_read += cached;
    tokens.output += output + thoughts;
    let message = |with_calls: bool| {
        Json::object(|json| {
            json.text("id", &id).text("timestamp", &time).text("type", "gemini").text("content", &said.text);
            json.list("thoughts", |list| {
                list.element(|entry| {
                    entry.text("subject", "Plan").text("description", &thought.text).text("timestamp", &time);
                });
            });
            json.inside("tokens", |tokens| {
                tokens.number("input", input).number("output", output).number("cached", cached);
                tokens
                    .number("thoughts", thoughts)
                    .number("tool", 0)
                    .number("total", input + output + thoughts);
            });
            json.text("model", MODEL);
            if with_calls {
                json.list("toolCalls", |list| {
                    for call in &calls {
                        list.raw_element(call);
                    }
                });
            }
        })
    };
    if shape == Shape::Line && !calls.is_empty() {
        // A message is written again when its tools have finished.
        session.mark(&said, "assistant_text");
        session.mark(&thought, "thinking");
        put(session, shape, message(false))?;
    }
    session.mark(&said, "assistant_text");
    session.mark(&thought, "thinking");
    for output in &outputs {
        session.mark(output, "tool_output");
    }
    let message = message(!calls.is_empty());
    put(session, shape, message)
}

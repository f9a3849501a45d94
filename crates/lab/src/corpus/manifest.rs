//! The truth beside the corpus: `manifest.json` and `sessions.jsonl`.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::json::Json;
use super::needles::Needle;
use super::session::{Made, Place, Row};
use super::{Options, Summary};

/// Writes both files and returns the sums. The manifest comes last: where it is, the corpus is whole.
pub(super) fn write(out: &Path, options: &Options, needles: &[Needle], made: &[Made]) -> io::Result<Summary> {
    let mut summary = Summary { bytes: 0, files: 0, sessions: 0, lines: 0 };
    let mut places: Vec<Vec<&Place>> = needles.iter().map(|_| Vec::new()).collect();
    let mut rows = BufWriter::new(File::create(out.join("sessions.jsonl"))?);
    for made in made {
        for row in &made.rows {
            rows.write_all(&session(row))?;
            rows.write_all(b"\n")?;
            summary.sessions += 1;
            summary.files += 1 + row.side_files.len() as u64;
            summary.bytes += row.bytes;
            summary.lines += row.lines;
        }
        for place in &made.places {
            places[place.needle].push(place);
        }
    }
    rows.flush()?;
    let manifest = Json::object(|json| {
        json.number("format", 1).number("seed", options.seed).number("asked_bytes", options.bytes);
        json.number("bytes", summary.bytes).number("files", summary.files);
        json.number("sessions", summary.sessions).number("lines", summary.lines);
        json.list("needles", |list| {
            for (needle, places) in needles.iter().zip(&places) {
                list.element(|json| {
                    json.text("text", &needle.text).text("class", needle.class);
                    json.list("places", |list| {
                        for place in places {
                            list.element(|json| {
                                json.text("file", &place.file).number("line", place.line);
                                json.number("offset", place.offset).text("kind", place.kind);
                            });
                        }
                    });
                });
            }
        });
    });
    std::fs::write(out.join("manifest.json"), manifest)?;
    Ok(summary)
}

fn session(row: &Row) -> Vec<u8> {
    Json::object(|json| {
        json.text("agent", row.agent).text("session_id", &row.id).text("file", &row.file);
        json.number("files", 1 + row.side_files.len() as u64);
        json.number("bytes", row.bytes).number("lines", row.lines);
        json.text("cwd", &row.directory).text("model", &row.model);
        json.number("started_ms", row.started).number("ended_ms", row.ended);
        json.number("user_messages", row.prompts).number("assistant_messages", row.answers);
        json.number("tool_calls", row.tool_calls);
        json.inside("tokens", |tokens| {
            tokens.number("input", row.tokens.input).number("cache_write", row.tokens.cache_write);
            tokens.number("cache_read", row.tokens.cache_read).number("output", row.tokens.output);
        });
        json.text("first_text", &row.first_text);
        json.list("side_files", |list| {
            for name in &row.side_files {
                list.raw_element(super::json::quoted(name.as_bytes()));
            }
        });
    })
}

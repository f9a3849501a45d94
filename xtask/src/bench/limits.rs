//! What this machine can do at best with the same bytes.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use marline_agents::frame::{Framed, Framer};
use marline_agents::{Env, Event, Want, registry};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

use super::{Line, cores, process};
use crate::Outcome;
use crate::workspace::scratch;

/// Read at once; the buffer is used again.
const PIECE: usize = 256 << 10;
/// What a bare Tantivy may hold in memory.
const TANTIVY_HEAP: usize = 400 << 20;
/// Texts on their way from the files to Tantivy.
const IN_FLIGHT: usize = 256;

/// Seconds.
pub struct Limits {
    pub split: f64,
    pub parse: f64,
    pub tantivy: f64,
    /// Of all cores; firmer than the others on a machine that does something else too.
    pub tantivy_cpu: f64,
}

pub fn measure(files: &[(PathBuf, u64)], bytes: u64, home: &Path, lines: &mut Vec<Line>) -> Outcome<Limits> {
    let rate = |seconds: f64| format!("{seconds:.2} s, {:.0} MB/s", bytes as f64 / 1e6 / seconds);
    warm(home)?;
    let split = on_all_cores(files, split)?;
    lines.push(Line::new("limit: read and find line ends", rate(split), "all cores, 256 KiB at once"));
    let parse = on_all_cores(files, parse)?;
    lines.push(Line::new("limit: parse and take the texts", rate(parse), "serde_json, typed, all cores"));
    let Tantivy { seconds: tantivy, cpu_seconds, bytes: texts } =
        tantivy(home).map_err(|error| format!("bare tantivy: {error}"))?;
    lines.push(Line::new(
        "limit: the same texts into bare Tantivy",
        rate(tantivy),
        format!(
            "with positions, its default tokenizer; {cpu_seconds:.1} CPU s, {:.0} MB of text",
            texts as f64 / 1e6
        ),
    ));
    Ok(Limits { split, parse, tantivy, tantivy_cpu: cpu_seconds })
}

/// Reads everything once, so that it lies in the page cache.
pub fn warm(home: &Path) -> Outcome {
    on_all_cores(&super::files_below(home)?, split).map(drop)
}

/// Does something with every file, the next one to whoever is free. Returns the seconds it took.
fn on_all_cores(
    files: &[(PathBuf, u64)],
    act: fn(&mut Vec<u8>, &Path) -> std::io::Result<u64>,
) -> Outcome<f64> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let work = || {
        let (mut buffer, mut sum) = (Vec::new(), 0);
        while let Some((path, _)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            sum += act(&mut buffer, path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(sum)
    };
    let sum: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores()).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked")?)
            .sum::<Outcome<u64>>()
    })?;
    // The sum keeps the work from being left out.
    assert!(sum > 0, "there was nothing to do");
    Ok(started.elapsed().as_secs_f64())
}

fn split(buffer: &mut Vec<u8>, path: &Path) -> std::io::Result<u64> {
    buffer.resize(PIECE, 0);
    let (mut file, mut lines) = (File::open(path)?, 0);
    loop {
        match file.read(buffer)? {
            0 => return Ok(lines),
            read => lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64,
        }
    }
}

fn parse(buffer: &mut Vec<u8>, path: &Path) -> std::io::Result<u64> {
    buffer.clear();
    File::open(path)?.read_to_end(buffer)?;
    let (mut texts, mut sum) = (String::new(), 0);
    let mut line = |line: &[u8]| {
        texts.clear();
        let mut json = serde_json::Deserializer::from_slice(line);
        // What is no JSON is no text.
        let _ = Texts { out: &mut texts, takes_all: false }.deserialize(&mut json);
        sum += texts.len() as u64;
    };
    if path.extension().is_some_and(|extension| extension == "json") {
        line(buffer);
    } else {
        buffer.split(|byte| *byte == b'\n').for_each(line);
    }
    Ok(sum)
}

/// The fields that lead to texts or are texts, of all agents; the rest is passed over undecoded.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    /// What a model gives to a tool: names of its own, with texts below them.
    #[serde(alias = "args")]
    Input,
    #[serde(
        alias = "$set",
        alias = "messages",
        alias = "payload",
        alias = "content",
        alias = "text",
        alias = "thinking",
        alias = "thoughts",
        alias = "subject",
        alias = "description",
        alias = "summary",
        alias = "arguments",
        alias = "output",
        alias = "toolCalls",
        alias = "result",
        alias = "functionResponse",
        alias = "response"
    )]
    Message,
    #[serde(other)]
    Other,
}

/// Appends the strings of a value that stand in fields of texts, or all of them.
struct Texts<'a> {
    out: &'a mut String,
    takes_all: bool,
}

impl Texts<'_> {
    fn below(&mut self, takes_all: bool) -> Texts<'_> {
        Texts { out: self.out, takes_all }
    }
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.out.push_str(text);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let takes_all = self.takes_all;
        while list.next_element_seed(self.below(takes_all))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key::<Field>()? {
            match (field, self.takes_all) {
                (Field::Other, false) => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
                (Field::Message, false) => map.next_value_seed(self.below(false))?,
                _ => map.next_value_seed(self.below(true))?,
            }
        }
        Ok(())
    }
}

/// What a bare Tantivy took, and for how many bytes of text.
struct Tantivy {
    seconds: f64,
    cpu_seconds: f64,
    bytes: u64,
}

/// Gives Tantivy the texts that Marline indexes, read beforehand.
fn tantivy(home: &Path) -> Result<Tantivy, Box<dyn std::error::Error>> {
    let texts = scratch("bench-tantivy")?;
    let path = texts.join("texts");
    write_texts(home, &path)?;
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = schema.add_text_field(
        "text",
        TextOptions::default().set_indexing_options(indexing.set_tokenizer("default")),
    );
    let dir = texts.join("index");
    std::fs::create_dir_all(&dir)?;
    let index = tantivy::Index::create_in_dir(&dir, schema.build())?;
    let own_cpu = || process::cpu_seconds(std::process::id()).unwrap_or(0.0);
    let (started, cpu_before) = (Instant::now(), own_cpu());
    let mut writer: tantivy::IndexWriter = index.writer_with_num_threads(cores(), TANTIVY_HEAP)?;
    writer.set_merge_policy(Box::new(tantivy::indexer::NoMergePolicy));
    let mut input = std::io::BufReader::with_capacity(PIECE, File::open(&path)?);
    let (mut length, mut bytes) = ([0; 4], Vec::new());
    while input.read_exact(&mut length).is_ok() {
        bytes.resize(u32::from_le_bytes(length) as usize, 0);
        input.read_exact(&mut bytes)?;
        let mut document = tantivy::TantivyDocument::new();
        document.add_text(text, String::from_utf8_lossy(&bytes));
        writer.add_document(document)?;
    }
    writer.commit()?;
    let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), own_cpu() - cpu_before);
    let bytes = std::fs::metadata(&path)?.len();
    drop(writer);
    std::fs::remove_dir_all(&texts)?;
    Ok(Tantivy { seconds, cpu_seconds, bytes })
}

/// Writes every text, its length before it.
fn write_texts(home: &Path, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write as _;
    let env = Env::new(home.to_owned(), []);
    let mut out = std::io::BufWriter::with_capacity(IN_FLIGHT << 10, File::create(path)?);
    let mut failure = Ok(());
    let mut put = |text: &str| {
        if failure.is_ok() && !text.is_empty() {
            failure = out
                .write_all(&(text.len() as u32).to_le_bytes())
                .and_then(|()| out.write_all(text.as_bytes()));
        }
    };
    for agent in registry::all() {
        for file in agent.discover(&env).files {
            let mut reader = agent.reader(&file, None);
            let mut each = |framed: Framed<'_>| {
                let Framed::Record { value, .. } = framed else { return };
                let _ = reader.read(value, Want::Everything, &mut |event| match event {
                    Event::Item(item) => {
                        put(&item.text);
                        if let Some(tool) = item.tool {
                            put(&tool.input);
                        }
                    }
                    Event::ToolEnd(end) => put(&end.text),
                    _ => {}
                });
            };
            let mut input = File::open(&file.path)?;
            let mut framer = Framer::default();
            if file.shape == marline_agents::Shape::Document {
                framer.document(&mut input, &mut each)?;
            } else {
                framer.lines(&mut input, 0, &mut each)?;
            }
        }
    }
    failure?;
    out.flush()?;
    // On the disk, so that nothing is written back while the clock runs.
    Ok(out.get_ref().sync_all()?)
}

//! Makes a home full of coding agents' sessions: the same bytes for the same options.
//!
//! [`generate`] writes `OUT/home` with the files of Claude Code, Codex and Gemini CLI, `OUT/sessions.jsonl` with what
//! is true of each session, and `OUT/manifest.json` with needles and the places where they stand. Sizes are
//! log-normal, words follow Zipf's law, files are read again and again, and texts stand as often as the agents
//! write them: as event and as response item, as output and as its structured copy, escaped once or twice.
//!
//! **Promises.** The same options give the same bytes on one platform, whatever the number of threads: each session
//! has a stream of random numbers of its own. Every needle stands in the places listed and in no others. Nothing
//! outside `OUT` is touched. Memory doesn't grow with the corpus, but for the rows of the manifest.
//!
//! **Knows nothing of** Marline: the formats are written from what the agents' files look like.

mod claude;
mod clock;
mod codex;
mod gemini;
mod json;
mod manifest;
mod needles;
mod random;
mod session;
mod text;
mod world;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use random::{Random, Weighted};
use session::{Made, Session};
use text::Voice;
use world::World;

/// Sessions begin before this: 2026-10-20.
const NOW: u64 = 1_792_454_400_000;
const DAY: f64 = 86_400_000.0;
/// One very large session comes for each so many bytes.
const BYTES_PER_GIANT: u64 = 1_250_000_000;
/// Sessions grow no larger than this, but for the giants.
const LARGEST: usize = 40_000_000;
/// Gemini's documents are written again with each message, so they stay small.
const LARGEST_GEMINI: u64 = 6_000_000;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// About how many bytes; the true number is in the summary.
    pub bytes: u64,
    /// Which corpus of this size.
    pub seed: u64,
    /// The median size of a session in bytes.
    pub median: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes: 1_000_000_000, seed: 1, median: 90_000 }
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of all session files.
    pub bytes: u64,
    /// Session files.
    pub files: u64,
    /// Sessions; files of side conversations belong to their sessions.
    pub sessions: u64,
    /// Lines of all session files.
    pub lines: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Writer {
    Claude,
    Codex,
    Gemini,
}

struct Plan {
    writer: Writer,
    project: usize,
    bytes: u64,
    start: u64,
    /// From which written byte on each needle is to be planted.
    needles: Vec<(u64, usize)>,
}

/// Makes a corpus in `out`, on all cores.
///
/// # Errors
/// `AlreadyExists` if there is a corpus; nothing was written then. Any other error leaves a part of the corpus and
/// no manifest.
pub fn generate(out: &Path, options: &Options) -> io::Result<Summary> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    generate_with(out, options, threads)
}

fn generate_with(out: &Path, options: &Options, threads: usize) -> io::Result<Summary> {
    if out.join("manifest.json").exists() {
        let words = format!("{} already holds a corpus", out.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
    }
    let projects = (options.bytes / 25_000_000).clamp(12, 80) as usize;
    let world = World::new(options.seed, projects, needles::needles(options.seed, options.bytes));
    let plans = plan(options, &world);
    let home = out.join("home");
    fs::create_dir_all(&home)?;
    gemini::write_projects(&home, &world.projects)?;

    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(plan) = plans.get(at) else { return io::Result::Ok(made) };
            made.push((at, write(&world, &home, plan, at)?));
        }
    };
    let mut made = Vec::with_capacity(plans.len());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            made.extend(worker.join().map_err(|_| io::Error::other("a thread of the generator panicked"))??);
        }
        io::Result::Ok(())
    })?;
    made.sort_by_key(|(at, _)| *at);
    let made: Vec<Made> = made.into_iter().map(|(_, made)| made).collect();
    manifest::write(out, options, &world.needles, &made)
}

fn write(world: &World, home: &Path, plan: &Plan, at: usize) -> io::Result<Made> {
    let random = Random::new(world.seed, 1_000 + at as u64);
    let voice = Voice::new(world, &world.projects[plan.project], random, plan.needles.clone());
    let mut session = Session::new(home, voice, plan.start);
    match plan.writer {
        Writer::Claude => claude::write(&mut session, plan.bytes)?,
        Writer::Codex => codex::write(&mut session, plan.bytes)?,
        Writer::Gemini => gemini::write(&mut session, plan.bytes)?,
    }
    Ok(session.made)
}

/// Decides sizes, agents, projects and times, and where the needles go.
fn plan(options: &Options, world: &World) -> Vec<Plan> {
    let mut random = Random::new(options.seed, 3);
    // What is planned are bytes of texts and their records; what agents write around them comes on top.
    let planned = options.bytes * 53 / 64;
    let largest = (planned / 8).max(1_500);
    let mut sizes = Vec::new();
    for _ in 0..planned.div_ceil(BYTES_PER_GIANT) {
        sizes.push(random.between(50_000_000, 200_000_000).min(largest));
    }
    let mut sum: u64 = sizes.iter().sum();
    while sum < planned {
        let size = random.length(options.median as f64, 1.6, 1_500, LARGEST) as u64;
        sizes.push(size.min(largest));
        sum += size.min(largest);
    }
    let by_use = Weighted::zipf(world.projects.len(), 1.0, 1.0);
    let mut plans: Vec<Plan> = sizes
        .into_iter()
        .enumerate()
        .map(|(at, bytes)| {
            let writer = match random.below(100) {
                _ if bytes > LARGEST_GEMINI && at % 2 == 0 => Writer::Codex,
                _ if bytes > LARGEST_GEMINI => Writer::Claude,
                0..=53 => Writer::Claude,
                54..=92 => Writer::Codex,
                _ => Writer::Gemini,
            };
            let age = DAY * (1.0 + 240.0 * random.unit() * random.unit());
            let project = by_use.draw(&mut random);
            Plan { writer, project, bytes, start: NOW - age as u64, needles: Vec::new() }
        })
        .collect();
    let ends: Vec<u64> = plans
        .iter()
        .scan(0, |sum, plan| {
            *sum += plan.bytes;
            Some(*sum)
        })
        .collect();
    let all = ends.last().copied().unwrap_or(1);
    for (needle, planted) in world.needles.iter().enumerate() {
        for _ in 0..planted.plantings {
            let byte = random.below(all as usize) as u64;
            let plan = &mut plans[ends.partition_point(|&end| end <= byte)];
            let from = random.below((plan.bytes * 9 / 10) as usize + 1) as u64;
            plan.needles.push((from, needle));
        }
    }
    plans
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;

    const SMALL: Options = Options { bytes: 3_000_000, seed: 7, median: 30_000 };

    /// A directory that goes with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let name =
                format!("marline-corpus-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    #[test]
    fn the_same_options_give_the_same_bytes_whatever_the_number_of_threads() {
        let (one, three) = (Scratch::new(), Scratch::new());
        let summary = generate_with(one.path(), &SMALL, 1).unwrap();
        assert_eq!(summary, generate_with(three.path(), &SMALL, 3).unwrap());
        assert!(files(one.path()) == files(three.path()), "the corpora differ");
        assert_eq!(generate(one.path(), &SMALL).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn another_seed_gives_another_corpus() {
        let (one, other) = (Scratch::new(), Scratch::new());
        generate(one.path(), &SMALL).unwrap();
        generate(other.path(), &Options { seed: 8, ..SMALL }).unwrap();
        assert!(files(one.path()) != files(other.path()));
    }

    /// Collects every string, and for strings that hold JSON those inside it too.
    fn strings(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                if text.starts_with('{')
                    && let Ok(inner) = serde_json::from_str::<Value>(text)
                {
                    strings(&inner, out);
                }
                out.push(text.clone());
            }
            Value::Array(list) => list.iter().for_each(|value| strings(value, out)),
            Value::Object(map) => map.values().for_each(|value| strings(value, out)),
            _ => {}
        }
    }

    #[test]
    fn every_needle_stands_in_its_lines_and_in_no_others() {
        let scratch = Scratch::new();
        let summary = generate(scratch.path(), &SMALL).unwrap();
        let manifest = fs::read(scratch.path().join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let needles = manifest["needles"].as_array().unwrap();
        let (mut expected, mut found) = (HashSet::new(), HashSet::new());
        for (at, needle) in needles.iter().enumerate() {
            for place in needle["places"].as_array().unwrap() {
                let file = place["file"].as_str().unwrap().to_owned();
                expected.insert((
                    at,
                    file,
                    place["line"].as_u64().unwrap(),
                    place["offset"].as_u64().unwrap(),
                ));
            }
        }
        assert!(expected.len() > 300, "only {} places", expected.len());
        let (mut lines, mut count) = (0, 0);
        for (name, bytes) in files(&scratch.path().join("home")) {
            let name = name.to_str().unwrap().to_owned();
            if !name.contains(".json") || name.ends_with(".meta.json") || name.ends_with("projects.json") {
                continue;
            }
            count += 1;
            let mut offset = 0;
            for (at, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
                lines += 1;
                let trimmed = line.strip_prefix(b",").unwrap_or(line);
                let value: Value = match serde_json::from_slice(trimmed) {
                    Ok(value) => value,
                    // The first and the last line of a document are no values of their own.
                    Err(_) if name.ends_with(".json") => Value::Null,
                    Err(error) => panic!("{name} line {}: {error}", at + 1),
                };
                let mut texts = Vec::new();
                strings(&value, &mut texts);
                let texts = texts.join("\n");
                for (needle, row) in needles.iter().enumerate() {
                    if texts.contains(row["text"].as_str().unwrap()) {
                        found.insert((needle, name.clone(), at as u64 + 1, offset));
                    }
                }
                offset += line.len() as u64;
            }
            if name.ends_with(".json") {
                serde_json::from_slice::<Value>(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
        assert_eq!((summary.lines, summary.files), (lines, count));
        let missing: Vec<_> = expected.difference(&found).take(5).collect();
        let extra: Vec<_> = found.difference(&expected).take(5).collect();
        assert!(missing.is_empty() && extra.is_empty(), "not found: {missing:?}; not listed: {extra:?}");
    }
}

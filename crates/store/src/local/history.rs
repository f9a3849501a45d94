//! Reading rollouts: forwards through a chain of forks, backwards to the last compaction.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use marline_model::{HistoryMode, ThreadId};
use serde::Deserialize;

use super::rollout::Line;
use crate::thread::{HistoryBase, Lineage, StoredItem};

/// A longer line is passed over: no agent writes one, and it would fill the memory.
const LONGEST_LINE: u64 = 512 << 20;
/// How far a header may stand from the beginning: its instructions are some 20 KB.
pub const HEADER_LINES: usize = 16;
/// Forks of forks that are followed.
const DEEPEST: usize = 64;
/// Read at once when going backwards.
const BLOCK: u64 = 1 << 20;

/// The first `session_meta` of a rollout, as far as it is looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    pub id: ThreadId,
    #[serde(default)]
    pub timestamp: Option<String>,
    #[serde(default)]
    pub cwd: Option<String>,
    #[serde(default)]
    pub cli_version: Option<String>,
    #[serde(default)]
    pub source: Option<serde_json::Value>,
    #[serde(default)]
    pub thread_source: Option<String>,
    #[serde(default)]
    pub model_provider: Option<String>,
    #[serde(default)]
    pub history_mode: Option<String>,
    #[serde(default)]
    pub history_base: Option<HistoryBase>,
    #[serde(default)]
    pub forked_from_id: Option<ThreadId>,
    #[serde(default)]
    pub parent_thread_id: Option<ThreadId>,
    #[serde(default)]
    pub agent_nickname: Option<String>,
    #[serde(default, alias = "agent_type")]
    pub agent_role: Option<String>,
    #[serde(default)]
    pub agent_path: Option<String>,
    #[serde(default)]
    pub memory_mode: Option<String>,
    #[serde(default)]
    pub git: Option<Git>,
}

/// Where the project stood.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Git {
    #[serde(default)]
    pub commit_hash: Option<String>,
    #[serde(default)]
    pub branch: Option<String>,
    #[serde(default)]
    pub repository_url: Option<String>,
}

impl Header {
    /// Takes a line for a header, if it is one.
    pub fn of(line: &Line<'_>) -> Option<Header> {
        if line.kind != "session_meta" {
            return None;
        }
        serde_json::from_str(line.payload.get()).ok()
    }

    /// Reads the header of a rollout; nothing where it has none.
    pub fn read(path: &Path) -> io::Result<Option<Header>> {
        let mut header = None;
        let mut count = 0;
        lines(path, None, &mut |_, line| {
            count += 1;
            header = Line::parse(line).as_ref().and_then(Header::of);
            if header.is_some() || count >= HEADER_LINES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(header)
    }

    /// How the history is kept; nothing for a mode that is not known.
    pub fn mode(&self) -> Option<HistoryMode> {
        match self.history_mode.as_deref() {
            None | Some("legacy") => Some(HistoryMode::Legacy),
            Some("paginated") => Some(HistoryMode::Paginated),
            Some(_) => None,
        }
    }

    /// The thread that began this one.
    pub fn parent(&self) -> Option<ThreadId> {
        let spawn =
            self.source.as_ref().and_then(|source| source.pointer("/subagent/thread_spawn/parent_thread_id"));
        let spawned = spawn.and_then(|id| id.as_str()?.parse().ok());
        spawned.or_else(|| self.parent_thread_id.clone())
    }
}

/// Is shown a line with the bytes that it takes.
type Visit<'a> = &'a mut dyn FnMut(Range<u64>, &[u8]) -> ControlFlow<()>;

/// Shows the lines of a rollout, compressed or not, up to a byte offset, with the bytes that each takes, its end included.
/// The last line counts even without an end.
pub fn lines(path: &Path, until: Option<u64>, visit: Visit<'_>) -> io::Result<()> {
    let file = File::open(path)?;
    let mut reader: Box<dyn BufRead> = if path.extension().is_some_and(|ending| ending == "zst") {
        Box::new(BufReader::with_capacity(1 << 16, zstd::Decoder::new(file)?))
    } else {
        Box::new(BufReader::with_capacity(1 << 16, file))
    };
    let mut at = 0;
    let mut line = Vec::new();
    loop {
        let rest = until.map_or(u64::MAX, |until| until.saturating_sub(at));
        line.clear();
        let read = (&mut reader).take(rest.min(LONGEST_LINE)).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(());
        }
        let is_cut = line.last() != Some(&b'\n') && read == LONGEST_LINE;
        if is_cut {
            at += read + skip_line(&mut reader)?;
            continue;
        }
        let text = line.trim_ascii();
        if !text.is_empty() && visit(at..at + read, text).is_break() {
            return Ok(());
        }
        at += read;
    }
}

fn skip_line(reader: &mut dyn BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(skipped);
        }
        let (taken, is_end) = match memchr::memchr(b'\n', block) {
            Some(at) => (at + 1, true),
            None => (block.len(), false),
        };
        reader.consume(taken);
        skipped += taken as u64;
        if is_end {
            return Ok(skipped);
        }
    }
}

/// Shows the lines of a plain rollout from the last to the first, with the offset of each.
pub fn lines_backwards(path: &Path, visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut start = file.metadata()?.len();
    // What is read and not shown: the beginning of the oldest line is not there yet.
    let mut rest: Vec<u8> = Vec::new();
    while start > 0 {
        let size = BLOCK.min(start);
        start -= size;
        file.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; size as usize];
        file.read_exact(&mut block)?;
        block.extend_from_slice(&rest);
        let mut end = block.len();
        while let Some(at) = memchr::memrchr(b'\n', &block[..end]) {
            let line = block[at + 1..end].trim_ascii();
            if !line.is_empty() && visit(start + at as u64 + 1, line).is_break() {
                return Ok(());
            }
            end = at;
        }
        block.truncate(end);
        rest = block;
    }
    let line = rest.trim_ascii();
    if !line.is_empty() {
        let _ = visit(0, line);
    }
    Ok(())
}

/// A stretch of a chain of forks.
struct Stretch {
    path: PathBuf,
    until: Option<u64>,
}

/// Puts a thread's chain of rollouts together, the oldest first; `find` tells where a thread lies.
fn chain(
    path: PathBuf,
    header: &Header,
    find: &dyn Fn(&ThreadId, &Path) -> Option<PathBuf>,
    lineage: &mut Lineage,
) -> io::Result<Vec<Stretch>> {
    let mut seen = HashSet::from([path.clone()]);
    let mut base = header.history_base.clone();
    let mut at = path.clone();
    let mut stretches = vec![Stretch { path, until: None }];
    while let Some(HistoryBase { thread_id, end_byte_offset, .. }) = base {
        let Some(origin) = find(&thread_id, &at) else {
            lineage.missing.push(format!("the origin {thread_id} is gone"));
            break;
        };
        if stretches.len() == DEEPEST || !seen.insert(origin.clone()) {
            lineage.missing.push(format!("{thread_id} is its own origin"));
            break;
        }
        lineage.origins.push(thread_id.clone());
        match Header::read(&origin)? {
            Some(header) => base = header.history_base,
            None => {
                lineage.missing.push(format!("the origin {thread_id} has no header"));
                base = None;
            }
        }
        at.clone_from(&origin);
        stretches.push(Stretch { path: origin, until: Some(end_byte_offset) });
    }
    stretches.reverse();
    Ok(stretches)
}

/// Shows a history in order.
pub fn load(
    path: PathBuf,
    find: &dyn Fn(&ThreadId, &Path) -> Option<PathBuf>,
    visit: &mut dyn FnMut(StoredItem) -> ControlFlow<()>,
) -> io::Result<Lineage> {
    let mut lineage = Lineage::default();
    let Some(header) = Header::read(&path)? else {
        lineage.missing.push(format!("{} has no header", path.display()));
        return Ok(lineage);
    };
    let stretches = chain(path, &header, find, &mut lineage)?;
    let last = stretches.len() - 1;
    let mut next = 0;
    let mut is_over = false;
    for (n, stretch) in stretches.iter().enumerate() {
        let mut is_first = true;
        lines(&stretch.path, stretch.until, &mut |_, bytes| {
            let Some(line) = Line::parse(bytes) else {
                lineage.skipped += 1;
                return ControlFlow::Continue(());
            };
            let ordinal = line.ordinal.unwrap_or(next);
            next = ordinal + 1;
            let is_header = std::mem::take(&mut is_first) && line.kind == "session_meta";
            if is_header {
                return ControlFlow::Continue(());
            }
            let flow = visit(StoredItem { ordinal, is_inherited: n < last, item: line.item() });
            is_over = flow.is_break();
            flow
        })?;
        if is_over {
            break;
        }
    }
    Ok(lineage)
}

/// Where a record of a history stands.
pub struct Place {
    pub path: PathBuf,
    pub thread: ThreadId,
    /// Its bytes, with the end of its line.
    pub bytes: Range<u64>,
    pub ordinal: u64,
}

/// Returns where the records of a history stand, headers included.
pub fn places(path: PathBuf, find: &dyn Fn(&ThreadId, &Path) -> Option<PathBuf>) -> io::Result<Vec<Place>> {
    let mut found: Vec<Place> = Vec::new();
    let Some(header) = Header::read(&path)? else { return Ok(found) };
    let mut next = 0;
    for stretch in chain(path, &header, find, &mut Lineage::default())? {
        let Some(header) = Header::read(&stretch.path)? else { continue };
        lines(&stretch.path, stretch.until, &mut |bytes, line| {
            if let Some(line) = Line::parse(line) {
                let ordinal = line.ordinal.unwrap_or(next);
                next = ordinal + 1;
                let (path, thread) = (stretch.path.clone(), header.id.clone());
                found.push(Place { path, thread, bytes, ordinal });
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(found)
}

/// Returns the items from the last compaction on, read from the end; nothing where there is none in this file.
pub fn since_compaction(path: &Path) -> io::Result<Option<Vec<StoredItem>>> {
    let mut items = Vec::new();
    let mut is_found = false;
    lines_backwards(path, &mut |_, bytes| {
        let Some(line) = Line::parse(bytes) else { return ControlFlow::Continue(()) };
        let ordinal = line.ordinal.unwrap_or(0);
        items.push(StoredItem { ordinal, is_inherited: false, item: line.item() });
        is_found = line.kind == "compacted";
        if is_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    items.reverse();
    Ok(is_found.then_some(items))
}

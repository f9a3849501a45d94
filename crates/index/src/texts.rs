//! The second pass: texts that the first one left, read again where they lie, and indexed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, bounded};
use marline_agents::json::Raw;
use marline_agents::{Event, SessionFile, Want, registry, strings_of};
use marline_text::{Doc, Inverter};
use rusqlite::Connection;

use crate::IndexError;
use crate::pending::{Piece, unpack};
use crate::scan::{Progress, Stop, file_row};
use crate::text_index::Written;
use crate::write::Writer;

/// Records of the second pass are read in pieces of this size.
const PIECE: usize = 512 * 1024;
/// Places of the second pass that go to a worker at once.
const UNIT: usize = 1500;

/// A unit of the second pass.
struct Unit {
    file: SessionFile,
    pieces: Vec<Piece>,
}

/// Indexes the texts that the first pass left, in bounded units; committed units are forgotten.
pub fn second_pass(
    writer: &mut Writer<'_>,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), IndexError> {
    let connection = writer.connection;
    let of: i64 =
        connection.query_row("SELECT COALESCE(SUM(LENGTH(pieces)), 0) FROM pending", [], |row| row.get(0))?;
    let mut done = 0;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut inverters: Vec<Inverter> = (0..workers).map(|_| Inverter::default()).collect();
    loop {
        let rows = pending_rows(connection)?;
        if rows.is_empty() || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let last = rows.last().map_or(0, |row| row.0);
        let numbers: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let units = units(connection, rows, &mut done)?;
        index_units(writer, &mut inverters, units)?;
        for number in numbers {
            connection.prepare_cached("DELETE FROM pending WHERE number = ?1")?.execute([number])?;
        }
        tracing::debug!(last, "texts indexed");
        writer.commit()?;
        progress(Progress::Indexed { bytes: done, of: of as u64 });
    }
}

/// Bytes of packed places that are indexed between two commits: some 300 MB of records.
const PENDING_BATCH: usize = 900 * 1024;

fn pending_rows(connection: &Connection) -> Result<Vec<(i64, i64, Vec<u8>)>, IndexError> {
    let mut statement =
        connection.prepare_cached("SELECT number, file, pieces FROM pending ORDER BY number")?;
    let mut rows = statement.query([])?;
    let (mut out, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let row: (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        bytes += row.2.len();
        out.push(row);
        if bytes > PENDING_BATCH {
            break;
        }
    }
    Ok(out)
}

fn units(
    connection: &Connection,
    rows: Vec<(i64, i64, Vec<u8>)>,
    done: &mut u64,
) -> Result<Vec<Unit>, IndexError> {
    let mut out = Vec::new();
    for (_, file, packed) in rows {
        *done += packed.len() as u64;
        let Some(file) = file_row(connection, file)? else { continue };
        let pieces = unpack(&packed);
        let mut rest = &pieces[..];
        while !rest.is_empty() {
            // Items of one record stay together.
            let mut end = UNIT.min(rest.len());
            while end < rest.len() && rest[end].offset == rest[end - 1].offset {
                end += 1;
            }
            out.push(Unit { file: file.clone(), pieces: rest[..end].to_vec() });
            rest = &rest[end..];
        }
    }
    Ok(out)
}

fn index_units(writer: &Writer<'_>, inverters: &mut [Inverter], units: Vec<Unit>) -> Result<(), IndexError> {
    let text = &writer.text;
    let (sender, receiver): (Sender<Unit>, Receiver<Unit>) = bounded(units.len().max(1));
    for unit in units {
        sender.send(unit).expect("the channel holds all units");
    }
    drop(sender);
    let work = |receiver: Receiver<Unit>, texts: &mut Inverter| -> Result<Vec<Written>, IndexError> {
        let (mut window, mut written) = (Window::default(), Vec::new());
        for unit in receiver {
            index_unit(&mut window, &unit, &mut |doc, words| {
                texts.add(doc, words);
                if texts.is_full() {
                    written.extend(text.write(texts)?);
                }
                Ok(())
            })?;
        }
        written.extend(text.write(texts)?);
        Ok(written)
    };
    let written = std::thread::scope(|scope| {
        let spawn = |texts| {
            let receiver = receiver.clone();
            scope.spawn(move || work(receiver, texts))
        };
        let threads: Vec<_> = inverters.iter_mut().map(spawn).collect();
        let join =
            |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("a worker does not panic");
        threads.into_iter().map(join).collect::<Result<Vec<_>, IndexError>>()
    })?;
    written.iter().flatten().try_for_each(|written| text.enter(writer.connection, written))
}

/// Reads places of a file that lie in order, through one reused buffer.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    fn get(&mut self, file: &File, offset: u64, length: usize) -> io::Result<&[u8]> {
        use std::os::unix::fs::FileExt;
        let inside = offset >= self.start && offset + length as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            self.bytes.resize(length.max(PIECE), 0);
            self.start = offset;
            let mut filled = 0;
            while filled < self.bytes.len() {
                match file.read_at(&mut self.bytes[filled..], offset + filled as u64) {
                    Ok(0) => break,
                    Ok(n) => filled += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.bytes.truncate(filled);
        }
        let from = (offset - self.start) as usize;
        self.bytes.get(from..from + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn index_unit(
    window: &mut Window,
    unit: &Unit,
    add: &mut dyn FnMut(Doc, &str) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let Some(agent) = registry::agent(unit.file.source) else { return Ok(()) };
    // A file that was changed or removed since the first pass is read again by the next scan.
    let Ok(file) = File::open(&unit.file.path) else { return Ok(()) };
    window.bytes.clear();
    window.start = 0;
    let mut reader = agent.reader(&unit.file, None);
    let mut rest = &unit.pieces[..];
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|piece| piece.offset == first.offset).count();
        let (record, after) = rest.split_at(same);
        rest = after;
        let Ok(bytes) = window.get(&file, first.offset, first.length as usize) else { continue };
        let Ok((value, _)) = Raw::first(bytes) else { continue };
        let mut texts: BTreeMap<u16, String> = BTreeMap::new();
        let _ = reader.read(value, Want::Expand, &mut |event| match event {
            Event::Item(item) => {
                let text = match item.tool {
                    Some(tool) => searchable(&tool.input),
                    None => item.text.into_owned(),
                };
                texts.insert(item.part, text);
            }
            Event::ToolEnd(end) => {
                if let Some(part) = end.part {
                    texts.insert(part, end.text.into_owned());
                }
            }
            _ => {}
        });
        for piece in record {
            let Some(text) = texts.remove(&piece.part).filter(|text| !text.is_empty()) else { continue };
            add(piece.doc, &text)?;
        }
    }
    Ok(())
}

/// The strings inside a structured input; a plain one as it is.
pub fn searchable(input: &str) -> String {
    match Raw::first(input.as_bytes()) {
        Ok((value, end)) if (value.is_object() || value.is_array()) && end == input.len() => {
            strings_of(value)
        }
        _ => input.to_owned(),
    }
}

//! The search index: segments of `marline-text`, and the catalogue's rows that say which of them count.
//!
//! A segment's file is written first and its row is committed with the items that it was made of. So the catalogue's
//! transaction is the only one there is: files without a row are left from a process that died, and are removed
//! by the next writer.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use marline_text::{Deleted, Doc, Inverter, Segment, merge};
use rusqlite::{Connection, OptionalExtension, params};

use crate::IndexError;

/// So many segments of about one size are made one …
const MANY: usize = 8;
/// … but large ones, which cost more, only when there are so many …
const MANY_LARGE: usize = 64;
/// … of so many texts each.
const LARGE: u32 = 16_000;
/// No merge makes a segment of more texts than this.
const MOST_TEXTS: u32 = 500_000;
/// How often a reader tries again when a segment goes while it opens them.
const TRIES: usize = 5;

/// Why the search index could not be used. What was committed stays.
#[derive(Debug, thiserror::Error)]
#[error("the search index {path} could not be used", path = path.display())]
pub struct TextIndexError {
    /// The file or directory.
    pub path: PathBuf,
    /// What went wrong.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> IndexError {
    let path = path.to_owned();
    |source| IndexError::Text(TextIndexError { path, source })
}

/// A row of `segments`.
struct Row {
    number: i64,
    texts: u32,
    bytes: u64,
    deleted: Deleted,
}

fn rows(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut statement =
        connection.prepare_cached("SELECT number, texts, bytes, deleted FROM segments ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        let deleted: Option<Vec<u8>> = row.get(3)?;
        let deleted = deleted.map(Deleted::from_bytes).unwrap_or_default();
        Ok(Row { number: row.get(0)?, texts: row.get(1)?, bytes: row.get::<_, i64>(2)? as u64, deleted })
    })?;
    rows.collect()
}

fn path_of(dir: &Path, number: i64) -> PathBuf {
    dir.join(format!("{number}.words"))
}

/// Says whether every segment that counts is there, as it was written by this release.
pub fn is_whole(connection: &Connection, dir: &Path) -> Result<bool, IndexError> {
    let is_there = |row: &Row| {
        let path = path_of(dir, row.number);
        path.metadata().is_ok_and(|meta| meta.len() == row.bytes)
            && Segment::open(&path).is_ok_and(|segment| segment.len() == row.texts)
    };
    Ok(rows(connection)?.iter().all(is_there))
}

/// Opens the segments that count now, each with the texts that are gone from it.
pub fn segments(connection: &Connection, dir: &Path) -> Result<Vec<(Segment, Deleted)>, IndexError> {
    let mut tries = 0;
    'again: loop {
        tries += 1;
        let mut out = Vec::new();
        for row in rows(connection)? {
            let path = path_of(dir, row.number);
            match Segment::open(&path) {
                Ok(segment) => out.push((segment, row.deleted)),
                // A merge took it away since its row was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => continue 'again,
                Err(error) => return Err(at(&path)(error)),
            }
        }
        return Ok(out);
    }
}

/// A segment that was written and has no row yet.
pub struct Written {
    number: i64,
    texts: u32,
    bytes: u64,
}

/// Writes texts within the catalogue's transaction.
pub struct TextWriter {
    dir: PathBuf,
    /// Texts that are in no segment yet.
    texts: Inverter,
    /// The number of the last segment that was begun.
    last: AtomicI64,
    /// Sessions whose texts are to be taken out, each of the segments up to a number.
    gone: BTreeMap<u32, i64>,
}

impl TextWriter {
    /// Begins to write; removes what a process that died left behind.
    pub fn begin(connection: &Connection, dir: &Path) -> Result<Self, IndexError> {
        std::fs::create_dir_all(dir).map_err(at(dir))?;
        let rows = rows(connection)?;
        let known: HashSet<PathBuf> = rows.iter().map(|row| path_of(dir, row.number)).collect();
        for entry in std::fs::read_dir(dir).map_err(at(dir))? {
            let path = entry.map_err(at(dir))?.path();
            if !known.contains(&path) {
                std::fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        let sql = "SELECT value FROM meta WHERE name = 'segment'";
        let last: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok(TextWriter {
            dir: dir.to_owned(),
            texts: Inverter::default(),
            last: AtomicI64::new(last.unwrap_or(0)),
            gone: BTreeMap::new(),
        })
    }

    /// Adds a text.
    pub fn add(&mut self, connection: &Connection, doc: Doc, text: &str) -> Result<(), IndexError> {
        self.texts.add(doc, text);
        if self.texts.is_full() { self.flush(connection) } else { Ok(()) }
    }

    /// Takes all texts of a session out that were added so far.
    pub fn delete_session(&mut self, connection: &Connection, session: u32) -> Result<(), IndexError> {
        if self.texts.has_session(session) {
            self.flush(connection)?;
        }
        self.gone.insert(session, self.last.load(Ordering::Relaxed));
        Ok(())
    }

    /// Writes texts as a segment, from any thread; [`TextWriter::enter`] makes it count.
    pub fn write(&self, texts: &mut Inverter) -> Result<Option<Written>, IndexError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (count, path) = (texts.len(), path_of(&self.dir, number));
        let bytes = texts.write(&path).map_err(at(&path))?;
        Ok(Some(Written { number, texts: count, bytes }))
    }

    /// Makes a segment count from the next commit on.
    pub fn enter(&self, connection: &Connection, written: &Written) -> Result<(), IndexError> {
        let sql = "INSERT INTO segments (number, texts, bytes) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![
            written.number,
            written.texts,
            written.bytes as i64
        ])?;
        Ok(())
    }

    fn flush(&mut self, connection: &Connection) -> Result<(), IndexError> {
        let mut texts = std::mem::take(&mut self.texts);
        match self.write(&mut texts)? {
            Some(written) => self.enter(connection, &written),
            None => Ok(()),
        }
    }

    /// Makes everything that was said ready for the commit that follows.
    pub fn prepare_commit(&mut self, connection: &Connection) -> Result<(), IndexError> {
        self.flush(connection)?;
        self.take_out(connection)?;
        let sql =
            "INSERT INTO meta VALUES ('segment', ?1) ON CONFLICT DO UPDATE SET value = ?1 WHERE value <> ?1";
        connection.prepare_cached(sql)?.execute([self.last.load(Ordering::Relaxed)])?;
        Ok(())
    }

    fn take_out(&mut self, connection: &Connection) -> Result<(), IndexError> {
        let gone = std::mem::take(&mut self.gone);
        if gone.is_empty() {
            return Ok(());
        }
        for mut row in rows(connection)? {
            let path = path_of(&self.dir, row.number);
            let segment = Segment::open(&path).map_err(at(&path))?;
            let before = row.deleted.len();
            for doc in segment.docs(0..segment.len()) {
                let (number, doc) = doc.map_err(at(&path))?;
                if gone.get(&doc.session).is_some_and(|last| row.number <= *last) {
                    row.deleted.insert(number);
                }
            }
            if row.deleted.len() == row.texts {
                connection.execute("DELETE FROM segments WHERE number = ?1", [row.number])?;
            } else if row.deleted.len() > before {
                let sql = "UPDATE segments SET deleted = ?2 WHERE number = ?1";
                connection.execute(sql, params![row.number, row.deleted.bytes()])?;
            }
        }
        Ok(())
    }

    /// Makes few segments of many, if it is time to. Returns whether there is something to commit.
    pub fn merge(&mut self, connection: &Connection) -> Result<bool, IndexError> {
        let mut has_merged = false;
        while let Some(some) = to_merge(rows(connection)?) {
            let mut opened = Vec::new();
            for row in &some {
                let path = path_of(&self.dir, row.number);
                opened.push((Segment::open(&path).map_err(at(&path))?, row.deleted.clone()));
            }
            let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            let path = path_of(&self.dir, number);
            let (texts, bytes) = merge(&opened, &path).map_err(at(&path))?;
            for row in &some {
                connection.execute("DELETE FROM segments WHERE number = ?1", [row.number])?;
            }
            self.enter(connection, &Written { number, texts, bytes })?;
            has_merged = true;
        }
        Ok(has_merged)
    }

    /// Removes the files of segments that count no longer. To be called after the commit.
    pub fn remove_merged(&self, connection: &Connection) -> Result<(), IndexError> {
        let known: HashSet<PathBuf> =
            rows(connection)?.iter().map(|row| path_of(&self.dir, row.number)).collect();
        for entry in std::fs::read_dir(&self.dir).map_err(at(&self.dir))? {
            let path = entry.map_err(at(&self.dir))?.path();
            if !known.contains(&path) {
                std::fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }
}

/// Chooses segments of about one size, or one that is mostly gone.
fn to_merge(rows: Vec<Row>) -> Option<Vec<Row>> {
    let mut by_size: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let left = row.texts - row.deleted.len().min(row.texts);
        if left < row.texts / 2 {
            return Some(vec![row]);
        }
        // Sizes apart by a factor of eight: 256 texts, 2,048, 16,384 …
        by_size.entry((left / 256 + 1).ilog2() / 3).or_default().push(row);
    }
    let is_many = |some: &Vec<Row>| {
        some.len() >= if some.iter().all(|row| row.texts >= LARGE) { MANY_LARGE } else { MANY }
    };
    let mut some = by_size.into_values().find(is_many)?;
    let mut sum = 0;
    let fits = some.iter().take_while(|row| {
        sum += row.texts;
        sum <= MOST_TEXTS
    });
    some.truncate(fits.count());
    (some.len() > 1).then_some(some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64, texts: u32) -> Row {
        Row { number, texts, bytes: 1, deleted: Deleted::default() }
    }

    #[test]
    fn small_segments_are_merged_soon_and_large_ones_late() {
        assert!(to_merge((0..7).map(|n| row(n, 3)).collect()).is_none());
        assert_eq!(to_merge((0..8).map(|n| row(n, 3)).collect()).unwrap().len(), 8);
        assert!(to_merge((0..63).map(|n| row(n, 30_000)).collect()).is_none());
        assert_eq!(to_merge((0..70).map(|n| row(n, 30_000)).collect()).unwrap().len(), 16);
        // What can't be merged any further is left alone.
        assert!(to_merge((0..70).map(|n| row(n, 450_000)).collect()).is_none());
    }

    #[test]
    fn a_segment_that_is_mostly_gone_is_written_anew() {
        let mut gone = row(1, 10);
        (0..6).for_each(|number| gone.deleted.insert(number));
        assert_eq!(to_merge(vec![row(0, 10), gone]).unwrap()[0].number, 1);
    }
}

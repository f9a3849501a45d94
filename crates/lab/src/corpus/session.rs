//! One session being written: its files, its clock, and what the manifest will say of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::clock::iso;
use super::text::{Said, Voice};

/// Where a needle stands.
pub(super) struct Place {
    pub needle: usize,
    pub file: String,
    pub line: u64,
    pub offset: u64,
    pub kind: &'static str,
}

/// Tokens by class; no token is counted in two of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Tokens {
    pub input: u64,
    pub cache_write: u64,
    pub cache_read: u64,
    /// Reasoning included.
    pub output: u64,
}

/// What is true of one session.
#[derive(Default)]
pub(super) struct Row {
    pub agent: &'static str,
    pub id: String,
    pub file: String,
    pub side_files: Vec<String>,
    pub bytes: u64,
    pub lines: u64,
    pub directory: String,
    pub model: String,
    pub started: u64,
    pub ended: u64,
    pub prompts: u64,
    pub answers: u64,
    pub tool_calls: u64,
    pub tokens: Tokens,
    pub first_text: String,
}

/// What came of one plan.
#[derive(Default)]
pub(super) struct Made {
    pub rows: Vec<Row>,
    pub places: Vec<Place>,
}

/// One session being written.
pub(super) struct Session<'w> {
    pub voice: Voice<'w>,
    /// Milliseconds since 1970.
    pub clock: u64,
    pub row: Row,
    pub made: Made,
    home: &'w Path,
    open: Option<OpenFile>,
    /// Needles in the line that is being made.
    marks: Vec<(usize, &'static str)>,
    /// Bytes of all files.
    written: u64,
}

struct OpenFile {
    out: BufWriter<File>,
    name: String,
    lines: u64,
    bytes: u64,
}

impl<'w> Session<'w> {
    /// Begins a session.
    pub fn new(home: &'w Path, voice: Voice<'w>, start: u64) -> Self {
        let row = Row { directory: voice.project.directory.clone(), started: start, ..Row::default() };
        Self {
            voice,
            clock: start,
            row,
            made: Made::default(),
            home,
            open: None,
            marks: Vec::new(),
            written: 0,
        }
    }

    /// Returns the bytes written so far, in all files.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Returns the bytes of the open file.
    pub fn offset(&self) -> u64 {
        self.open.as_ref().map_or(0, |file| file.bytes)
    }

    /// Lets time pass and returns the new time.
    pub fn tick(&mut self, mean_millis: f64) -> String {
        self.clock += 1 + self.voice.random.wait(mean_millis) as u64;
        iso(self.clock)
    }

    /// Returns where a file of the home lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Opens a file; `name` is relative to the home.
    pub fn open(&mut self, name: String) -> io::Result<()> {
        let path = self.home.join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = BufWriter::with_capacity(256 << 10, File::create(path)?);
        self.open = Some(OpenFile { out, name, lines: 0, bytes: 0 });
        Ok(())
    }

    /// Says that the next line holds these needles.
    pub fn mark(&mut self, said: &Said, kind: &'static str) {
        self.marks.extend(said.needles.iter().map(|&needle| (needle, kind)));
    }

    /// Writes a line.
    pub fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.open else { return Err(io::Error::other("no file is open")) };
        for (needle, kind) in self.marks.drain(..) {
            let (line, offset) = (file.lines + 1, file.bytes);
            self.made.places.push(Place { needle, file: file.name.clone(), line, offset, kind });
        }
        file.out.write_all(line)?;
        file.out.write_all(b"\n")?;
        let bytes = line.len() as u64 + 1;
        file.lines += 1;
        file.bytes += bytes;
        self.written += bytes;
        self.row.lines += 1;
        self.row.bytes += bytes;
        Ok(())
    }

    /// Closes the session's main file; its time becomes the session's.
    pub fn close_main(&mut self) -> io::Result<()> {
        self.row.file = self.close()?;
        Ok(())
    }

    /// Closes a file beside the main one.
    pub fn close_side(&mut self) -> io::Result<()> {
        let name = self.close()?;
        self.row.side_files.push(name);
        Ok(())
    }

    fn close(&mut self) -> io::Result<String> {
        let Some(mut file) = self.open.take() else { return Err(io::Error::other("no file is open")) };
        file.out.flush()?;
        file.out.get_ref().set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock))?;
        Ok(file.name)
    }

    /// Ends the session; another may follow, such as a fork.
    pub fn finish(&mut self) {
        let next = Row { directory: self.row.directory.clone(), started: self.clock, ..Row::default() };
        let mut row = std::mem::replace(&mut self.row, next);
        row.ended = self.clock;
        self.made.rows.push(row);
    }

    /// Counts a prompt of the human.
    pub fn count_prompt(&mut self, said: &Said) {
        self.row.prompts += 1;
        if self.row.first_text.is_empty() {
            self.row.first_text = said.head(120);
        }
    }
}

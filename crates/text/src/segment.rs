//! A segment file, read by place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::dictionary::{BlockReader, Postings};
use crate::doc::{Doc, ROW};
use crate::numbers::{damaged, either, unpack};
use crate::spelling::Spelling;
use crate::write::{FOOTER, Footer, MAGIC};

/// A part of a word, or a misspelt one, stands for at most so many words.
const MAX_WORDS: usize = 2000;
/// Bytes that are read at once when one place after another is wanted.
const WINDOW: usize = 64 << 10;
/// Rows that are read at once.
const ROWS: u32 = 256;

/// Which words are looked for. All are in lower case, as [`crate::Words`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// This word.
    Word(&'a str),
    /// Words that begin so.
    Start(&'a str),
    /// Words that contain it.
    Inside(&'a str),
    /// Words that become it by so many changes: a character more, less, other, or two swapped.
    Close(&'a str, u8),
}

/// Some texts' words, on disk. Any number of threads may read it.
#[derive(Debug)]
pub struct Segment {
    file: File,
    footer: Footer,
}

impl Segment {
    /// Opens a segment.
    ///
    /// # Errors
    /// The file is not there, or is no whole segment (`InvalidData`).
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let footer_at = size.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        let mut bytes = [0; FOOTER];
        file.read_exact_at(&mut bytes, footer_at)?;
        let footer = Footer::from_bytes(&bytes)?;
        let rows_end = footer.rows_at.checked_add(u64::from(footer.texts) * ROW as u64);
        let table_end =
            footer.blocks.checked_add(1).and_then(|n| n.checked_mul(8)?.checked_add(footer.table_at));
        if rows_end != Some(footer_at)
            || table_end != Some(footer.rows_at)
            || footer.table_at < MAGIC.len() as u64
        {
            return Err(damaged());
        }
        Ok(Segment { file, footer })
    }

    /// How many texts it has; they are numbered from 0.
    pub fn len(&self) -> u32 {
        self.footer.texts
    }

    /// Says whether it has no text.
    pub fn is_empty(&self) -> bool {
        self.footer.texts == 0
    }

    /// Numbers of the texts that hold a wanted word, ascending.
    ///
    /// # Errors
    /// The file can't be read, or is damaged.
    pub fn numbers_with(&self, wanted: &Wanted<'_>) -> io::Result<Vec<u32>> {
        let postings = match wanted {
            Wanted::Word(word) => {
                self.scan(word.as_bytes(), |found, _| match found.cmp(word.as_bytes()) {
                    std::cmp::Ordering::Less => Step::Skip,
                    std::cmp::Ordering::Equal => Step::Take,
                    std::cmp::Ordering::Greater => Step::End,
                })?
            }
            Wanted::Start(word) => self.scan(word.as_bytes(), |found, _| {
                if found.starts_with(word.as_bytes()) {
                    Step::Take
                } else if found < word.as_bytes() {
                    Step::Skip
                } else {
                    Step::End
                }
            })?,
            Wanted::Inside(word) => {
                let finder = memchr::memmem::Finder::new(word.as_bytes());
                self.scan(b"", |found, _| if finder.find(found).is_some() { Step::Take } else { Step::Skip })?
            }
            Wanted::Close(word, distance) => {
                let mut spelling = Spelling::new(word, *distance);
                self.scan(
                    b"",
                    |found, shared| if spelling.is_close(found, shared) { Step::Take } else { Step::Skip },
                )?
            }
        };
        let mut lists = Vec::with_capacity(postings.len());
        let mut bytes = Vec::new();
        for postings in postings {
            let mut numbers = Vec::new();
            self.unpack(postings, &mut bytes, &mut numbers)?;
            lists.push(numbers);
        }
        Ok(either(lists))
    }

    fn unpack(&self, postings: Postings, bytes: &mut Vec<u8>, out: &mut Vec<u32>) -> io::Result<()> {
        match postings {
            Postings::Lone(number) if number < self.len() => out.push(number),
            Postings::Lone(_) => return Err(damaged()),
            Postings::Packed { count, at, length, packing } => {
                if at.checked_add(length).is_none_or(|end| end > self.footer.table_at) {
                    return Err(damaged());
                }
                bytes.resize(length as usize, 0);
                self.file.read_exact_at(bytes, at)?;
                unpack(bytes, packing, count, self.len(), out)?;
            }
        }
        Ok(())
    }

    /// Goes through the words from the block on that may hold `from`.
    fn scan(&self, from: &[u8], mut step: impl FnMut(&[u8], usize) -> Step) -> io::Result<Vec<Postings>> {
        let mut taken = Vec::new();
        let mut words = WordsOf::from_block(self, self.block_of(from)?);
        while let Some((shared, postings)) = words.next()? {
            match step(&words.word, shared) {
                Step::Skip => {}
                Step::Take => taken.push(postings),
                Step::End => break,
            }
            if taken.len() == MAX_WORDS {
                break;
            }
        }
        Ok(taken)
    }

    /// The last block whose first word is not behind `word`.
    fn block_of(&self, word: &[u8]) -> io::Result<u64> {
        if word.is_empty() {
            return Ok(0);
        }
        let (mut low, mut high) = (0, self.footer.blocks);
        let (mut bytes, mut first) = (Vec::new(), Vec::new());
        while high - low > 1 {
            let middle = low.midpoint(high);
            self.block(middle, &mut bytes)?;
            first.clear();
            BlockReader::new(&bytes)?.next(&mut first)?;
            if first.as_slice() <= word { low = middle } else { high = middle }
        }
        Ok(low)
    }

    fn block(&self, block: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut bounds = [0; 16];
        self.file.read_exact_at(&mut bounds, self.footer.table_at + block * 8)?;
        let (start, end) = bounds.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let (start, end) = (number(start), number(end));
        if start > end || end > self.footer.table_at {
            return Err(damaged());
        }
        bytes.resize((end - start) as usize, 0);
        self.file.read_exact_at(bytes, start)
    }

    /// What is known of some texts, in ascending order of their numbers.
    pub fn docs<'a>(
        &'a self,
        numbers: impl IntoIterator<Item = u32> + 'a,
    ) -> impl Iterator<Item = io::Result<(u32, Doc)>> + 'a {
        let mut rows: Vec<u8> = Vec::new();
        let mut first = 0;
        numbers.into_iter().map(move |number| {
            if number >= self.len() {
                return Err(damaged());
            }
            if number < first || (number - first) as usize * ROW >= rows.len() {
                first = number;
                rows.resize(ROWS.min(self.len() - first) as usize * ROW, 0);
                self.file.read_exact_at(&mut rows, self.footer.rows_at + u64::from(first) * ROW as u64)?;
            }
            let (row, _) = rows[(number - first) as usize * ROW..].split_first_chunk().ok_or_else(damaged)?;
            Ok((number, Doc::from_row(row)))
        })
    }
}

enum Step {
    Skip,
    Take,
    End,
}

/// All words of a segment from a block on, with their postings.
pub(crate) struct WordsOf<'a> {
    segment: &'a Segment,
    /// The word that [`WordsOf::next`] came to.
    pub word: Vec<u8>,
    /// Ends of the blocks in `window`, the last first.
    ends: Vec<usize>,
    window: Vec<u8>,
    /// Where the current block goes on.
    at: usize,
    postings_at: u64,
    next_block: u64,
    starts: Vec<u8>,
}

impl<'a> WordsOf<'a> {
    pub fn from_block(segment: &'a Segment, block: u64) -> Self {
        WordsOf {
            segment,
            word: Vec::new(),
            ends: Vec::new(),
            window: Vec::new(),
            at: 0,
            postings_at: 0,
            next_block: block,
            starts: Vec::new(),
        }
    }

    /// Goes to the next word. Returns how many bytes it shares with the one before, and its postings.
    pub fn next(&mut self) -> io::Result<Option<(usize, Postings)>> {
        loop {
            let Some(end) = self.ends.last().copied() else {
                if self.next_block >= self.segment.footer.blocks {
                    return Ok(None);
                }
                self.fill()?;
                continue;
            };
            if self.at < end {
                let mut reader = BlockReader::resume(&self.window[self.at..end], self.postings_at);
                let next = reader.next(&mut self.word)?;
                (self.at, self.postings_at) = (end - reader.left(), reader.postings_at());
                return Ok(next);
            }
            self.ends.pop();
            if let Some(end) = self.ends.last().copied() {
                self.enter(end)?;
            }
        }
    }

    fn enter(&mut self, end: usize) -> io::Result<()> {
        let block = self.window.get(self.at..end).ok_or_else(damaged)?;
        let reader = BlockReader::new(block)?;
        (self.at, self.postings_at) = (end - reader.left(), reader.postings_at());
        self.word.clear();
        Ok(())
    }

    /// Reads blocks, a window full of them.
    fn fill(&mut self) -> io::Result<()> {
        let footer = &self.segment.footer;
        // 512 blocks of some 250 bytes at most; the first of a search is most often the only one.
        let many = if self.window.is_empty() { 8 } else { 512 };
        let blocks = (footer.blocks - self.next_block).min(many);
        self.starts.resize((blocks as usize + 1) * 8, 0);
        self.segment.file.read_exact_at(&mut self.starts, footer.table_at + self.next_block * 8)?;
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let starts: Vec<u64> = self.starts.chunks_exact(8).map(number).collect();
        let first = starts[0];
        // At least one block, and no more than a window.
        let mut last = 1;
        while last < blocks as usize && starts[last + 1].saturating_sub(first) <= WINDOW as u64 {
            last += 1;
        }
        if starts[..=last].is_sorted() && starts[last] <= footer.table_at {
            self.window.resize((starts[last] - first) as usize, 0);
        } else {
            return Err(damaged());
        }
        self.segment.file.read_exact_at(&mut self.window, first)?;
        self.ends = starts[1..=last].iter().rev().map(|start| (start - first) as usize).collect();
        self.next_block += last as u64;
        self.at = 0;
        match self.ends.last().copied() {
            Some(end) => self.enter(end),
            None => Ok(()),
        }
    }

    /// Unpacks the numbers of a word's texts.
    pub fn numbers(&self, postings: Postings, bytes: &mut Vec<u8>, out: &mut Vec<u32>) -> io::Result<()> {
        self.segment.unpack(postings, bytes, out)
    }
}

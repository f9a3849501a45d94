//! A segment file, read by place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::dictionary::{Block, Postings};
use crate::doc::{Doc, ROW};
use crate::numbers::{damaged, either, unpack};
use crate::spelling::Spelling;
use crate::write::{FOOTER, Footer, MAGIC};

/// A part of a word, or a misspelt one, stands for at most so many words.
const MAX_WORDS: usize = 2000;
/// 256 blocks of 32 words of 96 bytes, and what belongs to them, are shorter.
const MAX_WINDOW: u64 = 2 << 20;
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
            Wanted::Word(word) => self.words_from(word.as_bytes(), |found| found == word.as_bytes())?,
            Wanted::Start(word) => {
                self.words_from(word.as_bytes(), |found| found.starts_with(word.as_bytes()))?
            }
            Wanted::Inside(word) => {
                let finder = memchr::memmem::Finder::new(word.as_bytes());
                self.words_where(|words| finder.find(words).is_some(), |found| finder.find(found).is_some())?
            }
            Wanted::Close(word, distance) => {
                let mut spelling = Spelling::new(word, *distance);
                self.words_where(|_| true, |found| spelling.is_close(found))?
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

    /// Takes words that stand together, from where `word` stands or would.
    fn words_from(&self, word: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> io::Result<Vec<Postings>> {
        let mut taken = Vec::new();
        let mut windows = Windows::new(self, self.block_of(word)?);
        while let Some(bytes) = windows.next()? {
            let mut block = Block::new(bytes)?;
            while let Some((found, postings)) = block.next()? {
                if is_wanted(found) {
                    taken.push(postings);
                } else if found > word {
                    return Ok(taken);
                }
            }
            if taken.len() >= MAX_WORDS {
                break;
            }
        }
        Ok(taken)
    }

    /// Takes words from anywhere; blocks whose words all together are not worth a look are passed over.
    fn words_where(
        &self,
        is_worth: impl Fn(&[u8]) -> bool,
        mut is_wanted: impl FnMut(&[u8]) -> bool,
    ) -> io::Result<Vec<Postings>> {
        let mut taken = Vec::new();
        let mut windows = Windows::new(self, 0);
        while let Some(bytes) = windows.next()? {
            let mut block = Block::new(bytes)?;
            if !is_worth(block.words) {
                continue;
            }
            while let Some((found, postings)) = block.next()? {
                if is_wanted(found) {
                    taken.push(postings);
                }
            }
            if taken.len() >= MAX_WORDS {
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
        let mut bytes = Vec::new();
        while high - low > 1 {
            let middle = low.midpoint(high);
            self.block(middle, &mut bytes)?;
            let first = Block::new(&bytes)?.next()?.map(|(word, _)| word);
            if first.is_none_or(|first| first <= word) { low = middle } else { high = middle }
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

/// The blocks of a segment, one after the other, read a window full at a time.
struct Windows<'a> {
    segment: &'a Segment,
    window: Vec<u8>,
    /// Where each block of the window begins, and where the last one ends.
    bounds: Vec<usize>,
    /// The next block of the window.
    next: usize,
    /// The first block behind the window.
    behind: u64,
}

impl<'a> Windows<'a> {
    fn new(segment: &'a Segment, block: u64) -> Self {
        Windows { segment, window: Vec::new(), bounds: Vec::new(), next: 0, behind: block }
    }

    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.next + 1 >= self.bounds.len() {
            if self.behind >= self.segment.footer.blocks {
                return Ok(None);
            }
            self.fill()?;
        }
        self.next += 1;
        Ok(Some(&self.window[self.bounds[self.next - 1]..self.bounds[self.next]]))
    }

    fn fill(&mut self) -> io::Result<()> {
        let footer = &self.segment.footer;
        // The first blocks of a search are most often the only ones.
        let many = if self.window.is_empty() { 4 } else { 256 };
        let blocks = (footer.blocks - self.behind).min(many);
        let mut starts = vec![0; (blocks as usize + 1) * 8];
        self.segment.file.read_exact_at(&mut starts, footer.table_at + self.behind * 8)?;
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let starts: Vec<u64> = starts.chunks_exact(8).map(number).collect();
        let (first, last) = (starts[0], starts[blocks as usize]);
        if !starts.is_sorted() || last > footer.table_at || last - first > MAX_WINDOW {
            return Err(damaged());
        }
        self.window.resize((last - first) as usize, 0);
        self.segment.file.read_exact_at(&mut self.window, first)?;
        self.bounds.clear();
        self.bounds.extend(starts.iter().map(|start| (start - first) as usize));
        (self.next, self.behind) = (0, self.behind + blocks);
        Ok(())
    }
}

/// All words of a segment with their postings, for merging.
pub(crate) struct WordsOf<'a> {
    segment: &'a Segment,
    windows: Windows<'a>,
    /// Words of the current block that are still to come, the next one last.
    words: Vec<(Vec<u8>, Postings)>,
}

impl<'a> WordsOf<'a> {
    pub fn new(segment: &'a Segment) -> Self {
        WordsOf { segment, windows: Windows::new(segment, 0), words: Vec::new() }
    }

    /// Returns the next word.
    pub fn next(&mut self) -> io::Result<Option<(Vec<u8>, Postings)>> {
        while self.words.is_empty() {
            let Some(bytes) = self.windows.next()? else { return Ok(None) };
            let mut block = Block::new(bytes)?;
            while let Some((word, postings)) = block.next()? {
                self.words.push((word.to_vec(), postings));
            }
            self.words.reverse();
        }
        Ok(self.words.pop())
    }

    /// Unpacks the numbers of a word's texts.
    pub fn numbers(&self, postings: Postings, bytes: &mut Vec<u8>, out: &mut Vec<u32>) -> io::Result<()> {
        self.segment.unpack(postings, bytes, out)
    }
}

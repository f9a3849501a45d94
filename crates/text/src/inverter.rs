//! Texts in memory, turned round: for each word the texts that hold it.
//!
//! While texts come in, only the number of each word is written down, text after text: four bytes in a row, whatever
//! the word. The lists are made when the segment is written, by counting.

use std::io;
use std::path::Path;

use crate::doc::Doc;
use crate::vocabulary::Vocabulary;
use crate::words::Words;
use crate::write::SegmentWriter;

/// Full at so many words of texts: 12 MB here, as much again while it is written.
const MAX_OCCURRENCES: usize = 3 << 20;
/// Full at so many bytes of different words.
const MAX_WORD_BYTES: usize = 6 << 20;

/// Gathers texts for one segment. It is kept and used again: its memory is made once.
#[derive(Default)]
pub struct Inverter {
    words: Words,
    docs: Vec<Doc>,
    /// Where the words of each text end in `occurrences`.
    ends: Vec<u32>,
    /// Numbers of words.
    occurrences: Vec<u32>,
    vocabulary: Vocabulary,
    lists: Vec<u32>,
}

impl Inverter {
    /// Adds a text.
    pub fn add(&mut self, doc: Doc, text: &str) {
        let number = self.docs.len() as u32;
        self.words.cut(text);
        let bytes = self.words.bytes();
        for (start, end) in self.words.ranges() {
            let word = self.vocabulary.number_if_new_to(number, bytes, *start as usize, *end as usize);
            self.occurrences.extend(word);
        }
        self.docs.push(doc);
        self.ends.push(self.occurrences.len() as u32);
    }

    /// Says whether it is time to write.
    pub fn is_full(&self) -> bool {
        self.occurrences.len() >= MAX_OCCURRENCES || self.vocabulary.size_bytes() >= MAX_WORD_BYTES
    }

    /// How many texts there are.
    pub fn len(&self) -> u32 {
        self.docs.len() as u32
    }

    /// Says whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.docs.is_empty()
    }

    /// Says whether there is a text of a session.
    pub fn has_session(&self, session: u32) -> bool {
        self.docs.iter().any(|doc| doc.session == session)
    }

    /// Writes a segment and begins anew. Returns its size in bytes.
    ///
    /// # Errors
    /// The file can't be written. There is none then, and the texts are kept.
    pub fn write(&mut self, path: &Path) -> io::Result<u64> {
        let mut counts: Vec<u32> = vec![0; self.vocabulary.len()];
        for word in &self.occurrences {
            counts[*word as usize] += 1;
        }
        let order = self.vocabulary.in_order();
        // Where each word's list goes on; at first, where it begins.
        let mut next: Vec<u32> = vec![0; counts.len()];
        let mut sum = 0;
        for word in &order {
            next[*word as usize] = sum;
            sum += counts[*word as usize];
        }
        self.lists.resize(self.occurrences.len(), 0);
        let mut start = 0;
        for (number, end) in self.ends.iter().enumerate() {
            for word in &self.occurrences[start..*end as usize] {
                let slot = &mut next[*word as usize];
                self.lists[*slot as usize] = number as u32;
                *slot += 1;
            }
            start = *end as usize;
        }
        let mut writer = SegmentWriter::create(path, self.len())?;
        let mut rest = &self.lists[..];
        for word in &order {
            let (list, after) = rest.split_at(counts[*word as usize] as usize);
            writer.word(self.vocabulary.word(*word), list)?;
            rest = after;
        }
        let size = writer.finish(self.docs.iter().copied())?;
        self.docs.clear();
        self.ends.clear();
        self.occurrences.clear();
        self.vocabulary.clear();
        Ok(size)
    }
}

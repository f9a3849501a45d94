//! The words of a segment in order, in blocks that are read one at a time.
//!
//! A block begins with the place of its first word's postings and the length of its words; then the words, a zero
//! behind each, whole and together, so that a part of a word is found by one look through them; then for each word in
//! how many texts it stands, and the length of its postings, whose lowest bit says how they are packed. A word of one
//! text has that text's number instead. All numbers are varints.

use std::io;

use crate::numbers::{Packing, damaged, put_varint, take, take_varint};

/// Words a block.
const BLOCK: usize = 32;

#[derive(Default)]
pub(crate) struct BlockWriter {
    blocks: Vec<u8>,
    starts: Vec<u64>,
    /// The block that is being made.
    postings_at: u64,
    count: usize,
    words: Vec<u8>,
    postings: Vec<u8>,
}

impl BlockWriter {
    fn begin(&mut self, word: &[u8], postings_at: u64) {
        if self.count == BLOCK {
            self.end();
        }
        if self.count == 0 {
            self.postings_at = postings_at;
        }
        self.count += 1;
        self.words.extend_from_slice(word);
        self.words.push(0);
    }

    fn end(&mut self) {
        self.starts.push(self.blocks.len() as u64);
        put_varint(&mut self.blocks, self.postings_at);
        put_varint(&mut self.blocks, self.words.len() as u64);
        self.blocks.append(&mut self.words);
        self.blocks.append(&mut self.postings);
        self.count = 0;
    }

    /// Adds a word that stands in one text.
    pub fn lone(&mut self, word: &[u8], number: u32, postings_at: u64) {
        self.begin(word, postings_at);
        put_varint(&mut self.postings, 1);
        put_varint(&mut self.postings, u64::from(number));
    }

    /// Adds a word whose postings lie at `postings_at`.
    pub fn word(&mut self, word: &[u8], count: u32, length: usize, is_bits: bool, postings_at: u64) {
        self.begin(word, postings_at);
        put_varint(&mut self.postings, u64::from(count));
        put_varint(&mut self.postings, (length as u64) << 1 | u64::from(is_bits));
    }

    /// Returns the blocks, and where each begins; the last number is where they end.
    pub fn finish(mut self) -> (Vec<u8>, Vec<u64>) {
        if self.count > 0 {
            self.end();
        }
        self.starts.push(self.blocks.len() as u64);
        (self.blocks, self.starts)
    }
}

/// Where the numbers of a word's texts are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Postings {
    Lone(u32),
    Packed { count: u32, at: u64, length: u64, packing: Packing },
}

/// Goes through the words of a block.
pub(crate) struct Block<'a> {
    /// All words, a zero behind each.
    pub words: &'a [u8],
    postings: &'a [u8],
    postings_at: u64,
}

impl<'a> Block<'a> {
    pub fn new(mut bytes: &'a [u8]) -> io::Result<Self> {
        let postings_at = take_varint(&mut bytes)?;
        let length = take_varint(&mut bytes)?;
        Ok(Block { words: take(&mut bytes, length)?, postings: bytes, postings_at })
    }

    /// Returns the next word and its postings.
    pub fn next(&mut self) -> io::Result<Option<(&'a [u8], Postings)>> {
        if self.words.is_empty() {
            return Ok(None);
        }
        let end = memchr::memchr(0, self.words).ok_or_else(damaged)?;
        let word = &self.words[..end];
        self.words = &self.words[end + 1..];
        let count = u32::try_from(take_varint(&mut self.postings)?).map_err(|_| damaged())?;
        let number = take_varint(&mut self.postings)?;
        if count == 1 {
            let number = u32::try_from(number).map_err(|_| damaged())?;
            return Ok(Some((word, Postings::Lone(number))));
        }
        let packing = if number & 1 == 1 { Packing::Bits } else { Packing::Steps };
        let (at, length) = (self.postings_at, number >> 1);
        self.postings_at = at.checked_add(length).ok_or_else(damaged)?;
        Ok(Some((word, Postings::Packed { count, at, length, packing })))
    }
}

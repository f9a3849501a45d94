//! The words of a segment in order, in blocks that are read one at a time.
//!
//! A block begins with the place of its first word's postings; then each word: how much of the word before it
//! repeats, the rest, in how many texts it stands, and the length of its postings, whose lowest bit says how they are
//! packed. A word of one text has that text's number instead. All numbers are varints.

use std::io;

use crate::numbers::{Packing, damaged, put_varint, take, take_varint};

/// Words a block.
const BLOCK: usize = 32;

#[derive(Default)]
pub(crate) struct BlockWriter {
    bytes: Vec<u8>,
    starts: Vec<u64>,
    in_block: usize,
    last: Vec<u8>,
}

impl BlockWriter {
    fn begin(&mut self, word: &[u8], postings_at: u64) {
        if self.in_block == BLOCK || self.starts.is_empty() {
            self.starts.push(self.bytes.len() as u64);
            put_varint(&mut self.bytes, postings_at);
            self.in_block = 0;
            self.last.clear();
        }
        self.in_block += 1;
        let shared = word.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        put_varint(&mut self.bytes, shared as u64);
        put_varint(&mut self.bytes, (word.len() - shared) as u64);
        self.bytes.extend_from_slice(&word[shared..]);
        self.last.truncate(shared);
        self.last.extend_from_slice(&word[shared..]);
    }

    /// Adds a word that stands in one text.
    pub fn lone(&mut self, word: &[u8], number: u32, postings_at: u64) {
        self.begin(word, postings_at);
        put_varint(&mut self.bytes, 1);
        put_varint(&mut self.bytes, u64::from(number));
    }

    /// Adds a word whose postings lie at `postings_at`.
    pub fn word(&mut self, word: &[u8], count: u32, length: usize, is_bits: bool, postings_at: u64) {
        self.begin(word, postings_at);
        put_varint(&mut self.bytes, u64::from(count));
        put_varint(&mut self.bytes, (length as u64) << 1 | u64::from(is_bits));
    }

    /// Returns the blocks, and where each begins; the last number is where they end.
    pub fn finish(&mut self) -> (Vec<u8>, Vec<u64>) {
        self.starts.push(self.bytes.len() as u64);
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.starts))
    }
}

/// Where the numbers of a word's texts are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Postings {
    Lone(u32),
    Packed { count: u32, at: u64, length: u64, packing: Packing },
}

/// Goes through the words of a block.
pub(crate) struct BlockReader<'a> {
    bytes: &'a [u8],
    postings_at: u64,
}

impl<'a> BlockReader<'a> {
    pub fn new(mut bytes: &'a [u8]) -> io::Result<Self> {
        let postings_at = take_varint(&mut bytes)?;
        Ok(BlockReader { bytes, postings_at })
    }

    /// Goes on within a block.
    pub fn resume(bytes: &'a [u8], postings_at: u64) -> Self {
        BlockReader { bytes, postings_at }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Where the next word's postings begin.
    pub fn postings_at(&self) -> u64 {
        self.postings_at
    }

    /// Makes `word` the next word, and returns how many of its bytes it shares with what it held, and its postings.
    pub fn next(&mut self, word: &mut Vec<u8>) -> io::Result<Option<(usize, Postings)>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let shared = take_varint(&mut self.bytes)? as usize;
        let length = take_varint(&mut self.bytes)?;
        let rest = take(&mut self.bytes, length)?;
        if shared > word.len() {
            return Err(damaged());
        }
        word.truncate(shared);
        word.extend_from_slice(rest);
        let count = u32::try_from(take_varint(&mut self.bytes)?).map_err(|_| damaged())?;
        let number = take_varint(&mut self.bytes)?;
        if count == 1 {
            return Ok(Some((shared, Postings::Lone(u32::try_from(number).map_err(|_| damaged())?))));
        }
        let packing = if number & 1 == 1 { Packing::Bits } else { Packing::Steps };
        let (at, length) = (self.postings_at, number >> 1);
        self.postings_at = at.checked_add(length).ok_or_else(damaged)?;
        Ok(Some((shared, Postings::Packed { count, at, length, packing })))
    }
}

//! Writing a segment file, word by word.
//!
//! ```text
//! MAGIC
//! postings     of each word in order: numbers of texts, packed
//! dictionary   blocks of 32 words
//! block table  where each block begins, and where the last one ends: u64 each
//! rows         one a text, 17 bytes
//! footer       where the block table and the rows begin, how many blocks and texts there are, a sum, MAGIC
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::dictionary::BlockWriter;
use crate::doc::Doc;
use crate::numbers::{Packing, damaged, pack};

pub(crate) const MAGIC: &[u8; 8] = b"marline2";
/// Four numbers, their sum, MAGIC.
pub(crate) const FOOTER: usize = 48;

/// The fixed numbers at a segment's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Footer {
    pub table_at: u64,
    pub blocks: u64,
    pub rows_at: u64,
    pub texts: u32,
}

impl Footer {
    fn to_bytes(self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        let numbers = [self.table_at, self.blocks, self.rows_at, u64::from(self.texts), self.sum()];
        for (slot, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        bytes[FOOTER - 8..].copy_from_slice(MAGIC);
        bytes
    }

    pub fn from_bytes(bytes: &[u8; FOOTER]) -> io::Result<Self> {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at * 8..at * 8 + 8]);
            u64::from_le_bytes(number)
        };
        let texts = u32::try_from(number(3)).map_err(|_| damaged())?;
        let footer = Footer { table_at: number(0), blocks: number(1), rows_at: number(2), texts };
        if number(4) != footer.sum() || &bytes[FOOTER - 8..] != MAGIC {
            return Err(damaged());
        }
        Ok(footer)
    }

    fn sum(self) -> u64 {
        let numbers = [self.table_at, self.blocks, self.rows_at, u64::from(self.texts)];
        numbers.iter().fold(0x6d61_726c_696e_6531, |sum: u64, number| {
            (sum ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        })
    }
}

/// Writes one segment.
pub(crate) struct SegmentWriter {
    out: BufWriter<File>,
    path: PathBuf,
    unfinished: PathBuf,
    at: u64,
    texts: u32,
    blocks: BlockWriter,
    packed: Vec<u8>,
}

impl SegmentWriter {
    /// Begins a segment of so many texts. The file gets its name when it is finished.
    pub fn create(path: &Path, texts: u32) -> io::Result<Self> {
        let unfinished = path.with_extension("part");
        let mut out = BufWriter::with_capacity(256 << 10, File::create(&unfinished)?);
        out.write_all(MAGIC)?;
        Ok(SegmentWriter {
            out,
            path: path.to_owned(),
            unfinished,
            at: MAGIC.len() as u64,
            texts,
            blocks: BlockWriter::default(),
            packed: Vec::new(),
        })
    }

    /// Adds a word with the texts that hold it. Words come in order.
    pub fn word(&mut self, word: &[u8], numbers: &[u32]) -> io::Result<()> {
        if let [only] = numbers {
            self.blocks.lone(word, *only, self.at);
            return Ok(());
        }
        let packing = pack(numbers, self.texts, &mut self.packed);
        self.blocks.word(word, numbers.len() as u32, self.packed.len(), packing == Packing::Bits, self.at);
        self.out.write_all(&self.packed)?;
        self.at += self.packed.len() as u64;
        Ok(())
    }

    /// Adds the rows, and puts the file in its place. Returns its size in bytes.
    pub fn finish(mut self, docs: impl Iterator<Item = Doc>) -> io::Result<u64> {
        let (dictionary, starts) = self.blocks.finish();
        self.out.write_all(&dictionary)?;
        let table_at = self.at + dictionary.len() as u64;
        for start in &starts {
            self.out.write_all(&(self.at + start).to_le_bytes())?;
        }
        let footer = Footer {
            table_at,
            blocks: starts.len() as u64 - 1,
            rows_at: table_at + starts.len() as u64 * 8,
            texts: self.texts,
        };
        let mut rows = 0;
        for doc in docs {
            self.out.write_all(&doc.to_row())?;
            rows += 1;
        }
        debug_assert_eq!(rows, self.texts);
        self.out.write_all(&footer.to_bytes())?;
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        let size = file.metadata()?.len();
        std::fs::rename(&self.unfinished, &self.path)?;
        Ok(size)
    }
}

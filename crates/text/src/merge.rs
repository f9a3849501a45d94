//! Several segments made into one, without the texts that are gone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::Path;

use crate::dictionary::Postings;
use crate::segment::{Segment, WordsOf};
use crate::write::SegmentWriter;

/// Texts of a segment that are gone: a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted(Vec<u8>);

impl Deleted {
    /// Reads what [`Deleted::bytes`] gave.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Deleted(bytes)
    }

    /// The bits, to be kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Says whether a text is gone.
    pub fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 8).is_some_and(|byte| byte & 1 << (number % 8) != 0)
    }

    /// Marks a text as gone.
    pub fn insert(&mut self, number: u32) {
        let at = number as usize / 8;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 8);
    }

    /// How many are gone.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Says whether none is gone.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }
}

/// What one segment gives to the new one.
struct Source<'a> {
    segment: &'a Segment,
    words: WordsOf<'a>,
    /// Those of the word that came last.
    postings: Postings,
    /// New numbers by old ones; `u32::MAX` for what is gone.
    numbers: Vec<u32>,
}

impl Source<'_> {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((word, postings)) = self.words.next()? else { return Ok(None) };
        self.postings = postings;
        Ok(Some(word))
    }
}

/// Makes one segment of several. Texts keep their order. Returns the number of its texts and its size in bytes.
///
/// # Errors
/// A segment is damaged, or the file can't be written. There is none then, and the segments stay.
pub fn merge(segments: &[(Segment, Deleted)], path: &Path) -> io::Result<(u32, u64)> {
    let mut sources = Vec::with_capacity(segments.len());
    let mut texts = 0;
    for (segment, deleted) in segments {
        let numbers = (0..segment.len())
            .map(|number| {
                if deleted.contains(number) {
                    return u32::MAX;
                }
                texts += 1;
                texts - 1
            })
            .collect();
        sources.push(Source { segment, words: WordsOf::new(segment), postings: Postings::Lone(0), numbers });
    }
    let mut writer = SegmentWriter::create(path, texts)?;
    // Equal words come in the order of their segments, so that numbers ascend.
    let mut heap = BinaryHeap::new();
    for (at, source) in sources.iter_mut().enumerate() {
        heap.extend(source.next()?.map(|word| Reverse((word, at))));
    }
    let (mut numbers, mut some, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(Reverse((word, at))) = heap.pop() {
        let source = &mut sources[at];
        some.clear();
        source.words.numbers(source.postings, &mut bytes, &mut some)?;
        let new = some.iter().map(|number| source.numbers[*number as usize]);
        numbers.extend(new.filter(|number| *number != u32::MAX));
        if heap.peek().is_none_or(|Reverse((next, _))| *next != word) {
            if !numbers.is_empty() {
                writer.word(&word, &numbers)?;
            }
            numbers.clear();
        }
        heap.extend(source.next()?.map(|word| Reverse((word, at))));
    }
    let mut docs = Vec::with_capacity(texts as usize);
    for source in &sources {
        for doc in source.segment.docs(0..source.segment.len()) {
            let (number, doc) = doc?;
            if source.numbers[number as usize] != u32::MAX {
                docs.push(doc);
            }
        }
    }
    Ok((texts, writer.finish(docs.into_iter())?))
}

//! Different words, numbered as they come.
//!
//! Most words have eight bytes or fewer: those are compared as one number, without a look at where they are kept.

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of some texts.
#[derive(Default)]
pub(crate) struct Vocabulary {
    /// Words of up to eight bytes; the key is the word.
    short: Table,
    /// Longer ones; the key is a hash.
    long: Table,
    /// All words, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

/// Open addressing; the number of slots is a power of two.
struct Table {
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    /// The word's number; [`FREE`] if there is none.
    word: u32,
    /// The last text that holds it.
    last: u32,
}

const FREE: u32 = u32::MAX;
const FIRST_SLOTS: usize = 1 << 10;

impl Vocabulary {
    /// Returns the number of the word at a place of `bytes`, unless the text `text` is known to have it.
    pub fn number_if_new_to(&mut self, text: u32, bytes: &[u8], start: usize, end: usize) -> Option<u32> {
        let word = &bytes[start..end];
        if word.len() <= 8 {
            // No word has a zero byte, so that the zeros behind it tell its length.
            let key = eight(&bytes[start..]) & (!0 >> (64 - 8 * word.len().max(1)));
            let at = self.short.find(key, spread(key), |_| true);
            let slot = &mut self.short.slots[at];
            if slot.word != FREE {
                return slot.note(text);
            }
            *slot = Slot { key, word: self.ends.len() as u32, last: text };
            self.short.taken += 1;
        } else {
            let key = hash(word);
            let is_same = |number| word_of(&self.bytes, &self.ends, number) == word;
            let at = self.long.find(key, key, is_same);
            let slot = &mut self.long.slots[at];
            if slot.word != FREE {
                return slot.note(text);
            }
            *slot = Slot { key, word: self.ends.len() as u32, last: text };
            self.long.taken += 1;
        }
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len() as u32);
        self.short.grow_if_needed(spread);
        self.long.grow_if_needed(|key| key);
        Some(self.ends.len() as u32 - 1)
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all words.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns a word.
    pub fn word(&self, number: u32) -> &[u8] {
        word_of(&self.bytes, &self.ends, number)
    }

    /// Numbers of all words, in the words' order.
    pub fn in_order(&self) -> Vec<u32> {
        let head = |number| {
            let word = self.word(number);
            let mut head = [0; 8];
            let length = word.len().min(8);
            head[..length].copy_from_slice(&word[..length]);
            u64::from_be_bytes(head)
        };
        let mut order: Vec<(u64, u32)> =
            (0..self.len() as u32).map(|number| (head(number), number)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.word(a.1).cmp(self.word(b.1))));
        order.into_iter().map(|(_, number)| number).collect()
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.short.clear();
        self.long.clear();
    }
}

impl Slot {
    fn note(&mut self, text: u32) -> Option<u32> {
        let is_new = self.last != text;
        self.last = text;
        is_new.then_some(self.word)
    }
}

impl Default for Table {
    fn default() -> Self {
        Table { slots: vec![Slot { key: 0, word: FREE, last: 0 }; FIRST_SLOTS], taken: 0 }
    }
}

impl Table {
    /// The slot of a key, or the free one where it belongs.
    fn find(&self, key: u64, hash: u64, is_same: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &self.slots[at];
            if slot.word == FREE || (slot.key == key && is_same(slot.word)) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow_if_needed(&mut self, hash: impl Fn(u64) -> u64) {
        if self.taken * 5 <= self.slots.len() * 3 {
            return;
        }
        let mut slots = vec![Slot { key: 0, word: FREE, last: 0 }; self.slots.len() * 2];
        let mask = slots.len() - 1;
        for slot in self.slots.iter().filter(|slot| slot.word != FREE) {
            let mut at = hash(slot.key) as usize & mask;
            while slots[at].word != FREE {
                at = (at + 1) & mask;
            }
            slots[at] = *slot;
        }
        self.slots = slots;
    }

    /// Keeps its size if it was well used.
    fn clear(&mut self) {
        let size = if self.taken * 16 > self.slots.len() { self.slots.len() } else { FIRST_SLOTS };
        self.slots.clear();
        self.slots.resize(size, Slot { key: 0, word: FREE, last: 0 });
        self.taken = 0;
    }
}

fn word_of<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let start = if number == 0 { 0 } else { ends[number as usize - 1] };
    &bytes[start as usize..ends[number as usize] as usize]
}

fn eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Spreads a short word's bits over those that choose the slot.
fn spread(key: u64) -> u64 {
    let mixed = (key ^ (key >> 32)).wrapping_mul(MIX);
    mixed ^ (mixed >> 32)
}

/// Sums a word of more than eight bytes up, eight at a time; the last eight may repeat some.
fn hash(word: &[u8]) -> u64 {
    let mut state = word.len() as u64;
    let (chunks, _) = word.as_chunks::<8>();
    for chunk in chunks {
        state = (state.rotate_left(23) ^ u64::from_le_bytes(*chunk)).wrapping_mul(MIX);
    }
    state = (state.rotate_left(23) ^ eight(&word[word.len() - 8..])).wrapping_mul(MIX);
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_numbers_and_come_out_in_order() {
        let mut vocabulary = Vocabulary::default();
        let mut words: Vec<String> = (0..20_000).map(|n| format!("{:x}", n * 7_919)).collect();
        words.extend((0..20_000).map(|n| format!("a_long_word_{n}")));
        for round in 0..2 {
            for (number, word) in words.iter().enumerate() {
                let mut bytes = word.clone().into_bytes();
                bytes.extend_from_slice(&[0; 8]);
                let found = vocabulary.number_if_new_to(round, &bytes, 0, word.len());
                assert_eq!(found, Some(number as u32), "{word}");
                assert_eq!(vocabulary.number_if_new_to(round, &bytes, 0, word.len()), None);
            }
        }
        let order: Vec<&[u8]> = vocabulary.in_order().into_iter().map(|word| vocabulary.word(word)).collect();
        let mut expected: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        expected.sort_unstable();
        assert_eq!(order, expected);
        vocabulary.clear();
        assert_eq!(vocabulary.len(), 0);
    }
}

//! Words that are spelt nearly alike.
//!
//! The distance counts a character more, less or other, and two neighbours swapped, as one change each (optimal string
//! alignment). Words come in order, so the rows of the table are kept for what a word shares with the one before.

/// So many changes are forgiven in a word, by its length; none in a short one.
pub fn forgiven(word: &str) -> u8 {
    match word.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// Says whether a word is spelt like another one.
pub fn is_spelt_like(word: &str, wanted: &str) -> bool {
    Spelling::new(wanted, forgiven(wanted)).is_close(word.as_bytes())
}

/// Compares words in order with one.
pub(crate) struct Spelling {
    wanted: Vec<char>,
    distance: u8,
    /// Row `n` belongs to the first `n` characters; the first is fixed.
    rows: Vec<Vec<u8>>,
    /// The characters, each with the byte at which it ends.
    chars: Vec<(char, usize)>,
    /// The last word that was looked into, as far as that went.
    last: Vec<u8>,
    /// `last` can't become close, whatever follows it.
    is_hopeless: bool,
}

impl Spelling {
    pub fn new(wanted: &str, distance: u8) -> Self {
        let wanted: Vec<char> = wanted.chars().collect();
        let first = (0..=wanted.len()).map(|n| n.min(255) as u8).collect();
        Spelling {
            wanted,
            distance,
            rows: vec![first],
            chars: Vec::new(),
            last: Vec::new(),
            is_hopeless: false,
        }
    }

    /// Says whether a word is close.
    pub fn is_close(&mut self, word: &[u8]) -> bool {
        if self.is_hopeless && word.starts_with(&self.last) {
            return false;
        }
        let shared = word.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        let kept = self.chars.partition_point(|(_, end)| *end <= shared);
        self.chars.truncate(kept);
        self.rows.truncate(kept + 1);
        let mut at = self.chars.last().map_or(0, |(_, end)| *end);
        self.last.truncate(at);
        self.is_hopeless = false;
        let Ok(rest) = std::str::from_utf8(&word[at..]) else { return false };
        for c in rest.chars() {
            at += c.len_utf8();
            self.push(c, at);
            self.last.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            if self.rows.last().is_some_and(|row| row.iter().all(|cost| *cost > self.distance)) {
                self.is_hopeless = true;
                return false;
            }
        }
        self.rows.last().and_then(|row| row.last()).is_some_and(|cost| *cost <= self.distance)
    }

    fn push(&mut self, c: char, end: usize) {
        let row = self.rows.len();
        let above = &self.rows[row - 1];
        let mut new = Vec::with_capacity(above.len());
        new.push(row.min(255) as u8);
        for (n, wanted) in self.wanted.iter().enumerate() {
            let mut cost =
                (above[n] + u8::from(*wanted != c)).min(above[n + 1].saturating_add(1)).min(new[n] + 1);
            let before = self.chars.last().map(|(c, _)| *c);
            if n > 0 && row > 1 && before == Some(*wanted) && self.wanted[n - 1] == c {
                cost = cost.min(self.rows[row - 2][n - 1] + 1);
            }
            new.push(cost.min(200));
        }
        self.rows.push(new);
        self.chars.push((c, end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words in order, as a segment gives them.
    fn close<'a>(wanted: &str, distance: u8, words: &[&'a str]) -> Vec<&'a str> {
        let mut spelling = Spelling::new(wanted, distance);
        words.iter().filter(|word| spelling.is_close(word.as_bytes())).copied().collect()
    }

    #[test]
    fn one_change_is_more_less_other_or_swapped() {
        let words = [
            "oken", "the", "tken", "toekn", "toke", "token", "tokenize", "tokens", "tolkan", "tolken",
            "ztoken",
        ];
        let expected = ["oken", "tken", "toekn", "toke", "token", "tokens", "tolken", "ztoken"];
        assert_eq!(close("token", 1, &words), expected);
    }

    #[test]
    fn characters_count_not_bytes() {
        assert_eq!(close("cafe", 1, &["cafè", "cafés", "café"]), ["cafè", "café"]);
        assert_eq!(close("grüße", 1, &["gruße", "grüsse", "grüße"]), ["gruße", "grüße"]);
    }
}

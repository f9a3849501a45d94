//! Words of a text, as the search index keeps them.
//!
//! A word is a run of letters, digits and `_`. Identifiers are found whole and by part: `getUserToken` gives
//! itself, `get`, `user` and `token`. CJK text gives pairs of characters. Each word is given about once a
//! text: positions are not kept, and looking a repeated word up again is what indexing would spend most
//! of its time on.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Longer words are cut: nobody types them, and a query is cut alike and then compared with the text.
pub const MAX_WORD: usize = 96;

/// Slots of the table of words seen; it stays in the nearest cache.
const SLOTS: usize = 1 << 12;

/// Cuts texts into words; keeps its buffers from one text to the next.
#[derive(Clone)]
pub struct Words {
    lower: String,
    ranges: Vec<(u32, u32)>,
    seen: Box<[u64; SLOTS]>,
    round: u64,
    token: Token,
}

impl Default for Words {
    fn default() -> Self {
        Words {
            lower: String::new(),
            ranges: Vec::new(),
            seen: Box::new([0; SLOTS]),
            round: 0,
            token: Token::default(),
        }
    }
}

/// What a byte is.
const SEPARATOR: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;
const UNDERSCORE: u8 = 4;
const WIDE: u8 = 5;

const CLASS: [u8; 256] = {
    let mut table = [SEPARATOR; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'_' => UNDERSCORE,
            0x80.. => WIDE,
            _ => SEPARATOR,
        };
        byte += 1;
    }
    table
};

impl Words {
    /// Cuts a text; the words are then in [`Words::iter`].
    pub fn cut(&mut self, text: &str) {
        self.lower.clear();
        self.lower.push_str(text);
        self.lower.make_ascii_lowercase();
        self.ranges.clear();
        self.round = self.round.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if CLASS[bytes[at] as usize] == SEPARATOR {
                at += 1;
                continue;
            }
            let start = at;
            let (mut wide, mut compound, mut last) = (false, false, SEPARATOR);
            while at < bytes.len() {
                let class = CLASS[bytes[at] as usize];
                if class == SEPARATOR {
                    break;
                }
                wide |= class == WIDE;
                compound |= class == UNDERSCORE || (class == UPPER && last == LOWER);
                last = class;
                at += 1;
            }
            if wide {
                self.wide_run(&text[start..at]);
                continue;
            }
            self.push(start, at);
            if compound && at - start <= MAX_WORD {
                self.parts(bytes, start, at);
            }
        }
    }

    /// The words of the text cut last, nearly without repeats.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ranges.iter().map(|(start, end)| &self.lower[*start as usize..*end as usize])
    }

    fn parts(&mut self, bytes: &[u8], start: usize, end: usize) {
        let mut part = start;
        for at in start..=end {
            let class = if at < end { CLASS[bytes[at] as usize] } else { UNDERSCORE };
            let hump = class == UPPER
                && at > part
                && (CLASS[bytes[at - 1] as usize] != UPPER
                    || (at + 1 < end && CLASS[bytes[at + 1] as usize] == LOWER));
            if class == UNDERSCORE || hump {
                if at - part >= 2 && (part, at) != (start, end) {
                    self.push(part, at);
                }
                part = if class == UNDERSCORE { at + 1 } else { at };
            }
        }
    }

    /// A run with characters beyond ASCII: folded to lower case, CJK in pairs.
    fn wide_run(&mut self, run: &str) {
        let mut word_start = self.lower.len();
        let mut previous: Option<char> = None;
        for c in run.chars() {
            if is_cjk(c) {
                self.end_word(&mut word_start);
                let start = self.lower.len();
                if let Some(previous) = previous {
                    self.lower.push(previous);
                    self.lower.push(c);
                    let end = self.lower.len();
                    self.push(start, end);
                }
                word_start = self.lower.len();
                previous = Some(c);
                continue;
            }
            self.end_pairs(&mut previous, &mut word_start);
            if c.is_alphanumeric() || c == '_' {
                self.lower.extend(c.to_lowercase());
            } else {
                self.end_word(&mut word_start);
                if c as u32 >= 0x2190 && !c.is_whitespace() {
                    // Symbols and emoji stand for themselves.
                    let start = self.lower.len();
                    self.lower.push(c);
                    let end = self.lower.len();
                    self.push(start, end);
                    word_start = end;
                }
            }
        }
        self.end_pairs(&mut previous, &mut word_start);
        self.end_word(&mut word_start);
    }

    fn end_word(&mut self, start: &mut usize) {
        let end = self.lower.len();
        if end > *start {
            self.push(*start, end);
        }
        *start = end;
    }

    /// The last of a run of CJK stands alone too, so that each character begins a word.
    fn end_pairs(&mut self, previous: &mut Option<char>, word_start: &mut usize) {
        if let Some(c) = previous.take() {
            let start = self.lower.len();
            self.lower.push(c);
            let end = self.lower.len();
            self.push(start, end);
            *word_start = end;
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let end = if end - start > MAX_WORD { self.lower.floor_char_boundary(start + MAX_WORD) } else { end };
        let hash = quick_hash(&self.lower.as_bytes()[start..end]) ^ self.round;
        // Direct-mapped: a word that was pushed out is given again, which costs time and nothing else.
        let slot = &mut self.seen[(hash >> 52) as usize % SLOTS];
        if *slot != hash {
            *slot = hash;
            self.ranges.push((start as u32, end as u32));
        }
    }
}

/// A 64-bit hash, eight bytes at a time.
fn quick_hash(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9ddf_ea08_eb38_2d69;
    let mut state = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        state = (state.rotate_left(23) ^ word).wrapping_mul(K);
    }
    let mut tail = [0; 8];
    tail[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    state = (state.rotate_left(23) ^ u64::from_le_bytes(tail)).wrapping_mul(K);
    (state ^ (state >> 29)).wrapping_mul(K)
}

/// Scripts that are written without blanks between words.
pub fn is_cjk(c: char) -> bool {
    matches!(c as u32,
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af
        | 0xf900..=0xfaff | 0xff66..=0xff9f | 0x20000..=0x2ffff)
}

/// Returns the whole words of a query's term, without their parts.
pub fn query_words(term: &str) -> Vec<String> {
    let mut words = Words::default();
    let mut out = Vec::new();
    let is_separator = |c: char| c.is_ascii() && CLASS[c as usize] == SEPARATOR;
    for run in term.split(is_separator).filter(|run| !run.is_empty()) {
        words.cut(run);
        if run.is_ascii() {
            out.extend(words.iter().next().map(str::to_owned));
        } else {
            let all: Vec<String> = words.iter().map(str::to_owned).collect();
            // The lone last character of a CJK run adds nothing to its pairs.
            let alone = |word: &String| word.chars().count() == 1 && word.chars().all(is_cjk);
            let pairs = all.iter().any(|word| !alone(word));
            out.extend(all.into_iter().filter(|word| !pairs || !alone(word)));
        }
    }
    out.dedup();
    out
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.cut(text);
        WordStream { words: self, next: 0 }
    }
}

/// Gives tantivy the words.
pub struct WordStream<'a> {
    words: &'a mut Words,
    next: usize,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((start, end)) = self.words.ranges.get(self.next) else { return false };
        self.next += 1;
        let token = &mut self.words.token;
        token.text.clear();
        token.text.push_str(&self.words.lower[*start as usize..*end as usize]);
        token.position = self.next;
        true
    }

    fn token(&self) -> &Token {
        &self.words.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.words.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut words = Words::default();
        words.cut(text);
        let found: Vec<&str> = words.iter().collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn identifiers_are_kept_whole_and_by_part() {
        check("getUserToken", &["getusertoken", "get", "user", "token"]);
        check("user_token", &["user_token", "user", "token"]);
        check("HTTPServer", &["httpserver"]);
        check("parseHTTPResponse", &["parsehttpresponse", "parse", "http", "response"]);
        check("__init__", &["__init__", "init"]);
    }

    #[test]
    fn paths_codes_and_hashes_are_cut_at_their_marks() {
        check("src/main.rs:42", &["src", "main", "rs", "42"]);
        check("error[E0308]: 3f2a", &["error", "e0308", "3f2a"]);
        check("the the THE", &["the"]);
    }

    #[test]
    fn cjk_is_given_in_pairs_and_other_scripts_in_words() {
        check("漢字検索", &["漢字", "字検", "検索", "索"]);
        check("Grüße, 世界 🦀", &["grüße", "世界", "界", "🦀"]);
        check("Привет", &["привет"]);
        check("naïve_café", &["naïve_café"]);
    }

    #[test]
    fn query_terms_are_whole_words() {
        assert_eq!(query_words("getUserToken"), ["getusertoken"]);
        assert_eq!(query_words("src/main.rs"), ["src", "main", "rs"]);
        assert_eq!(query_words("漢字検索"), ["漢字", "字検", "検索"]);
        assert_eq!(query_words("漢"), ["漢"]);
        assert_eq!(query_words(&"x".repeat(500)), ["x".repeat(MAX_WORD)]);
    }
}

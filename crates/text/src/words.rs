//! Words of a text, as the index keeps them.
//!
//! A word is a run of letters, digits and `_`. Identifiers are found whole and by part: `getUserToken` gives
//! itself, `get`, `user` and `token`. CJK text gives pairs of characters. All words are in lower case.

/// Longer words are cut: nobody types them, and a query is cut alike and then compared with the text.
pub const MAX_WORD: usize = 96;

/// Cuts texts into words; keeps its buffers from one text to the next.
#[derive(Clone, Default)]
pub struct Words {
    /// The text in lower case, with more behind it where lower case takes other bytes, and zeros at the end.
    lower: String,
    ranges: Vec<(u32, u32)>,
}

/// Which of 64 bytes are what, a bit each.
#[derive(Default)]
struct Classes {
    /// Letters, digits, `_`, and everything beyond ASCII.
    word: u64,
    wide: u64,
    underscore: u64,
    upper: u64,
    lower: u64,
}

impl Classes {
    /// No branch depends on a byte: where words end can't be foretold, and guessing costs more than looking.
    fn of(bytes: &[u8; BLOCK]) -> Self {
        let lower = mask(bytes, |byte| byte.is_ascii_lowercase());
        let upper = mask(bytes, |byte| byte.is_ascii_uppercase());
        let digit = mask(bytes, |byte| byte.is_ascii_digit());
        let underscore = mask(bytes, |byte| byte == b'_');
        let wide = mask(bytes, |byte| byte >= 0x80);
        Classes { word: lower | upper | digit | underscore | wide, wide, underscore, upper, lower }
    }
}

/// Bytes that are looked at together.
const BLOCK: usize = 64;

fn mask(bytes: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(bytes) {
        *flag = u8::from(is(*byte));
    }
    let (eights, _) = flags.as_chunks::<8>();
    // Gathers the lowest bit of each of eight bytes in the highest byte.
    let gather = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |mask, eight| mask << 8 | gather(eight))
}

impl Words {
    /// Cuts a text; the words are then in [`Words::iter`].
    pub fn cut(&mut self, text: &str) {
        self.lower.clear();
        self.lower.push_str(text);
        self.lower.make_ascii_lowercase();
        self.ranges.clear();
        let bytes = text.as_bytes();
        let mut run = Run::default();
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        // Behind the text there is a separator at least, which ends the last run.
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let mut before = Classes::default();
        for (n, block) in blocks.iter().chain([&last]).enumerate() {
            let (base, classes) = (n * BLOCK, Classes::of(block));
            // `user_token` has a joint, `userToken` a hump, `Token` and `TOKEN` neither.
            let joints = classes.underscore | classes.upper & (classes.lower << 1 | before.lower >> 63);
            let mut edges = classes.word ^ (classes.word << 1 | before.word >> 63);
            while edges != 0 {
                let at = edges.trailing_zeros();
                edges &= edges - 1;
                let below = (1u64 << at) - 1;
                if run.is_open {
                    run.look(base, classes.wide & below, joints & below);
                    self.run(text, &run, base + at as usize);
                }
                run = Run { is_open: !run.is_open, start: base + at as usize, ..Run::default() };
            }
            if run.is_open {
                run.look(base, classes.wide, joints);
            }
            before = classes;
        }
        self.lower.push_str("\0\0\0\0\0\0\0\0");
    }

    fn run(&mut self, text: &str, run: &Run, end: usize) {
        if run.is_wide {
            return self.wide_run(&text[run.start..end]);
        }
        self.push(run.start, end);
        if run.has_joints && end - run.start <= MAX_WORD {
            self.parts(text.as_bytes(), run.start, end);
        }
    }

    /// The words of the text cut last, in order, a repeated one as often as it stands.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ranges.iter().map(|(start, end)| &self.lower[*start as usize..*end as usize])
    }

    /// The same words, each as a place in [`Words::bytes`].
    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// What the words are cut from. There are eight bytes at least from where a word begins.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.lower.as_bytes()
    }

    fn parts(&mut self, bytes: &[u8], start: usize, end: usize) {
        let mut part = start;
        for at in start..=end {
            let byte = if at < end { bytes[at] } else { b'_' };
            let is_hump = byte.is_ascii_uppercase()
                && at > part
                && (!bytes[at - 1].is_ascii_uppercase()
                    || (at + 1 < end && bytes[at + 1].is_ascii_lowercase()));
            if byte == b'_' || is_hump {
                if at - part >= 2 && (part, at) != (start, end) {
                    self.push(part, at);
                }
                part = if byte == b'_' { at + 1 } else { at };
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
        self.ranges.push((start as u32, end as u32));
    }
}

/// Bytes of words, one after the other, that is being gone through.
#[derive(Default)]
struct Run {
    is_open: bool,
    start: usize,
    is_wide: bool,
    has_joints: bool,
}

impl Run {
    /// Notes what stands in a block from the run's start on.
    fn look(&mut self, base: usize, wide: u64, joints: u64) {
        let from = !0u64 << self.start.saturating_sub(base).min(BLOCK - 1);
        self.is_wide |= wide & from != 0;
        self.has_joints |= joints & from != 0;
    }
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
    let is_separator = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_';
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
        check("the the THE", &["the", "the", "the"]);
    }

    #[test]
    fn cjk_is_given_in_pairs_and_other_scripts_in_words() {
        check("漢字検索", &["漢字", "字検", "検索", "索"]);
        check("Grüße, 世界 🦀", &["grüße", "世界", "界", "🦀"]);
        check("Привет", &["привет"]);
        check("naïve_café", &["naïve_café"]);
    }

    /// The same, a character at a time.
    fn plain(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
        for run in text.split(|c| !is_word(c)).filter(|run| !run.is_empty()) {
            if !run.is_ascii() {
                let mut words = Words::default();
                words.wide_run(run);
                out.extend(words.iter().map(str::to_owned));
                continue;
            }
            out.push(run[..run.len().min(MAX_WORD)].to_lowercase());
            let has_hump = run
                .as_bytes()
                .windows(2)
                .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
            if run.len() <= MAX_WORD && (has_hump || run.contains('_')) {
                let mut words = Words { lower: run.to_lowercase(), ranges: Vec::new() };
                words.parts(run.as_bytes(), 0, run.len());
                out.extend(words.iter().map(str::to_owned));
            }
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn blocks_of_a_text_make_no_difference(text in "([a-zA-Z0-9_é漢🦀]{1,70}|[ -~]{0,80}|aB|\\n){0,12}") {
            let mut words = Words::default();
            words.cut(&text);
            let found: Vec<String> = words.iter().map(str::to_owned).collect();
            proptest::prop_assert_eq!(found, plain(&text));
        }
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

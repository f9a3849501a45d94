//! Texts that stand in known places, and in no others.

use super::random::Random;

/// A text to be found.
pub(super) struct Needle {
    pub text: String,
    pub class: &'static str,
    /// How often it is planted.
    pub plantings: u64,
}

/// Returns the needles of a corpus of so many bytes.
///
/// The classes and their spellings are those of the benchmark corpus that Marline is compared on, so that one
/// checker of the truth serves both.
pub(super) fn needles(seed: u64, bytes: u64) -> Vec<Needle> {
    let mut random = Random::new(seed, 2);
    // A small corpus has no room for a thousand plantings.
    let most = (bytes / 25_000).max(1);
    let mut list = Vec::new();
    let mut add = |text: String, class, plantings: u64| {
        list.push(Needle { text, class, plantings: plantings.min(most) });
    };
    for (class, count, plantings) in
        [("once", 40, 1), ("ten", 20, 10), ("hundred", 10, 100), ("thousand", 4, 1000)]
    {
        for _ in 0..count {
            add(format!("zq{}", random.hex(11)), class, plantings);
        }
    }
    for _ in 0..10 {
        let (one, two) = (format!("vx{}", random.hex(7)), format!("wy{}", random.hex(7)));
        add(format!("{one} {two}"), "phrase", 20);
        add(format!("{two} {one}"), "phrase_decoy", 20);
    }
    for _ in 0..10 {
        add(format!("prefixZj{}Suffix", random.hex(9)), "inside_word", 5);
        add(format!("kj{}_{}_{}", random.hex(8), random.hex(4), random.hex(4)), "snake_case", 5);
        add(format!("say \"kq{}\" twice", random.hex(9)), "json_quote", 3);
        add(format!("D:\\kb{}\\logs", random.hex(9)), "json_backslash", 3);
        add(format!("ñandú{}", random.hex(9)), "non_ascii", 3);
        add(format!("針{}探索", random.hex(7)), "cjk", 3);
        add(format!("src/kp{}/main.rs", random.hex(9)), "path", 5);
    }
    list
}

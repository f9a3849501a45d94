//! Segments against plain scans of the same texts.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use marline_text::{Deleted, Doc, Inverter, Segment, Wanted, Words, merge};
use proptest::prelude::*;

const VOCABULARY: [&str; 24] = [
    "token",
    "tokens",
    "tokn",
    "getUserToken",
    "user_token",
    "main.rs",
    "src/main.rs:42",
    "E0308",
    "漢字検索",
    "世界",
    "Grüße",
    "café",
    "cafe",
    "a",
    "ab",
    "abc",
    "abcd",
    "abcdefgh",
    "abdcefgh",
    "the",
    "THE",
    "🦀",
    "0123456789abcdef",
    "x_y_z",
];

fn doc(session: u32, seq: usize) -> Doc {
    Doc { session, seq: seq as u32, at: 1_700_000_000_000 + seq as i64, tool: 3, kind: 2 }
}

fn words_of(text: &str) -> BTreeSet<String> {
    let mut words = Words::default();
    words.cut(text);
    words.iter().map(str::to_owned).collect()
}

/// Writes the texts, the number of each as its seq.
fn write(texts: &[String], path: &Path) -> Segment {
    let mut inverter = Inverter::default();
    for (number, text) in texts.iter().enumerate() {
        inverter.add(doc(number as u32 % 5, number), text);
    }
    inverter.write(path).unwrap();
    assert!(inverter.is_empty());
    Segment::open(path).unwrap()
}

fn scan(texts: &[String], is_wanted: impl Fn(&str) -> bool) -> Vec<u32> {
    let holds = |text: &String| words_of(text).iter().any(|word| is_wanted(word));
    (0u32..).zip(texts).filter(|(_, text)| holds(text)).map(|(number, _)| number).collect()
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = proptest::collection::vec(
        prop_oneof![4 => proptest::sample::select(&VOCABULARY[..]).prop_map(str::to_owned), 1 => "[a-z]{1,12}"],
        0..12,
    );
    proptest::collection::vec(text.prop_map(|words| words.join(" ")), 0..120)
}

fn check(segment: &Segment, texts: &[String]) {
    let all: BTreeSet<String> = texts.iter().flat_map(|text| words_of(text)).collect();
    for word in all.iter().map(String::as_str).chain(["nowhere", "zzzz"]) {
        assert_eq!(
            segment.numbers_with(&Wanted::Word(word)).unwrap(),
            scan(texts, |found| found == word),
            "{word}"
        );
    }
    for part in ["tok", "a", "ab", "漢", "main", "z"] {
        let start = segment.numbers_with(&Wanted::Start(part)).unwrap();
        assert_eq!(start, scan(texts, |found| found.starts_with(part)), "{part}*");
        let inside = segment.numbers_with(&Wanted::Inside(part)).unwrap();
        assert_eq!(inside, scan(texts, |found| found.contains(part)), "*{part}*");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_segment_answers_as_a_scan_does(texts in texts()) {
        let dir = tempfile::tempdir().unwrap();
        let segment = write(&texts, &dir.path().join("1.words"));
        check(&segment, &texts);
        let docs: Vec<Doc> = segment.docs(0..segment.len()).map(|doc| doc.unwrap().1).collect();
        let expected: Vec<Doc> = (0..texts.len()).map(|number| doc(number as u32 % 5, number)).collect();
        prop_assert_eq!(docs, expected);
    }

    #[test]
    fn merging_keeps_what_is_not_gone(parts in proptest::collection::vec(texts(), 1..4), gone in 1u32..5) {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = Vec::new();
        let mut kept = Vec::new();
        for (n, texts) in parts.iter().enumerate() {
            let segment = write(texts, &dir.path().join(format!("{n}.words")));
            let mut deleted = Deleted::default();
            for (number, text) in texts.iter().enumerate() {
                if number as u32 % 5 == gone {
                    deleted.insert(number as u32);
                } else {
                    kept.push(text.clone());
                }
            }
            segments.push((segment, deleted));
        }
        let path = dir.path().join("all.words");
        let (count, size) = merge(&segments, &path).unwrap();
        prop_assert_eq!(count as usize, kept.len());
        prop_assert_eq!(size, std::fs::metadata(&path).unwrap().len());
        check(&Segment::open(&path).unwrap(), &kept);
    }

    #[test]
    fn a_damaged_segment_gives_an_error_or_an_answer_never_a_panic(
        texts in texts(),
        place in any::<prop::sample::Index>(),
        byte in 1u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.words");
        write(&texts, &path);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[place.index(whole.len())] ^= byte;
        for bytes in [&flipped[..], &whole[..cut.index(whole.len())]] {
            std::fs::write(&path, bytes).unwrap();
            let Ok(segment) = Segment::open(&path) else { continue };
            for wanted in [Wanted::Word("token"), Wanted::Start("a"), Wanted::Inside("b"), Wanted::Close("tokem", 1)] {
                let _ = segment.numbers_with(&wanted);
            }
            let _ = merge(&[(segment, Deleted::default())], &dir.path().join("2.words"));
        }
    }
}

#[test]
fn close_spellings_are_found_across_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..3000).map(|n| format!("word{n:05} tokenizer{n}")).collect();
    let segment = write(&texts, &dir.path().join("1.words"));
    assert_eq!(segment.numbers_with(&Wanted::Close("wrod01234", 1)).unwrap(), [1234]);
    assert_eq!(segment.numbers_with(&Wanted::Inside("rd0123")).unwrap(), (1230..1240).collect::<Vec<_>>());
    assert_eq!(segment.numbers_with(&Wanted::Start("word02")).unwrap(), (2000..3000).collect::<Vec<_>>());
}

#[test]
fn an_unfinished_file_is_no_segment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.words");
    assert_eq!(Segment::open(&path).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    std::fs::write(&path, "marline2").unwrap();
    assert_eq!(Segment::open(&path).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}

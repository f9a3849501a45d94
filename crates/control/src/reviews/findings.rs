//! Reading what a reviewer says: findings out of fenced JSON, the rest as text.
//!
//! A model was asked for a form and gives what it gives: no block, several, one that is cut off, words where numbers belong.
//! All of it is read as far as it makes sense, nothing fails, and time and memory are bounded by the text's length.

use marline_store::reviews::{Finding, Severity};
use serde_json::Value;

/// Findings beyond this are counted and left out.
const MOST_FINDINGS: usize = 200;
/// The text of one finding, in bytes.
const LONGEST_FINDING: usize = 8 << 10;
/// The name of a file, in bytes.
const LONGEST_FILE: usize = 1_000;
/// What else was said, in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// What a reviewer said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Everything but the findings.
    pub text: String,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// There was a list of findings, be it an empty one.
    pub is_structured: bool,
}

/// Reads an answer.
pub fn parse(answer: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut left_out = 0;
    let mut take = |found: Vec<Finding>, parsed: &mut Parsed| {
        parsed.is_structured = true;
        for finding in found {
            if parsed.findings.len() == MOST_FINDINGS {
                left_out += 1;
            } else if !parsed.findings.contains(&finding) {
                parsed.findings.push(finding);
            }
        }
    };
    match list(answer.trim()) {
        // Nothing but JSON, and without a fence.
        Some(found) => take(found, &mut parsed),
        None => {
            for piece in pieces(answer) {
                let found = if piece.may_be_json() { list(piece.inside.trim()) } else { None };
                match found {
                    Some(found) => take(found, &mut parsed),
                    None => parsed.text.push_str(piece.whole),
                }
            }
        }
    }
    parsed.text = cut(parsed.text.trim(), LONGEST_TEXT);
    if left_out > 0 {
        parsed.text += &format!("\n\n[{left_out} more findings were left out.]");
    }
    // Those of a kind stay in the reviewer's order.
    parsed.findings.sort_by_key(|finding| finding.severity);
    parsed
}

/// A fenced block, or what stands between two.
struct Piece<'a> {
    whole: &'a str,
    inside: &'a str,
    /// The word behind the fence; nothing: it is no block.
    info: Option<&'a str>,
}

impl Piece<'_> {
    fn may_be_json(&self) -> bool {
        let Some(info) = self.info else { return false };
        let word = info.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        matches!(word.as_str(), "" | "json" | "jsonc" | "json5" | "findings" | "text")
    }
}

/// Takes a text apart at its fences; put together, the pieces are the text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    // Where the block's inside begins, its fence, and the word behind that.
    let mut open: Option<(usize, &str, &str)> = None;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        let bare = line.trim();
        let fence = fence_of(bare);
        match open {
            None if fence.is_some() => {
                let fence = fence.unwrap_or_default();
                pieces.push(Piece { whole: &text[start..at], inside: "", info: None });
                (start, open) = (at, Some((end, fence, &bare[fence.len()..])));
            }
            Some((inside, begun, info))
                if fence.is_some_and(|fence| fence.starts_with(begun) && fence.len() == bare.len()) =>
            {
                pieces.push(Piece {
                    whole: &text[start..end],
                    inside: &text[inside..at],
                    info: Some(info.trim()),
                });
                (start, open) = (end, None);
            }
            _ => {}
        }
        at = end;
    }
    let rest = &text[start..];
    pieces.push(match open {
        // Cut off in the middle of its block.
        Some((inside, _, info)) => Piece { whole: rest, inside: &text[inside..], info: Some(info.trim()) },
        None => Piece { whole: rest, inside: "", info: None },
    });
    pieces
}

/// The fence that a line begins with.
fn fence_of(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    (length >= 3).then(|| &line[..length])
}

/// The findings of a text that is a list of them, or an object that holds one. What of it can't be read is left out.
fn list(text: &str) -> Option<Vec<Finding>> {
    if text.starts_with('{') {
        let value: Value = serde_json::from_str(text).ok()?;
        let inner = ["findings", "issues", "comments"].iter().find_map(|name| value.get(name)?.as_array());
        return match inner {
            Some(all) => Some(all.iter().filter_map(finding).collect()),
            None => finding(&value).filter(|_| value.get("severity").is_some()).map(|one| vec![one]),
        };
    }
    let mut rest = text.strip_prefix('[')?;
    let mut found = Vec::new();
    let mut is_any = false;
    loop {
        // Commas too many, and one behind the last, are common.
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        if rest.is_empty() || rest.starts_with(']') {
            // An empty list says that there is nothing; a list of other things is no list of findings.
            return (!found.is_empty() || (!is_any && rest.starts_with(']'))).then_some(found);
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else {
            return (!found.is_empty()).then_some(found);
        };
        is_any = true;
        found.extend(finding(&value));
        rest = &rest[values.byte_offset()..];
    }
}

fn finding(value: &Value) -> Option<Finding> {
    let word = |names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name)?.as_str());
        found.map(str::trim).filter(|word| !word.is_empty())
    };
    let text = word(&["text", "message", "description", "body", "comment", "title", "finding"])?;
    let mut line =
        ["line", "lineNumber", "line_number", "startLine"].iter().find_map(|name| number(value.get(name)?));
    let mut file = word(&["file", "path", "filename", "filePath"]);
    // `src/a.rs:12` says both.
    if let Some((name, digits)) = file.and_then(|file| file.rsplit_once(':'))
        && !name.is_empty()
        && let Some(said) = first_number(digits)
    {
        file = Some(name);
        line = line.or(Some(said));
    }
    Some(Finding {
        severity: severity(word(&["severity", "level", "priority", "type"]).unwrap_or_default()),
        file: file.map(|file| cut(file, LONGEST_FILE)),
        line,
        text: cut(text, LONGEST_FINDING),
    })
}

/// What other words for it mean; what is none is something that could be better.
fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "critical" | "blocker" | "fatal" | "severe" | "p0" => Severity::Critical,
        "major" | "high" | "error" | "bug" | "p1" => Severity::Major,
        "note" | "info" | "information" | "nit" | "suggestion" | "trivial" | "question" | "p3" => {
            Severity::Note
        }
        _ => Severity::Minor,
    }
}

/// A line's number, as a number or as words.
fn number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 1.0 && *n < 1e9).map(|n| n as u64))
        }
        Value::String(words) => first_number(words),
        Value::Array(all) => number(all.first().filter(|first| !first.is_array())?),
        _ => None,
    };
    number.filter(|line| *line > 0)
}

/// `12`, `L12`, `12-15`.
fn first_number(words: &str) -> Option<u64> {
    let digits = words.trim().trim_start_matches(['L', 'l']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|line| *line > 0)
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most);
    format!("{}… [{} bytes were left out]", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(answer: &str) -> Vec<String> {
        let place = |finding: &Finding| {
            let file = finding.file.clone().unwrap_or_default();
            finding.line.map_or(file.clone(), |line| format!("{file}:{line}"))
        };
        let parsed = parse(answer);
        let line = |one: &Finding| format!("{} {} {}", one.severity.as_str(), place(one), one.text);
        parsed.findings.iter().map(line).collect()
    }

    #[test]
    fn a_block_is_read_and_the_rest_is_text() {
        let answer = "Mostly fine.\n\n```json\n[{\"severity\": \"minor\", \"text\": \"Names\"},\n {\"severity\": \"critical\", \"file\": \"src/a.rs\", \"line\": 7, \"text\": \"Loses data\"}]\n```\nThat is all.";
        let parsed = parse(answer);
        assert_eq!(told(answer), ["critical src/a.rs:7 Loses data", "minor  Names"]);
        assert_eq!(parsed.text, "Mostly fine.\n\nThat is all.");
        assert!(parsed.is_structured);
    }

    #[test]
    fn other_shapes_are_read_as_far_as_they_make_sense() {
        let cases: [(&str, &[&str]); 12] = [
            ("[]", &[]),
            ("```\n{\"findings\": [{\"message\": \"x\", \"path\": \"a.rs:3\"}]}\n```", &["minor a.rs:3 x"]),
            (
                "~~~json\n[{\"level\": \"HIGH\", \"line\": \"L12-15\", \"text\": \"x\"},]\n~~~",
                &["major :12 x"],
            ),
            // Cut off.
            ("```json\n[{\"text\": \"one\"}, {\"text\": \"tw", &["minor  one"]),
            // Two blocks, one finding in both.
            (
                "```json\n[{\"text\": \"one\"}]\n```\n```json\n[{\"text\": \"one\"}, {\"text\": \"two\"}]\n```",
                &["minor  one", "minor  two"],
            ),
            // Nonsense among sense.
            ("[1, null, {\"text\": \"\"}, {\"text\": \"x\", \"line\": -4, \"file\": 7}]", &["minor  x"]),
            ("```json\n[{\"text\": \"x\", \"line\": 1e99}]\n```", &["minor  x"]),
            ("```json\n[{\"text\": \"x\", \"line\": [4, 9]}]\n```", &["minor :4 x"]),
            ("{\"severity\": \"nit\", \"text\": \"x\"}", &["note  x"]),
            // A name with a colon, and a drive.
            ("[{\"text\": \"x\", \"file\": \"C:\\\\a.rs\"}]", &["minor C:\\a.rs x"]),
            // No findings: a block of something else.
            ("```rust\n[1]\n```", &[]),
            ("Fine as it is.", &[]),
        ];
        for (answer, wanted) in cases {
            assert_eq!(told(answer), wanted, "{answer}");
        }
        assert!(parse("[]").is_structured && parse("```json\n[]\n```").is_structured);
        for none in
            ["Fine as it is.", "```rust\n[1]\n```", "```json\n[1, 2]\n```", "```json\n{\"a\": 1}\n```", ""]
        {
            let parsed = parse(none);
            assert!(!parsed.is_structured);
            assert_eq!(parsed.text, none, "what is no findings is text");
        }
    }

    #[test]
    fn ten_megabytes_of_anything_are_read_in_bounds() {
        let size = 10 << 20;
        let one = "{\"severity\":\"major\",\"text\":\"x\"},";
        let seeds = [
            "[",
            "```json\n[",
            "```\n",
            "{\"text\":\"x\"},",
            "a",
            "\"",
            "[{\"text\":\"",
            "`",
            "~~~\n[]\n~~~\n",
            one,
        ];
        for (number, seed) in seeds.iter().enumerate() {
            let repeated = seed.repeat(size / seed.len());
            // In a block and outside of one, in turn.
            let text = if number % 2 == 0 { repeated } else { format!("```json\n[{repeated}") };
            let parsed = parse(&text);
            assert!(parsed.findings.len() <= MOST_FINDINGS);
            assert!(parsed.text.len() <= LONGEST_TEXT + 200, "{seed}: {}", parsed.text.len());
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_read(answer in any::<String>()) {
            parse(&answer);
        }

        #[test]
        fn what_looks_like_findings_is_read(parts in proptest::collection::vec(
            prop_oneof![
                Just("```json\n"), Just("```\n"), Just("~~~\n"), Just("["), Just("]"), Just("{"), Just("}"), Just(","),
                Just("\"text\": \"t\""), Just("\"line\": 3"), Just("\"line\": \"x\""), Just("\"file\": \"ä:9\""),
                Just("\n"), Just("\""), Just("é"), Just("{\"text\": \"whole\"}"),
            ], 0..40)) {
            let parsed = parse(&parts.concat());
            prop_assert!(parsed.findings.iter().all(|one| !one.text.is_empty() && one.line != Some(0)));
            prop_assert!(parsed.is_structured || parsed.findings.is_empty());
        }

        #[test]
        fn what_was_found_comes_back(found in proptest::collection::vec(
            ("[a-zA-Zäß \"\\\\`]{1,40}", proptest::option::of("[a-z/.]{1,20}"), proptest::option::of(1..100_000u64)), 0..20)) {
            let json: Vec<Value> = found.iter().map(|(text, file, line)| {
                serde_json::json!({"severity": "major", "text": text, "file": file, "line": line})
            }).collect();
            let answer = format!("Before.\n```json\n{}\n```\nAfter.", serde_json::to_string_pretty(&json).unwrap());
            let parsed = parse(&answer);
            prop_assert_eq!(&parsed.text, "Before.\nAfter.");
            let mut wanted: Vec<(String, Option<String>, Option<u64>)> = Vec::new();
            for (text, file, line) in &found {
                let one = (text.trim().to_owned(), file.clone(), *line);
                if !one.0.is_empty() && !wanted.contains(&one) {
                    wanted.push(one);
                }
            }
            let got: Vec<_> = parsed.findings.into_iter().map(|one| (one.text, one.file, one.line)).collect();
            prop_assert_eq!(got, wanted);
        }
    }
}

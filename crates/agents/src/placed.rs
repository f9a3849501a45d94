//! Where in their files changes took place, as far as an agent's record of the outcome says it.
//!
//! A call says which words become which; at which line they stand is told, if at all, by what came of it: Claude Code
//! writes `structuredPatch`, Gemini CLI and Qwen Code `fileDiff`, OpenCode `diff`, Codex `unified_diff`, the last three
//! in the words of `diff -u`. They are looked for anywhere in a record, as pictures are, and believed only where they
//! change just the lines that the call changes.

use serde_json::Value;

use crate::action::{Action, DiffLine, DiffOp, Hunk};

/// Larger records are not looked into.
const MAX_RECORD: usize = 4 << 20;
/// What stands in a record that tells where a change took place.
const SIGNS: [&str; 4] = ["structuredPatch", "fileDiff", "unified_diff", "\"diff\""];

/// The places of one file's change.
pub type Places = Vec<Hunk>;

/// Reads the places that a record tells, a list for each file.
pub fn places(record: &[u8]) -> Vec<Places> {
    let mut out = Vec::new();
    let has_sign = SIGNS.iter().any(|sign| memchr::memmem::find(record, sign.as_bytes()).is_some());
    if has_sign
        && record.len() <= MAX_RECORD
        && let Ok(value) = serde_json::from_slice::<Value>(record)
    {
        collect(&value, &mut out);
    }
    out
}

/// Gives an edit's files the places that the record of its outcome tells.
pub fn place(action: &mut Action, known: &[Places]) {
    let Action::Edit { files } = action else { return };
    for file in files.iter_mut().filter(|file| !file.truncated) {
        let same = known.iter().find(|places| changed(places).eq(changed(&file.hunks)));
        if let Some(places) = same.filter(|places| !places.is_empty()) {
            file.hunks.clone_from(places);
        }
    }
}

/// The lines that a change puts in or takes away, without those around them.
fn changed(hunks: &[Hunk]) -> impl Iterator<Item = &DiffLine> {
    hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.op != DiffOp::Keep)
}

fn collect(value: &Value, out: &mut Vec<Places>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("structuredPatch", Value::Array(hunks)) => {
                        out.extend(hunks.iter().map(structured).collect::<Option<Places>>());
                    }
                    ("fileDiff" | "unified_diff" | "diff", Value::String(text)) => out.extend(unified(text)),
                    _ => collect(value, out),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, out)),
        _ => {}
    }
}

fn structured(hunk: &Value) -> Option<Hunk> {
    let start = |name| usize::try_from(hunk.get(name)?.as_u64()?).ok();
    let lines = hunk.get("lines")?.as_array()?;
    Some(Hunk {
        old_start: start("oldStart")?,
        new_start: start("newStart")?,
        lines: lines.iter().filter_map(|line| signed(line.as_str()?)).collect(),
    })
}

/// A line with its sign; `None`: it is a remark, such as that the last line has no end.
fn signed(line: &str) -> Option<DiffLine> {
    let op = match line.chars().next() {
        Some('+') => DiffOp::Add,
        Some('-') => DiffOp::Remove,
        Some(' ') => DiffOp::Keep,
        _ => return None,
    };
    Some(DiffLine { op, text: line[1..].trim_end_matches('\r').to_owned() })
}

/// Reads what `diff -u` writes of one file.
fn unified(text: &str) -> Option<Places> {
    let mut out = Places::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("@@ -") {
            let (old, rest) = rest.split_once(" +")?;
            let new = rest.split_once(" @@")?.0;
            let start = |range: &str| range.split(',').next()?.parse().ok();
            out.push(Hunk { old_start: start(old)?, new_start: start(new)?, lines: Vec::new() });
        } else if let Some(hunk) = out.last_mut() {
            hunk.lines.extend(signed(line));
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(action: &Action) -> Vec<(usize, usize)> {
        let Action::Edit { files } = action else { panic!("{action:?}") };
        files.iter().flat_map(|file| &file.hunks).map(|hunk| (hunk.old_start, hunk.new_start)).collect()
    }

    #[test]
    fn an_edit_gets_the_lines_that_its_outcome_tells() {
        let input = r#"{"file_path":"a.rs","old_string":"one\ntwo","new_string":"one\n2"}"#;
        let records = [
            r#"{"toolUseResult":{"structuredPatch":[{"oldStart":7,"oldLines":3,"newStart":8,"newLines":3,
                "lines":[" zero"," one","-two","+2"]}]}}"#,
            r#"{"resultDisplay":{"fileDiff":"Index: a.rs\n--- a.rs\n+++ a.rs\n@@ -7,3 +8,3 @@ fn\n one\n-two\n+2\n"}}"#,
        ];
        for record in records {
            let mut action = Action::of("Edit", input);
            assert_eq!(starts(&action), [(0, 0)], "not known from the call alone");
            place(&mut action, &places(record.as_bytes()));
            assert_eq!(starts(&action), [(7, 8)]);
        }
    }

    #[test]
    fn what_tells_of_another_change_is_not_believed() {
        let mut action = Action::of("Edit", r#"{"file_path":"a","old_string":"one","new_string":"1"}"#);
        for record in [
            r#"{"diff":"@@ -7,3 +8,3 @@\n-one\n+2\n"}"#,
            r#"{"diff":"@@ -x +y @@\n-one\n+1"}"#,
            r#"{"structuredPatch":[]}"#,
            r#"{"structuredPatch":[{"lines":3}]}"#,
            "\"diff\" and no JSON",
        ] {
            place(&mut action, &places(record.as_bytes()));
            assert_eq!(starts(&action), [(0, 0)], "{record}");
        }
    }
}

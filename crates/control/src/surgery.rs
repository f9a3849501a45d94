//! Forks of transcripts whose agent has no way to fork without a prompt: a copy up to a place, under a new id.
//!
//! Records are taken byte for byte but for the field that names the session, as Claude Code does in its own forks
//! (2.1.329: the same `uuid`s under another `sessionId`), and for one more that names the origin (`forkedFrom`, as Qwen Code
//! and some releases of Claude Code write it): a fork without a word of its own could not be told from its origin else.

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

/// Records of Claude Code that its own forks leave behind.
const LEFT: [&str; 8] = [
    "api-request",
    "api-request-shape",
    "api-request-blob",
    "cost-state",
    "queue-operation",
    "last-prompt",
    "custom-title",
    "agent-name",
];

/// Copies the records before a byte offset, each under a new session id.
pub fn copy(file: &Path, until: Option<u64>, old: &str, new: &str) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(std::fs::File::open(file)?);
    let (mut at, mut line, mut out) = (0, Vec::new(), Vec::new());
    while until.is_none_or(|until| at < until) {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        // A last record without an end is being written.
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        at += read as u64;
        let kind = field(&line, "type").map(|range| &line[range]);
        let is_left = kind.is_some_and(|kind| LEFT.iter().any(|left| kind == format!("{left:?}").as_bytes()));
        if is_left {
            continue;
        }
        match field(&line, "sessionId") {
            Some(range) if line[range.clone()] == *format!("{old:?}").as_bytes() => {
                out.extend_from_slice(&line[..range.start]);
                out.extend_from_slice(format!("{new:?}").as_bytes());
                // As both agents name the origin where they name it.
                if let Some(uuid) = field(&line, "uuid") {
                    out.extend_from_slice(
                        format!(r#","forkedFrom":{{"sessionId":{old:?},"messageUuid":"#).as_bytes(),
                    );
                    out.extend_from_slice(&line[uuid]);
                    out.push(b'}');
                }
                out.extend_from_slice(&line[range.end..]);
            }
            _ => out.extend_from_slice(&line),
        }
    }
    Ok(out)
}

/// Where the value of a field of a JSON object stands, if it is a text: fields of objects inside are not looked at.
fn field(line: &[u8], name: &str) -> Option<std::ops::Range<usize>> {
    let (mut depth, mut at) = (0, 0);
    // The text that a colon may follow.
    let mut key: Option<std::ops::Range<usize>> = None;
    let mut is_value = false;
    while at < line.len() {
        match line[at] {
            b'"' => {
                let begin = at;
                at += 1;
                while at < line.len() && line[at] != b'"' {
                    at += if line[at] == b'\\' { 2 } else { 1 };
                }
                let text = begin..(at + 1).min(line.len());
                let is_named = key.take().is_some_and(|key| line[key] == *format!("{name:?}").as_bytes());
                if depth == 1 && is_value && is_named {
                    return Some(text);
                }
                key = Some(text);
                is_value = false;
            }
            b':' => is_value = true,
            b'{' | b'[' => {
                depth += 1;
                (key, is_value) = (None, false);
            }
            b'}' | b']' => {
                depth -= 1;
                (key, is_value) = (None, false);
            }
            b',' => (key, is_value) = (None, false),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_at_the_top_alone() {
        let line = br#"{"a":{"sessionId":"no"},"b":["sessionId","x"],"c":"sessionId","d":"\"sessionId\":\"no\"","sessionId" : "yes","e":1}"#;
        let range = field(line, "sessionId").unwrap();
        assert_eq!(&line[range], br#""yes""#);
        assert_eq!(field(br#"{"sessionId":7}"#, "sessionId"), None);
        assert_eq!(field(b"not json \"", "sessionId"), None);
    }

    #[test]
    fn records_are_copied_byte_for_byte_under_a_new_id() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.jsonl");
        let first = r#"{"type":"user","n":123456789012345678901234567890, "sessionId":"old","t":"old"}"#;
        let text = format!(
            "{first}\n{{\"type\":\"cost-state\",\"sessionId\":\"old\"}}\n{{\"type\":\"user\",\"sessionId\":\"old\"}}\n{{\"torn"
        );
        std::fs::write(&file, &text).unwrap();
        let copied = copy(&file, None, "old", "new").unwrap();
        let wanted = format!(
            "{}\n{{\"type\":\"user\",\"sessionId\":\"new\"}}\n",
            first.replace("\"sessionId\":\"old\"", "\"sessionId\":\"new\"")
        );
        assert_eq!(String::from_utf8(copied).unwrap(), wanted);
        let until = first.len() as u64 + 1;
        assert_eq!(
            copy(&file, Some(until), "old", "new").unwrap().iter().filter(|byte| **byte == b'\n').count(),
            1
        );
    }
}

//! Forks of transcripts whose agent has no way to fork without a prompt: a copy up to a place, under a new id.
//!
//! Records are taken byte for byte but for the field that names the session, as Claude Code does in its own forks
//! (2.1.329: the same `uuid`s under another `sessionId`), and for one more that names the origin (`forkedFrom`, as Qwen Code
//! and some releases of Claude Code write it): a fork without a word of its own could not be told from its origin else.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ring::digest;
use serde::{Deserialize, Serialize};

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

/// A copy of a transcript's first records, each under a new session id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Copy {
    /// The transcript.
    pub origin: PathBuf,
    /// The end of the last record that is taken, in bytes.
    pub until: u64,
    /// Its session's id.
    pub old: String,
    /// The new session's id.
    pub new: String,
}

/// Length and SHA-256 of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// In bytes.
    pub length: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Sum {
    /// Sums bytes up.
    pub fn of(bytes: &[u8]) -> Sum {
        let mut summing = Summing::new(io::sink());
        summing.digest.update(bytes);
        summing.length = bytes.len() as u64;
        summing.sum()
    }

    /// Reads a file and sums it up.
    pub fn of_file(path: &Path) -> io::Result<Sum> {
        let mut summing = Summing::new(io::sink());
        io::copy(&mut File::open(path)?, &mut summing)?;
        Ok(summing.sum())
    }
}

/// Sums up what passes through.
struct Summing<W> {
    out: W,
    length: u64,
    digest: digest::Context,
}

impl<W: Write> Summing<W> {
    fn new(out: W) -> Self {
        Summing { out, length: 0, digest: digest::Context::new(&digest::SHA256) }
    }

    fn sum(self) -> Sum {
        let digest = self.digest.finish();
        Sum {
            length: self.length,
            sha256: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.digest.update(&bytes[..taken]);
        self.length += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Copy {
    /// Plans a copy of the records that stand before a byte, or of all of them, and says what will be in it. A last
    /// record without an end is being written: it is left out.
    pub fn plan(origin: &Path, until: Option<u64>, old: &str, new: &str) -> io::Result<(Copy, Sum)> {
        let whole = until.unwrap_or(u64::MAX);
        let mut copy =
            Copy { origin: origin.to_owned(), until: whole, old: old.to_owned(), new: new.to_owned() };
        let mut summing = Summing::new(io::sink());
        copy.until = copy.stream(&mut summing)?;
        Ok((copy, summing.sum()))
    }

    /// Writes the copy, and returns what was written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<Sum> {
        let mut summing = Summing::new(out);
        self.stream(&mut summing)?;
        Ok(summing.sum())
    }

    /// Returns how far it read.
    fn stream(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut reader = BufReader::new(File::open(&self.origin)?);
        let (mut at, mut line) = (0, Vec::new());
        while at < self.until {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            at += read as u64;
            self.record(&line, out)?;
        }
        Ok(at)
    }

    fn record(&self, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let kind = field(line, "type").map(|range| &line[range]);
        if kind.is_some_and(|kind| LEFT.iter().any(|left| kind == format!("{left:?}").as_bytes())) {
            return Ok(());
        }
        let own =
            session_id(line).filter(|range| line[range.clone()] == *format!("{:?}", self.old).as_bytes());
        let Some(range) = own else { return out.write_all(line) };
        out.write_all(&line[..range.start])?;
        write!(out, "{:?}", self.new)?;
        // As agents name the origin where they name it. Records of Gemini have no names; its header has none either.
        if let Some(uuid) = field(line, "uuid") {
            write!(out, r#","forkedFrom":{{"sessionId":{:?},"messageUuid":"#, self.old)?;
            out.write_all(&line[uuid])?;
            out.write_all(b"}")?;
        } else if field(line, "projectHash").is_some() {
            write!(out, r#","forkedFrom":{{"sessionId":{:?}}}"#, self.old)?;
        }
        out.write_all(&line[range.end..])
    }
}

/// Where a record names its session: at its top, or among what a record of Gemini sets.
fn session_id(line: &[u8]) -> Option<Range<usize>> {
    const SET: &[u8] = br#"{"$set":"#;
    field(line, "sessionId").or_else(|| {
        let inner = field(line.strip_prefix(SET)?, "sessionId")?;
        Some(inner.start + SET.len()..inner.end + SET.len())
    })
}

/// Where the value of a field of a JSON object stands, if it is a text: fields of objects inside are not looked at.
fn field(line: &[u8], name: &str) -> Option<Range<usize>> {
    let (mut depth, mut at) = (0, 0);
    // The text that a colon may follow.
    let mut key: Option<Range<usize>> = None;
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
        let line = br#"{"$set":{"sessionId":"yes"}}"#;
        assert_eq!(session_id(line).map(|range| &line[range]), Some(&br#""yes""#[..]));
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
        let copied = |until| {
            let (copy, sum) = Copy::plan(&file, until, "old", "new").unwrap();
            let mut bytes = Vec::new();
            assert_eq!(copy.write(&mut bytes).unwrap(), sum);
            assert_eq!(sum.length, bytes.len() as u64);
            String::from_utf8(bytes).unwrap()
        };
        let first_copied = first.replace("\"sessionId\":\"old\"", "\"sessionId\":\"new\"");
        assert_eq!(copied(None), format!("{first_copied}\n{{\"type\":\"user\",\"sessionId\":\"new\"}}\n"));
        assert_eq!(copied(Some(first.len() as u64 + 1)), format!("{first_copied}\n"));
    }
}

//! Cutting files into records, in pieces, never whole.
//!
//! Files are read into one reused buffer that grows only to the longest record: that is the fastest way
//! (a mapping is slower and dies when a file is cut under it), and memory does not follow the file's size.

use std::io::{self, Read};

use crate::json::Raw;

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// A record longer than this is skipped and named: no agent's record comes near it, and memory is bounded.
pub const MAX_RECORD: usize = 64 * 1024 * 1024;

/// What a framer hands out.
#[derive(Debug)]
pub enum Framed<'a> {
    /// One JSON object.
    Record {
        /// Where it starts in the file.
        offset: u64,
        /// The object.
        value: Raw<'a>,
    },
    /// Bytes that are no record.
    Broken {
        /// Where they start in the file.
        offset: u64,
        /// How many.
        length: u64,
        /// Why.
        reason: &'static str,
    },
}

/// Reuses one buffer for many files.
#[derive(Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Hands out the records of a file of lines, starting at `offset`, and returns where the next reading
    /// starts: just past the last complete record.
    ///
    /// A last line without its newline counts when it is a whole object: nothing that is appended later
    /// could make it another one. Several objects on one line are several records; a byte order mark at the
    /// start, blank lines and carriage returns are nothing.
    ///
    /// # Errors
    /// What reading says. Everything handed out before stays valid.
    pub fn lines(
        &mut self,
        input: &mut dyn Read,
        offset: u64,
        each: &mut dyn FnMut(Framed<'_>),
    ) -> io::Result<u64> {
        let buffer = &mut self.buffer;
        buffer.clear();
        // `base` is the file offset of the buffer's first byte; `searched` bytes hold no newline.
        let (mut base, mut searched) = (offset, 0);
        // The line being dropped because it grew too long: where it started.
        let mut dropping: Option<u64> = None;
        loop {
            let filled = buffer.len();
            buffer.resize(filled + PIECE, 0);
            let read = loop {
                match input.read(&mut buffer[filled..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                break;
            }
            let mut start = 0;
            while let Some(n) = memchr::memchr(b'\n', &buffer[searched.max(start)..]) {
                let end = searched.max(start) + n;
                match dropping.take() {
                    Some(offset) => {
                        let length = base + end as u64 - offset;
                        each(Framed::Broken { offset, length, reason: "record too long" });
                    }
                    None => line(&buffer[start..end], base + start as u64, each),
                }
                start = end + 1;
            }
            buffer.drain(..start);
            base += start as u64;
            searched = buffer.len();
            if searched > MAX_RECORD {
                dropping.get_or_insert(base);
                base += searched as u64;
                buffer.clear();
                searched = 0;
            }
            if buffer.is_empty() && buffer.capacity() > 4 * PIECE {
                *buffer = Vec::with_capacity(2 * PIECE);
            }
        }
        if let Some(start) = dropping {
            return Ok(start);
        }
        let rest = std::mem::take(buffer);
        let whole = complete_objects(&rest);
        if whole > 0 {
            line(&rest[..whole], base, each);
        }
        self.buffer = rest;
        Ok(base + whole as u64)
    }

    /// Hands out the elements of the array `messages` of one JSON document, then the document without them
    /// (its other fields, as one record at offset 0).
    ///
    /// # Errors
    /// What reading says. A document that is cut off is reported as broken.
    pub fn document(&mut self, input: &mut dyn Read, each: &mut dyn FnMut(Framed<'_>)) -> io::Result<()> {
        let mut document = Document::default();
        let mut piece = vec![0; PIECE];
        loop {
            let read = match input.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if read == 0 {
                break;
            }
            document.feed(&piece[..read], each);
        }
        document.finish(each);
        Ok(())
    }
}

/// Returns how many bytes at the start are whole objects, with blanks between.
fn complete_objects(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some(start) = bytes[whole..].iter().position(|b| !b.is_ascii_whitespace()) {
        let rest = strip_mark(&bytes[whole + start..]);
        let at = bytes.len() - rest.len();
        match Raw::first(rest) {
            Ok((value, end)) if value.is_object() => whole = at + end,
            _ => break,
        }
    }
    whole
}

fn strip_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Hands out the objects of one line.
fn line(bytes: &[u8], offset: u64, each: &mut dyn FnMut(Framed<'_>)) {
    let mut at = bytes.len() - strip_mark(bytes).len();
    while let Some(n) = bytes[at..].iter().position(|b| !b.is_ascii_whitespace()) {
        at += n;
        let here = offset + at as u64;
        match Raw::first(&bytes[at..]) {
            Ok((value, end)) if value.is_object() => {
                each(Framed::Record { offset: here, value });
                at += end;
            }
            _ => {
                let length = (bytes.len() - at) as u64;
                let nul = bytes[at..].iter().all(|b| *b == 0);
                each(Framed::Broken {
                    offset: here,
                    length,
                    reason: if nul { "NUL bytes" } else { "not JSON" },
                });
                return;
            }
        }
    }
}

/// The array whose elements are records of their own.
const ARRAY: &[u8] = b"messages";

/// Scans one document byte by byte.
#[derive(Default)]
struct Document {
    /// What is kept: the outer fields, or the element being read.
    outer: Vec<u8>,
    element: Vec<u8>,
    element_start: u64,
    /// Bytes seen so far.
    at: u64,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string at depth 1: a key, until its value comes.
    key: Vec<u8>,
    reading_key: bool,
    in_array: bool,
    too_long: bool,
}

impl Document {
    fn feed(&mut self, piece: &[u8], each: &mut dyn FnMut(Framed<'_>)) {
        let mut i = 0;
        while i < piece.len() {
            let byte = piece[i];
            if self.in_string && !self.escaped {
                // Most bytes are inside strings: take them in one go.
                let plain = memchr::memchr2(b'"', b'\\', &piece[i..]).unwrap_or(piece.len() - i);
                if plain > 0 {
                    self.keep(&piece[i..i + plain]);
                    self.at += plain as u64;
                    i += plain;
                    continue;
                }
            }
            self.step(byte, each);
            self.at += 1;
            i += 1;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.reading_key {
            self.key.extend_from_slice(bytes);
        }
        let inside = self.in_array && self.depth >= 3;
        let target = if inside { &mut self.element } else { &mut self.outer };
        if target.len() + bytes.len() > MAX_RECORD {
            self.too_long = true;
        } else {
            target.extend_from_slice(bytes);
        }
    }

    fn step(&mut self, byte: u8, each: &mut dyn FnMut(Framed<'_>)) {
        if self.in_string {
            self.keep(&[byte]);
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_string = false;
                if self.reading_key {
                    self.key.pop();
                    self.reading_key = false;
                }
            }
            return;
        }
        match byte {
            b'"' => {
                self.keep(b"\"");
                self.in_string = true;
                if self.depth == 1 {
                    self.key.clear();
                    self.reading_key = true;
                }
            }
            b'{' | b'[' => {
                if self.depth == 1 && byte == b'[' && self.key == ARRAY {
                    self.in_array = true;
                }
                self.depth += 1;
                if self.in_array && self.depth == 3 {
                    self.element.clear();
                    self.element_start = self.at;
                    self.too_long = false;
                }
                self.keep(&[byte]);
            }
            b'}' | b']' => {
                self.keep(&[byte]);
                if self.in_array && self.depth == 3 {
                    self.end_element(each);
                } else if self.in_array && self.depth == 2 {
                    self.in_array = false;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            // A comma between elements must not pile up in what is kept of the outer document.
            b',' if self.in_array && self.depth == 2 => {}
            _ => self.keep(&[byte]),
        }
    }

    fn end_element(&mut self, each: &mut dyn FnMut(Framed<'_>)) {
        let (offset, length) = (self.element_start, self.at + 1 - self.element_start);
        match Raw::first(&self.element) {
            Ok((value, _)) if value.is_object() && !self.too_long => each(Framed::Record { offset, value }),
            _ => {
                let reason = if self.too_long { "record too long" } else { "not JSON" };
                each(Framed::Broken { offset, length, reason });
            }
        }
        self.element.clear();
    }

    fn finish(self, each: &mut dyn FnMut(Framed<'_>)) {
        let outer = strip_mark(&self.outer);
        match Raw::first(outer) {
            Ok((value, _)) if value.is_object() => each(Framed::Record { offset: 0, value }),
            _ if outer.iter().all(u8::is_ascii_whitespace) => {}
            _ => each(Framed::Broken { offset: 0, length: self.at, reason: "document cut off" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads at most `step` bytes at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(bytes: &[u8], step: usize) -> (Vec<String>, u64) {
        let mut out = Vec::new();
        let next = Framer::default()
            .lines(&mut Dribble(bytes, step), 0, &mut |framed| {
                out.push(match framed {
                    Framed::Record { offset, value } => {
                        format!("{offset} {}", String::from_utf8_lossy(value.bytes()))
                    }
                    Framed::Broken { offset, length, reason } => format!("{offset} {reason} {length}"),
                })
            })
            .unwrap();
        (out, next)
    }

    #[test]
    fn a_torn_last_line_is_left_for_the_next_read() {
        assert_eq!(lines(b"{\"a\":1}\n{\"b\":", 3), (vec![r#"0 {"a":1}"#.into()], 8));
        assert_eq!(lines(b"{\"a\":1}\n{\"b\":2}", 3).1, 15, "whole without its newline");
    }

    #[test]
    fn marks_carriage_returns_blank_lines_and_twins_are_read() {
        let (records, _) = lines(b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"b\":2}{\"c\":3}\n", 100);
        assert_eq!(records, [r#"3 {"a":1}"#, r#"13 {"b":2}"#, r#"20 {"c":3}"#]);
    }

    #[test]
    fn what_is_broken_is_named_and_passed() {
        let (records, next) = lines(b"{\"a\":1}\n\0\0\0\n{\"torn\":\n{\"b\":2}\n", 5);
        assert_eq!(records, [r#"0 {"a":1}"#, "8 NUL bytes 3", "12 not JSON 8", r#"21 {"b":2}"#]);
        assert_eq!(next, 29);
    }

    #[test]
    fn a_line_beyond_the_limit_is_dropped_in_pieces() {
        let mut bytes = b"{\"a\":1}\n{\"x\":\"".to_vec();
        bytes.resize(bytes.len() + MAX_RECORD + PIECE, b'x');
        bytes.extend_from_slice(b"\"}\n{\"b\":2}\n");
        let (records, next) = lines(&bytes, usize::MAX);
        assert_eq!(records.len(), 3, "{records:?}");
        assert!(records[1].starts_with("8 record too long"));
        assert_eq!(next, bytes.len() as u64);
    }

    fn document(text: &str, step: usize) -> Vec<(u64, String)> {
        let mut out = Vec::new();
        Framer::default()
            .document(&mut Dribble(text.as_bytes(), step), &mut |framed| match framed {
                Framed::Record { offset, value } => {
                    out.push((offset, String::from_utf8_lossy(value.bytes()).into_owned()))
                }
                Framed::Broken { offset, reason, .. } => out.push((offset, reason.to_owned())),
            })
            .unwrap();
        out
    }

    #[test]
    fn a_document_gives_its_messages_and_then_the_rest() {
        let text = r#"{ "id": "s", "messages": [ {"n":[1,{"messages":[]}]}, {"t":"]}\"{"} ], "end": {"messages":[{}]} }"#;
        for step in 1..text.len() {
            let records = document(text, step);
            assert_eq!(records[0].1, r#"{"n":[1,{"messages":[]}]}"#);
            assert_eq!(&text[records[0].0 as usize..][..records[0].1.len()], records[0].1);
            assert_eq!(records[1].1, r#"{"t":"]}\"{"}"#);
            assert_eq!(records[2].0, 0);
            let rest: serde_json::Value = serde_json::from_str(&records[2].1).unwrap();
            assert_eq!(rest["id"], "s");
            assert_eq!(rest["end"]["messages"][0], serde_json::json!({}));
        }
        assert_eq!(document(r#"{"messages":[{"a":1},{"b"#, 4).last().unwrap().1, "document cut off");
    }

    proptest! {
        #[test]
        fn reading_in_any_pieces_equals_reading_whole(
            parts in proptest::collection::vec("(\\{\"k\":\"[a-z]{0,9}\"\\})|\n|\r\n|[a-z\\{\"]{1,4}", 0..40),
            step in 1usize..50,
        ) {
            let text = parts.concat();
            prop_assert_eq!(lines(text.as_bytes(), step), lines(text.as_bytes(), usize::MAX));
        }
    }
}

//! The archive: files one after the other, compressed as one.
//!
//! A file is a line of JSON about it (`{"path":…,"shape":…,"modified":…,"length":…}`) and its bytes.

use std::io::{self, Read as _, Write as _};

use serde::{Deserialize, Serialize};

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Below the home; may hold marks.
    pub path: String,
    /// How it is laid down.
    pub shape: Shape,
    /// Milliseconds from the last thing that happened, so mostly negative.
    pub modified: i64,
    /// Its bytes, with marks.
    pub content: Vec<u8>,
}

/// How an entry is laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// As it is.
    Text,
    /// As the SQLite database that its statements make.
    Database,
}

#[derive(Serialize, Deserialize)]
struct Head {
    path: String,
    shape: Shape,
    modified: i64,
    length: usize,
}

/// It is packed once and carried by every copy of the program.
const LEVEL: i32 = 19;
/// Sessions repeat each other over megabytes; decoders take windows of up to 2^27 unasked.
const WINDOW: u32 = 25;
/// Nothing that we packed is longer.
const MOST_BYTES: u64 = 256 << 20;

/// Packs entries.
///
/// # Errors
/// What compressing says.
pub fn pack(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW)?;
    for Entry { path, shape, modified, content } in entries {
        let head = Head { path: path.clone(), shape: *shape, modified: *modified, length: content.len() };
        serde_json::to_writer(&mut encoder, &head)?;
        encoder.write_all(b"\n")?;
        encoder.write_all(content)?;
    }
    encoder.finish()
}

/// Unpacks what [`pack`] has packed.
///
/// # Errors
/// It is no such archive.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<Entry>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(packed)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let torn = || io::Error::new(io::ErrorKind::InvalidData, "the archive is torn");
    let mut entries = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(torn)?;
        let head: Head = serde_json::from_slice(&rest[..end])?;
        let content = rest.get(end + 1..end + 1 + head.length).ok_or_else(torn)?.to_vec();
        rest = &rest[end + 1 + head.length..];
        entries.push(Entry { path: head.path, shape: head.shape, modified: head.modified, content });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let entry = |path: &str, content: &[u8]| Entry {
            path: path.to_owned(),
            shape: Shape::Text,
            modified: -5,
            content: content.to_vec(),
        };
        let entries = [entry("a/b", b"one\ntwo\0"), entry("c", b""), entry("d", b"{}\n")];
        let packed = pack(&entries).expect("it packs");
        assert_eq!(unpack(&packed).expect("it unpacks"), entries);
        assert!(unpack(&packed[..packed.len() - 4]).is_err());
    }
}

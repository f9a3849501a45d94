//! Words of the storage boundary: what a thread is called, who began it, how its history is kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// Names a thread: a UUID in lower case, as Codex writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(Box<str>);

/// The text is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no thread id; expected a UUID")]
pub struct ParseThreadIdError {
    found: String,
}

impl ThreadId {
    /// Makes an id that sorts by time (UUID, version 7); `random` must come from a good source.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = now.as_millis().max(0) as u64;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        ThreadId(text.into())
    }

    /// Returns the UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ThreadId {
    type Err = ParseThreadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        if !is_uuid {
            return Err(ParseThreadIdError { found: text.chars().take(80).collect() });
        }
        Ok(ThreadId(text.to_ascii_lowercase().into()))
    }
}

impl Serialize for ThreadId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ThreadId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who began a thread; a plain word in JSON and in the database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ThreadSource {
    /// A person.
    User,
    /// Another thread.
    Subagent,
    /// The agent's own clearing up of its memory.
    MemoryConsolidation,
    /// A feature, by its own label.
    Feature(String),
}

impl ThreadSource {
    /// Returns the word.
    pub fn as_str(&self) -> &str {
        match self {
            ThreadSource::User => "user",
            ThreadSource::Subagent => "subagent",
            ThreadSource::MemoryConsolidation => "memory_consolidation",
            ThreadSource::Feature(label) => label,
        }
    }
}

impl From<&str> for ThreadSource {
    fn from(word: &str) -> Self {
        match word {
            "user" => ThreadSource::User,
            "subagent" => ThreadSource::Subagent,
            "memory_consolidation" => ThreadSource::MemoryConsolidation,
            label => ThreadSource::Feature(label.to_owned()),
        }
    }
}

impl Serialize for ThreadSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ThreadSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(ThreadSource::from(String::deserialize(deserializer)?.as_str()))
    }
}

/// How a thread's history is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryMode {
    /// Records without numbers; forks copy them.
    #[default]
    Legacy,
    /// Records bear ordinals; forks refer to their origin's.
    Paginated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_sources_are_plain_words() {
        for word in ["user", "subagent", "memory_consolidation", "automation"] {
            let source: ThreadSource = serde_json::from_str(&format!("{word:?}")).unwrap();
            assert_eq!(serde_json::to_string(&source).unwrap(), format!("{word:?}"));
        }
        assert_eq!(ThreadSource::from("automation"), ThreadSource::Feature("automation".to_owned()));
    }

    #[test]
    fn new_ids_are_uuids_of_version_7_and_sort_by_time() {
        let id = |millis| ThreadId::new(Timestamp::from_millis(millis), [0xff; 10]);
        assert_eq!(id(1_795_274_014_074).as_str(), "01a1feab-7d7a-7fff-bfff-ffffffffffff");
        assert!(id(1) < id(2));
        assert_eq!(id(5).as_str().parse::<ThreadId>().unwrap(), id(5));
        for text in
            ["", "01a1feab", "01a1feab-7d7a-7fff-bfff-fffffffffffg", "../a1feab-7d7a-7fff-bfff-ffffffffffff"]
        {
            assert!(text.parse::<ThreadId>().is_err(), "{text}");
        }
    }
}

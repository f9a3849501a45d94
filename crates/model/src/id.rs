//! Sources and canonical session ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Which agent wrote a session. First-class data: written by the adapter, never guessed from a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Source {
    /// Claude Code by Anthropic.
    Claude,
    /// Codex CLI by OpenAI.
    Codex,
    /// Gemini CLI by Google.
    Gemini,
    /// OpenCode.
    OpenCode,
    /// Qwen Code by Alibaba.
    Qwen,
}

impl Source {
    /// All sources, in the order in which lists name them.
    pub const ALL: [Source; 5] =
        [Source::Claude, Source::Codex, Source::Gemini, Source::OpenCode, Source::Qwen];

    /// Returns the lower-case word that stands before the colon of an id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Claude => "claude",
            Source::Codex => "codex",
            Source::Gemini => "gemini",
            Source::OpenCode => "opencode",
            Source::Qwen => "qwen",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Source {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Source::ALL
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| ParseIdError::UnknownSource { found: text.to_owned() })
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a session id. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// There is no colon, so no source is named.
    #[error("{found:?} names no source; a session id is written <source>:<id>")]
    NoSource {
        /// The text as given.
        found: String,
    },
    /// The word before the colon is no agent that Marline knows.
    #[error("{found:?} is not a known source")]
    UnknownSource {
        /// The word as given.
        found: String,
    },
    /// The part after the colon is empty, or holds blanks or control characters.
    #[error("{found:?} is not a session id that an agent would write")]
    BadRawId {
        /// The raw id as given.
        found: String,
    },
}

/// Names one session across all agents, written `<source>:<the agent's own id>`.
///
/// The agent's id is kept byte for byte; two agents may use the same one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId {
    source: Source,
    raw: Box<str>,
}

impl SessionId {
    /// Joins a source and the agent's own id.
    ///
    /// # Errors
    /// [`ParseIdError::BadRawId`] when `raw` is empty or holds white space or control characters.
    pub fn new(source: Source, raw: &str) -> Result<Self, ParseIdError> {
        if raw.is_empty() || raw.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ParseIdError::BadRawId { found: raw.to_owned() });
        }
        Ok(SessionId { source, raw: raw.into() })
    }

    /// Returns the agent that wrote the session.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the agent's own id.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl PartialSchema for SessionId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("`<source>:<the agent's own id>`"))
            .examples(["claude:6cfbd1e6-0401-48f8-8f5c-49ebecedfcb2"])
            .into()
    }
}

impl ToSchema for SessionId {}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.raw)
    }
}

impl FromStr for SessionId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (source, raw) =
            text.split_once(':').ok_or_else(|| ParseIdError::NoSource { found: text.to_owned() })?;
        SessionId::new(source.parse()?, raw)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_round_trips_through_an_id() {
        for source in Source::ALL {
            let id = SessionId::new(source, "a:b-1").unwrap();
            assert_eq!(id.to_string().parse::<SessionId>().unwrap(), id);
            assert_eq!(id.raw(), "a:b-1", "only the first colon separates");
        }
    }

    #[test]
    fn the_same_raw_id_under_two_sources_is_two_ids() {
        assert_ne!(SessionId::new(Source::Claude, "x"), SessionId::new(Source::Codex, "x"));
    }

    #[test]
    fn texts_that_no_agent_writes_are_rejected() {
        let rejected = |text: &str| text.parse::<SessionId>().unwrap_err();
        assert!(matches!(rejected("plain"), ParseIdError::NoSource { .. }));
        assert!(matches!(rejected("Claude:x"), ParseIdError::UnknownSource { .. }));
        assert!(matches!(rejected(":x"), ParseIdError::UnknownSource { .. }));
        assert!(matches!(rejected("claude:"), ParseIdError::BadRawId { .. }));
        assert!(matches!(rejected("claude:a b"), ParseIdError::BadRawId { .. }));
        assert!(matches!(rejected("claude:a\u{1b}"), ParseIdError::BadRawId { .. }));
    }
}

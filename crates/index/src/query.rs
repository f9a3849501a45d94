//! What people type into a search field.
//!
//! Words are ANDed; `"phrases"`, `-not`, `OR` between words, `prefix*`; and filters such as `source:codex`,
//! `project:api`, `kind:prompt`, `tool:bash`, `model:opus`, `file:main.rs`, `since:7d`, `until:2026-11-01`,
//! `branch:main`. A word with marks inside (`src/main.rs`, `error[E0308]`) must stand in the text just so.

use marline_model::{ItemKind, SessionId, Source, Timestamp};
use marline_text::{MAX_WORD, query_words};
use serde::Serialize;
use utoipa::ToSchema;

use crate::sessions::Filter;

/// Why a query or a cursor makes no sense. Nothing was searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is nothing to look for.
    #[error("the query has no words to look for")]
    Empty,
    /// A filter has a value that it can't have.
    #[error("`{filter}:{value}` is not understood; {expected}")]
    Filter {
        /// The filter's name.
        filter: String,
        /// What was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// The cursor comes from no list.
    #[error("{0:?} is not a cursor that a list gave")]
    Cursor(String),
    /// The cursor comes from a list in another order.
    #[error("`{0}` is a cursor of another order")]
    OtherOrder(String),
    /// The regular expression is not valid.
    #[error("the regular expression is not valid: {0}")]
    Regex(String),
}

/// One thing that must, or must not, stand in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As typed, without quotes, star and minus.
    pub text: String,
    /// Its words as the index keeps them; all of them must stand in the text.
    pub words: Vec<String>,
    /// The last word may go on.
    pub is_prefix: bool,
    /// The words alone don't prove it: the text must be looked at.
    pub needs_text: bool,
}

/// A query: every group must hold, a group holds if any of its terms does; no term of `none` may stand.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What must stand.
    pub all: Vec<Vec<Term>>,
    /// What must not stand.
    pub none: Vec<Term>,
    /// Which sessions.
    pub filter: Filter,
    /// Which kinds of items; empty: all.
    pub kinds: Vec<ItemKind>,
    /// Which tools, in lower case; empty: all.
    pub tools: Vec<String>,
    /// What was understood, in the order of the text.
    pub meaning: Vec<Meaning>,
}

/// A part of a query and what it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Meaning {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MeaningKind,
    /// As typed, without quotes, star and minus.
    pub text: String,
}

/// What a part of a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeaningKind {
    /// A word that must stand in the text.
    Word,
    /// Words that must stand just so.
    Phrase,
    /// The beginning of a word.
    Prefix,
    /// What must not stand in it.
    Not,
    /// One of several.
    Any,
    /// Which sessions or items.
    Filter,
}

impl Term {
    fn new(text: &str, is_quoted: bool) -> Option<Self> {
        let is_prefix = !is_quoted && text.len() > 1 && text.ends_with('*');
        let text = if is_prefix { &text[..text.len() - 1] } else { text };
        let words = query_words(text);
        if words.is_empty() {
            return None;
        }
        let simple = words.len() == 1 && words[0].len() < MAX_WORD && words[0] == text.to_lowercase();
        Some(Term { text: text.to_owned(), words, is_prefix, needs_text: !simple && !is_prefix })
    }
}

impl Query {
    /// Reads a query; filters in it are added to `filter`.
    ///
    /// # Errors
    /// [`QueryError::Filter`] for a filter's value that it can't have.
    pub fn parse(text: &str, filter: Filter, now: Timestamp) -> Result<Self, QueryError> {
        let mut query = Query { filter, ..Query::default() };
        let mut either = false;
        for token in tokens(text) {
            if token.text == "OR" && !token.is_quoted && !token.is_not {
                either = true;
                continue;
            }
            if (!token.is_quoted || token.filter.is_some())
                && let Some(name) = &token.filter
                && query.add_filter(name, &token.text, now)?
            {
                query
                    .meaning
                    .push(Meaning { kind: MeaningKind::Filter, text: format!("{name}:{}", token.text) });
                either = false;
                continue;
            }
            let text = match &token.filter {
                // Not one of ours: `std:` of `std::fs` is a word like any other.
                Some(name) => format!("{name}:{}", token.text),
                None => token.text,
            };
            let Some(term) = Term::new(&text, token.is_quoted) else { continue };
            query.means(&term, token.is_not, either);
            match query.all.last_mut() {
                _ if token.is_not => query.none.push(term),
                Some(group) if either => group.push(term),
                _ => query.all.push(vec![term]),
            }
            either = false;
        }
        Ok(query)
    }

    fn means(&mut self, term: &Term, is_not: bool, either: bool) {
        let kind = match term {
            _ if is_not => MeaningKind::Not,
            _ if either => MeaningKind::Any,
            term if term.is_prefix => MeaningKind::Prefix,
            term if term.needs_text => MeaningKind::Phrase,
            _ => MeaningKind::Word,
        };
        // The first of several is one of them, too.
        if let (true, Some(last)) = (kind == MeaningKind::Any, self.meaning.last_mut()) {
            last.kind = MeaningKind::Any;
        }
        self.meaning.push(Meaning { kind, text: term.text.clone() });
    }

    fn add_filter(&mut self, name: &str, value: &str, now: Timestamp) -> Result<bool, QueryError> {
        let fail =
            |expected| QueryError::Filter { filter: name.to_owned(), value: value.to_owned(), expected };
        let values = value.split(',').filter(|value| !value.is_empty());
        match name {
            "source" | "agent" => {
                for value in values {
                    let source: Result<Source, _> = value.parse();
                    self.filter
                        .sources
                        .push(source.map_err(|_| fail("it takes claude, codex, gemini, opencode or qwen"))?);
                }
            }
            "project" => self.filter.projects.extend(values.map(str::to_owned)),
            "session" => {
                for value in values {
                    let id: Result<SessionId, _> = value.parse();
                    self.filter
                        .ids
                        .push(id.map_err(|_| fail("it takes whole ids, such as claude:6cfbd1e6-…"))?);
                }
            }
            "branch" => self.filter.branches.extend(values.map(str::to_owned)),
            "model" => self.filter.models.extend(values.map(str::to_owned)),
            "file" => self.filter.files.extend(values.map(str::to_owned)),
            "tool" => self.tools.extend(values.map(str::to_lowercase)),
            "kind" => {
                for value in values {
                    self.kinds.push(ItemKind::from_word(value).ok_or_else(|| {
                        fail("it takes prompt, answer, reasoning, tool, file_change, compaction, context, notice or error")
                    })?);
                }
            }
            "since" | "until" => {
                let at =
                    time(value, now).ok_or_else(|| fail("it takes 2026-11-20, a time, or 7d, 12h, 30m"))?;
                let slot = if name == "since" { &mut self.filter.since } else { &mut self.filter.until };
                *slot = Some(at);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// All terms that are looked for, for showing where they stand.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.all.iter().flatten()
    }
}

/// Reads a time: a date (UTC), RFC 3339, or how long ago (`30m`, `12h`, `7d`, `4w`).
pub fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let time = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        return Some(Timestamp::from_millis(time.as_millisecond()));
    }
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    };
    Some(Timestamp::from_millis(now.as_millis().checked_sub(number.checked_mul(minutes * 60_000)?)?))
}

struct Token {
    text: String,
    filter: Option<String>,
    is_quoted: bool,
    is_not: bool,
}

/// Splits at blanks outside quotes.
fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut is_not = false;
        // A minus before a word means "not"; before a blank it is a mark like others. So does a typographic one.
        if let Some(after) = rest
            .strip_prefix(['-', '−'])
            .filter(|after| after.starts_with(|c: char| !c.is_whitespace() && c != '-'))
        {
            is_not = true;
            rest = after;
        }
        let mut filter = None;
        let word_end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
        if let Some(colon) = rest[..word_end].find(':') {
            let name = &rest[..colon];
            let after = &rest[colon + 1..];
            let names_something = after.starts_with(|c: char| !c.is_whitespace() && c != ':' && c != '/');
            if !is_not && names_something && name.chars().all(|c| c.is_ascii_lowercase()) && !name.is_empty()
            {
                filter = Some(name.to_owned());
                rest = after;
            }
        }
        let (word, is_quoted, after) = match rest.strip_prefix('"') {
            Some(inside) => match inside.find('"') {
                Some(end) => (&inside[..end], true, &inside[end + 1..]),
                None => (inside, true, ""),
            },
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], false, &rest[end..])
            }
        };
        if !word.is_empty() {
            out.push(Token { text: word.to_owned(), filter, is_quoted, is_not });
        }
        rest = after.trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text, Filter::default(), Timestamp::from_millis(1_000_000_000_000)).unwrap()
    }

    fn groups(text: &str) -> Vec<Vec<String>> {
        parse(text).all.iter().map(|group| group.iter().map(|term| term.text.clone()).collect()).collect()
    }

    #[test]
    fn words_are_anded_and_or_joins_its_neighbours() {
        assert_eq!(groups("one two"), [["one"], ["two"]]);
        assert_eq!(groups("one two OR three four"), [vec!["one"], vec!["two", "three"], vec!["four"]]);
    }

    #[test]
    fn phrases_negations_and_prefixes_are_told_apart() {
        let query = parse(r#""exact words" -not par* src/main.rs"#);
        assert!(query.all[0][0].needs_text);
        assert_eq!(query.all[0][0].words, ["exact", "words"]);
        assert_eq!(query.none[0].text, "not");
        assert!(query.all[1][0].is_prefix && !query.all[1][0].needs_text);
        assert!(query.all[2][0].needs_text, "marks inside a word are looked for in the text");
    }

    #[test]
    fn filters_are_taken_out_and_other_colons_are_words() {
        let query = parse(
            r#"source:codex,claude kind:prompt tool:Bash project:"my api" since:7d std::fs http://x.y"#,
        );
        assert_eq!(query.filter.sources, [Source::Codex, Source::Claude]);
        assert_eq!(query.kinds, [ItemKind::Prompt]);
        assert_eq!(query.tools, ["bash"]);
        assert_eq!(query.filter.projects, ["my api"]);
        assert_eq!(query.filter.since.map(Timestamp::as_millis), Some(1_000_000_000_000 - 7 * 86_400_000));
        assert_eq!(query.all[0][0].text, "std::fs");
        assert_eq!(query.all[1][0].words, ["http", "x", "y"]);
    }

    #[test]
    fn what_a_query_means_can_be_told() {
        let meaning = parse(r#"one "two words" -three par* a OR b kind:tool src/x.rs"#).meaning;
        let told: Vec<String> = meaning.iter().map(|part| format!("{:?} {}", part.kind, part.text)).collect();
        assert_eq!(
            told,
            [
                "Word one",
                "Phrase two words",
                "Not three",
                "Prefix par",
                "Any a",
                "Any b",
                "Filter kind:tool",
                "Phrase src/x.rs"
            ]
        );
    }

    #[test]
    fn a_filter_that_can_not_hold_is_an_error() {
        let now = Timestamp::from_millis(0);
        assert!(Query::parse("kind:nonsense", Filter::default(), now).is_err());
        assert!(Query::parse("source:vim", Filter::default(), now).is_err());
        assert!(Query::parse("since:sometime", Filter::default(), now).is_err());
    }
}

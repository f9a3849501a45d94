//! Answering a query: postings first, then, where words alone prove nothing, the text itself.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::{Duration, Instant};

use marline_agents::hash;
use marline_model::{ItemKind, SessionId, Timestamp};
use rusqlite::params_from_iter;
use serde::Serialize;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, FuzzyTermQuery, Occur, Query as TantivyQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader, Term as IndexTerm};

use crate::query::{Query, QueryError, Term};
use crate::scan::searchable;
use crate::text_index::{Fields, TextIndex};
use crate::transcript::Records;
use crate::{Index, IndexError};

/// A prefix or a part of a word stands for at most so many words of a segment.
const MAX_EXPANSION: usize = 2000;
/// Texts that are looked into to prove a phrase, and how long that may take.
const MAX_LOOKED_INTO: usize = 20_000;
const MAX_LOOKING: Duration = Duration::from_secs(3);
/// Texts of items found by a regular expression at once.
const SNIPPET_BEFORE: usize = 60;
const SNIPPET_AFTER: usize = 140;
/// Half of the weight of a hit is its age: after so many days, half of that is gone.
const HALF_LIFE_DAYS: f64 = 30.0;

/// What a search found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Searched {
    /// The best hits.
    pub hits: Vec<Hit>,
    /// How many items match; a lower bound where `complete` is false.
    pub total: u64,
    /// Everything was looked at: the index is complete and no limit was met.
    pub complete: bool,
    /// What the reader should know about the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One item that matches.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Its session.
    pub session: HitSession,
    /// Its number within the session.
    pub seq: u64,
    /// What it is.
    pub kind: ItemKind,
    /// When.
    pub at: Option<Timestamp>,
    /// The place in the text, on one line.
    pub snippet: String,
    /// Ranges of the snippet, in bytes, that the query's words stand at.
    pub highlights: Vec<(usize, usize)>,
    /// The higher the better; to be compared within one answer only.
    pub score: f32,
}

/// A hit's session.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HitSession {
    /// The canonical id.
    pub id: SessionId,
    /// Its title.
    pub title: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// Its last activity.
    pub updated_at: Option<Timestamp>,
    /// The session that started it, if it is a sub-agent's.
    pub parent_id: Option<String>,
    /// Its file is gone.
    pub missing: bool,
}

/// A document that matches, before its text is read.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    score: f32,
    at: i64,
    session: u64,
    seq: u64,
    kind: u8,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The heap's top is the worst, so that it can be pushed out.
        other
            .score
            .total_cmp(&self.score)
            .then_with(|| other.at.cmp(&self.at))
            .then_with(|| (self.session, self.seq).cmp(&(other.session, other.seq)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// How loosely words are taken.
#[derive(Clone, Copy, PartialEq)]
enum Looseness {
    Exact,
    PartOfWord,
    Close,
}

impl Index {
    /// Searches.
    ///
    /// # Errors
    /// [`QueryError::Empty`] for a query without words and filters; [`IndexError`].
    pub fn search(&self, query: &Query, limit: usize, now: Timestamp) -> Result<Searched, IndexError> {
        if query.all.is_empty()
            && query.none.is_empty()
            && query.kinds.is_empty()
            && query.tools.is_empty()
            && query.filter.is_empty()
        {
            return Err(QueryError::Empty.into());
        }
        let is_complete = self.is_complete()?;
        let mut notes = Vec::new();
        if !is_complete {
            notes.push("The index is not complete yet: there may be more.".to_owned());
        }
        let mut answer = Searched { hits: Vec::new(), total: 0, complete: is_complete, notes };
        let sessions = self.selected(query)?;
        if sessions.as_ref().is_some_and(HashSet::is_empty) {
            answer.notes.push("The filters select no session.".to_owned());
            return Ok(answer);
        }
        let Some(text_index) = TextIndex::open_existing(&self.search_dir())? else { return Ok(answer) };
        let searcher = text_index.reader()?.searcher();
        let tools = self.tool_numbers(query)?;
        let ways = [
            (Looseness::Exact, ""),
            (Looseness::PartOfWord, "No word matches whole; these contain it."),
            (Looseness::Close, "Nothing matches as typed; these are spelt alike."),
        ];
        for (looseness, note) in ways {
            // Who quotes words means them.
            if looseness == Looseness::Close && query.needs_text() {
                continue;
            }
            let compiled = compile(query, &searcher, &text_index.fields, looseness)?;
            let Some(compiled) = compiled else { continue };
            let gather = Gather {
                sessions: sessions.clone(),
                kinds: query.kinds.iter().fold(0, |mask, kind| mask | 1 << (*kind as u16)),
                tools: tools.clone(),
                now: now.as_millis(),
                limit: if query.needs_text() { MAX_LOOKED_INTO } else { limit },
            };
            let (candidates, total) = searcher.search(&*compiled, &gather)?;
            self.prove(query, candidates, total, limit, &mut answer)?;
            if answer.total > 0 {
                if !note.is_empty() {
                    answer.notes.push(note.to_owned());
                }
                break;
            }
        }
        Ok(answer)
    }

    /// Numbers of the sessions that the filter selects; `None`: all of them.
    fn selected(&self, query: &Query) -> Result<Option<HashSet<u64>>, IndexError> {
        // A search looks everywhere unless it is told not to: archived sessions and sub-agents too.
        let mut filter = query.filter.clone();
        if filter.is_empty() {
            return Ok(None);
        }
        filter.all = true;
        let (condition, values) = filter.condition();
        let sql = format!("SELECT s.number FROM sessions s WHERE {condition}");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(&values), |row| row.get::<_, i64>(0))?;
        Ok(Some(rows.map(|row| row.map(|number| number as u64)).collect::<Result<_, _>>()?))
    }

    fn tool_numbers(&self, query: &Query) -> Result<Option<HashSet<u64>>, IndexError> {
        if query.tools.is_empty() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare("SELECT number, LOWER(name) FROM names")?;
        let names: Vec<(i64, String)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let wanted = names.into_iter().filter(|(_, name)| query.tools.iter().any(|tool| name == tool));
        Ok(Some(wanted.map(|(number, _)| number as u64).collect()))
    }

    /// Reads the texts of candidates, best first: to prove phrases, and to show where the words stand.
    fn prove(
        &self,
        query: &Query,
        candidates: Vec<Candidate>,
        total: u64,
        limit: usize,
        answer: &mut Searched,
    ) -> Result<(), IndexError> {
        let proves = query.needs_text();
        let started = Instant::now();
        let mut records = Records::default();
        let mut sessions: HashMap<u64, Option<HitSession>> = HashMap::new();
        let mut seen = HashSet::new();
        let mut texts = HashSet::new();
        let mut proven = 0;
        let looked_into = candidates.len();
        for candidate in candidates {
            if !proves && answer.hits.len() >= limit {
                break;
            }
            if started.elapsed() > MAX_LOOKING {
                answer.complete = false;
                answer.notes.push("Looking into the texts took too long: there may be more.".to_owned());
                break;
            }
            // A call and its output are two texts of one item.
            if seen.contains(&(candidate.session, candidate.seq)) {
                continue;
            }
            let session = match sessions.get(&candidate.session) {
                Some(known) => known.clone(),
                None => {
                    let found = self.session_by_number(candidate.session as i64)?.map(|session| HitSession {
                        id: session.id,
                        title: session.title,
                        project: session.project,
                        updated_at: session.updated_at,
                        parent_id: session.parent_id,
                        missing: session.missing,
                    });
                    sessions.insert(candidate.session, found.clone());
                    found
                }
            };
            // The search index may be a moment ahead of the catalogue, or behind it.
            let (Some(session), Some(place)) = (session, self.item(candidate.session as i64, candidate.seq)?)
            else {
                continue;
            };
            let entry = records.entry(self, &place)?;
            let mut text = entry.text;
            if let Some(tool) = entry.tool {
                for part in [tool.input.map(|input| searchable(&input)), tool.output].into_iter().flatten() {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(&part);
                }
            }
            if proves && !query.holds(&text) {
                continue;
            }
            seen.insert((candidate.session, candidate.seq));
            // A prompt may stand in the agent's queue as well; the prompt comes first by its weight.
            if !texts.insert((candidate.session, hash(&[text.trim().as_bytes()]))) {
                continue;
            }
            proven += 1;
            if answer.hits.len() < limit {
                let (snippet, highlights) = snippet(&text, query);
                answer.hits.push(Hit {
                    session,
                    seq: candidate.seq,
                    kind: ItemKind::from_number(candidate.kind),
                    at: Some(candidate.at).filter(|at| *at != 0).map(Timestamp::from_millis),
                    snippet,
                    highlights,
                    score: candidate.score,
                });
            }
        }
        if proves && total as usize > looked_into {
            answer.complete = false;
        }
        answer.total = if proves { proven } else { total.max(answer.hits.len() as u64) };
        if answer.hits.is_empty() {
            answer.total = 0;
        }
        Ok(())
    }

    /// Looks for a regular expression in the texts themselves, newest sessions first.
    ///
    /// # Errors
    /// [`QueryError::Regex`]; [`IndexError`].
    pub fn search_regex(
        &self,
        pattern: &str,
        query: &Query,
        limit: usize,
        budget: Duration,
    ) -> Result<Searched, IndexError> {
        let regex = regex::RegexBuilder::new(pattern)
            .size_limit(1 << 22)
            .build()
            .map_err(|error| QueryError::Regex(error.to_string()))?;
        let started = Instant::now();
        let mut answer = Searched { hits: Vec::new(), total: 0, complete: true, notes: Vec::new() };
        let filter = crate::sessions::Filter { all: true, ..query.filter.clone() };
        let (condition, values) = filter.condition();
        let sql =
            format!("SELECT s.number FROM sessions s WHERE {condition} ORDER BY s.updated_at DESC, s.id");
        let mut statement = self.connection.prepare(&sql)?;
        let numbers: Vec<i64> =
            statement.query_map(params_from_iter(&values), |row| row.get(0))?.collect::<Result<_, _>>()?;
        if numbers.is_empty() {
            answer.notes.push("The filters select no session.".to_owned());
        }
        let mut records = Records::default();
        'sessions: for number in numbers {
            let Some(session) = self.session_by_number(number)? else { continue };
            let mut seqs = self
                .connection
                .prepare_cached("SELECT seq FROM items WHERE session = ?1 ORDER BY seq DESC")?;
            let seqs: Vec<i64> = seqs.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for seq in seqs {
                if started.elapsed() > budget {
                    answer.complete = false;
                    answer.notes.push("Looking took too long and was stopped: there may be more.".to_owned());
                    break 'sessions;
                }
                let Some(place) = self.item(number, seq as u64)? else { continue };
                if !query.kinds.is_empty() && !query.kinds.contains(&place.kind) {
                    continue;
                }
                let entry = records.entry(self, &place)?;
                let tool = entry.tool.as_ref();
                if !query.tools.is_empty()
                    && !tool.is_some_and(|tool| query.tools.contains(&tool.name.to_lowercase()))
                {
                    continue;
                }
                let parts = [
                    tool.and_then(|tool| tool.input.as_deref()),
                    tool.and_then(|tool| tool.output.as_deref()),
                ];
                let texts = [Some(entry.text.as_str())].into_iter().chain(parts).flatten();
                let Some((text, at)) =
                    texts.filter_map(|text| Some((text, regex.find(text)?.range()))).next()
                else {
                    continue;
                };
                answer.total += 1;
                if answer.hits.len() < limit {
                    let (snippet, highlights) = cut(text, &[(at.start, at.end)]);
                    answer.hits.push(Hit {
                        session: HitSession {
                            id: session.id.clone(),
                            title: session.title.clone(),
                            project: session.project.clone(),
                            updated_at: session.updated_at,
                            parent_id: session.parent_id.clone(),
                            missing: session.missing,
                        },
                        seq: entry.seq,
                        kind: entry.kind,
                        at: entry.at,
                        snippet,
                        highlights,
                        score: 1.0,
                    });
                } else {
                    answer.complete = false;
                    break 'sessions;
                }
            }
        }
        Ok(answer)
    }
}

impl Query {
    fn needs_text(&self) -> bool {
        self.terms().chain(&self.none).any(|term| term.needs_text)
    }

    /// Says whether a text holds what the query's exact terms ask for.
    fn holds(&self, text: &str) -> bool {
        let folded = fold(text);
        let stands = |term: &Term| !term.needs_text || folded.contains(&fold(&term.text));
        let all = self.all.iter().all(|group| {
            // A plain word was proven by the index already.
            group.iter().any(&stands)
        });
        all && !self.none.iter().any(|term| term.needs_text && folded.contains(&fold(&term.text)))
    }
}

/// Lower case, and every run of blanks one blank.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if blank && !out.is_empty() {
            out.push(' ');
        }
        blank = false;
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// Makes a query for the index; `None` when this looseness asks for nothing that the last one did not.
fn compile(
    query: &Query,
    searcher: &Searcher,
    fields: &Fields,
    looseness: Looseness,
) -> Result<Option<Box<dyn TantivyQuery>>, IndexError> {
    let mut clauses: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
    for group in &query.all {
        let choices = group
            .iter()
            .map(|term| compile_term(term, searcher, fields, looseness))
            .collect::<Result<Vec<_>, _>>()?;
        let clause = match <[_; 1]>::try_from(choices) {
            Ok([one]) => one,
            Err(choices) => {
                Box::new(BooleanQuery::new(choices.into_iter().map(|query| (Occur::Should, query)).collect()))
                    as Box<dyn TantivyQuery>
            }
        };
        clauses.push((Occur::Must, clause));
    }
    if clauses.is_empty() {
        if looseness != Looseness::Exact {
            return Ok(None);
        }
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    for term in query.none.iter().filter(|term| !term.needs_text) {
        clauses.push((Occur::MustNot, compile_term(term, searcher, fields, Looseness::Exact)?));
    }
    Ok(Some(Box::new(BooleanQuery::new(clauses))))
}

fn compile_term(
    term: &Term,
    searcher: &Searcher,
    fields: &Fields,
    looseness: Looseness,
) -> Result<Box<dyn TantivyQuery>, IndexError> {
    let exact = |word: &str| -> Box<dyn TantivyQuery> {
        Box::new(TermQuery::new(IndexTerm::from_field_text(fields.text, word), IndexRecordOption::Basic))
    };
    let last = term.words.len() - 1;
    let mut clauses = Vec::new();
    for (n, word) in term.words.iter().enumerate() {
        // A lone CJK character begins the pairs that it stands in.
        let lone = word.chars().count() == 1 && word.chars().all(crate::terms::is_cjk);
        let query = match looseness {
            _ if lone || (term.is_prefix && n == last) => words_with(searcher, fields, word, Match::Start)?,
            Looseness::Exact => exact(word),
            // A phrase may begin and end inside a word.
            Looseness::PartOfWord if word.len() >= 3 => words_with(searcher, fields, word, Match::Inside)?,
            Looseness::Close if word.chars().count() >= 4 => {
                let distance = if word.chars().count() >= 8 { 2 } else { 1 };
                Box::new(FuzzyTermQuery::new(IndexTerm::from_field_text(fields.text, word), distance, true))
            }
            _ => exact(word),
        };
        clauses.push((Occur::Must, query));
    }
    Ok(match <[_; 1]>::try_from(clauses) {
        Ok([(_, one)]) => one,
        Err(clauses) => Box::new(BooleanQuery::new(clauses)),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Match {
    Start,
    Inside,
}

/// Any of the index's words that begin with, or contain, the given one.
fn words_with(
    searcher: &Searcher,
    fields: &Fields,
    word: &str,
    how: Match,
) -> Result<Box<dyn TantivyQuery>, IndexError> {
    let finder = memchr::memmem::Finder::new(word.as_bytes());
    let mut terms: HashSet<Vec<u8>> = HashSet::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(fields.text)?;
        let dictionary = index.terms();
        let mut range = dictionary.range();
        if how == Match::Start {
            range = range.ge(word.as_bytes());
            if let Some(end) = next_prefix(word.as_bytes()) {
                range = range.lt(end);
            }
        }
        let io = |source| IndexError::Io { path: "search".into(), source };
        let mut stream = range.into_stream().map_err(io)?;
        let mut found = 0;
        while found < MAX_EXPANSION && stream.advance() {
            if how == Match::Start || finder.find(stream.key()).is_some() {
                terms.insert(stream.key().to_vec());
                found += 1;
            }
        }
    }
    if terms.is_empty() {
        return Ok(Box::new(EmptyQuery));
    }
    let terms = terms.into_iter().filter_map(|term| String::from_utf8(term).ok());
    Ok(Box::new(TermSetQuery::new(terms.map(|term| IndexTerm::from_field_text(fields.text, &term)))))
}

/// Returns the first byte string after all that begin with `prefix`.
fn next_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut out = prefix[..=last].to_vec();
    out[last] += 1;
    Some(out)
}

/// Cuts the place where a query's words stand out of a text.
fn snippet(text: &str, query: &Query) -> (String, Vec<(usize, usize)>) {
    // ASCII folding keeps byte positions.
    let lower = text.to_ascii_lowercase();
    let mut places = Vec::new();
    for term in query.terms() {
        let whole = term.text.to_ascii_lowercase();
        let mut words: Vec<&str> = vec![&whole];
        words.extend(term.words.iter().map(String::as_str));
        let found = words.iter().find_map(|word| {
            let all: Vec<(usize, usize)> = memchr::memmem::find_iter(lower.as_bytes(), word.as_bytes())
                .take(20)
                .map(|at| (at, at + word.len()))
                .collect();
            (!all.is_empty()).then_some(all)
        });
        places.extend(found.unwrap_or_default());
    }
    places.sort_unstable();
    cut(text, &places)
}

/// Cuts a text around the first of some places and puts it on one line.
fn cut(text: &str, places: &[(usize, usize)]) -> (String, Vec<(usize, usize)>) {
    let first = places.first().map_or(0, |place| place.0);
    let start = text.floor_char_boundary(first.saturating_sub(SNIPPET_BEFORE));
    let end = text.ceil_char_boundary((first + SNIPPET_AFTER).min(text.len()));
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    let mut highlights: Vec<(usize, usize)> = Vec::new();
    let mut last_end = 0;
    let mut open = None;
    for (at, c) in text[start..end].char_indices().map(|(at, c)| (at + start, c)) {
        if open.is_none()
            && at >= last_end
            && let Some(place) = places.iter().find(|place| place.0 == at)
        {
            open = Some((out.len(), place.1));
        }
        if let Some((from, to)) = open.filter(|(_, to)| at >= *to) {
            highlights.push((from, out.len()));
            (open, last_end) = (None, to);
        }
        let is_blank = c.is_whitespace() || c.is_control();
        if is_blank && (out.ends_with(' ') || out.is_empty()) {
            continue;
        }
        out.push(if is_blank { ' ' } else { c });
    }
    if let Some((from, _)) = open {
        highlights.push((from, out.len()));
    }
    if end < text.len() {
        out.push('…');
    }
    (out, highlights)
}

/// Gathers the best candidates and counts all of them.
struct Gather {
    sessions: Option<HashSet<u64>>,
    kinds: u16,
    tools: Option<HashSet<u64>>,
    now: i64,
    limit: usize,
}

struct GatherSegment {
    session: Column<u64>,
    seq: Column<u64>,
    kind: Column<u64>,
    tool: Column<u64>,
    at: Column<i64>,
    sessions: Option<HashSet<u64>>,
    kinds: u16,
    tools: Option<HashSet<u64>>,
    now: i64,
    limit: usize,
    best: BinaryHeap<Candidate>,
    total: u64,
}

impl Collector for Gather {
    type Fruit = (Vec<Candidate>, u64);
    type Child = GatherSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<GatherSegment> {
        let fast = segment.fast_fields();
        Ok(GatherSegment {
            session: fast.u64("session")?,
            seq: fast.u64("seq")?,
            kind: fast.u64("kind")?,
            tool: fast.u64("tool")?,
            at: fast.i64("at")?,
            sessions: self.sessions.clone(),
            kinds: self.kinds,
            tools: self.tools.clone(),
            now: self.now,
            limit: self.limit,
            best: BinaryHeap::new(),
            total: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<(Vec<Candidate>, u64)>) -> tantivy::Result<(Vec<Candidate>, u64)> {
        let total = fruits.iter().map(|(_, total)| total).sum();
        let mut all: Vec<Candidate> = fruits.into_iter().flat_map(|(best, _)| best).collect();
        all.sort_unstable();
        all.truncate(self.limit);
        Ok((all, total))
    }
}

impl SegmentCollector for GatherSegment {
    type Fruit = (Vec<Candidate>, u64);

    fn collect(&mut self, doc: DocId, _: Score) {
        let session = self.session.first(doc).unwrap_or(0);
        if self.sessions.as_ref().is_some_and(|sessions| !sessions.contains(&session)) {
            return;
        }
        let kind = self.kind.first(doc).unwrap_or(0) as u8;
        if self.kinds != 0 && self.kinds & (1 << kind) == 0 {
            return;
        }
        if self.tools.as_ref().is_some_and(|tools| !tools.contains(&self.tool.first(doc).unwrap_or(0))) {
            return;
        }
        self.total += 1;
        let at = self.at.first(doc).unwrap_or(0);
        let days = ((self.now - at) as f64 / 86_400_000.0).max(0.0);
        let recency = 1.0 / (1.0 + days / HALF_LIFE_DAYS);
        let score = (weight(kind) * (0.5 + 0.5 * recency)) as f32;
        let candidate = Candidate { score, at, session, seq: 0, kind };
        if self.best.len() >= self.limit {
            if self
                .best
                .peek()
                .is_some_and(|worst| candidate.cmp(worst).is_ge() && candidate.score <= worst.score)
            {
                return;
            }
            self.best.pop();
        }
        self.best.push(Candidate { seq: self.seq.first(doc).unwrap_or(0), ..candidate });
    }

    fn harvest(self) -> Self::Fruit {
        (self.best.into_vec(), self.total)
    }
}

/// A prompt says more than a log line.
fn weight(kind: u8) -> f64 {
    match ItemKind::from_number(kind) {
        ItemKind::Prompt => 4.0,
        ItemKind::Answer => 3.0,
        ItemKind::Error | ItemKind::Compaction => 2.0,
        ItemKind::Notice | ItemKind::FileChange => 1.5,
        ItemKind::Tool | ItemKind::Reasoning => 1.0,
        ItemKind::Context | ItemKind::Unknown => 0.5,
    }
}

//! Answering a query: postings first, then, where words alone prove nothing, the text itself.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use marline_agents::hash;
use marline_model::{ItemKind, SessionId, Source, Timestamp};
use marline_text::{Deleted, Doc, Segment, Wanted, common, either, forgiven, is_cjk, without};
use rusqlite::params_from_iter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::facets::{Facets, Tally};
use crate::query::{Query, QueryError, Term};
use crate::reach::{Reach, Standing};
use crate::sessions::Session;
use crate::snippet::{cut, snippet};
use crate::text_index::{TextIndexError, segments};
use crate::texts::searchable;
use crate::transcript::Records;
use crate::window::ItemKey;
use crate::{Index, IndexError};

/// Texts that are looked into to prove a phrase, and how long that may take.
const MAX_LOOKED_INTO: usize = 20_000;
const MAX_LOOKING: Duration = Duration::from_secs(3);
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
    /// How the texts that match are spread, if that was asked for.
    #[serde(skip)]
    pub facets: Option<Facets>,
}

/// How a search is to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// How many hits at most.
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// Whether to count what matches by source, project, kind and time.
    pub with_facets: bool,
}

impl Answer {
    /// The best hits, without facets.
    pub const fn best(limit: usize) -> Self {
        Answer { limit, order: Order::Rank, with_facets: false }
    }
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The best first.
    Rank,
    /// As they stand in their sessions: for finding within one.
    Place,
}

/// One item that matches.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Its session.
    pub session: HitSession,
    /// Its number within the session; what is inherited by reference bears its origin's.
    pub seq: u64,
    /// Its place in the session's transcript.
    #[serde(skip)]
    pub key: ItemKey,
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
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HitSession {
    /// The canonical id.
    pub id: SessionId,
    /// The agent.
    pub source: Source,
    /// The agent's own id.
    pub source_session_id: String,
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

impl HitSession {
    fn of(session: Session) -> Self {
        HitSession {
            source: session.source,
            source_session_id: session.source_session_id,
            id: session.id,
            title: session.title,
            project: session.project,
            updated_at: session.updated_at,
            parent_id: session.parent_id,
            missing: session.missing,
        }
    }
}

/// A document that matches, before its text is read.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    score: f32,
    at: i64,
    standing: Standing,
    session: u32,
    seq: u32,
    kind: u8,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The heap's top is the worst, so that it can be pushed out.
        other.score.total_cmp(&self.score).then_with(|| other.at.cmp(&self.at)).then_with(|| {
            (self.standing, self.session, self.seq).cmp(&(other.standing, other.session, other.seq))
        })
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// How loosely words are taken.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Looseness {
    Exact,
    PartOfWord,
    Close,
}

impl Index {
    /// Searches.
    ///
    /// # Errors
    /// [`QueryError::Empty`] for a query without words and filters; [`IndexError`].
    pub fn search(&self, query: &Query, answer: Answer, now: Timestamp) -> Result<Searched, IndexError> {
        let Answer { limit, order, with_facets } = answer;
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
        let mut answer = Searched { hits: Vec::new(), total: 0, complete: is_complete, notes, facets: None };
        let reach = self.reach(query, order)?;
        if reach.is_empty() {
            answer.notes.push("The filters select no session.".to_owned());
            return Ok(answer);
        }
        let dir = self.search_dir();
        let segments = segments(&self.connection, &dir)?;
        let mut gather = Gather {
            looseness: Looseness::Exact,
            reach,
            kinds: query.kinds.iter().fold(0, |mask, kind| mask | 1 << (*kind as u16)),
            tools: self.tool_numbers(query)?,
            now: now.as_millis(),
            order,
            counts: with_facets && !query.needs_text(),
            // Several texts may turn out to be of one item.
            limit: if query.needs_text() {
                MAX_LOOKED_INTO
            } else {
                limit.saturating_mul(2).saturating_add(20)
            },
        };
        for looseness in [Looseness::Exact, Looseness::PartOfWord, Looseness::Close] {
            // Who quotes words means them; and without words nothing can be taken loosely.
            if (looseness == Looseness::Close && query.needs_text())
                || (looseness != Looseness::Exact && query.all.is_empty())
            {
                continue;
            }
            gather.looseness = looseness;
            let (candidates, total, tally) = all_matching(&segments, query, looseness)
                .and_then(|matching| gather.gather(&segments, matching))
                .map_err(|source| TextIndexError { path: dir.clone(), source })?;
            let proven = self.prove(query, candidates, &gather, total, limit, &mut answer)?;
            if answer.total > 0 {
                if with_facets {
                    answer.facets = Some(self.facets(if query.needs_text() { &proven } else { &tally })?);
                }
                match looseness {
                    Looseness::Exact => {}
                    Looseness::PartOfWord => {
                        answer.notes.push("No word matches whole; these contain it.".to_owned());
                    }
                    Looseness::Close => answer.notes.push(spelt_like(&answer.hits)),
                }
                break;
            }
        }
        Ok(answer)
    }

    fn tool_numbers(&self, query: &Query) -> Result<Option<HashSet<u16>>, IndexError> {
        if query.tools.is_empty() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare("SELECT number, LOWER(name) FROM names")?;
        let names: Vec<(u32, String)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let wanted = names.into_iter().filter(|(_, name)| query.tools.iter().any(|tool| name == tool));
        Ok(Some(wanted.filter_map(|(number, _)| u16::try_from(number).ok()).collect()))
    }

    /// Reads the texts of candidates, best first: to prove phrases, and to show where the words stand.
    fn prove(
        &self,
        query: &Query,
        candidates: Vec<Candidate>,
        gather: &Gather,
        total: u64,
        limit: usize,
        answer: &mut Searched,
    ) -> Result<Tally, IndexError> {
        let mut tally = Tally::default();
        let proves = query.needs_text();
        let started = Instant::now();
        let mut records = Records::default();
        let mut sessions: HashMap<u32, Option<HitSession>> = HashMap::new();
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
            let shown_in = candidate.standing.shown_in;
            let session = match sessions.get(&shown_in) {
                Some(known) => known.clone(),
                None => {
                    let found = self.session_by_number(shown_in.into())?.map(HitSession::of);
                    sessions.insert(shown_in, found.clone());
                    found
                }
            };
            // The two were read one after the other; a scan may have come between.
            let (Some(session), Some(place)) =
                (session, self.item(candidate.session.into(), candidate.seq.into())?)
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
            // A prompt may stand in the agent's queue as well; the prompt comes first by its weight. Who finds within
            // a session goes to each place, though the same words stand at several.
            if gather.order == Order::Rank
                && !texts.insert((candidate.session, hash(&[text.trim().as_bytes()])))
            {
                continue;
            }
            proven += 1;
            tally.count(candidate.session, candidate.kind, candidate.at, gather.now);
            if answer.hits.len() < limit {
                let (snippet, highlights) = snippet(&text, query, gather.looseness);
                answer.hits.push(Hit {
                    session,
                    seq: candidate.seq.into(),
                    key: ItemKey { back: candidate.standing.back.0, seq: candidate.seq.into() },
                    kind: ItemKind::from_number(candidate.kind),
                    at: entry.at,
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
        Ok(tally)
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
        let mut answer =
            Searched { hits: Vec::new(), total: 0, complete: true, notes: Vec::new(), facets: None };
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
                        session: HitSession::of(session.clone()),
                        seq: entry.seq,
                        key: entry.key,
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

/// Says which words were taken for those that were typed.
fn spelt_like(hits: &[Hit]) -> String {
    const MOST: usize = 4;
    // A word at the very end may be cut off.
    let whole = |hit: &Hit, to: usize| hit.snippet[to..] != *"…";
    let words = hits.iter().flat_map(|hit| {
        let places = hit.highlights.iter().filter(|(_, to)| whole(hit, *to));
        places.map(|&(from, to)| &hit.snippet[from..to])
    });
    let mut named: Vec<String> = Vec::new();
    for word in words.map(str::to_lowercase) {
        if named.len() < MOST && !named.contains(&word) {
            named.push(word);
        }
    }
    match named.as_slice() {
        [] => "Nothing matches as typed; these are spelt alike.".to_owned(),
        named => format!("Nothing matches as typed; these are spelt alike: {}.", named.join(", ")),
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

/// Numbers of each segment's texts that match.
fn all_matching(
    segments: &[(Segment, Deleted)],
    query: &Query,
    looseness: Looseness,
) -> io::Result<Vec<Vec<u32>>> {
    let matching = |(segment, _): &(Segment, Deleted)| matching(segment, query, looseness);
    if looseness == Looseness::Exact {
        return segments.iter().map(matching).collect();
    }
    // All words are gone through, so that a thread is worth its start.
    let each = segments.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    std::thread::scope(|scope| {
        let of_some =
            |some| scope.spawn(move || <[_]>::iter(some).map(matching).collect::<io::Result<Vec<_>>>());
        let threads: Vec<_> = segments.chunks(each).map(of_some).collect();
        let parts = threads.into_iter().map(|thread| thread.join().expect("a look-up does not panic"));
        Ok(parts.collect::<io::Result<Vec<_>>>()?.concat())
    })
}

/// Numbers of a segment's texts that match.
fn matching(segment: &Segment, query: &Query, looseness: Looseness) -> io::Result<Vec<u32>> {
    let mut found: Option<Vec<u32>> = None;
    for group in &query.all {
        let lists =
            group.iter().map(|term| texts_with(segment, term, looseness)).collect::<Result<_, _>>()?;
        let list = either(lists);
        let both = found.map_or(list.clone(), |found| common(&found, &list));
        if both.is_empty() {
            return Ok(both);
        }
        found = Some(both);
    }
    let mut found = found.unwrap_or_else(|| (0..segment.len()).collect());
    for term in query.none.iter().filter(|term| !term.needs_text) {
        found = without(&found, &texts_with(segment, term, Looseness::Exact)?);
    }
    Ok(found)
}

fn texts_with(segment: &Segment, term: &Term, looseness: Looseness) -> io::Result<Vec<u32>> {
    let last = term.words.len() - 1;
    let mut found: Option<Vec<u32>> = None;
    for (n, word) in term.words.iter().enumerate() {
        let characters = word.chars().count();
        // A lone CJK character begins the pairs that it stands in.
        let lone = characters == 1 && word.chars().all(is_cjk);
        let wanted = match looseness {
            _ if lone || (term.is_prefix && n == last) => Wanted::Start(word),
            // A phrase may begin and end inside a word.
            Looseness::PartOfWord if word.len() >= 3 => Wanted::Inside(word),
            Looseness::Close if forgiven(word) > 0 => Wanted::Close(word, forgiven(word)),
            _ => Wanted::Word(word),
        };
        let list = segment.numbers_with(&wanted)?;
        let both = found.map_or(list.clone(), |found| common(&found, &list));
        if both.is_empty() {
            return Ok(both);
        }
        found = Some(both);
    }
    Ok(found.unwrap_or_default())
}

/// Gathers the best candidates and counts all of them.
struct Gather {
    /// How words are taken.
    looseness: Looseness,
    reach: Reach,
    kinds: u16,
    tools: Option<HashSet<u16>>,
    now: i64,
    order: Order,
    /// Whether to count what matches.
    counts: bool,
    limit: usize,
}

impl Gather {
    fn gather(
        &self,
        segments: &[(Segment, Deleted)],
        matching: Vec<Vec<u32>>,
    ) -> io::Result<(Vec<Candidate>, u64, Tally)> {
        let mut best: BinaryHeap<Candidate> = BinaryHeap::new();
        let mut tally = Tally::default();
        let mut total = 0;
        for ((segment, deleted), numbers) in segments.iter().zip(matching) {
            for doc in segment.docs(numbers.into_iter().filter(|number| !deleted.contains(*number))) {
                let (_, doc) = doc?;
                let Some(standing) = self.reach.standing(&doc).filter(|_| self.is_wanted(&doc)) else {
                    continue;
                };
                total += 1;
                if self.counts {
                    tally.count(doc.session, doc.kind, doc.at, self.now);
                }
                let candidate = self.candidate(&doc, standing);
                if best.len() < self.limit {
                    best.push(candidate);
                } else if best.peek().is_some_and(|worst| candidate < *worst) {
                    best.pop();
                    best.push(candidate);
                }
            }
        }
        Ok((best.into_sorted_vec(), total, tally))
    }

    fn is_wanted(&self, doc: &Doc) -> bool {
        (self.kinds == 0 || self.kinds & (1 << doc.kind) != 0)
            && self.tools.as_ref().is_none_or(|tools| tools.contains(&doc.tool))
    }

    fn candidate(&self, doc: &Doc, standing: Standing) -> Candidate {
        let &Doc { session, seq, kind, .. } = doc;
        if self.order == Order::Place {
            // Equal in all that comes first, so that the places decide.
            return Candidate { score: 0.0, at: 0, standing, session, seq, kind };
        }
        let days = ((self.now - doc.at) as f64 / 86_400_000.0).max(0.0);
        let recency = 1.0 / (1.0 + days / HALF_LIFE_DAYS);
        let score = (weight(doc.kind) * (0.5 + 0.5 * recency)) as f32;
        Candidate { score, at: doc.at, standing, session, seq, kind }
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

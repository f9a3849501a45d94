//! How the texts that a search found are spread: by agent, project, kind and time.

use std::collections::HashMap;

use marline_model::ItemKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Index, IndexError};

const DAY_MS: i64 = 86_400_000;
/// What `since:` is offered with, and how many days that is.
const AGES: [(&str, i64); 4] = [("1d", 1), ("7d", 7), ("30d", 30), ("365d", 365)];
/// Values of one facet that are told.
const MAX_VALUES: usize = 12;

/// How many texts match, by what one can narrow a search down with. A call and its output are two texts.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Facets {
    /// By agent.
    pub source: Vec<Facet>,
    /// By project.
    pub project: Vec<Facet>,
    /// By kind.
    pub kind: Vec<Facet>,
    /// By time; each span holds the shorter ones.
    pub time: Vec<Facet>,
}

/// A value and how often it matches.
#[derive(Debug, Serialize, ToSchema)]
pub struct Facet {
    /// What to give to `source:`, `project:`, `kind:` or `since:`.
    pub value: String,
    /// How many texts.
    pub count: u64,
}

/// Counts while matches are gone through.
#[derive(Default)]
pub struct Tally {
    /// By the session's number; numbers are given one after the other.
    sessions: Vec<u64>,
    kinds: [u64; ItemKind::ALL.len()],
    ages: [u64; AGES.len()],
}

impl Tally {
    /// Counts a text.
    pub fn count(&mut self, session: u32, kind: u8, at: i64, now: i64) {
        let session = session as usize;
        if session >= self.sessions.len() {
            self.sessions.resize(session + 1, 0);
        }
        self.sessions[session] += 1;
        self.kinds[ItemKind::from_number(kind) as usize] += 1;
        for ((_, days), count) in AGES.iter().zip(&mut self.ages) {
            *count += u64::from(at >= now - days * DAY_MS);
        }
    }
}

impl Index {
    /// Tells what was counted in words, the most frequent first.
    pub(crate) fn facets(&self, tally: &Tally) -> Result<Facets, IndexError> {
        let mut sources: HashMap<String, u64> = HashMap::new();
        let mut projects: HashMap<String, u64> = HashMap::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, source, COALESCE(project, '') FROM sessions WHERE listed = 1")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let count = tally.sessions.get(row.get::<_, u32>(0)? as usize).copied().unwrap_or(0);
            if count == 0 {
                continue;
            }
            for (column, sums) in [(1, &mut sources), (2, &mut projects)] {
                let name = row.get_ref(column)?.as_str().unwrap_or_default();
                match sums.get_mut(name) {
                    Some(sum) => *sum += count,
                    None => drop(sums.insert(name.to_owned(), count)),
                }
            }
        }
        projects.remove("");
        let kinds = ItemKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), tally.kinds[*kind as usize]));
        let ages = AGES.iter().zip(tally.ages).map(|((name, _), count)| ((*name).to_owned(), count));
        Ok(Facets {
            source: ordered(sources),
            project: ordered(projects),
            kind: ordered(kinds),
            time: ages.map(|(value, count)| Facet { value, count }).collect(),
        })
    }
}

fn ordered(counts: impl IntoIterator<Item = (String, u64)>) -> Vec<Facet> {
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let mut facets: Vec<Facet> = counts.map(|(value, count)| Facet { value, count }).collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets.truncate(MAX_VALUES);
    facets
}

//! Which texts a search goes through: those of the sessions that its filter selects, and where it finds within one
//! session, those that this session inherits by reference, too.

use std::cmp::Reverse;
use std::collections::HashMap;

use marline_text::Doc;
use rusqlite::{params, params_from_iter};

use crate::query::Query;
use crate::search::Order;
use crate::window::Stretch;
use crate::{Index, IndexError};

/// What of a session is gone through, and where it stands in the transcript that is asked for.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The session whose transcript shows it.
    shown_in: u32,
    /// How many forks back it lies there.
    back: u32,
    /// Items from this number on came after the fork.
    end: u64,
}

/// The sessions that are gone through; `None`: all of them.
#[derive(Debug)]
pub(crate) struct Reach(Option<HashMap<u32, Part>>);

/// Where a text stands in the transcript that shows it. What lies further back comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    pub shown_in: u32,
    pub back: Reverse<u32>,
}

impl Reach {
    /// Says whether there is nothing to go through.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(HashMap::is_empty)
    }

    /// Says where a text stands; `None`: it is not gone through.
    pub fn standing(&self, doc: &Doc) -> Option<Standing> {
        let Some(parts) = &self.0 else {
            return Some(Standing { shown_in: doc.session, back: Reverse(0) });
        };
        let part = parts.get(&doc.session).filter(|part| u64::from(doc.seq) < part.end)?;
        Some(Standing { shown_in: part.shown_in, back: Reverse(part.back) })
    }
}

impl Index {
    /// Selects what a query goes through.
    pub(crate) fn reach(&self, query: &Query, order: Order) -> Result<Reach, IndexError> {
        // A search looks everywhere unless it is told not to: archived sessions and sub-agents too.
        let mut filter = query.filter.clone();
        if filter.is_empty() {
            return Ok(Reach(None));
        }
        filter.all = true;
        let (condition, values) = filter.condition();
        let sql = format!("SELECT s.number FROM sessions s WHERE {condition}");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(&values), |row| row.get::<_, u32>(0))?;
        let mut parts = HashMap::new();
        for number in rows {
            let number = number?;
            parts.insert(number, Part { shown_in: number, back: 0, end: u64::MAX });
        }
        if let (Order::Place, [id]) = (order, &filter.ids[..])
            && let Some(own) = parts.keys().next().copied()
        {
            for stretch in self.stretches(id, own.into(), &mut Vec::new())? {
                if let (1.., Ok(number)) = (stretch.back, u32::try_from(stretch.number)) {
                    let end = self.end_of(&stretch)?;
                    parts.insert(number, Part { shown_in: own, back: stretch.back, end });
                }
            }
        }
        Ok(Reach(Some(parts)))
    }

    /// The number of the first item behind a stretch. Items are numbered in the order of their file.
    fn end_of(&self, stretch: &Stretch) -> Result<u64, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT COALESCE(MAX(seq) + 1, 0) FROM items WHERE session = ?1 AND offset < ?2",
        )?;
        let end: i64 = statement.query_row(params![stretch.number, stretch.end], |row| row.get(0))?;
        Ok(end as u64)
    }
}

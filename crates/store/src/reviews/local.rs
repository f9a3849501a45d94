//! Reviews in `marline.db`.

use marline_model::SessionId;
use rusqlite::params;

use super::contract::{ReviewStore, Reviews};
use super::types::Review;
use crate::database::internal;
use crate::work::{LocalWorkStore, WorkError};

impl ReviewStore for LocalWorkStore {
    fn reviews(&self, which: Reviews<'_>) -> Result<Vec<Review>, WorkError> {
        match which {
            Reviews::Of(parent) => self
                .all("SELECT body, revision FROM reviews WHERE parent = ? ORDER BY id", [parent.to_string()]),
            Reviews::By(child) => self
                .all("SELECT body, revision FROM reviews WHERE child = ? ORDER BY id", [child.to_string()]),
            Reviews::Last(most) => {
                self.all("SELECT body, revision FROM reviews ORDER BY id DESC LIMIT ?", [most as i64])
            }
        }
    }

    fn review(&self, id: &str) -> Result<Review, WorkError> {
        let not_found = || WorkError::NotFound { what: format!("review {id}") };
        // Ids are in the order of their times, so those that begin alike lie side by side.
        let sql = "SELECT body, revision FROM reviews WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2";
        let mut found: Vec<Review> = self.all(sql, params![id, format!("{id}\u{10ffff}")])?;
        match (found.pop(), found.pop()) {
            (Some(one), None) if !id.is_empty() => Ok(one),
            (Some(_), Some(first)) if first.id == id => Ok(first),
            (Some(_), Some(_)) if !id.is_empty() => {
                Err(WorkError::invalid(format!("{id} stands for several reviews; give more of the id")))
            }
            _ => Err(not_found()),
        }
    }

    fn reviewers(&self) -> Result<Vec<SessionId>, WorkError> {
        let connection = self.lock();
        let ask = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT child FROM reviews WHERE child IS NOT NULL ORDER BY child";
            connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        let ids = ask().map_err(internal("marline.db could not be read"))?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }
}

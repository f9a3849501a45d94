//! Usage, summed up from the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use marline_model::Usage;
use rusqlite::params_from_iter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::price::{cost_micro_usd, table_date};
use crate::sessions::Filter;
use crate::{Index, IndexError};

/// What usage is summed up by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UsageBy {
    /// Day, UTC.
    #[default]
    Day,
    /// Model.
    Model,
    /// Project.
    Project,
    /// Agent.
    Source,
    /// Session.
    Session,
}

/// One line of a report.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageLine {
    /// The day, model, project, agent or session.
    pub key: String,
    /// The second grouping's, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub and: Option<String>,
    /// Model requests.
    pub requests: u64,
    /// Tokens.
    pub usage: Usage,
    /// Cost of the models that have a price, in millionths of a US dollar; null: no model in it has one.
    pub cost_micro_usd: Option<u64>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageReport {
    /// The lines: days in order, everything else by cost and tokens.
    pub lines: Vec<UsageLine>,
    /// All of them together.
    pub total: UsageLine,
    /// Models without a price: their tokens are counted, their cost is not.
    pub unpriced_models: Vec<String>,
    /// The date of the price table.
    pub prices_of: String,
}

impl Index {
    /// Sums up usage, by one thing or by two; the filter's `since` and `until` select days.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn usage(
        &self,
        by: UsageBy,
        and: Option<UsageBy>,
        filter: &Filter,
    ) -> Result<UsageReport, IndexError> {
        const DAY_MS: i64 = 86_400_000;
        let days =
            (filter.since.map(|t| t.as_millis() / DAY_MS), filter.until.map(|t| t.as_millis() / DAY_MS));
        let filter = Filter { since: None, until: None, all: true, ..filter.clone() };
        let (condition, mut values) = filter.condition();
        let mut when = String::new();
        for (day, operator) in [(days.0, ">="), (days.1, "<=")] {
            if let Some(day) = day {
                values.push(day.into());
                when += &format!(" AND d.day {operator} ?{}", values.len());
            }
        }
        let column = |by| match by {
            UsageBy::Day => "d.day",
            UsageBy::Model => "''",
            UsageBy::Project => "COALESCE(s.project, '')",
            UsageBy::Source => "s.source",
            UsageBy::Session => "s.id",
        };
        let (key, second) = (column(by), and.map_or("''", column));
        let sql = format!(
            "SELECT CAST({key} AS TEXT), COALESCE(n.name, ''), SUM(d.requests), SUM(d.input), SUM(d.cached),
                SUM(d.written), SUM(d.written_1h), SUM(d.output), SUM(d.reasoning), CAST({second} AS TEXT)
             FROM usage_days d JOIN sessions s ON s.number = d.session LEFT JOIN names n ON n.number = d.model
             WHERE {condition}{when} GROUP BY 1, d.model, 10"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut lines: BTreeMap<(String, Option<String>), UsageLine> = BTreeMap::new();
        let mut total = UsageLine { key: "total".to_owned(), ..UsageLine::default() };
        let mut unpriced = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let model: String = row.get(1)?;
            let name = |by, text: String| match by {
                UsageBy::Day => day_name(text.parse().unwrap_or(0)),
                UsageBy::Model => model.clone(),
                _ => text,
            };
            let key = name(by, row.get(0)?);
            let second = and.map(|and| row.get(9).map(|text| name(and, text))).transpose()?;
            let usage = crate::lineage::usage_at(row, 3)?;
            let cost = cost_micro_usd(&model, &usage).filter(|_| !usage.is_zero());
            if cost.is_none() && !usage.is_zero() {
                unpriced.insert(if model.is_empty() { "(not recorded)".to_owned() } else { model });
            }
            let line = lines.entry((key.clone(), second.clone())).or_insert_with(|| UsageLine {
                key,
                and: second,
                ..UsageLine::default()
            });
            for line in [line, &mut total] {
                line.requests += row.get::<_, i64>(2)? as u64;
                line.usage += usage;
                if let Some(cost) = cost {
                    *line.cost_micro_usd.get_or_insert(0) += cost;
                }
            }
        }
        let mut lines: Vec<UsageLine> = lines.into_values().collect();
        // What used nothing costs nothing, whatever its price.
        for line in lines.iter_mut().chain([&mut total]).filter(|line| line.usage.is_zero()) {
            line.cost_micro_usd = Some(0);
        }
        if by != UsageBy::Day {
            lines.sort_by_key(|line| {
                std::cmp::Reverse((line.cost_micro_usd.unwrap_or(0), line.usage.total()))
            });
        }
        let unpriced_models = unpriced.into_iter().collect();
        Ok(UsageReport { lines, total, unpriced_models, prices_of: table_date().to_owned() })
    }
}

/// Writes a number of days since 1970 as a date.
fn day_name(day: i64) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    match epoch.checked_add(jiff::Span::new().days(day.clamp(-700_000, 2_900_000))) {
        Ok(date) => date.to_string(),
        Err(_) => day.to_string(),
    }
}

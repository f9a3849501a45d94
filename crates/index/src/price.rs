//! What tokens cost: a bundled, dated table. A model that is not in it is named and not priced.

use std::sync::LazyLock;

use marline_model::Usage;
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    date: String,
    models: std::collections::BTreeMap<String, [f64; 5]>,
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("prices.json")).expect("the bundled table is valid"));

/// Returns the date of the price table, `YYYY-MM-DD`.
pub fn table_date() -> &'static str {
    &TABLE.date
}

/// Returns the cost in millionths of a US dollar; `None` for a model without a price.
///
/// A price of one dollar per million tokens is one micro-dollar a token.
pub fn cost_micro_usd(model: &str, usage: &Usage) -> Option<u64> {
    // Gateways put a path before the model's name.
    let name = model.rsplit('/').next().unwrap_or(model);
    let (_, prices) = TABLE
        .models
        .iter()
        .filter(|(prefix, _)| name.starts_with(prefix.as_str()))
        .max_by_key(|(prefix, _)| prefix.len())?;
    let [input, cached, write, write_1h, output] = *prices;
    let short = usage.cache_write_tokens.saturating_sub(usage.cache_write_1h_tokens);
    let sum = usage.input_tokens as f64 * input
        + usage.cached_input_tokens as f64 * cached
        + short as f64 * write
        + usage.cache_write_1h_tokens as f64 * write_1h
        + usage.output_tokens as f64 * output;
    Some(sum.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_price_and_the_longest_name_wins() {
        let usage = Usage {
            input_tokens: 1_000_000,
            cached_input_tokens: 1_000_000,
            cache_write_tokens: 2_000_000,
            cache_write_1h_tokens: 1_000_000,
            output_tokens: 1_000_000,
            reasoning_tokens: 500_000,
        };
        assert_eq!(cost_micro_usd("claude-sonnet-4-20250514", &usage), Some(28_050_000));
        assert_ne!(cost_micro_usd("gpt-5-mini", &usage), cost_micro_usd("gpt-5", &usage));
        assert_eq!(cost_micro_usd("anthropic/claude-sonnet-4", &usage), Some(28_050_000));
        assert_eq!(cost_micro_usd("lab-model", &usage), None);
    }
}

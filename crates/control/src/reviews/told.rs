//! A review as people see it.

use marline_store::reviews::Review;
use serde::Serialize;
use utoipa::ToSchema;

/// Of a prompt so much stands in lists, in characters.
const BEGINNING: usize = 400;

/// A review with what follows from it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReviewAnswer)]
pub struct Told {
    /// The review.
    #[serde(flatten)]
    pub review: Review,
    /// How many rounds are left.
    pub rounds_left: u32,
    /// What all its rounds cost, in millionths of a US dollar, as far as their models have a price.
    pub cost_micro_usd: u64,
    /// The round, from 0, whose findings count: the last that gave a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current_round: Option<usize>,
}

impl Told {
    /// All of it.
    pub fn whole(review: Review) -> Self {
        Told {
            rounds_left: review.rounds_left(),
            cost_micro_usd: review.cost_micro_usd(),
            current_round: review.rounds.iter().rposition(|round| round.is_structured),
            review,
        }
    }

    /// With the beginnings of its prompts alone.
    pub fn short(mut review: Review) -> Self {
        for round in &mut review.rounds {
            if let Some((end, _)) = round.prompt.char_indices().nth(BEGINNING) {
                round.prompt.truncate(end);
                round.prompt.push('…');
            }
        }
        Told::whole(review)
    }
}

//! The contract of a store of reviews. They are written through [`Change::Review`](crate::work::Change::Review).

use marline_model::SessionId;

use super::types::Review;
use crate::work::WorkError;

/// Which reviews.
#[derive(Debug, Clone, Copy)]
pub enum Reviews<'a> {
    /// Of a session's work, the first begun first.
    Of(&'a SessionId),
    /// Whose reviewer has this session.
    By(&'a SessionId),
    /// The last begun first, at most so many.
    Last(usize),
}

/// Keeps reviews.
pub trait ReviewStore {
    /// Some reviews.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn reviews(&self, which: Reviews<'_>) -> Result<Vec<Review>, WorkError>;

    /// A review by its id, or by a beginning of it that names one.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    fn review(&self, id: &str) -> Result<Review, WorkError>;

    /// The sessions of all reviewers: lists leave them out.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    fn reviewers(&self) -> Result<Vec<SessionId>, WorkError>;
}

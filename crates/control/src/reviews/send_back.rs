//! Findings go back to the session that they are about, as a prompt.

use marline_model::LiveState;
use marline_store::reviews::{Review, SendOutcome, SentBack};
use marline_store::work::{Change, Claim, Options, WorkError};

use crate::live::{Control, LiveSession, Steered};
use crate::target::agent;
use crate::work::{Desk, check_prompt};

/// What is to be done about a prompt that goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// It is to be typed now.
    Type,
    /// It was said before under the same key; this came of it.
    Before(SendOutcome),
}

/// Why nothing can be typed into a session now. `may_queue`: it may wait behind what its agent is at.
pub fn obstacle(live: Option<&LiveSession>, may_queue: bool) -> Option<String> {
    let Some(live) = live else {
        return Some("no agent has the session open: open it, or have it said without a terminal".to_owned());
    };
    match (&live.control, live.state) {
        (Control::Marline { .. }, _) => Some("Marline works in the session; wait for it".to_owned()),
        (Control::None { why, .. }, _) => Some(format!("the session can only be read: {why}")),
        (_, LiveState::NeedsApproval | LiveState::NeedsInput) => {
            Some("the session asks something; answer that first".to_owned())
        }
        (_, LiveState::Working | LiveState::Starting) if !agent(live.source).live().queues_prompts() => {
            Some("the session is busy; wait until it is idle".to_owned())
        }
        (_, LiveState::Working | LiveState::Starting) if !may_queue => {
            Some("the session is busy; wait until it is idle, or let it wait behind what it does".to_owned())
        }
        _ => None,
    }
}

impl Desk {
    /// Notes that something is about to be typed into the session. Until [`Desk::end_send_back`] nobody knows what came of it.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn begin_send_back(&self, id: &str, key: &str, prompt: &str) -> Result<Sending, WorkError> {
        check_prompt(prompt)?;
        loop {
            let mut review = self.store().review(id)?;
            if let Some(before) = review.sent_back.iter().find(|sent| sent.key == key) {
                return Ok(Sending::Before(before.outcome.clone()));
            }
            let seen = "it was begun, and nobody has seen what came of it".to_owned();
            review.sent_back.push(self.sent(key, prompt, None, SendOutcome::Unknown { seen }));
            match self.store().commit(&[Change::Review(review)]) {
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Sending::Type),
            }
        }
    }

    /// Notes what came of it. What was refused is as if it had never been: it may be tried again.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn end_send_back(&self, id: &str, key: &str, steered: Steered) -> Result<Review, WorkError> {
        loop {
            let mut review = self.store().review(id)?;
            match &steered {
                Steered::Refused { .. } => review.sent_back.retain(|sent| sent.key != key),
                Steered::Delivered { proof } => {
                    outcome(&mut review, key, SendOutcome::Delivered { proof: proof.clone() });
                }
                Steered::Unknown { seen } => {
                    outcome(&mut review, key, SendOutcome::Unknown { seen: seen.clone() })
                }
            }
            match self.store().commit(&[Change::Review(review.clone())]) {
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return self.store().review(&review.id),
            }
        }
    }

    /// Has the session taken up without a terminal and told; its agent works under its own settings.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while the reviewer, or another prompt that went back, is at work.
    pub fn send_back_without_terminal(
        &self,
        id: &str,
        key: &str,
        prompt: &str,
        claim: Option<Claim>,
    ) -> Result<Review, WorkError> {
        check_prompt(prompt)?;
        let mut review = self.store().review(id)?;
        if review.sent_back.iter().any(|sent| sent.key == key) {
            return Ok(review);
        }
        let parent = review.parent.clone();
        let begun = self.run_of_review(
            &review,
            parent.source(),
            Some(parent),
            prompt.to_owned(),
            Options::default(),
            claim,
        );
        let task = Some(begun.task.id.clone());
        review.sent_back.push(self.sent(key, prompt, task, SendOutcome::Running));
        let mut changes = vec![Change::Review(review.clone())];
        changes.extend(begun.changes());
        match self.store().commit(&changes) {
            Err(WorkError::Conflict { .. }) if self.open_run(&review.id)?.is_some() => {
                Err(WorkError::conflict("the review is at work; wait for it"))
            }
            Err(error) => Err(error),
            Ok(()) => self.store().review(&review.id),
        }
    }

    fn sent(&self, key: &str, prompt: &str, task: Option<String>, outcome: SendOutcome) -> SentBack {
        SentBack { key: key.to_owned(), prompt: prompt.to_owned(), at: self.now(), task, outcome }
    }
}

fn outcome(review: &mut Review, key: &str, outcome: SendOutcome) {
    if let Some(sent) = review.sent_back.iter_mut().find(|sent| sent.key == key) {
        sent.outcome = outcome;
    }
}

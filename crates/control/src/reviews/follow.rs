//! What became of a round, written into its review in the same commit as the round's task.

use marline_model::SessionId;
use marline_store::reviews::{Review, RoundState, SendOutcome};
use marline_store::work::{Change, Run, Status, Task, WorkError};

use super::findings::parse;
use super::prompt::whole_prompt;
use crate::work::Engine;

/// Takes over what a task shows. Says whether that changed anything.
fn follow(review: &mut Review, task: &Task, price: impl Fn(&Review, &Task) -> Option<u64>) -> bool {
    let before = review.clone();
    if let Some(sent) = review.sent_back.iter_mut().find(|sent| sent.task.as_ref() == Some(&task.id)) {
        let why = || task.why.clone().unwrap_or_default();
        sent.outcome = match task.status {
            Status::Pending | Status::Claimed | Status::Running => SendOutcome::Running,
            Status::Completed => SendOutcome::Delivered { proof: "it was answered".to_owned() },
            // Nobody knows how much of it was done.
            Status::Interrupted => SendOutcome::Unknown { seen: why() },
            Status::Failed | Status::Cancelled => SendOutcome::Refused { why: why() },
        };
        return *review != before;
    }
    let Some(at) = review.rounds.iter().position(|round| round.task == task.id) else { return false };
    if task.session.is_some() {
        review.child.clone_from(&task.session);
    }
    let cost = price(review, task);
    let round = &mut review.rounds[at];
    round.usage = task.usage;
    round.why.clone_from(&task.why);
    round.ended_at = task.completed_at;
    round.state = match task.status {
        Status::Pending | Status::Claimed | Status::Running => RoundState::Running,
        Status::Completed => RoundState::Answered,
        Status::Failed => RoundState::Failed,
        Status::Interrupted | Status::Cancelled => RoundState::Stopped,
    };
    if task.status.is_over() {
        round.cost_micro_usd = cost;
    }
    if task.status == Status::Completed {
        let parsed = parse(task.answer.as_deref().unwrap_or_default());
        round.text = Some(parsed.text).filter(|text| !text.is_empty());
        round.findings = parsed.findings;
        round.is_structured = parsed.is_structured;
    }
    review.state = review.state_now();
    *review != before
}

impl Engine {
    /// Adds to what is written of a task what it means for the review.
    pub(crate) fn follow_review(
        &self,
        run: &Run,
        task: &Task,
        changes: &mut Vec<Change>,
    ) -> Result<(), WorkError> {
        if !run.is_review {
            return Ok(());
        }
        let mut review = self.store().review(&run.list)?;
        if follow(&mut review, task, |review, task| self.price(review, task)) {
            changes.push(Change::Review(review));
        }
        Ok(())
    }

    /// Says whether a session is the one that the run's reviewer works in.
    pub(crate) fn is_reviewer(&self, run: &Run, session: &SessionId) -> Result<bool, WorkError> {
        Ok(run.is_review && self.store().review(&run.list)?.child.as_ref() == Some(session))
    }

    /// What a prompt has to say in a new session, where the one that it was to go on in came to nothing.
    pub(crate) fn prompt_anew(&self, run: &Run, task: &Task) -> Result<String, WorkError> {
        if !run.is_review {
            return Ok(task.prompt.clone());
        }
        let review = self.store().review(&run.list)?;
        let asked = review.rounds.iter().find(|round| round.task == task.id);
        Ok(whole_prompt(&review, asked.map_or(&task.prompt, |round| &round.prompt)))
    }

    /// What a round cost, by its tokens and the model that its session shows.
    fn price(&self, review: &Review, task: &Task) -> Option<u64> {
        let index = self.transcripts()?.index();
        let model = || index.session_by_id(task.session.as_ref()?).ok()?.model;
        let model = model().or_else(|| review.model.clone())?;
        marline_index::cost_micro_usd(&model, &task.usage)
    }
}

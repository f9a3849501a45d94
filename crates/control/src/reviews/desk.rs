//! What people do with reviews.

use marline_model::{SessionId, Source, Timestamp};
use marline_store::reviews::{Review, ReviewState, Reviews, Round, RoundState};
use marline_store::work::{Change, Claim, Counts, HalfDone, Options, Run, Task, Wish, WorkError};

use super::context::Context;
use super::prompt::{review_prompt, round_prompt, whole_prompt};
use crate::target::agent;
use crate::work::{Desk, check_order, check_prompt};

/// So many rounds, unless it is said.
pub const ROUNDS: u32 = 3;
/// More rounds than this are no review.
const MOST_ROUNDS: u32 = 20;
/// Reviewers of one thing at a time.
const MOST_REVIEWERS: usize = 8;
/// A reviewer that takes longer is stopped, in seconds.
const LONGEST: u64 = 45 * 60;

/// Who reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// The agent.
    pub source: Source,
    /// Its model; nothing: the one of its settings.
    pub model: Option<String>,
}

/// A review that is to begin, with each of the reviewers.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// What is reviewed.
    pub context: Context,
    /// By whom.
    pub reviewers: Vec<Reviewer>,
    /// In at most so many rounds.
    pub max_rounds: u32,
    /// The client's own name for it: said again under it, it is not begun again.
    pub key: Option<String>,
}

/// How a reviewer runs: it may read, and nobody is asked for more.
pub(super) fn options(model: Option<String>) -> Options {
    Options {
        model,
        permission: Some(marline_agents::talk::Permission::Read),
        timeout_seconds: LONGEST,
        approval_seconds: 0,
        // A person waits: they choose another reviewer sooner than the limit ends.
        waits_for_limit: false,
        // It changes nothing, so that going on can do no harm.
        half_done: HalfDone::Resume,
        ..Options::default()
    }
}

/// A run of one prompt that belongs to a review.
pub(super) struct Begun {
    pub run: Run,
    pub task: Task,
}

impl Begun {
    pub(super) fn changes(&self) -> [Change; 2] {
        [Change::Run(self.run.clone()), Change::Task(self.task.clone())]
    }
}

impl Desk {
    /// Prepares a run of one prompt.
    pub(super) fn run_of_review(
        &self,
        review: &Review,
        source: Source,
        session: Option<SessionId>,
        prompt: String,
        options: Options,
        claim: Option<Claim>,
    ) -> Begun {
        let name = format!("review by {}", agent(review.source).name());
        let mut run = self.new_run(&review.id, &name, false, claim);
        run.is_review = true;
        run.options = options;
        run.counts = Counts { pending: 1, ..Counts::default() };
        let task = Task {
            // Of a run that is no queue's.
            member: Some(0),
            is_new: session.is_none(),
            session,
            cwd: Some(review.cwd.clone()),
            ..Task::new(self.id(), &run.id, source, 1, prompt, self.now())
        };
        Begun { run, task }
    }

    /// Begins a review with each of the reviewers; `claim` works at them, nothing: nobody yet.
    ///
    /// # Errors
    /// [`WorkError::Invalid`] for what makes no sense or an agent can't do, [`WorkError::Conflict`] when the same is being
    /// begun under this key.
    pub fn begin_reviews(&self, wanted: &NewReview, claim: Option<&Claim>) -> Result<Vec<Review>, WorkError> {
        let parent = &wanted.context.session;
        if let Some(key) = &wanted.key {
            let before = self.begun_before(parent, key)?;
            if !before.is_empty() {
                return Ok(before);
            }
        }
        if wanted.reviewers.is_empty() || wanted.reviewers.len() > MOST_REVIEWERS {
            return Err(WorkError::invalid(format!("a review has one to {MOST_REVIEWERS} reviewers")));
        }
        if wanted.max_rounds == 0 || wanted.max_rounds > MOST_ROUNDS {
            return Err(WorkError::invalid(format!("a review has one to {MOST_ROUNDS} rounds")));
        }
        let prompt = review_prompt(parent.source(), &wanted.context);
        check_prompt(&prompt)?;
        for reviewer in &wanted.reviewers {
            check_order(reviewer.source, None, &options(reviewer.model.clone()), &[])?;
        }
        if let Some(key) = &wanted.key {
            let noted = self.store().begin_command(&format!("review {parent} {key}"), self.now())?;
            if noted.is_some() {
                let before = self.begun_before(parent, key)?;
                let words = "that review is being begun, or was cut off before it began: begin it anew";
                return if before.is_empty() { Err(WorkError::conflict(words)) } else { Ok(before) };
            }
        }
        let now = self.now();
        let (mut changes, mut ids) = (Vec::new(), Vec::new());
        for reviewer in &wanted.reviewers {
            let mut review = Review {
                id: self.id(),
                key: wanted.key.clone(),
                parent: parent.clone(),
                anchor: wanted.context.anchor.clone(),
                context: wanted.context.told(),
                source: reviewer.source,
                model: reviewer.model.clone(),
                cwd: wanted.context.cwd.clone(),
                child: None,
                state: ReviewState::Running,
                rounds: Vec::new(),
                max_rounds: wanted.max_rounds,
                sent_back: Vec::new(),
                created_at: now,
                ended_at: None,
                revision: 0,
            };
            let options = options(reviewer.model.clone());
            let begun =
                self.run_of_review(&review, review.source, None, prompt.clone(), options, claim.cloned());
            review.rounds.push(round(&begun, prompt.clone(), None, now));
            ids.push(review.id.clone());
            changes.push(Change::Review(review));
            changes.extend(begun.changes());
        }
        self.store().commit(&changes)?;
        let reviews: Result<Vec<Review>, WorkError> = ids.iter().map(|id| self.store().review(id)).collect();
        if let Some(key) = &wanted.key {
            self.store().end_command(&format!("review {parent} {key}"), &ids.join(" "))?;
        }
        reviews
    }

    fn begun_before(&self, parent: &SessionId, key: &str) -> Result<Vec<Review>, WorkError> {
        let mut all = self.store().reviews(Reviews::Of(parent))?;
        all.retain(|review| review.key.as_deref() == Some(key));
        Ok(all)
    }

    /// Says something to a reviewer: another round in its session.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it is at another one, when it is over, and when its rounds are used up.
    pub fn ask_reviewer(
        &self,
        id: &str,
        text: &str,
        key: Option<&str>,
        claim: Option<Claim>,
    ) -> Result<Review, WorkError> {
        check_prompt(text)?;
        let mut review = self.store().review(id)?;
        if key.is_some() && review.rounds.iter().any(|round| round.key.as_deref() == key) {
            return Ok(review);
        }
        match review.state_now() {
            ReviewState::Ended => return Err(WorkError::conflict("the review is ended")),
            ReviewState::Running => {
                return Err(WorkError::conflict("the reviewer is at its work; wait for it"));
            }
            ReviewState::Answered | ReviewState::Failed if review.rounds_left() == 0 => {
                let words = format!("all {} rounds of the review are used up", review.max_rounds);
                return Err(WorkError::conflict(words));
            }
            ReviewState::Answered | ReviewState::Failed => {}
        }
        let prompt = match &review.child {
            Some(_) => round_prompt(text),
            None => whole_prompt(&review, text),
        };
        let options = options(review.model.clone());
        check_order(review.source, review.child.as_ref(), &options, &[])?;
        let child = review.child.clone();
        let begun = self.run_of_review(&review, review.source, child, prompt.clone(), options, claim);
        review.rounds.push(round(&begun, text.to_owned(), key, self.now()));
        let id = review.id.clone();
        let mut changes = vec![Change::Review(review)];
        changes.extend(begun.changes());
        self.store().commit(&changes)?;
        self.store().review(&id)
    }

    /// Ends a review; what the reviewer is at is stopped. All of it stays to be read.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn end_review(&self, id: &str) -> Result<Review, WorkError> {
        loop {
            let mut review = self.store().review(id)?;
            if review.ended_at.is_some() {
                return Ok(review);
            }
            review.ended_at = Some(self.now());
            let id = review.id.clone();
            match self.store().commit(&[Change::Review(review.clone())]) {
                // The reviewer said something in this moment.
                Err(WorkError::Conflict { .. }) => continue,
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            self.stop_reviewer(&review)?;
            return self.store().review(&id);
        }
    }

    /// Stops what the reviewer is at; what goes back into the session is the session's, and goes on.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn stop_reviewer(&self, review: &Review) -> Result<(), WorkError> {
        let run = self.open_run(&review.id)?;
        if !run.is_some_and(|run| review.rounds.iter().any(|round| round.run == run.id)) {
            return Ok(());
        }
        match self.wish(&review.id, "the review", Wish::Stop) {
            // It is over in this moment.
            Ok(_) | Err(WorkError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends all reviews of a session's work. Returns how many those were.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn end_reviews_of(&self, parent: &SessionId) -> Result<usize, WorkError> {
        let mut open = self.store().reviews(Reviews::Of(parent))?;
        open.retain(|review| review.ended_at.is_none());
        open.iter().try_for_each(|review| self.end_review(&review.id).map(drop))?;
        Ok(open.len())
    }
}

fn round(begun: &Begun, prompt: String, key: Option<&str>, now: Timestamp) -> Round {
    Round {
        prompt,
        key: key.map(str::to_owned),
        run: begun.run.id.clone(),
        task: begun.task.id.clone(),
        state: RoundState::Running,
        why: None,
        text: None,
        findings: Vec::new(),
        is_structured: false,
        usage: Default::default(),
        cost_micro_usd: None,
        started_at: now,
        ended_at: None,
    }
}

//! What came of a prompt, written down.

use std::fs;
use std::time::Duration;

use marline_model::Timestamp;
use marline_store::work::{Change, HalfDone, Member, Mode, Queue, Status, Task, Wish, WorkError, WorkEvent};

use super::engine::{Active, Engine, later, note};
use super::job::{Job, Outcome};
use crate::Target;
use crate::launch::Started;

/// A limit without an end, and a failure that is tried again, wait twice as long each time, up to so long.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// A limit without an end may be something else that only sounds like it: this is some hours.
const MOST_WAITS: u32 = 12;

/// Waits longer each time.
fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(10)).min(LONGEST_WAIT.max(first))
}

impl Engine {
    /// Writes what is new of a job, and what came of it.
    pub(super) fn write(
        &mut self,
        active: &mut Active,
        job: &mut Job,
        renews: bool,
    ) -> Result<(), WorkError> {
        self.ask(active, job)?;
        self.answer(job)?;
        if let Some(outcome) = job.outcome.take() {
            self.settle(active, job, outcome);
        }
        if !job.is_changed && job.log.is_empty() && !renews {
            return Ok(());
        }
        if job.task.status.is_held() {
            job.task.claim = Some(self.claim());
        }
        let mut changes = vec![Change::Task(job.task.clone())];
        changes.extend(job.log.iter().map(|event| self.told(&active.run, Some(&job.task), event.clone())));
        let own = changes.len();
        self.follow(active, job, &mut changes)?;
        self.is_stale |= changes.len() > own;
        match self.store().commit(&changes) {
            Ok(()) => {}
            Err(WorkError::Conflict { .. }) => {
                // Only its place can have been changed by others, or what it belongs to.
                let now = self.store().task(&job.task.id)?;
                job.task.position = now.position;
                job.task.revision = now.revision;
                changes[0] = Change::Task(job.task.clone());
                changes.truncate(own);
                self.follow(active, job, &mut changes)?;
                self.store().commit(&changes)?;
            }
            Err(error) => return Err(error),
        }
        // Until here all of it is kept, and tried again: the disk may be full for a while.
        job.task.revision += 1;
        job.is_changed = false;
        job.log.clear();
        note(&mut active.tasks, &job.task);
        if !job.task.status.is_held() {
            let _ = fs::remove_dir_all(&job.dir);
        }
        Ok(())
    }

    /// The session that a prompt began is the one that the queue goes on in, and the group's member.
    pub(super) fn follow(
        &self,
        active: &Active,
        job: &Job,
        changes: &mut Vec<Change>,
    ) -> Result<(), WorkError> {
        self.follow_review(&active.run, &job.task, changes)?;
        let Some(session) = job.task.session.as_ref().filter(|_| job.task.is_new) else { return Ok(()) };
        let lacks_it =
            |queue: &Queue| queue.mode == Mode::Continue && queue.session.as_ref() != Some(session);
        if let Some(queue) = active.queue.as_ref().filter(|queue| lacks_it(queue)) {
            let mut queue = self.store().queue(&queue.id)?;
            if lacks_it(&queue) {
                queue.session = Some(session.clone());
                changes.push(Change::Queue(queue));
            }
        }
        if let Some(at) = job.task.member.filter(|_| job.task.status == Status::Completed) {
            let Ok(mut group) = self.store().group(&active.run.list) else { return Ok(()) };
            // Members may have been removed meanwhile, and others be in their places.
            let is_it = |member: &&mut Member| member.session.is_none() && member.source == job.task.source;
            if let Some(member) = group.members.get_mut(at).filter(is_it) {
                member.session = Some(session.clone());
                changes.push(Change::Group(group));
            }
        }
        Ok(())
    }

    /// Takes away what the agent leaves beside a session that goes on, and for which its next start would delete that.
    pub(super) fn tidy(&self, task: &Task) {
        let session =
            task.session.as_ref().and_then(|id| self.transcripts.as_ref()?.index().session_by_id(id).ok());
        if let Some(target) = session.and_then(|session| Target::of(&session).ok()) {
            Started::tidy(&target);
        }
    }

    /// Writes into the task what came of it.
    pub(super) fn settle(&mut self, active: &mut Active, job: &mut Job, outcome: Outcome) {
        let options = Self::options(active).clone();
        let now = self.now();
        self.tidy(&job.task);
        let is_death = matches!(outcome, Outcome::Died(_));
        let was_said = is_death && job.was_said(self.transcripts.as_ref());
        let task = &mut job.task;
        job.is_changed = true;
        task.claim = None;
        let mut is_over = true;
        match outcome {
            Outcome::Completed(answer) => {
                task.status = Status::Completed;
                task.answer = answer.clone();
                job.log.push(WorkEvent::Completed { answer });
            }
            Outcome::Stopped(why) => {
                task.status = Status::Interrupted;
                task.why = Some(why.clone());
                job.log.push(WorkEvent::Interrupted { why });
            }
            Outcome::Limited(why, until)
                if options.waits_for_limit && (until.is_some() || task.attempt < MOST_WAITS) =>
            {
                let pause =
                    doubled(Duration::from_secs(options.limit_seconds), task.attempt.saturating_sub(1));
                let until = until.filter(|until| until.as_millis() > now.as_millis());
                let until = until.unwrap_or_else(|| later(now, pause));
                wait(task, &why, until);
                job.log.push(WorkEvent::Waits { why, until });
                is_over = false;
            }
            Outcome::NeverTaken => {
                task.status = Status::Pending;
                let text = "its agent never had it; it is begun anew".to_owned();
                job.log.push(WorkEvent::Note { text });
                is_over = false;
            }
            Outcome::Died(words) if was_said && options.half_done == HalfDone::Interrupt => {
                let why = died(&words);
                task.status = Status::Interrupted;
                task.why = Some(why.clone());
                job.log.push(WorkEvent::Interrupted { why });
            }
            // One that died with its machine is not to blame; one that dies again and again is.
            Outcome::Died(words)
                if was_said
                    && task.session.is_some()
                    && (job.is_adopted || task.failures < options.retries.max(1)) =>
            {
                task.failures += u32::from(!job.is_adopted);
                task.status = Status::Pending;
                task.goes_on = true;
                let text = format!("{}; it is told to go on", died(&words));
                job.log.push(WorkEvent::Note { text });
                is_over = false;
            }
            Outcome::Failed(_) | Outcome::Limited(..) | Outcome::Died(_) => {
                let why = match outcome {
                    Outcome::Died(words) if was_said => died(&words),
                    Outcome::Failed(why) | Outcome::Limited(why, _) | Outcome::Died(why)
                        if !why.is_empty() =>
                    {
                        why
                    }
                    _ => "its agent ended without a word".to_owned(),
                };
                // Half of it may be done: to say it anew would do that twice.
                let may_repeat = !was_said || !is_death;
                task.failures += 1;
                if may_repeat && task.failures <= options.retries && active.run.wish != Wish::Stop {
                    let until = later(now, doubled(Duration::from_secs(1), task.failures - 1));
                    wait(task, &why, until);
                    job.log.push(WorkEvent::Waits { why, until });
                    is_over = false;
                } else {
                    task.status = Status::Failed;
                    task.why = Some(why.clone());
                    job.log.push(WorkEvent::Failed { why });
                }
            }
        }
        if is_over {
            task.completed_at = task.completed_at.or(Some(now));
            task.not_before = None;
        }
        active.has_failed |= matches!(task.status, Status::Failed | Status::Interrupted);
    }
}

/// That an agent died, with its last words, which need not be the cause.
fn died(words: &str) -> String {
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let aside = if last.is_empty() { String::new() } else { format!("; its last words: {last}") };
    format!("its agent died in the middle of it{aside}")
}

/// A prompt waits for another try.
fn wait(task: &mut Task, why: &str, until: Timestamp) {
    task.status = Status::Pending;
    task.why = Some(why.to_owned());
    task.not_before = Some(until);
}

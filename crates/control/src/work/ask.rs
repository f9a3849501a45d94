//! What agents ask, and what they are told.

use std::path::Path;
use std::time::Duration;

use marline_agents::talk::{Decision, Question};
use marline_store::work::{Asked, Change, Rule, Task, WorkError, WorkEvent};

use super::engine::{Active, Engine, later};
use super::job::Job;
use super::permits::{Answered, named, rule_for};
use crate::chain;

impl Engine {
    /// Writes down what the agent asks, and what it no longer does.
    pub(super) fn ask(&mut self, active: &Active, job: &mut Job) -> Result<(), WorkError> {
        while let Some(question) = job.asks.first().cloned() {
            let wait = Duration::from_secs(Self::options(active).approval_seconds);
            if wait.is_zero() {
                job.asks.remove(0);
                refuse(job, &question);
                continue;
            }
            let rule = self.rule(&question, &job.task)?;
            let asked = Asked {
                number: 0,
                run: active.run.id.clone(),
                name: active.run.name.clone(),
                task: job.task.id.clone(),
                attempt: job.task.attempt,
                source: job.task.source,
                session: job.task.session.clone(),
                question: question.clone(),
                at: self.now(),
                until: later(self.now(), wait),
                decision: rule.as_ref().map(|_| Decision::Allow),
                by: rule.as_ref().map(|rule| format!("the rule {:?}", rule.words.join(" "))),
                is_open: true,
                revision: 0,
            };
            let noted = rule.map(|rule| Answered {
                session: asked.session.clone(),
                what: named(&question),
                cwd: question.cwd.clone(),
                decision: Decision::Allow,
                by: rule.by.clone(),
                rule: Some(rule.id),
                outcome: "delivered",
                proof: "a rule allowed it".to_owned(),
                call: Some(question.id.clone()),
            });
            let noted = noted.map(|noted| Change::Audit(noted.entry(self.now())));
            let changes: Vec<Change> = [Change::Question(asked)].into_iter().chain(noted).collect();
            // Asked before, if an engine before this one had heard it.
            let is_new = match self.store().commit(&changes) {
                Ok(()) => true,
                Err(WorkError::Conflict { .. }) => false,
                Err(error) => return Err(error),
            };
            let open = self.store().questions(true, usize::MAX >> 1)?;
            job.asks.remove(0);
            let known = open.into_iter().find(|one| {
                one.task == job.task.id && one.attempt == job.task.attempt && one.question.id == question.id
            });
            let Some(asked) = known else { continue };
            if is_new {
                job.log.push(WorkEvent::NeedsApproval { number: asked.number, question });
            }
            job.open.insert(asked.question.id.clone(), asked);
        }
        while let Some(question) = job.answered.first().cloned() {
            if let Some(asked) = job.open.get(&question).cloned() {
                self.close(job, asked)?;
                job.open.remove(&question);
            }
            job.answered.remove(0);
        }
        Ok(())
    }

    /// The rule that allows what is asked, if one does.
    fn rule(&self, question: &Question, task: &Task) -> Result<Option<Rule>, WorkError> {
        let rules = self.store().rules()?;
        let cwd = question.cwd.as_ref().or(task.cwd.as_ref()).map(Path::new);
        let found = cwd
            .and_then(|cwd| rule_for(&rules, task.source, question, cwd, self.means.env.home(), self.now()));
        Ok(found.cloned())
    }

    pub(super) fn close(&self, job: &mut Job, asked: Asked) -> Result<(), WorkError> {
        let now = self.store().question(asked.number)?;
        let (number, decision, by) = (now.number, now.decision.clone(), now.by.clone());
        match self.store().commit(&[Change::Question(Asked { is_open: false, ..now })]) {
            Ok(()) | Err(WorkError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        job.log.push(WorkEvent::Answered { number, decision, by });
        Ok(())
    }

    /// Tells the agent what people have decided, or that nobody has.
    pub(super) fn answer(&mut self, job: &mut Job) -> Result<(), WorkError> {
        let is_over = job.outcome.is_some();
        let now = self.now().as_millis();
        // The store is asked when somebody has written, not at every step.
        let is_due = |asked: &Asked| {
            is_over || self.has_news || asked.decision.is_some() || now >= asked.until.as_millis()
        };
        let due = job.open.iter().filter(|(_, asked)| is_due(asked));
        let numbers: Vec<(String, u64)> = due.map(|(id, asked)| (id.clone(), asked.number)).collect();
        for (id, number) in numbers {
            let mut asked = self.store().question(number)?;
            if asked.decision.is_none() && !is_over && now >= asked.until.as_millis() {
                let minutes = (asked.until.as_millis() - asked.at.as_millis()) / 60_000;
                let reason = Some(format!("Nobody answered for {minutes} minutes."));
                asked.decision = Some(Decision::Deny { reason });
                asked.by = Some("time".to_owned());
                match self.store().commit(&[Change::Question(asked.clone())]) {
                    Ok(()) => asked.revision += 1,
                    // Somebody answered in this moment.
                    Err(WorkError::Conflict { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
            if !is_over && asked.decision.is_none() {
                continue;
            }
            if let Some(Decision::Deny { reason }) = &asked.decision {
                job.was_refused = true;
                job.reasons.extend(reason.clone());
            }
            if let (Some(decision), Some(talk)) = (asked.decision.clone(), &mut job.talk)
                && let Err(error) = talk.answer(&id, &decision)
            {
                job.log.push(WorkEvent::Note { text: chain(&error) });
            }
            self.close(job, asked)?;
            job.open.remove(&id);
        }
        Ok(())
    }
}

/// Says no where nobody is to be asked. Said again to an agent that was told before, it is not heard.
fn refuse(job: &mut Job, question: &Question) {
    let reason = "Nobody is asked here, and nothing is to be changed. Go on without it.".to_owned();
    job.was_refused = true;
    job.reasons.push(reason.clone());
    let decision = Decision::Deny { reason: Some(reason) };
    let told = job.talk.as_mut().map_or(Ok(false), |talk| talk.answer(&question.id, &decision));
    let text = match told {
        Ok(true) => format!("refused: {}: {}", question.tool, question.what),
        Ok(false) => return,
        Err(error) => chain(&error),
    };
    job.log.push(WorkEvent::Note { text });
}

//! Rules that people make, and the log of what was allowed and refused.

use std::path::Path;
use std::time::Duration;

use marline_agents::talk::{Decision, Question};
use marline_index::Index;
use marline_model::{SessionId, Source, Timestamp};
use marline_store::work::{Audited, Change, Rule, WorkError};

use super::desk::Desk;
use crate::live::{Command, Control, LiveSession, Steered, has_run};
use crate::rules::{LONGEST_RULE, allows, rule_place, rule_words};

/// A rule that is to be made.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// What a command begins with.
    pub command: String,
    /// Where it holds.
    pub project: String,
    /// Of one agent alone.
    pub source: Option<Source>,
    /// For how long; nothing: until it is taken away.
    pub lasts: Option<Duration>,
}

/// What somebody was asked, and whose question it was.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The session.
    pub session: Option<SessionId>,
    /// What would be run, or done.
    pub what: String,
    /// Where.
    pub cwd: Option<String>,
    /// The answer.
    pub decision: Decision,
    /// Who gave it.
    pub by: String,
    /// The rule that did.
    pub rule: Option<String>,
    /// What came of it: `delivered`, `refused`, `unknown`.
    pub outcome: &'static str,
    /// What shows that.
    pub proof: String,
    /// The call that was asked about, by the agent's own name for it.
    pub call: Option<String>,
}

impl Answered {
    /// What the log says of an answer to a live session; nothing of other commands, and of answers that a desk gives, which
    /// writes them down itself.
    pub fn to(
        live: &LiveSession,
        command: &Command,
        steered: &Steered,
        by: String,
        rule: Option<String>,
    ) -> Option<Self> {
        let Command::Answer { decision, .. } = command else { return None };
        if matches!(live.control, Control::Marline { .. }) {
            return None;
        }
        let (outcome, proof) = match steered {
            Steered::Delivered { proof } => ("delivered", proof),
            Steered::Refused { why } => ("refused", why),
            Steered::Unknown { seen } => ("unknown", seen),
        };
        let asks = live.asks.as_ref();
        // Where nothing was asked, and nothing came of it, nothing was answered.
        if asks.is_none() && outcome == "refused" {
            return None;
        }
        let what = asks.and_then(|asks| asks.what.as_ref());
        let words =
            || asks.map(|asks| [asks.about.join(" · "), asks.question.clone()].join(" ").trim().to_owned());
        Some(Answered {
            session: Some(live.id.clone()),
            what: what.map(named).or_else(words).unwrap_or_default(),
            cwd: what.and_then(|what| what.cwd.clone()).or_else(|| live.cwd.clone()),
            decision: decision.clone(),
            by,
            rule,
            outcome,
            proof: proof.clone(),
            call: what.map(|what| what.id.clone()).filter(|call| !call.is_empty()),
        })
    }

    pub(super) fn entry(self, at: Timestamp) -> Audited {
        let Answered { session, what, cwd, decision, by, rule, outcome, proof, call } = self;
        let outcome = outcome.to_owned();
        Audited { number: 0, at, session, what, cwd, decision, by, rule, outcome, proof, call, ran_at: None }
    }
}

/// What is asked, in words, with the files that it is about where the words don't name them.
pub(super) fn named(question: &Question) -> String {
    let name = |file: &String| file.rsplit('/').next().unwrap_or(file).to_owned();
    let rest: Vec<&str> = question
        .files
        .iter()
        .filter(|file| !question.what.contains(&name(file)))
        .map(String::as_str)
        .collect();
    if rest.is_empty() { question.what.clone() } else { format!("{} {}", question.what, rest.join(", ")) }
}

/// What was allowed is looked for in transcripts for so long.
const FOLLOWED: i64 = 6 * 3_600_000;
/// So many of the last answers are.
const MOST_FOLLOWED: usize = 30;

/// The rule that allows what is asked, if one does.
pub fn rule_for<'a>(
    rules: &'a [Rule],
    source: Source,
    question: &Question,
    cwd: &Path,
    home: &Path,
    now: Timestamp,
) -> Option<&'a Rule> {
    rules.iter().find(|rule| allows(rule, source, question, cwd, home, now))
}

impl Desk {
    /// The rules that hold now, the newest first.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn rules(&self) -> Result<Vec<Rule>, WorkError> {
        let now = self.now();
        let mut rules = self.store().rules()?;
        rules.retain(|rule| rule.until.is_none_or(|until| now < until));
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.created_at));
        Ok(rules)
    }

    /// Makes a rule, for who has that home directory. Those whose time is over go with it.
    ///
    /// # Errors
    /// [`WorkError::Invalid`] for a command that no rule can be made of, a place that is no project, a time that is none.
    pub fn add_rule(&self, new: NewRule, home: &Path, by: &str) -> Result<Rule, WorkError> {
        let now = self.now();
        if new.lasts.is_some_and(|lasts| lasts.is_zero() || lasts > LONGEST_RULE) {
            let days = LONGEST_RULE.as_secs() / 86_400;
            return Err(WorkError::invalid(format!(
                "a rule lasts some time, and {days} days at most; or until it is taken away"
            )));
        }
        let until = |lasts: Duration| {
            let millis = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_add(millis))
        };
        let rule = Rule {
            id: self.id(),
            source: new.source,
            project: rule_place(&new.project, home)?,
            words: rule_words(&new.command)?,
            until: new.lasts.map(until),
            created_at: now,
            by: by.to_owned(),
            revision: 0,
        };
        let is_over = |rule: &Rule| rule.until.is_some_and(|until| until <= now);
        let old = self.store().rules()?.into_iter().filter(is_over).map(Change::DeleteRule);
        let changes: Vec<Change> = old.chain([Change::Rule(rule.clone())]).collect();
        self.store().commit(&changes)?;
        Ok(rule)
    }

    /// Takes a rule away; of its id the beginning or the end is enough.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Invalid`] when several are meant.
    pub fn remove_rule(&self, id: &str) -> Result<Rule, WorkError> {
        let mut found = self
            .store()
            .rules()?
            .into_iter()
            .filter(|rule| !id.is_empty() && (rule.id.starts_with(id) || rule.id.ends_with(id)));
        match (found.next(), found.next()) {
            (Some(rule), None) => {
                self.store().commit(&[Change::DeleteRule(rule.clone())])?;
                Ok(rule)
            }
            (Some(_), Some(_)) => Err(WorkError::invalid(format!("{id} names several rules"))),
            (None, _) => Err(WorkError::NotFound { what: format!("rule {id}") }),
        }
    }

    /// Notes that something was allowed or refused.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn note(&self, answered: Answered) -> Result<(), WorkError> {
        self.store().commit(&[Change::Audit(answered.entry(self.now()))])
    }

    /// Notes of what was allowed that it has run, as far as transcripts show that by now.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn follow_answers(&self, index: &Index) -> Result<(), WorkError> {
        let now = self.now();
        for one in self.store().audit(u64::MAX, MOST_FOLLOWED)? {
            let is_followed = one.ran_at.is_none()
                && one.outcome != "refused"
                && !matches!(one.decision, Decision::Deny { .. })
                && now.as_millis() - one.at.as_millis() < FOLLOWED;
            let Some(id) = one.session.as_ref().filter(|_| is_followed) else { continue };
            if has_run(index, id, one.call.as_deref(), &one.what) {
                self.store().commit(&[Change::Audit(Audited { ran_at: Some(now), ..one })])?;
            }
        }
        Ok(())
    }
}

//! Rules that people make, and the log of what was allowed and refused.

use std::path::Path;
use std::time::Duration;

use marline_agents::talk::{Decision, Question};
use marline_model::{SessionId, Source, Timestamp};
use marline_store::work::{Audited, Change, Rule, WorkError};

use super::desk::Desk;
use crate::rules::{allows, rule_words};

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
}

impl Answered {
    pub(super) fn entry(self, at: Timestamp) -> Audited {
        let Answered { session, what, cwd, decision, by, rule, outcome, proof } = self;
        Audited { number: 0, at, session, what, cwd, decision, by, rule, outcome: outcome.to_owned(), proof }
    }
}

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

    /// Makes a rule. Those whose time is over go with it.
    ///
    /// # Errors
    /// [`WorkError::Invalid`] for a command that no rule can be made of.
    pub fn add_rule(&self, new: NewRule, by: &str) -> Result<Rule, WorkError> {
        let now = self.now();
        if !Path::new(&new.project).is_absolute() {
            return Err(WorkError::invalid("a rule holds in a directory with its whole path"));
        }
        let until = |lasts: Duration| {
            let millis = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_add(millis))
        };
        let rule = Rule {
            id: self.id(),
            source: new.source,
            project: new.project,
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

    /// Takes a rule away; its id may be shortened.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Invalid`] when several are meant.
    pub fn remove_rule(&self, id: &str) -> Result<Rule, WorkError> {
        let mut found = self.store().rules()?.into_iter().filter(|rule| rule.id.starts_with(id));
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
}

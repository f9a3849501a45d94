//! Rules that people make, and the log of what was allowed and refused.

use std::path::Path;
use std::time::Duration;

use marline_agents::talk::{Decision, Question};
use marline_model::{SessionId, Source, Timestamp};
use marline_store::work::{Audited, Change, Rule, WorkError};

use super::desk::Desk;
use crate::live::{Command, LiveSession, Steered};
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
}

impl Answered {
    /// What the log says of an answer to a live session; nothing of other commands.
    pub fn to(
        live: &LiveSession,
        command: &Command,
        steered: &Steered,
        by: String,
        rule: Option<String>,
    ) -> Option<Self> {
        let Command::Answer { decision, .. } = command else { return None };
        let (outcome, proof) = match steered {
            Steered::Delivered { proof } => ("delivered", proof),
            Steered::Refused { why } => ("refused", why),
            Steered::Unknown { seen } => ("unknown", seen),
        };
        let asks = live.asks.as_ref();
        let what = asks.and_then(|asks| asks.what.as_ref());
        let words =
            || asks.map(|asks| [asks.about.join(" · "), asks.question.clone()].join(" ").trim().to_owned());
        let named = |question: &Question| match question.files.is_empty() {
            true => question.what.clone(),
            false => format!("{} {}", question.what, question.files.join(", ")),
        };
        Some(Answered {
            session: Some(live.id.clone()),
            what: what.map(named).or_else(words).unwrap_or_default(),
            cwd: what.and_then(|what| what.cwd.clone()).or_else(|| live.cwd.clone()),
            decision: decision.clone(),
            by,
            rule,
            outcome,
            proof: proof.clone(),
        })
    }

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
}

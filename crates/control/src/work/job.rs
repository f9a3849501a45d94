//! One prompt while an agent is at it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use marline_agents::talk::{AgentEvent, Question, TurnEnd};
use marline_model::{SessionId, Timestamp, Usage};
use marline_store::work::{Asked, Task, WorkEvent};

use super::verdict::{Transcripts, Verdict};
use crate::chain;
use crate::talk::{Carried, Life};

/// The transcript of a prompt that was answered has so long to show it.
const UNTIL_SHOWN: Duration = Duration::from_secs(5);
/// The same for one whose agent died without a word.
const UNTIL_SHOWN_DIED: Duration = Duration::from_secs(2);
/// The same for one that failed.
const UNTIL_SHOWN_FAILED: Duration = Duration::from_millis(600);
/// So often it is looked at.
const LOOK: Duration = Duration::from_millis(60);
/// The same for one that lies in Codex' own queue.
const LOOK_AT_HANDED: Duration = Duration::from_millis(300);
/// An agent that says nothing for so long may have lost its words.
const MUTE: Duration = Duration::from_secs(20);
/// An agent that is interrupted has so long to end its turn.
const UNTIL_INTERRUPTED: Duration = Duration::from_secs(8);
/// Of an answer so much is kept beside the transcript, in characters.
const ANSWER: usize = 20_000;

/// What came of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Completed(Option<String>),
    /// It failed.
    Failed(String),
    /// The account has no more to spend.
    Limited(String, Option<Timestamp>),
    /// A person, or a time limit, interrupted it.
    Stopped(String),
    /// Its agent died, with these last words.
    Died(String),
    /// No agent ever had it.
    NeverTaken,
}

/// Where it stands.
enum Phase {
    /// A worktree is being made.
    Preparing(Child),
    /// The agent works.
    Talking,
    /// Codex has the prompt in its own queue; the transcript will show what comes of it.
    Handed { looked: Instant },
    /// The turn is over, or the agent is gone; the transcript is asked.
    Settling { outcome: Outcome, since: Instant, looked: Option<Instant> },
    /// The agent is told to end.
    Ending(Outcome),
}

/// A prompt and its agent.
pub struct Job {
    pub task: Task,
    /// The task is to be written.
    pub is_changed: bool,
    /// What happened, to be written with it.
    pub log: Vec<WorkEvent>,
    /// Questions that are new: they get their numbers from the store.
    pub asks: Vec<Question>,
    /// Questions that the agent no longer waits for.
    pub answered: Vec<String>,
    /// Open questions by the agent's name for them.
    pub open: HashMap<String, Asked>,
    pub talk: Option<Carried>,
    /// The folder of its talk.
    pub dir: PathBuf,
    /// The directory that it works in, resolved.
    pub place: PathBuf,
    /// When it was last looked for what its agent leaves beside the session.
    pub tidied: Instant,
    /// It was begun by another Marline.
    pub is_adopted: bool,
    phase: Phase,
    /// Events that were kept before it was adopted.
    skip: u64,
    /// What the agent says, as it comes.
    said: String,
    began: Instant,
    /// When the transcript of a mute one was asked last.
    asked: Option<Instant>,
    /// Why it was interrupted, and when.
    interrupted: Option<(String, Instant)>,
    /// It took too long: that is a failure, and may be tried again.
    is_late: bool,
    /// Somebody said no to what it asked.
    pub was_refused: bool,
    /// Why, as the agent was told.
    pub reasons: Vec<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
}

impl Job {
    pub fn new(task: Task, dir: PathBuf, place: PathBuf) -> Self {
        Job {
            skip: 0,
            task,
            is_changed: false,
            log: Vec::new(),
            asks: Vec::new(),
            answered: Vec::new(),
            open: HashMap::new(),
            talk: None,
            dir,
            place,
            tidied: Instant::now(),
            is_adopted: false,
            phase: Phase::Talking,
            said: String::new(),
            began: Instant::now(),
            asked: None,
            interrupted: None,
            is_late: false,
            was_refused: false,
            reasons: Vec::new(),
            outcome: None,
        }
    }

    /// Goes on with what another Marline began.
    pub fn adopt(mut self, talk: Carried, is_unsure: bool) -> Self {
        self.skip = self.task.heard;
        self.is_adopted = true;
        self.carry(talk);
        if is_unsure {
            // Half of a line may lie in its input: it is ended, and the transcript says whether it had the prompt.
            self.end(Outcome::Died("it was cut off while it was told what to do".to_owned()));
        }
        self
    }

    /// Waits for a worktree.
    pub fn preparing(mut self, child: Child) -> Self {
        self.phase = Phase::Preparing(child);
        self
    }

    /// A worktree is being made. `Some`: it is done, well or not.
    pub fn prepared(&mut self) -> Option<bool> {
        let Phase::Preparing(child) = &mut self.phase else { return None };
        let status = child.try_wait().ok()??;
        self.phase = Phase::Talking;
        Some(status.success())
    }

    pub fn is_preparing(&self) -> bool {
        matches!(self.phase, Phase::Preparing(_))
    }

    /// The agent was started.
    pub fn begin(&mut self, talk: Carried) {
        self.carry(talk);
        self.began = Instant::now();
    }

    fn carry(&mut self, talk: Carried) {
        if let Some(id) = talk.session().and_then(|id| SessionId::new(self.task.source, id).ok()) {
            self.task.session = Some(id);
        }
        self.talk = Some(talk);
    }

    /// There was no agent to be started.
    pub fn fail(&mut self, why: String) {
        self.outcome = Some(Outcome::Failed(why));
    }

    /// Interrupts it, for a reason.
    pub fn interrupt(&mut self, why: &str) {
        if self.interrupted.is_some() || matches!(self.phase, Phase::Settling { .. } | Phase::Ending(_)) {
            return;
        }
        self.interrupted = Some((why.to_owned(), Instant::now()));
        match &mut self.talk {
            Some(talk) => {
                if let Err(error) = talk.interrupt() {
                    self.log.push(WorkEvent::Note { text: error.to_string() });
                    talk.end();
                }
            }
            None => self.outcome = Some(self.stopped(why)),
        }
    }

    /// Interrupts it when it works for longer than that.
    pub fn limit(&mut self, most: Duration) {
        if self.began.elapsed() > most && self.interrupted.is_none() {
            self.is_late = true;
            self.interrupt(&format!("it took longer than {} s", most.as_secs()));
        }
    }

    fn stopped(&self, why: &str) -> Outcome {
        if self.is_late { Outcome::Failed(why.to_owned()) } else { Outcome::Stopped(why.to_owned()) }
    }

    fn settle(&mut self, outcome: Outcome) {
        if matches!(self.phase, Phase::Talking) {
            self.phase = Phase::Settling { outcome, since: Instant::now(), looked: None };
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(talk) = &mut self.talk {
            talk.end();
        }
        self.phase = Phase::Ending(outcome);
    }

    /// Hears the agent and goes on to the next phase. `transcripts` is asked for what came of it.
    pub fn step(&mut self, transcripts: Option<&Transcripts>) {
        if matches!(self.phase, Phase::Handed { .. }) {
            return self.look_at_handed(transcripts);
        }
        let mut events = Vec::new();
        let life = match &mut self.talk {
            Some(talk) => match talk.poll(&mut events) {
                Ok(life) => life,
                Err(error) => {
                    self.end(Outcome::Failed(chain(&error)));
                    Life::Runs
                }
            },
            None => Life::Runs,
        };
        self.hear(events);
        match &life {
            Life::Gone(words) => self.gone(words.clone()),
            Life::Runs => {
                if let Some((why, since)) = &self.interrupted
                    && matches!(self.phase, Phase::Talking)
                    && since.elapsed() > UNTIL_INTERRUPTED
                {
                    let outcome = self.stopped(why);
                    self.end(outcome);
                }
            }
        }
        self.look_at_mute(transcripts);
        self.look(transcripts, matches!(life, Life::Gone(_)));
        if let Phase::Ending(outcome) = &self.phase
            && matches!(life, Life::Gone(_))
        {
            let outcome = outcome.clone();
            // It may have answered while it was being ended, and what had never reached it is still to be done.
            self.outcome = Some(match (&outcome, self.verdict(transcripts)) {
                (Outcome::Completed(_) | Outcome::Stopped(_), _) => outcome,
                (_, Some(Verdict::Done(answer, usage, at))) => {
                    self.spent(usage, at);
                    Outcome::Completed(Some(answer))
                }
                (Outcome::Died(_), Some(Verdict::Absent)) if self.is_adopted => Outcome::NeverTaken,
                _ => outcome,
            });
        }
    }

    /// An agent that was never heard, but whose transcript shows an answer: its words were lost on a full disk.
    fn look_at_mute(&mut self, transcripts: Option<&Transcripts>) {
        let is_mute = self.task.heard == 0 && self.began.elapsed() > MUTE;
        if is_mute
            && matches!(self.phase, Phase::Talking)
            && self.asked.is_none_or(|asked| asked.elapsed() > MUTE / 10)
        {
            self.asked = Some(Instant::now());
            if let Some(Verdict::Done(..)) = self.verdict(transcripts) {
                self.settle(Outcome::Completed(None));
            }
        }
    }

    /// The agent is gone without a word about the end of the turn.
    fn gone(&mut self, words: String) {
        if matches!(self.phase, Phase::Talking) {
            let outcome = match &self.interrupted {
                Some((why, _)) => self.stopped(why),
                None => Outcome::Died(words),
            };
            self.settle(outcome);
        }
    }

    fn verdict(&self, transcripts: Option<&Transcripts>) -> Option<Verdict> {
        // Every agent names its session before it has the prompt.
        let Some(session) = &self.task.session else { return Some(Verdict::Absent) };
        transcripts?.verdict(session, self.task.items_before, &self.told(), &self.reasons).ok()
    }

    /// Says whether the prompt may have reached the session.
    pub fn was_said(&self, transcripts: Option<&Transcripts>) -> bool {
        self.verdict(transcripts) != Some(Verdict::Absent)
    }

    /// What the agent was told.
    pub fn told(&self) -> String {
        if self.task.goes_on { GO_ON.to_owned() } else { self.task.prompt.clone() }
    }

    /// Asks the transcript what came of it.
    fn look(&mut self, transcripts: Option<&Transcripts>, is_gone: bool) {
        let Phase::Settling { outcome, since, looked } = &mut self.phase else { return };
        let is_busy = !is_gone && self.talk.as_ref().is_some_and(Carried::is_busy);
        if is_busy || looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return;
        }
        *looked = Some(Instant::now());
        let (outcome, since) = (outcome.clone(), *since);
        let patience = match &outcome {
            Outcome::Completed(_) => UNTIL_SHOWN,
            Outcome::Died(_) => UNTIL_SHOWN_DIED,
            _ => UNTIL_SHOWN_FAILED,
        };
        let is_late = since.elapsed() > patience;
        let verdict = self.verdict(transcripts);
        let settled = match (&outcome, verdict) {
            // Half an answer looks like one.
            (Outcome::Stopped(_), _) => outcome,
            (_, Some(Verdict::Done(answer, usage, at))) => {
                self.spent(usage, at);
                Outcome::Completed(Some(answer))
            }
            (_, Some(Verdict::Half)) if is_late && matches!(outcome, Outcome::Completed(_)) => {
                match self.spoken() {
                    Some(answer) => Outcome::Completed(Some(answer)),
                    None => Outcome::Failed(self.silent()),
                }
            }
            (Outcome::Died(_), Some(Verdict::Absent)) if is_late && self.is_adopted && is_gone => {
                Outcome::NeverTaken
            }
            (Outcome::Completed(_), _) if is_late => match self.spoken() {
                Some(answer) => {
                    let text = "its transcript does not show the answer (yet)".to_owned();
                    self.log.push(WorkEvent::Note { text });
                    Outcome::Completed(Some(answer))
                }
                None => Outcome::Failed(self.silent()),
            },
            (_, _) if is_late => outcome,
            _ => return,
        };
        self.end(settled);
    }

    /// The transcript knows the prompt's own tokens.
    fn spent(&mut self, usage: Usage, at: Option<Timestamp>) {
        // What agents say of it is a turn's last request, or the whole session's.
        if !usage.is_zero() {
            self.task.usage = usage;
        }
        // While nobody looked, it may have ended long ago.
        self.task.completed_at = at.filter(|_| self.is_adopted);
    }

    /// Codex has put the prompt into its own queue.
    pub fn hand_over(&mut self) {
        self.phase = Phase::Handed { looked: Instant::now() };
    }

    fn look_at_handed(&mut self, transcripts: Option<&Transcripts>) {
        let Phase::Handed { looked } = &mut self.phase else { return };
        if looked.elapsed() < LOOK_AT_HANDED {
            return;
        }
        *looked = Instant::now();
        if let Some(Verdict::Done(answer, usage, at)) = self.verdict(transcripts) {
            self.spent(usage, at);
            self.outcome = Some(Outcome::Completed(Some(answer)));
        }
    }

    fn silent(&self) -> String {
        let why = if self.was_refused {
            "it was refused, and ended without an answer"
        } else {
            "it ended without an answer"
        };
        why.to_owned()
    }

    fn spoken(&self) -> Option<String> {
        (!self.said.trim().is_empty()).then(|| self.said.clone())
    }

    fn hear(&mut self, events: Vec<AgentEvent>) {
        if events.is_empty() {
            return;
        }
        for event in events {
            let is_new = self.skip == 0;
            if is_new {
                self.task.heard += 1;
                self.is_changed = true;
            } else {
                self.skip -= 1;
            }
            self.understand(event, is_new);
        }
    }

    fn understand(&mut self, event: AgentEvent, is_new: bool) {
        match &event {
            AgentEvent::Session { session } => {
                if let Ok(id) = SessionId::new(self.task.source, session) {
                    self.task.session = Some(id);
                    self.is_changed = true;
                }
            }
            AgentEvent::Said { text, more } => {
                if !more {
                    self.said.clear();
                }
                self.said.push_str(text);
                if let Some((at, _)) = self.said.char_indices().nth(ANSWER) {
                    self.said.truncate(at);
                }
            }
            AgentEvent::Tokens { usage } => self.task.usage = *usage,
            AgentEvent::Asks { question } => {
                self.asks.push(question.clone());
                return;
            }
            AgentEvent::Answered { question } => {
                self.answered.push(question.clone());
                return;
            }
            AgentEvent::Ended { end } => {
                let outcome = match (end, &self.interrupted) {
                    (TurnEnd::Completed, _) => Outcome::Completed(None),
                    (_, Some((why, _))) => self.stopped(why),
                    (TurnEnd::Interrupted, None) => Outcome::Stopped("somebody interrupted it".to_owned()),
                    (TurnEnd::Failed { why }, None) => Outcome::Failed(why.clone()),
                    (TurnEnd::Limited { why, until }, None) => {
                        Outcome::Limited(why.clone(), until.map(Timestamp::from_millis))
                    }
                };
                self.settle(outcome);
            }
            _ => {}
        }
        if !is_new {
            return;
        }
        // Words that come in pieces are one line of the log.
        if let AgentEvent::Said { text, more: true } = &event
            && let Some(WorkEvent::Item { item: AgentEvent::Said { text: before, .. } }) = self.log.last_mut()
        {
            before.push_str(text);
            return;
        }
        self.log.push(WorkEvent::Item { item: event });
    }
}

/// What an agent is told whose answer was cut off.
pub const GO_ON: &str =
    "You were cut off in the middle of your last answer. Look at how far you came, and finish it.";

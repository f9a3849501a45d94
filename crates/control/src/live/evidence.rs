//! From what was seen of one session at one moment to how it stands: without a clock, a process or a file.
//!
//! [`Seen`] can be written down and weighed again, which is how recorded moments of real agents are tests.

use marline_agents::codex::service;
use marline_agents::event::hash;
use marline_agents::json::Raw;
use marline_agents::live::{Context, Live};
use marline_agents::screen::{Choice, Dialog, Means, Screen};
use marline_agents::talk::Question;
use marline_model::{Channel, Evidence, LiveState, SessionId, Source, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::judge::{is_young, judge};
use super::turn::{OpenCalls, Turn, Whose, last};
use super::types::{Asks, Reply, ReplyMeans};
use crate::target::agent;

/// A call without an output, and without a process that does it, waits for leave after so long.
const UNTIL_ASKED: i64 = 1_500;

/// What was seen of one session at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The agent.
    pub source: Source,
    /// When its process began.
    pub began: Timestamp,
    /// The process was stopped, as by Ctrl-Z.
    #[serde(default)]
    pub is_suspended: bool,
    /// The process has started others.
    #[serde(default)]
    pub has_children: bool,
    /// It was started on the session and does not hold it: it waits on its screen for whoever does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept_out: bool,
    /// What the agent's own registry says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<Value>,
    /// What its own daemon says of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSeen>,
    /// What a hook told last of its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookSeen>,
    /// What its records say.
    pub records: Records,
    /// What its terminal shows, where it is in tmux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
}

/// What an agent's own daemon says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSeen {
    /// How it stands.
    pub state: LiveState,
    /// Since when, if that was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What it waits for, and what names that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<(String, Question)>,
}

/// What a hook told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookSeen {
    /// What happened.
    pub says: String,
    /// How it stands since.
    pub state: LiveState,
    /// When.
    pub at: Timestamp,
}

/// What the records of a session say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum Records {
    /// There are none yet.
    None,
    /// The end of its file, in whole lines.
    Tail(String),
    /// Where its last turn stands, where its file was read before.
    #[serde(skip)]
    Turn(Turn),
    /// The last thing in it is an answer or an error, with its time; of sessions that are rows.
    Row {
        /// It is an answer, or an error.
        is_answer: bool,
        /// When.
        at: Option<Timestamp>,
    },
    /// They don't tell.
    Silent,
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// How.
    pub state: LiveState,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Everything that tells of it.
    pub evidence: Vec<Evidence>,
    /// What the agent asks.
    pub asks: Option<Asks>,
    /// How full its context is, where its records tell.
    pub context: Option<Context>,
    /// The calls that wait, by its records.
    pub open: Option<OpenCalls>,
}

pub(super) fn evidence(
    channel: Channel,
    says: impl Into<String>,
    state: Option<LiveState>,
    at: Option<Timestamp>,
) -> Evidence {
    Evidence { channel, says: says.into(), state, at }
}

impl Seen {
    /// Says whether only its screen may tell how it stands.
    pub fn needs_screen(&self) -> bool {
        if self.is_kept_out {
            return true;
        }
        if let Some(service) = &self.service {
            // What it asks its person stands on the terminal that shows it.
            let has_plan = || self.turn().is_some_and(|turn| turn.has_plan);
            return service.state == LiveState::NeedsInput || has_plan();
        }
        if let Some(status) = self.registry.as_ref().and_then(|facts| facts["status"].as_str()) {
            // What it waits for stands on its screen.
            return !matches!(status, "idle" | "busy");
        }
        // Codex writes down at once that a turn begins; Gemini CLI 0.61 may not do so while the model thinks.
        let tells_beginnings = self.source == Source::Codex;
        !self.turn().is_some_and(|turn| {
            let told = self.hook.as_ref().filter(|hook| Some(hook.at) > turn.at);
            tells_beginnings
                && !turn.has_plan
                && turn.state == LiveState::Idle
                && told.is_none_or(|hook| hook.state == LiveState::Idle)
        })
    }

    /// Where the last turn stands, by records of a file.
    fn turn(&self) -> Option<Turn> {
        match &self.records {
            Records::Turn(turn) => Some(*turn),
            Records::Tail(text) => last(text.as_bytes(), agent(self.source).live(), Whose::Session),
            Records::None | Records::Row { .. } | Records::Silent => None,
        }
    }

    /// Weighs what was seen of a session at `now`; `first`: what told that the session is of that process.
    pub fn weigh(&self, id: &SessionId, first: Vec<Evidence>, now: Timestamp) -> Weighed {
        let live = agent(self.source).live();
        let mut all = first;
        let mut since = None;
        if let Some(said) = self.registry.as_ref().and_then(registered) {
            all.push(said);
        }
        if self.is_suspended {
            let words = "its process is suspended";
            all.push(evidence(Channel::Process, words, Some(LiveState::Unknown), None));
        }
        if let Some(service) = &self.service {
            let says = service::told(id.raw(), service.state).says;
            all.push(evidence(Channel::Service, says, Some(service.state), service.since));
        }
        if let Some(hook) = &self.hook {
            all.push(evidence(Channel::Hook, hook.says.clone(), Some(hook.state), Some(hook.at)));
        }
        let turn = self.hear_records(live, now, &mut all);
        if let Some(turn) = turn.filter(|turn| turn.state == LiveState::Working) {
            since = turn.since;
        }
        let has_waited = |turn: Turn| turn.at.is_none_or(|at| now.as_millis() - at.as_millis() > UNTIL_ASKED);
        let has_open_call = turn.is_some_and(|turn| turn.open.is_some() && has_waited(turn));
        let is_silent = turn.is_some_and(|turn| self.is_before(turn));
        let dialog = self.see_screen(live, now, is_silent, &mut all);
        let is_blind = self.screen.is_none() && self.service.is_none() && self.source == Source::Codex;
        if has_open_call && is_blind && !self.has_children {
            let words = "a command was called, and no process does it";
            all.push(evidence(Channel::Process, words, Some(LiveState::NeedsApproval), None));
        }
        let state = judge(&all, self.began, now);
        let speaks = all.iter().filter(|one| one.state == Some(state));
        // Since when it works is not since when it asks.
        let since =
            since.filter(|_| state == LiveState::Working).or_else(|| speaks.filter_map(|one| one.at).max());
        let open = turn.and_then(|turn| turn.open);
        let asks = match &self.service {
            Some(ServiceSeen { asks: Some((about, question)), .. }) => Some(asked(id, about, question)),
            Some(_) => dialog.filter(|dialog| !dialog.asks_leave()).map(|dialog| shown(id, &dialog, turn)),
            None => dialog.map(|dialog| shown(id, &dialog, turn)),
        };
        let asks = asks.filter(|_| state.needs_you());
        let context = turn.and_then(|turn| turn.context);
        Weighed { state, since, evidence: all, asks, context, open }
    }

    fn hear_records(&self, live: &dyn Live, now: Timestamp, all: &mut Vec<Evidence>) -> Option<Turn> {
        let turn = match &self.records {
            Records::Silent => return None,
            Records::None => {
                // The registry knows better; without it, an agent with nothing to do waits.
                let words = "nothing was said in it yet";
                all.push(evidence(Channel::Transcript, words, Some(LiveState::Idle), None));
                return None;
            }
            Records::Row { is_answer, at } => {
                let (words, state) = match is_answer {
                    true => ("an answer stands last", LiveState::Idle),
                    false => ("what stands last is no answer", LiveState::Working),
                };
                all.push(evidence(Channel::Transcript, words, Some(state), *at));
                return None;
            }
            Records::Tail(text) => last(text.as_bytes(), live, Whose::Session)?,
            Records::Turn(turn) => *turn,
        };
        if self.is_before(turn) {
            let was_cut = turn.state != LiveState::Idle;
            let words = if was_cut { "its last turn was cut off" } else { "its last turn is over" };
            // Whether it can be talked to, something else tells in a moment.
            let is_told = self.registry.is_some() || self.screen.is_some();
            let waits = is_young(self.began, now) && (was_cut || is_told && self.source != Source::Codex);
            let state = Some(LiveState::Idle).filter(|_| !waits);
            all.push(evidence(Channel::Transcript, words, state, turn.at));
            return Some(turn.seen_from(self.began));
        }
        let words = match (turn.state, turn.open.is_some()) {
            (LiveState::Idle, _) if turn.has_plan => "its last turn is over, and it may ask about its plan",
            (LiveState::Idle, _) => "its last turn is over",
            (_, true) => "a tool was called, and its output is not there",
            _ => "its last turn goes on",
        };
        // Whether it still asks stands on its screen alone, and is drawn a moment later.
        let has_field = || self.screen.as_deref().is_some_and(|screen| live.screen(screen).draft.is_some());
        let state = Some(turn.state).filter(|_| !turn.has_plan || has_field());
        all.push(evidence(Channel::Transcript, words, state, turn.at));
        Some(turn)
    }

    /// Says whether a turn is of a process before this one. A daemon goes on with its threads, whatever shows them.
    fn is_before(&self, turn: Turn) -> bool {
        self.service.is_none() && turn.is_before(self.began)
    }

    /// `is_silent`: its records tell nothing of this process yet.
    fn see_screen(
        &self,
        live: &dyn Live,
        now: Timestamp,
        is_silent: bool,
        all: &mut Vec<Evidence>,
    ) -> Option<Dialog> {
        let Screen { dialog, is_busy, draft, .. } = live.screen(self.screen.as_deref()?);
        let (words, state) = match &dialog {
            Some(dialog) if dialog.asks_leave() => ("a dialog asks for leave", LiveState::NeedsApproval),
            Some(_) => ("a dialog asks something", LiveState::NeedsInput),
            None if is_busy => ("it says that it works", LiveState::Working),
            None if draft.is_some() => ("the field for a prompt is free", LiveState::Idle),
            // That nothing was said in it yet does not mean that something could be.
            None if matches!(self.records, Records::None) && is_young(self.began, now) => {
                ("no field for a prompt is drawn yet", LiveState::Starting)
            }
            None => return None,
        };
        // That nothing is to be seen of its work says little of agents that tell themselves when a turn is over: a Claude Code
        // with a registry does, one without writes nothing when it is interrupted before it has said anything.
        let tells_itself = self.source == Source::Codex && !is_silent || self.registry.is_some();
        let state = Some(state).filter(|state| *state != LiveState::Idle || !tells_itself);
        all.push(evidence(Channel::Screen, words, state, None));
        dialog
    }
}

/// What a running Claude Code says of its session.
fn registered(facts: &Value) -> Option<Evidence> {
    let status = facts["status"].as_str().unwrap_or_default();
    let waits_for = facts["waitingFor"].as_str().unwrap_or_default();
    let state = match status {
        "busy" => Some(LiveState::Working),
        "idle" => Some(LiveState::Idle),
        "waiting" if waits_for.contains("permission") => Some(LiveState::NeedsApproval),
        "waiting" => Some(LiveState::NeedsInput),
        _ => None,
    };
    let says = match (status, waits_for) {
        ("", _) => "says that it has this session".to_owned(),
        (status, "") => format!("says that it is {status}"),
        (status, what) => format!("says that it is {status} for: {what}"),
    };
    let at = facts["statusUpdatedAt"].as_i64().map(Timestamp::from_millis);
    Some(evidence(Channel::Registry, says, state, at))
}

/// What a dialog on a screen asks.
fn shown(id: &SessionId, dialog: &Dialog, turn: Option<Turn>) -> Asks {
    let means = |means| match means {
        Means::Allow => Some(ReplyMeans::Allow),
        Means::AllowMore => Some(ReplyMeans::AllowMore),
        Means::Deny => Some(ReplyMeans::Deny),
        Means::Other => None,
    };
    let is_approval = dialog.asks_leave();
    let reply = |choice: &Choice| Reply {
        label: choice.label.clone(),
        more: Some(choice.more.clone()).filter(|more| !more.is_empty()),
        means: means(choice.means).filter(|_| is_approval),
        is_chosen: choice.is_checked,
        takes_words: choice.takes_words,
    };
    let replies: Vec<Reply> = dialog.choices.iter().map(reply).collect();
    Asks {
        key: key_of(id, dialog, turn),
        question: dialog.question.clone(),
        about: dialog.about.clone(),
        for_session: is_approval && dialog.place_of(Means::AllowMore).is_some(),
        replies,
        is_approval,
        takes_words: dialog.field.is_some(),
        // Until the records tell the one call that it can be about.
        is_blind: is_approval && !dialog.is_whole(),
        what: None,
        risks: Vec::new(),
    }
}

/// What a daemon asks for.
fn asked(id: &SessionId, about: &str, question: &Question) -> Asks {
    let words = match question.tool.as_str() {
        "edit" => "May it change these files?",
        _ => "May it run this command?",
    };
    Asks {
        key: key_about(id, about),
        question: words.to_owned(),
        about: question.why.iter().cloned().collect(),
        replies: Vec::new(),
        is_approval: true,
        takes_words: false,
        is_blind: false,
        for_session: question.for_session,
        what: Some(question.clone()),
        risks: Vec::new(),
    }
}

/// What an agent asks whom Marline runs.
pub(super) fn asked_in_run(id: &SessionId, number: u64, question: &Question) -> Asks {
    asked(id, &about_number(number), question)
}

/// What tells a question of a session from every other one.
/// One that is asked twice is another one: the calls that are open tell them apart, or, where the records hold none before they
/// are done, when was written last.
pub(super) fn key_of(id: &SessionId, dialog: &Dialog, turn: Option<Turn>) -> String {
    let written = || turn.and_then(|turn| turn.at).map_or(0, |at| hash(&[&at.as_millis().to_le_bytes()]));
    let print = turn.and_then(|turn| turn.open).map_or_else(written, |open| open.print);
    format!("{:016x}", dialog.fingerprint() ^ print ^ hash(&[id.raw().as_bytes()]))
}

/// The same of one that the agent names itself.
pub(super) fn key_about(id: &SessionId, about: &str) -> String {
    format!("{:016x}", hash(&[id.raw().as_bytes(), about.as_bytes()]))
}

/// The same of a question that an agent asks whom Marline runs, by its number.
pub(crate) fn key_of_question(id: &SessionId, number: u64) -> String {
    key_about(id, &about_number(number))
}

fn about_number(number: u64) -> String {
    format!("question {number}")
}

/// Of a transcript the last records that tell of turns, in whole lines: enough to tell where the last one stands.
pub(super) fn tail(text: &[u8], live: &dyn Live) -> String {
    const MOST: usize = 8;
    let end = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
    let lines = text[..end].split_inclusive(|byte| *byte == b'\n').rev();
    let tells = |line: &&[u8]| Raw::first(line).is_ok_and(|(record, _)| live.sign(record).is_some());
    let mut kept: Vec<&[u8]> = lines.filter(tells).take(MOST).collect();
    kept.reverse();
    String::from_utf8_lossy(&kept.concat()).into_owned()
}

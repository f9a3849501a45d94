//! One look at everything that runs.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use marline_agents::Env;
use marline_agents::screen::{Dialog, Means, Screen};
use marline_index::{Filter, Index, Session, Sort, Window};
use marline_model::{Channel, Evidence, ItemKind, LiveState, SessionId, SessionKind, Source, Timestamp};
use marline_store::work::{Asked, Task};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::find::{Running, running};
use super::judge::judge;
use super::tmux::{Pane, Server};
use super::turn::turn;
use crate::Target;
use crate::in_use::claudes;
use crate::launch::Started;
use crate::process::AgentProcess;
use crate::target::agent;

/// A session that began so much before the process is not of it; clocks and files are not exact.
const SLACK: i64 = 2_000;
/// So many sessions that changed since an agent began are looked through for its own.
const MOST: usize = 200;
/// So many of the last items are looked at for what was said.
const RECENT: usize = 40;
/// A call without an output, and without a process that does it, waits for leave after so long.
const UNTIL_ASKED: i64 = 1_500;

/// A session that an agent has open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveSession {
    /// The canonical id.
    pub id: SessionId,
    /// The agent.
    pub source: Source,
    /// The agent's own id.
    pub source_session_id: String,
    /// How it stands.
    pub state: LiveState,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub since: Option<Timestamp>,
    /// Everything that tells of it.
    pub evidence: Vec<Evidence>,
    /// What the agent asks, as far as it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub asks: Option<Asks>,
    /// How it can be steered.
    pub control: Control,
    /// The agent's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pid: Option<u32>,
    /// When the agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub started_at: Option<Timestamp>,
    /// Where the agent works now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// What the agent calls it, where it is no title yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
}

/// What an agent asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asks {
    /// Tells this question from every other one; an answer bears it.
    pub key: String,
    /// The question.
    pub question: String,
    /// What it is about: the command, the change.
    pub about: Vec<String>,
    /// The answers that can be given.
    pub replies: Vec<Reply>,
    /// It asks for leave; else for something else.
    pub is_approval: bool,
}

/// An answer that can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Its words.
    pub label: String,
    /// It allows it this once, always, or not at all; nothing: it means something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub means: Option<ReplyMeans>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReplyMeans {
    /// This once.
    Allow,
    /// From now on.
    AllowMore,
    /// No.
    Deny,
}

/// How a session can be steered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schema(as = LiveControl)]
pub enum Control {
    /// By typing into its terminal.
    Tmux {
        /// Where that is.
        pane: Pane,
    },
    /// Marline runs it, without a terminal.
    Marline {
        /// The run.
        run: String,
        /// The prompt.
        task: String,
    },
    /// Not at all.
    None {
        /// Why.
        why: String,
        /// The command that opens it so that it can be steered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        command: Option<String>,
    },
}

/// An agent that runs, and whose session is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stray {
    /// The agent.
    pub source: Source,
    /// Its process.
    pub pid: u32,
    /// Where it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cwd: Option<String>,
    /// Why its session is not known.
    pub why: String,
}

/// Everything that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Now {
    /// Sessions, those that need a person first.
    pub sessions: Vec<LiveSession>,
    /// Agents whose session is not known.
    pub strays: Vec<Stray>,
}

/// What a look stands on.
pub struct Radar<'a> {
    /// Where agents keep their sessions.
    pub env: &'a Env,
    /// The index, which somebody else keeps fresh.
    pub index: &'a Index,
    /// The `tmux` program, where there is one.
    pub tmux: Option<&'a Path>,
    /// Where programs lie.
    pub path: &'a std::ffi::OsStr,
    /// Prompts that Marline has agents work at.
    pub held: &'a [Task],
    /// What those ask.
    pub asked: &'a [Asked],
    /// What hooks have told last of each session.
    pub told: &'a [HookTold],
}

/// What a hook told of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookTold {
    /// The session.
    pub id: SessionId,
    /// The processes that the hook ran in, from the nearest on: one of them is the agent.
    pub pids: Vec<u32>,
    /// How it stands.
    pub state: Option<LiveState>,
    /// What happened.
    pub says: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of one session while it is looked at.
struct Sight<'a> {
    running: &'a Running,
    id: SessionId,
    evidence: Vec<Evidence>,
    since: Option<Timestamp>,
    name: Option<String>,
}

impl<'a> Sight<'a> {
    fn of(running: &'a Running, raw: &str, evidence: Evidence) -> Option<Self> {
        let id = SessionId::new(running.source, raw).ok()?;
        Some(Sight { running, id, evidence: vec![evidence], since: None, name: None })
    }
}

fn evidence(
    channel: Channel,
    says: impl Into<String>,
    state: Option<LiveState>,
    at: Option<Timestamp>,
) -> Evidence {
    Evidence { channel, says: says.into(), state, at }
}

impl Radar<'_> {
    /// Looks at everything that runs at `now`.
    pub fn look(&self, now: Timestamp) -> Now {
        let running = running(self.env);
        let panes = self.panes(&running);
        let registry = claudes(&agent(Source::Claude).home(self.env));
        let own = running.iter().filter(|one| !self.held.iter().any(|task| self.is_of_task(one, task)));
        // What agents say themselves comes first; place and time tell of those that are left.
        let mut found: Vec<Sight<'_>> = Vec::new();
        let mut silent: Vec<&Running> = Vec::new();
        for one in own {
            let sights = self.sessions_of(one, &registry);
            if sights.is_empty() {
                silent.push(one);
            }
            found.extend(sights);
        }
        let mut strays = Vec::new();
        for one in &silent {
            let taken: HashSet<SessionId> = found.iter().map(|sight| sight.id.clone()).collect();
            match self.begun_by(one, &silent, &taken) {
                Ok(sight) => found.push(sight),
                Err(why) => strays.push(Stray {
                    source: one.source,
                    pid: one.process.pid,
                    cwd: one.cwd.as_ref().map(|cwd| cwd.display().to_string()),
                    why: why.to_owned(),
                }),
            }
        }
        let mut taken: HashSet<SessionId> = HashSet::new();
        found.retain(|sight| taken.insert(sight.id.clone()));
        let mut sessions: Vec<LiveSession> =
            found.into_iter().map(|sight| self.judged(sight, &panes, now)).collect();
        sessions.extend(self.held.iter().filter_map(|task| self.headless(task)));
        sessions.sort_by_key(|one| (rank(one.state), std::cmp::Reverse(one.since)));
        Now { sessions, strays }
    }

    /// The terminals in which agents run.
    fn panes(&self, running: &[Running]) -> HashMap<(PathBuf, String), Pane> {
        let Some(tmux) = self.tmux else { return HashMap::new() };
        let sockets: HashSet<&PathBuf> =
            running.iter().filter_map(|one| Some(&one.terminal.as_ref()?.0)).collect();
        let all = sockets.into_iter().flat_map(|socket| Server::new(tmux, socket).panes());
        all.map(|pane| ((pane.socket.clone(), pane.pane_id.clone()), pane)).collect()
    }

    fn is_of_task(&self, one: &Running, task: &Task) -> bool {
        // It was started with its input and output in the folder of its talk.
        let talk = format!("{}-{}", task.id, task.attempt);
        let input = std::fs::read_link(format!("/proc/{}/fd/1", one.process.pid));
        input.is_ok_and(|path| path.parent().is_some_and(|folder| folder.ends_with(&talk)))
    }

    /// The sessions that a process has open by its own word.
    fn sessions_of<'a>(&self, one: &'a Running, registry: &[Value]) -> Vec<Sight<'a>> {
        match one.source {
            Source::Claude => {
                let mine = registry.iter().find(|facts| facts["pid"] == one.process.pid);
                if let Some(sight) = mine.and_then(|facts| registered(one, facts)) {
                    return vec![sight];
                }
            }
            Source::Codex => {
                let locks = self.locks_of(one.process.pid);
                let says = |file: &str| evidence(Channel::Lock, format!("holds {file}"), None, None);
                let found = locks.iter().filter_map(|(raw, file)| Sight::of(one, raw, says(file)));
                // A sub-agent's session lives in its parent's process.
                let found: Vec<_> = found.filter(|sight| self.is_main(&sight.id)).collect();
                if !found.is_empty() {
                    return found;
                }
            }
            Source::Gemini | Source::OpenCode | Source::Qwen => {}
        }
        // A process before it may have had its number.
        let is_its = |told: &&HookTold| {
            told.id.source() == one.source && told.pids.contains(&one.process.pid) && told.at >= one.began
        };
        if let Some(told) = self.told.iter().rev().find(is_its) {
            let says = evidence(Channel::Hook, "a hook that it called says so", None, Some(told.at));
            return Sight::of(one, told.id.raw(), says).into_iter().collect();
        }
        let told = agent(one.source).live().session(&one.words);
        let words = format!("process {} was started on it", one.process.pid);
        let says = evidence(Channel::Process, words, None, Some(one.began));
        told.and_then(|raw| Sight::of(one, &raw, says)).into_iter().collect()
    }

    fn is_main(&self, id: &SessionId) -> bool {
        self.index.session_by_id(id).map_or(true, |session| session.kind == SessionKind::Main)
    }

    /// The threads that a Codex holds: their locks, or, of one without locks, their rollouts.
    fn locks_of(&self, pid: u32) -> Vec<(String, String)> {
        let Some(process) = AgentProcess::of(pid) else { return Vec::new() };
        let mut found: Vec<(String, String)> = Vec::new();
        for path in process.open_files() {
            let (Some(stem), Some(ending)) = (
                path.file_stem().and_then(|stem| stem.to_str()),
                path.extension().and_then(|ending| ending.to_str()),
            ) else {
                continue;
            };
            let raw = match ending {
                "lock" if path.parent().is_some_and(|folder| folder.ends_with("thread-writer-locks")) => stem,
                "jsonl" if stem.starts_with("rollout-") => {
                    stem.get(stem.len().saturating_sub(36)..).unwrap_or("")
                }
                _ => continue,
            };
            let is_known = found.iter().any(|(known, _)| known == raw);
            if raw.len() == 36 && !is_known {
                found.push((raw.to_owned(), format!("{stem}.{ending}")));
            }
        }
        found
    }

    /// The session that a process has begun, by place and time; else why that does not tell.
    fn begun_by<'a>(
        &self,
        one: &'a Running,
        silent: &[&Running],
        taken: &HashSet<SessionId>,
    ) -> Result<Sight<'a>, &'static str> {
        if one.source == Source::Codex {
            // It holds what it has open; a process of it that holds nothing only starts the program proper.
            return Err("it holds no session");
        }
        let cwd = one.cwd.as_ref().ok_or("its directory is not known")?;
        let is_alike = |other: &&&Running| {
            other.source == one.source && other.process != one.process && other.cwd.as_ref() == Some(cwd)
        };
        if silent.iter().any(|other| is_alike(&other)) {
            return Err("another one runs in the same directory, and neither says which session it has");
        }
        let filter =
            Filter { sources: vec![one.source], since: Some(one.began), all: true, ..Filter::default() };
        let page =
            self.index.sessions(&filter, Sort::Updated, MOST, None).map_err(|_| "the index can't be read")?;
        let earliest = one.began.as_millis() - SLACK;
        let is_here = |session: &&Session| {
            session.kind == SessionKind::Main
                && !taken.contains(&session.id)
                && session.started_at.is_some_and(|at| at.as_millis() >= earliest)
                && session.cwd.as_ref().is_some_and(|there| Path::new(there) == cwd)
        };
        let found = page.sessions.iter().find(is_here).ok_or("nothing was said in it yet")?;
        let words = format!("began in {} after process {} did", cwd.display(), one.process.pid);
        let says = evidence(Channel::Transcript, words, None, found.started_at);
        Sight::of(one, found.id.raw(), says).ok_or("its session has no id")
    }

    fn judged(
        &self,
        mut sight: Sight<'_>,
        panes: &HashMap<(PathBuf, String), Pane>,
        now: Timestamp,
    ) -> LiveSession {
        let one = sight.running;
        if one.is_suspended {
            let words = "its process is suspended";
            sight.evidence.push(evidence(Channel::Process, words, Some(LiveState::Unknown), None));
        }
        let session = self.index.session_by_id(&sight.id).ok();
        if let Some(told) = self.told.iter().rev().find(|told| told.id == sight.id && told.state.is_some()) {
            sight.evidence.push(evidence(Channel::Hook, told.says.clone(), told.state, Some(told.at)));
        }
        let has_open_call = self.hear_transcript(&mut sight, session.as_ref(), now);
        let pane = one.terminal.as_ref().and_then(|terminal| panes.get(terminal));
        let pane = pane.filter(|pane| !pane.is_dead && is_within(one.process.pid, pane.pid));
        let asks = pane.and_then(|pane| self.see_screen(&mut sight, pane));
        if has_open_call
            && pane.is_none()
            && one.source == Source::Codex
            && one.process.descendants().is_empty()
        {
            let words = "a command was called, and no process does it";
            sight.evidence.push(evidence(Channel::Process, words, Some(LiveState::NeedsApproval), None));
        }
        let state = judge(&sight.evidence, one.began, now);
        let speaks = sight.evidence.iter().filter(|one| one.state == Some(state));
        let since = sight.since.or_else(|| speaks.filter_map(|one| one.at).max());
        let control = match pane {
            Some(pane) => Control::Tmux { pane: pane.clone() },
            None => self.uncontrolled(one, session.as_ref()),
        };
        LiveSession {
            source: one.source,
            source_session_id: sight.id.raw().to_owned(),
            id: sight.id,
            state,
            since,
            evidence: sight.evidence,
            asks: asks.filter(|_| state.needs_you()),
            control,
            pid: Some(one.process.pid),
            started_at: Some(one.began),
            cwd: one.cwd.as_ref().map(|cwd| cwd.display().to_string()),
            name: sight.name,
        }
    }

    /// What the end of the transcript says. Says whether a call waits for its output for a while.
    fn hear_transcript(&self, sight: &mut Sight<'_>, session: Option<&Session>, now: Timestamp) -> bool {
        let Some(session) = session.filter(|session| !session.missing) else {
            let words = "nothing was said in it yet";
            // The registry knows better; without it, an agent with nothing to do waits.
            sight.evidence.push(evidence(Channel::Transcript, words, Some(LiveState::Idle), None));
            return false;
        };
        if session.source == Source::OpenCode {
            self.hear_items(sight, session);
            return false;
        }
        let Some(file) = session.files.first() else { return false };
        let Ok(Some(turn)) = turn(Path::new(&file.path), agent(session.source).live()) else { return false };
        let words = match (turn.state, turn.has_open_call) {
            (LiveState::Idle, _) => "its last turn is over",
            (_, true) => "a tool was called, and its output is not there",
            _ => "its last turn goes on",
        };
        sight.evidence.push(evidence(Channel::Transcript, words, Some(turn.state), turn.at));
        if turn.state == LiveState::Working {
            sight.since = turn.since;
        }
        turn.has_open_call && turn.at.is_none_or(|at| now.as_millis() - at.as_millis() > UNTIL_ASKED)
    }

    /// The same of sessions that are rows.
    fn hear_items(&self, sight: &mut Sight<'_>, session: &Session) {
        let Ok(page) = self.index.items(&session.id, Window::End, 1) else { return };
        let Some(last) = page.items.last() else { return };
        let (words, state) = match last.kind {
            ItemKind::Answer | ItemKind::Error => ("an answer stands last", LiveState::Idle),
            _ => ("what stands last is no answer", LiveState::Working),
        };
        sight.evidence.push(evidence(Channel::Transcript, words, Some(state), last.at));
    }

    fn see_screen(&self, sight: &mut Sight<'_>, pane: &Pane) -> Option<Asks> {
        let shown = Server::new(self.tmux?, &pane.socket).screen(&pane.pane_id).ok()?;
        let Screen { dialog, is_busy, draft } = agent(sight.running.source).live().screen(&shown);
        let (words, state) = match &dialog {
            Some(dialog) if dialog.asks_leave() => ("a dialog asks for leave", LiveState::NeedsApproval),
            Some(_) => ("a dialog asks something", LiveState::NeedsInput),
            None if is_busy => ("it says that it works", LiveState::Working),
            None if draft.is_some() => ("the field for a prompt is free", LiveState::Idle),
            None => return None,
        };
        // That nothing is to be seen of its work says little of agents that tell themselves when a turn is over.
        let tells_itself = matches!(sight.running.source, Source::Claude | Source::Codex);
        let state = Some(state).filter(|state| *state != LiveState::Idle || !tells_itself);
        sight.evidence.push(evidence(Channel::Screen, words, state, None));
        dialog.map(|dialog| asks(&sight.id, &dialog))
    }

    /// Why a session can't be steered, and what makes it so.
    fn uncontrolled(&self, one: &Running, session: Option<&Session>) -> Control {
        let why = match (&one.terminal, self.tmux) {
            (Some(_), None) => "it runs in tmux, and there is no tmux program on the path",
            (Some(_), Some(_)) => "its tmux does not answer",
            (None, _) => "it does not run in tmux",
        };
        let command = session.and_then(|session| {
            let started = Started::resume(&Target::of(session).ok()?, None, self.path).ok()?;
            Some(format!("tmux new-session {}", crate::quoted(&started.typed())))
        });
        Control::None { why: why.to_owned(), command }
    }

    /// A prompt that Marline has an agent work at.
    fn headless(&self, task: &Task) -> Option<LiveSession> {
        let id = task.session.clone()?;
        let open = self
            .asked
            .iter()
            .find(|asked| asked.task == task.id && asked.is_open && asked.decision.is_none());
        let (state, at, words) = match open {
            Some(asked) => (LiveState::NeedsApproval, Some(asked.at), "it asks for leave"),
            None => (LiveState::Working, task.started_at, "Marline has it work at a prompt"),
        };
        Some(LiveSession {
            source: id.source(),
            source_session_id: id.raw().to_owned(),
            id,
            state,
            since: at,
            evidence: vec![evidence(Channel::Talk, words, Some(state), at)],
            asks: None,
            control: Control::Marline { run: task.run.clone()?, task: task.id.clone() },
            pid: None,
            started_at: task.started_at,
            cwd: task.cwd.clone(),
            name: None,
        })
    }
}

/// What a running Claude Code says of its session.
fn registered<'a>(one: &'a Running, facts: &Value) -> Option<Sight<'a>> {
    let at = |name: &str| facts[name].as_i64().map(Timestamp::from_millis);
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
    let says = evidence(Channel::Registry, says, state, at("statusUpdatedAt"));
    let name = facts["name"].as_str().map(str::to_owned);
    Some(Sight { name, ..Sight::of(one, facts["sessionId"].as_str()?, says)? })
}

/// Says whether a session's transcript shows that something was said in it since a time.
pub fn is_said(index: &Index, id: &SessionId, text: &str, since: Timestamp) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = plain(text);
    let page = index.items(id, Window::End, RECENT);
    page.is_ok_and(|page| {
        page.items.iter().any(|item| {
            item.kind == ItemKind::Prompt
                && item.at.is_none_or(|at| at.as_millis() + SLACK >= since.as_millis())
                && plain(&item.text) == wanted
        })
    })
}

/// Says whether a process is another one, or was started by it.
fn is_within(pid: u32, ancestor: u32) -> bool {
    std::iter::successors(Some(pid), |pid| crate::process::parent_of(*pid)).any(|pid| pid == ancestor)
}

fn asks(id: &SessionId, dialog: &Dialog) -> Asks {
    let means = |means| match means {
        Means::Allow => Some(ReplyMeans::Allow),
        Means::AllowMore => Some(ReplyMeans::AllowMore),
        Means::Deny => Some(ReplyMeans::Deny),
        Means::Other => None,
    };
    let is_approval = dialog.asks_leave();
    let reply = |choice: &marline_agents::screen::Choice| Reply {
        label: choice.label.clone(),
        means: means(choice.means).filter(|_| is_approval),
    };
    Asks {
        key: key_of(id, dialog),
        question: dialog.question.clone(),
        about: dialog.about.clone(),
        replies: dialog.choices.iter().map(reply).collect(),
        is_approval,
    }
}

/// What tells a question of a session from every other one.
pub(super) fn key_of(id: &SessionId, dialog: &Dialog) -> String {
    format!("{:016x}", dialog.fingerprint() ^ marline_agents::event::hash(&[id.raw().as_bytes()]))
}

/// Who needs a person comes first.
fn rank(state: LiveState) -> u8 {
    match state {
        LiveState::NeedsApproval => 0,
        LiveState::NeedsInput => 1,
        LiveState::Working => 2,
        LiveState::Starting => 3,
        LiveState::Unknown => 4,
        LiveState::Idle => 5,
        LiveState::Ended => 6,
    }
}

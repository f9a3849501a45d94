//! One look at everything that runs.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use marline_agents::Env;
use marline_agents::talk::Question;
use marline_index::{Filter, Index, Session, Sort, Window};
use marline_model::{Channel, Evidence, ItemKind, LiveState, SessionId, SessionKind, Source, Timestamp};
use marline_store::work::{Asked, Task};
use serde_json::Value;

use super::daemon::{DaemonView, HeldThread};
use super::evidence::{HookSeen, Records, Seen, ServiceSeen, Weighed, asked_in_run, evidence, tail};
use super::find::{Running, process_of, running};
use super::memory::{Memory, Place};
use super::terminals::Pairs;
use super::tmux::{Pane, Server};
use super::turn::{OpenCalls, Turn, Whose, turn};
use super::types::{Asks, Control, LiveSession, Now, Stray};
use crate::Target;
use crate::asked::{called, names};
use crate::in_use::claudes;
use crate::launch::Started;
use crate::process::AgentProcess;
use crate::risk::risks;
use crate::target::agent;

/// A session that began so much before the process is not of it; clocks and files are not exact.
const SLACK: i64 = 2_000;
/// So many sessions that changed since an agent began are looked through for its own.
const MOST: usize = 200;
/// So many of the last items are looked at for what was said.
const RECENT: usize = 40;
/// A sub-agent that was not heard of for so long works at nothing.
const HELPS: i64 = 10 * 60_000;
/// So many sub-agents of a session are looked at.
const MOST_HELPERS: usize = 20;
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
    /// What Codex' daemon holds, where one runs.
    pub daemon: Option<&'a DaemonView>,
    /// What the look before has left.
    pub memory: Option<&'a Memory>,
    /// Is shown all that was seen of each session.
    pub record: Option<Recorder<'a>>,
}

/// Writes down what was seen of a session.
pub type Recorder<'a> = &'a dyn Fn(&SessionId, &Seen);

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
    /// What it asks leave for, where the hook tells that.
    pub asks: Option<Question>,
    /// When.
    pub at: Timestamp,
}

/// What is known of one session while it is looked at.
struct Sight<'a> {
    running: &'a Running,
    id: SessionId,
    evidence: Vec<Evidence>,
    name: Option<String>,
    registry: Option<Value>,
    service: Option<&'a HeldThread>,
}

impl<'a> Sight<'a> {
    fn of(running: &'a Running, raw: &str, evidence: Evidence) -> Option<Self> {
        let id = SessionId::new(running.source, raw).ok()?;
        Some(Sight { running, id, evidence: vec![evidence], name: None, registry: None, service: None })
    }
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
        let own: Vec<&Running> = own.collect();
        let keeper = self.daemon.and_then(|daemon| process_of(Source::Codex, daemon.pid));
        found.extend(self.held_by_daemon(&own, keeper.as_ref(), now));
        let is_shown = |one: &Running| found.iter().any(|sight| sight.running.process == one.process);
        let rest: Vec<&Running> = own.into_iter().filter(|one| !is_shown(one)).collect();
        for one in rest {
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
                    why: self.asked_first(one, &panes).unwrap_or_else(|| why.to_owned()),
                }),
            }
        }
        let mut taken: HashSet<SessionId> = HashSet::new();
        found.retain(|sight| taken.insert(sight.id.clone()));
        let mut sessions: Vec<LiveSession> =
            found.into_iter().map(|sight| self.judged(sight, &panes, now)).collect();
        let ended = self.memory.map(|memory| {
            memory.sweep();
            memory.ended(&sessions, now, |one| self.reopens(&self.index.session_by_id(&one.id).ok()?))
        });
        sessions.extend(self.held.iter().filter_map(|task| self.headless(task)));
        let mut now = Now { sessions, ended: ended.unwrap_or_default(), strays };
        now.sort();
        now
    }

    /// The threads of Codex' daemon, each with the terminal that shows it. One that nobody shows and that does nothing is only
    /// kept for a while, and open nowhere.
    fn held_by_daemon<'a>(
        &'a self,
        own: &[&'a Running],
        keeper: Option<&'a Running>,
        now: Timestamp,
    ) -> Vec<Sight<'a>> {
        let Some(daemon) = self.daemon else { return Vec::new() };
        let terminals = own
            .iter()
            .filter(|one| one.source == Source::Codex && self.locks_of(one.process.pid).is_empty())
            .copied();
        let Pairs { mut shown, rest, .. } = Pairs::of(terminals.collect(), &daemon.threads, self.memory, now);
        let is_busy = |thread: &&&HeldThread| thread.held.state.is_some_and(|state| state != LiveState::Idle);
        let alone = rest.iter().filter(is_busy).filter_map(|thread| Some((keeper?, *thread)));
        shown.extend(alone.collect::<Vec<_>>());
        let sight = |(running, thread): (&'a Running, &'a HeldThread)| {
            let says = evidence(Channel::Service, "its daemon holds it", None, thread.held.created_at);
            Some(Sight { service: Some(thread), ..Sight::of(running, &thread.held.id, says)? })
        };
        shown.into_iter().filter_map(sight).collect()
    }

    /// The terminals in which agents run.
    fn panes(&self, running: &[Running]) -> HashMap<Place, Pane> {
        let Some(tmux) = self.tmux else { return HashMap::new() };
        let place = |one: &Running| {
            let below = || one.below.as_ref().map(|(socket, pid)| (socket.clone(), pid.to_string()));
            one.terminal.clone().or_else(below)
        };
        let of: HashSet<Place> = running.iter().filter_map(place).collect();
        let list = |of: &HashSet<Place>| -> HashMap<Place, Pane> {
            let sockets: HashSet<&PathBuf> = of.iter().map(|(socket, _)| socket).collect();
            let all = sockets.into_iter().flat_map(|socket| Server::new(tmux, socket).panes());
            all.map(|pane| ((pane.socket.clone(), pane.pane_id.clone()), pane)).collect()
        };
        match self.memory {
            Some(memory) => memory.panes(of.clone(), || list(&of)),
            None => list(&of),
        }
    }

    /// Where the last turn of a file stands.
    fn turn(&self, file: &Path, source: Source, whose: Whose) -> Option<Turn> {
        let read = || turn(file, agent(source).live(), whose).ok().flatten();
        self.memory.map_or_else(read, |memory| memory.turn(file, read))
    }

    fn is_of_task(&self, one: &Running, task: &Task) -> bool {
        // It was started with its input and output in the folder of its talk.
        let talk = task.attempt_name();
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

    /// What an agent asks its person before it begins a session, such as whether a folder or its hooks are trusted.
    fn asked_first(&self, one: &Running, panes: &HashMap<Place, Pane>) -> Option<String> {
        let (pane, tmux) = (panes.get(one.terminal.as_ref()?)?, self.tmux?);
        let screen = Server::new(tmux, &pane.socket).screen(&pane.pane_id).ok()?;
        let dialog = agent(one.source).live().screen(&screen).dialog?;
        Some(format!("it asks, before it begins a session: {}; answer in its terminal", dialog.said()))
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

    fn judged(&self, sight: Sight<'_>, panes: &HashMap<Place, Pane>, now: Timestamp) -> LiveSession {
        let one = sight.running;
        let session = self.index.session_by_id(&sight.id).ok();
        let below = || {
            let (socket, pid) = one.below.as_ref()?;
            panes.values().find(|pane| pane.pid == *pid && pane.socket == *socket)
        };
        let pane = one.terminal.as_ref().and_then(|terminal| panes.get(terminal)).or_else(below);
        let pane = pane.filter(|pane| !pane.is_dead && is_within(one.process.pid, pane.pid));
        // What a hook told of a process before this one is over.
        let is_its = |told: &&HookTold| told.id == sight.id && told.state.is_some() && told.at >= one.began;
        let told = self.told.iter().rev().find(is_its);
        let hook =
            told.and_then(|told| Some(HookSeen { says: told.says.clone(), state: told.state?, at: told.at }));
        let service = sight.service.map(|thread| ServiceSeen {
            state: thread.held.state.unwrap_or(LiveState::Unknown),
            since: thread.since,
            asks: thread.pending.as_ref().map(|pending| (pending.about.clone(), pending.question.clone())),
        });
        let records = self.records(session.as_ref());
        let has_open_call = matches!(&records, Records::Turn(turn) if turn.open.is_some());
        let mut seen = Seen {
            source: one.source,
            began: one.began,
            is_suspended: one.is_suspended,
            is_kept_out: one.source == Source::Codex
                && sight.service.is_none()
                && sight.evidence.iter().all(|said| said.channel == Channel::Process),
            has_children: has_open_call && pane.is_none() && !one.process.descendants().is_empty(),
            registry: sight.registry,
            service,
            hook,
            records,
            screen: None,
        };
        // A screen costs a process; it is looked at where nothing else tells, and by whoever writes down all that is seen.
        if seen.needs_screen() || self.record.is_some() {
            let shown = pane.zip(self.tmux);
            seen.screen =
                shown.and_then(|(pane, tmux)| Server::new(tmux, &pane.socket).screen(&pane.pane_id).ok());
        }
        let Weighed { state, since, evidence, asks, context, open } =
            seen.weigh(&sight.id, sight.evidence, now);
        if let Some(record) = self.record {
            record(&sight.id, &seen);
        }
        let control = match (sight.service, pane) {
            (Some(_), pane) => {
                let socket = self.daemon.map(|daemon| daemon.socket.clone()).unwrap_or_default();
                Control::Service { socket, pane: pane.cloned() }
            }
            (None, Some(pane)) => Control::Tmux { pane: pane.clone() },
            (None, None) => self.uncontrolled(one, session.as_ref()),
        };
        let cwd = one.cwd.clone().or_else(|| Some(sight.service?.held.cwd.clone()));
        let told = told.and_then(|told| told.asks.as_ref());
        let asks = asks.map(|asks| self.told_of(asks, session.as_ref(), cwd.as_deref(), open, told));
        LiveSession {
            source: one.source,
            source_session_id: sight.id.raw().to_owned(),
            id: sight.id,
            state,
            since,
            evidence,
            asks,
            control,
            pid: Some(one.process.pid),
            started_at: Some(one.began),
            cwd: cwd.map(|cwd| cwd.display().to_string()),
            context,
            transcript: session.as_ref().and_then(transcript),
            helpers: session.map(|session| self.helpers(&session, now)).unwrap_or_default(),
            name: sight.name,
        }
    }

    /// The sub-agents of a session that work now.
    fn helpers(&self, session: &Session, now: Timestamp) -> Vec<SessionId> {
        let Ok(mut children) = self.index.children(&session.id) else { return Vec::new() };
        // The last ones, and none that has not been heard of for long: it may have died without a word.
        let is_fresh =
            |child: &Session| child.updated_at.is_some_and(|at| now.as_millis() - at.as_millis() < HELPS);
        children.retain(|child| child.kind == SessionKind::Subagent && is_fresh(child));
        let from = children.len().saturating_sub(MOST_HELPERS);
        let works = |child: &Session| {
            let turn = self.turn(Path::new(&child.files.first()?.path), child.source, Whose::Helper)?;
            (turn.state == LiveState::Working).then(|| child.id.clone())
        };
        children[from..].iter().filter_map(works).collect()
    }

    /// What the records say.
    fn records(&self, session: Option<&Session>) -> Records {
        let Some(session) = session.filter(|session| !session.missing) else { return Records::None };
        if session.source == Source::OpenCode {
            let page = self.index.items(&session.id, Window::End, 1);
            let last = page.ok().and_then(|page| page.items.into_iter().next_back());
            return last.map_or(Records::Silent, |last| Records::Row {
                is_answer: matches!(last.kind, ItemKind::Answer | ItemKind::Error),
                at: last.at,
            });
        }
        let Some(file) = session.files.first() else { return Records::Silent };
        if self.record.is_some() {
            let text = std::fs::read(&file.path).unwrap_or_default();
            return Records::Tail(tail(&text, agent(session.source).live()));
        }
        let turn = self.turn(Path::new(&file.path), session.source, Whose::Session);
        turn.map_or(Records::Silent, Records::Turn)
    }

    /// Adds what the session's own records tell of what is asked, the call that waits for its output, or else what a hook has told.
    fn told_of(
        &self,
        mut asks: Asks,
        session: Option<&Session>,
        cwd: Option<&Path>,
        open: Option<OpenCalls>,
        told: Option<&Question>,
    ) -> Asks {
        let calls = session.filter(|_| asks.is_approval).map(|session| self.open_calls(session));
        let mut calls = calls.unwrap_or_default();
        match &mut asks.what {
            Some(what) => {
                let is_it = |call: &Question| what.id.split(' ').any(|part| part == call.id);
                if let Some(call) = calls.into_iter().find(is_it) {
                    (what.diff, what.files) = (call.diff, call.files);
                }
            }
            what @ None => {
                // The call that its dialog names, or, of a dialog that shows nothing of it, the only one that waits: by the
                // records as they are now, which the index may not have read yet.
                let is_named = |call: &Question| asks.about.iter().any(|line| names(line, call));
                let is_only = |call: &Question| open.is_some_and(|open| open.is_alone(&call.id));
                calls.retain(|call| if asks.about.is_empty() { is_only(call) } else { is_named(call) });
                *what = if calls.len() == 1 { calls.pop() } else { None };
            }
        }
        if let (true, None, Some(told), Some(cwd)) = (asks.is_approval, &asks.what, told, cwd)
            && let Some(session) = session
        {
            asks.what = agent(session.source).live().shown(told, &asks.about, cwd);
        }
        asks.is_blind &= asks.what.is_none();
        if let (Some(what), Some(cwd)) = (&asks.what, cwd) {
            let project = session.and_then(|session| session.cwd.as_deref()).map_or(cwd, Path::new);
            asks.risks = risks(what, project, self.env.home());
        }
        asks
    }

    /// The calls at the end of a session that have no output yet, the oldest first.
    fn open_calls(&self, session: &Session) -> Vec<Question> {
        let Ok(page) = self.index.items(&session.id, Window::End, RECENT) else { return Vec::new() };
        let tools = page.items.iter().rev().filter_map(|item| item.tool.as_ref());
        let open = tools.take_while(|tool| tool.output.is_none());
        let call = |tool: &marline_index::Tool| {
            let id = tool.call_id.clone().unwrap_or_default();
            Question { id, ..called(&tool.name, tool.input.as_deref().unwrap_or_default()) }
        };
        let mut calls: Vec<Question> = open.map(call).collect();
        calls.reverse();
        calls
    }

    /// Why a session can't be steered, and what makes it so.
    fn uncontrolled(&self, one: &Running, session: Option<&Session>) -> Control {
        let is_in_tmux = one.terminal.is_some() || one.below.is_some();
        let why = match (is_in_tmux, self.tmux) {
            (true, None) => "it runs in tmux, and there is no tmux program on the path",
            (true, Some(_)) => "its tmux does not answer",
            (false, _) => "it does not run in tmux",
        };
        Control::None { why: why.to_owned(), command: session.and_then(|session| self.reopens(session)) }
    }

    /// The command that opens a session so that it can be steered.
    fn reopens(&self, session: &Session) -> Option<String> {
        let started = Started::resume(&Target::of(session).ok()?, None, self.path).ok()?;
        Some(format!("tmux new-session {}", crate::quoted(&started.typed())))
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
        let asks = open.map(|open| {
            let mut asks = asked_in_run(&id, open.number, &open.question);
            if let Some(cwd) = open.question.cwd.as_ref().or(task.cwd.as_ref()) {
                let project = task.cwd.as_ref().unwrap_or(cwd);
                asks.risks = risks(&open.question, Path::new(project), self.env.home());
            }
            asks
        });
        Some(LiveSession {
            source: id.source(),
            source_session_id: id.raw().to_owned(),
            id,
            state,
            since: at,
            evidence: vec![evidence(Channel::Talk, words, Some(state), at)],
            asks,
            control: Control::Marline { run: task.run.clone()?, task: task.id.clone() },
            pid: None,
            started_at: task.started_at,
            cwd: task.cwd.clone(),
            context: None,
            helpers: Vec::new(),
            name: None,
            transcript: None,
        })
    }
}

/// The file that holds a session's own records.
fn transcript(session: &Session) -> Option<PathBuf> {
    let file = session.files.first().filter(|_| session.source != Source::OpenCode && !session.missing);
    file.map(|file| PathBuf::from(&file.path))
}

/// What a running Claude Code says of its session.
fn registered<'a>(one: &'a Running, facts: &Value) -> Option<Sight<'a>> {
    let name = facts["name"].as_str().map(str::to_owned);
    let id = SessionId::new(one.source, facts["sessionId"].as_str()?).ok()?;
    Some(Sight { running: one, id, evidence: Vec::new(), name, registry: Some(facts.clone()), service: None })
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

/// Says whether a session's transcript shows that a call has run that was allowed: by its id, or, where the agent told none, the
/// last one that does what was asked. Of a call that waits for leave there is no output.
pub(crate) fn has_run(index: &Index, id: &SessionId, call: Option<&str>, what: &str) -> bool {
    let Ok(page) = index.items(id, Window::End, RECENT) else { return false };
    let tools: Vec<&marline_index::Tool> =
        page.items.iter().rev().filter_map(|item| item.tool.as_ref()).collect();
    let is_named = |tool: &marline_index::Tool| {
        let parts = call.into_iter().flat_map(|call| call.split(' '));
        tool.call_id.as_ref().is_some_and(|id| parts.into_iter().any(|part| part == id))
    };
    let does_it = |tool: &marline_index::Tool| {
        names(what, &called(&tool.name, tool.input.as_deref().unwrap_or_default()))
    };
    let found = tools.iter().find(|tool| is_named(tool)).or_else(|| tools.iter().find(|tool| does_it(tool)));
    found.is_some_and(|tool| tool.output.is_some())
}

/// Says whether a process is another one, or was started by it.
fn is_within(pid: u32, ancestor: u32) -> bool {
    std::iter::successors(Some(pid), |pid| crate::process::parent_of(*pid)).any(|pid| pid == ancestor)
}

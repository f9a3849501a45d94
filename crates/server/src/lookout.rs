//! Looking at the agents that run, while the board is up.
//!
//! It looks when something was written that tells of an agent: a transcript, a group or queue, a file that comes and goes with
//! agents. Beside that it looks by the clock only while agents run: often while one works whose questions stand on its screen
//! alone, rarely while all wait and tell themselves when they begin; between such looks the process table alone is watched for
//! agents that come and go. While none runs it sleeps.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use marline_agents::registry;
use marline_control::find_program;
use marline_control::live::{
    Arrivals, Control, DaemonView, DaemonWatch, HookTold, LiveSession, Memory, Now, Radar,
};
use marline_control::work::rule_for;
use marline_index::{Index, Position};
use marline_model::{Channel, Evidence, LiveState, SessionId, Source, Timestamp};
use marline_store::work::Rule;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::UnixDatagram;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::board::Board;
use crate::logbook::Logbook;
use crate::problem::sentence;

/// While an agent works whose dialogs are seen on its screen alone.
const OFTEN: Duration = Duration::from_millis(300);
/// While agents run whose state may change without a word of theirs.
const SELDOM: Duration = Duration::from_secs(2);
/// While all that run wait, and tell themselves when they begin again.
const RARELY: Duration = Duration::from_secs(15);
/// How soon an agent is seen that came or went without a word, while others run.
const ARRIVALS: Duration = Duration::from_secs(1);
/// Looks take this share of the time at most.
const REST_PER_LOOK: u32 = 4;
/// After a failure the next try comes so much later.
const PAUSE: Duration = Duration::from_secs(5);

/// Why a look is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bell {
    Look,
    Stop,
}

/// Of so many sessions it is remembered what hooks told last.
const MOST_TOLD: usize = 2_000;
/// No hook has more to say.
const LONGEST: usize = 64 << 10;

/// What a hook says.
#[derive(Deserialize)]
struct Said {
    agent: Source,
    pids: Vec<u32>,
    event: Value,
}

/// Knows what runs.
pub struct Lookout {
    now: Mutex<Arc<Now>>,
    book: Mutex<Option<Logbook>>,
    memory: Memory,
    told: Mutex<Vec<HookTold>>,
    ticks: watch::Sender<u64>,
    bell: Sender<Bell>,
    rung: Mutex<Option<Receiver<Bell>>>,
}

impl Default for Lookout {
    fn default() -> Self {
        let (bell, rung) = channel();
        Lookout {
            now: Mutex::default(),
            book: Mutex::default(),
            memory: Memory::default(),
            told: Mutex::default(),
            ticks: watch::Sender::new(0),
            bell,
            rung: Mutex::new(Some(rung)),
        }
    }
}

impl Lookout {
    /// What runs, as of the last look.
    pub fn now(&self) -> Arc<Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes whenever what runs is another, or stands otherwise.
    pub fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    /// Does something with the book of what is open; nothing, where it can't be opened.
    pub fn book<T>(&self, board: &Board, act: impl FnOnce(&mut Logbook) -> T) -> Option<T> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if book.is_none() {
            *book = Logbook::open(&board.config.data_dir.join("marline.db"), board.now())
                .inspect_err(
                    |error| tracing::warn!(error = %sentence(error), "what is open can't be written down"),
                )
                .ok();
        }
        book.as_mut().map(act)
    }

    fn note(&self, board: &Board, now: &Now) {
        let noted = self.book(board, |book| book.note(now, board.now()));
        if let Some(Err(error)) = noted {
            tracing::warn!(error = %sentence(&error), "what is open could not be written down");
        }
    }

    /// Has a look taken soon.
    pub fn ring(&self) {
        let _ = self.bell.send(Bell::Look);
    }

    /// Starts the thread that looks until the board stops.
    pub fn start(self: &Arc<Self>, board: &Board) -> JoinHandle<()> {
        let (told, bell) = (board.stop.clone(), self.bell.clone());
        tokio::spawn(async move {
            told.wait().await;
            let _ = bell.send(Bell::Stop);
        });
        for mut ticks in [board.indexer.ticks(), board.worker.ticks()] {
            let bell = self.bell.clone();
            tokio::spawn(
                async move { while ticks.changed().await.is_ok() && bell.send(Bell::Look).is_ok() {} },
            );
        }
        match listen(&board.config.hook_socket) {
            Ok(socket) => {
                let (lookout, stop, now) = (self.clone(), board.stop.clone(), board.config.now);
                tokio::spawn(async move {
                    tokio::select! {
                        () = lookout.hear(socket, now) => {}
                        () = stop.wait() => {}
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "hooks of agents are not heard"),
        }
        let (lookout, board, runtime) = (self.clone(), board.clone(), Handle::current());
        std::thread::Builder::new()
            .name("lookout".to_owned())
            .spawn(move || {
                let _entered = runtime.enter();
                lookout.work(&board);
            })
            .expect("the system gives a thread")
    }

    /// Hears what hooks say, for ever.
    async fn hear(&self, socket: UnixDatagram, now: fn() -> Timestamp) {
        let mut bytes = vec![0; LONGEST];
        loop {
            let Ok(length) = socket.recv(&mut bytes).await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Who else may write here is this user alone; what makes no sense is passed over.
            let Ok(Said { agent, pids, event }) = serde_json::from_slice(&bytes[..length]) else { continue };
            let Some(adapter) = registry::agent(agent) else { continue };
            let Some(told) = adapter.live().told(&event) else { continue };
            let Ok(id) = SessionId::new(agent, &told.session) else { continue };
            let told = HookTold { id, pids, state: told.state, says: told.says, asks: told.asks, at: now() };
            let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            // What was told of its state before stays true where this tells nothing of it.
            let before = all
                .iter()
                .position(|known| known.id == told.id && known.state.is_some() == told.state.is_some());
            if let Some(before) = before {
                all.remove(before);
            }
            all.push(told);
            if all.len() > MOST_TOLD {
                all.remove(0);
            }
            drop(all);
            self.ring();
        }
    }

    fn work(&self, board: &Board) {
        let Some(rung) = self.rung.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let mut signals = Signals::new(self.bell.clone());
        let (mut index, mut daemons, mut arrivals) = (None, Daemons::default(), Arrivals::default());
        let mut followed = None;
        loop {
            let began = Instant::now();
            signals.watch(board);
            arrivals.have_changed();
            let wait = match self.look(board, &mut index, &mut daemons, &mut followed) {
                Ok(wait) => wait,
                Err(problem) => {
                    tracing::warn!(%problem, "running agents could not be looked at");
                    Some(PAUSE)
                }
            };
            // Bells within this time are one.
            std::thread::sleep((began.elapsed() * REST_PER_LOOK).min(OFTEN));
            let is_heard = || board.feed.is_heard();
            if next(&rung, wait, &mut arrivals, is_heard) == Bell::Stop {
                return;
            }
        }
    }

    /// Looks, and says when to look again by the clock.
    fn look(
        &self,
        board: &Board,
        index: &mut Option<Index>,
        daemons: &mut Daemons,
        followed: &mut Option<Position>,
    ) -> Result<Option<Duration>, String> {
        let config = &board.config;
        let told = |error: &dyn std::error::Error| sentence(error);
        if index.as_ref().is_none_or(|index| !index.is_current()) {
            *index = Some(Index::open_small(&config.index_dir).map_err(|error| told(&error))?);
        }
        let Some(index) = index else { return Ok(None) };
        let work = |ask: &marline_control::work::Desk| -> Result<_, marline_store::work::WorkError> {
            // What was allowed has run only where something was written since.
            let position = index.position().ok();
            if *followed != position {
                ask.follow_answers(index)?;
                *followed = position;
            }
            Ok((ask.store().held()?, ask.store().questions(true, usize::MAX >> 1)?, ask.rules()?))
        };
        let (held, asked, rules) = board.worker.ask(work).map_err(|error| told(&error))?;
        let tmux = find_program("tmux", &config.path);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let daemon = daemons.view(board, &self.bell);
        let radar = Radar {
            daemon: daemon.as_ref(),
            memory: Some(&self.memory),
            record: None,
            env: &config.env,
            index,
            tmux: tmux.as_deref(),
            path: &config.path,
            held: &held,
            asked: &asked,
            told: &told,
        };
        let mut now = radar.look(board.now());
        board.away.tell(&mut now, config.env.home());
        now.sort();
        permit(board, &now, &rules);
        self.note(board, &now);
        let wait = match &now {
            now if now.sessions.iter().any(is_on_screen_alone) => Some(OFTEN),
            now if !now.strays.is_empty() || !now.sessions.iter().all(tells_itself) => Some(SELDOM),
            now => (!now.sessions.is_empty() || !now.ended.is_empty()).then_some(RARELY),
        };
        let mut last = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if **last != now {
            *last = Arc::new(now);
            drop(last);
            self.ticks.send_modify(|ticks| *ticks += 1);
        }
        Ok(wait)
    }
}

/// Allows what rules allow: each question once, by its key.
fn permit(board: &Board, now: &Now, rules: &[Rule]) {
    for live in now.sessions.iter().filter(|live| live.pid.is_some()) {
        let Some((asks, cwd)) = live.asks.as_ref().zip(live.cwd.as_deref()) else { continue };
        let Some(what) = asks.what.as_ref().filter(|_| asks.is_approval && !asks.is_blind) else { continue };
        if live.source == Source::Gemini && what.cwd.is_none() {
            // Where it would run is not to be seen.
            continue;
        }
        let rule = rule_for(rules, live.source, what, Path::new(cwd), board.config.env.home(), board.now());
        if let Some(rule) = rule.cloned() {
            let (board, live, key) = (board.clone(), live.clone(), asks.key.clone());
            tokio::spawn(async move { board.permit(live, key, rule).await });
        }
    }
}

/// Listens to Codex' daemon while one is there.
#[derive(Default)]
struct Daemons {
    watch: Option<DaemonWatch>,
}

impl Daemons {
    /// What it holds now.
    fn view(&mut self, board: &Board, bell: &Sender<Bell>) -> Option<DaemonView> {
        if let Some(view) = self.watch.as_ref().and_then(DaemonWatch::view) {
            return Some(view);
        }
        let codex = registry::agent(Source::Codex)?;
        let socket = codex.live().service(&codex.home(&board.config.env)).filter(|socket| socket.exists())?;
        let bell = bell.clone();
        let tell = move || {
            let _ = bell.send(Bell::Look);
        };
        // A socket that is left from a daemon that has ended: the next look tries again.
        self.watch = DaemonWatch::start(&socket, board.config.now, tell).ok();
        self.watch.as_ref().and_then(DaemonWatch::view)
    }
}

/// Opens the socket of hooks, for its owner alone.
fn listen(path: &Path) -> std::io::Result<UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixDatagram::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Says whether what an agent asks next is to be seen on its screen alone.
fn is_on_screen_alone(live: &LiveSession) -> bool {
    // That a Claude Code asks is told before its dialog is drawn, and what it asks leave for in its records a moment later.
    let is_seen = match &live.asks {
        Some(asks) => !asks.is_approval || asks.what.is_some(),
        None => !live.state.needs_you(),
    };
    let is_told = live.source == Source::Claude && is_seen;
    !is_told && live.state != LiveState::Idle && matches!(live.control, Control::Tmux { .. })
}

/// Says whether an agent waits, and tells itself when it does something again: one whose screen is looked at does not.
fn tells_itself(live: &LiveSession) -> bool {
    if live.evidence.iter().any(|one| one.channel == Channel::Screen) {
        return false;
    }
    let has_told = |one: &Evidence| matches!(one.channel, Channel::Registry | Channel::Service);
    live.state == LiveState::Idle && (live.source == Source::Codex || live.evidence.iter().any(has_told))
}

/// Waits for the bell, for the clock, or until an agent has come or gone. While none runs, that is watched only for those who
/// listen.
fn next(
    rung: &Receiver<Bell>,
    wait: Option<Duration>,
    arrivals: &mut Arrivals,
    is_heard: impl Fn() -> bool,
) -> Bell {
    let until = wait.map(|wait| Instant::now() + wait);
    let first = loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let rang = match left {
            Some(left) => rung.recv_timeout(left.min(ARRIVALS)),
            None if is_heard() => rung.recv_timeout(ARRIVALS),
            None => rung.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match rang {
            Ok(bell) => break bell,
            Err(RecvTimeoutError::Disconnected) => break Bell::Stop,
            Err(RecvTimeoutError::Timeout) => {
                if left.is_some_and(|left| left <= ARRIVALS) || arrivals.have_changed() {
                    break Bell::Look;
                }
            }
        }
    };
    if first == Bell::Stop || rung.try_iter().any(|bell| bell == Bell::Stop) {
        Bell::Stop
    } else {
        Bell::Look
    }
}

/// Watches the directories in which agents tell of themselves, as soon as they are there.
struct Signals {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

impl Signals {
    fn new(bell: Sender<Bell>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                let _ = bell.send(Bell::Look);
            }
        });
        Signals { watcher: watcher.ok(), watched: Vec::new() }
    }

    fn watch(&mut self, board: &Board) {
        let Some(watcher) = &mut self.watcher else { return };
        for agent in registry::all() {
            let home = agent.home(&board.config.env);
            for name in agent.live().signals() {
                // Before it is there, the nearest directory above it tells when it comes.
                let wanted = home.join(name);
                let Some(directory) = wanted.ancestors().find(|directory| directory.is_dir()) else {
                    continue;
                };
                if !self.watched.iter().any(|watched| watched == directory)
                    && watcher.watch(directory, RecursiveMode::NonRecursive).is_ok()
                {
                    self.watched.push(directory.to_owned());
                }
            }
        }
    }
}

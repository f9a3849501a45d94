//! Codex' daemon: the process that holds the threads which Codex' terminals only show.
//!
//! A [`Daemon`] is one connection. [`Daemon::survey`] looks once; [`DaemonWatch`] listens on a thread of its own and knows at any
//! moment how each thread stands, without asking. It resumes a thread, which makes it hear what that is asked, only while it
//! waits for leave, and says nothing but that.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use marline_agents::codex::service::{self, Held, Pending};
use marline_model::{LiveState, Timestamp};
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// An answer has so long to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a thread waits for is told again to whoever resumes it; it comes within this time.
const UNTIL_TOLD: Duration = Duration::from_millis(400);
/// No message is longer; one that is ends the connection.
const LONGEST: usize = 64 << 20;
/// More threads than this are not looked at.
const MOST: usize = 500;
/// A watch looks so often whether it is to end.
const BREATH: Duration = Duration::from_millis(500);

/// What the daemon holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DaemonView {
    /// Its process.
    pub pid: u32,
    /// Its socket.
    pub socket: PathBuf,
    /// The threads that people talk with.
    pub threads: Vec<HeldThread>,
}

/// A thread that the daemon holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldThread {
    /// What the daemon tells of it.
    pub held: Held,
    /// Since when it stands so, if that was seen.
    pub since: Option<Timestamp>,
    /// What it waits for.
    pub pending: Option<Pending>,
}

/// A connection.
pub struct Daemon {
    socket: WebSocket<UnixStream>,
    path: PathBuf,
    pid: u32,
    asked: u64,
    /// What came while an answer was waited for.
    heard: Vec<Value>,
}

fn broken(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        error => io::Error::new(io::ErrorKind::ConnectionAborted, error.to_string()),
    }
}

/// Who has the other end of a socket.
fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.pid.as_raw_nonzero().get() as u32)
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Daemon {
    /// Connects to a socket.
    ///
    /// # Errors
    /// No daemon is there, or it speaks otherwise.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let pid = peer(&stream)?;
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let made = tungstenite::client::client_with_config("ws://localhost/", stream, Some(config));
        let (socket, _) = made.map_err(|error| io::Error::other(error.to_string()))?;
        let mut daemon = Daemon { socket, path: path.to_owned(), pid, asked: 0, heard: Vec::new() };
        daemon.call("initialize", service::hello(env!("CARGO_PKG_VERSION")))?;
        daemon.say(&json!({"method": "initialized"}))?;
        Ok(daemon)
    }

    /// Says something that nobody answers.
    pub(super) fn say(&mut self, message: &Value) -> io::Result<()> {
        self.socket.send(Message::text(message.to_string())).map_err(broken)
    }

    /// The next message within a time; nothing, if none comes.
    fn hear(&mut self, patience: Duration) -> io::Result<Option<Value>> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.get_ref().set_read_timeout(Some(left))?;
            match self.socket.read() {
                Ok(Message::Text(text)) => match serde_json::from_str(text.as_str()) {
                    Ok(message) => return Ok(Some(message)),
                    Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                },
                Ok(Message::Close(_)) => return Err(io::ErrorKind::ConnectionAborted.into()),
                Ok(_) => {}
                Err(error) => match broken(error) {
                    error if is_late(&error) => return Ok(None),
                    error => return Err(error),
                },
            }
        }
    }

    /// Asks for something, and waits for the answer.
    ///
    /// # Errors
    /// The daemon refuses, in its words ([`io::ErrorKind::Other`]); or the connection is broken.
    pub fn call(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.asked += 1;
        let id = self.asked;
        self.say(&json!({"id": id, "method": method, "params": params}))?;
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(mut message) = self.hear(left)? else {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer to {method}")));
            };
            if message["id"] != id || message.get("method").is_some() {
                self.heard.push(message);
                continue;
            }
            if let Some(error) = message.get("error") {
                let words = error["message"].as_str().unwrap_or("the daemon refused");
                return Err(io::Error::other(words.to_owned()));
            }
            return Ok(message["result"].take());
        }
    }

    /// Waits for a message, also among those that came before.
    pub(super) fn until<T>(
        &mut self,
        patience: Duration,
        mut is_it: impl FnMut(&Value) -> Option<T>,
    ) -> io::Result<Option<T>> {
        for message in std::mem::take(&mut self.heard) {
            if let Some(found) = is_it(&message) {
                return Ok(Some(found));
            }
        }
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(message) = self.hear(left)? else { return Ok(None) };
            if let Some(found) = is_it(&message) {
                return Ok(Some(found));
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }

    /// How a thread stands now.
    pub(super) fn thread(&mut self, id: &str) -> io::Result<Option<Held>> {
        Ok(service::held(&self.call("thread/read", json!({"threadId": id}))?["thread"]))
    }

    /// Becomes one of those that hear what a thread asks.
    pub(super) fn resume(&mut self, id: &str) -> io::Result<()> {
        self.call("thread/resume", json!({"threadId": id, "excludeTurns": true})).map(drop)
    }

    /// What a thread waits for, which its daemon says again to whoever resumes it.
    pub(super) fn pending(&mut self, id: &str) -> io::Result<Option<Pending>> {
        self.resume(id)?;
        self.until(UNTIL_TOLD, |message| service::pending(message).filter(|pending| pending.thread == id))
    }

    fn leave(&mut self, id: &str) {
        let _ = self.call("thread/unsubscribe", json!({"threadId": id}));
    }

    fn loaded(&mut self) -> io::Result<Vec<HeldThread>> {
        let loaded = self.call("thread/loaded/list", json!({}))?;
        let ids: Vec<String> = loaded["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|id| Some(id.as_str()?.to_owned()))
            .collect();
        let mut threads = Vec::new();
        for id in ids.iter().take(MOST) {
            // It may have gone between the two questions.
            let Ok(Some(held)) = self.thread(id) else { continue };
            let mut thread = HeldThread { held, since: None, pending: None };
            if thread.held.state == Some(LiveState::NeedsApproval) {
                thread.pending = self.pending(id).ok().flatten();
            }
            threads.push(thread);
        }
        Ok(threads)
    }

    /// The process behind a socket.
    pub(super) fn pid_of(path: &Path) -> Option<u32> {
        peer(&UnixStream::connect(path).ok()?).ok()
    }

    /// Looks once at all that a daemon holds; nothing, if none runs there.
    pub fn survey(path: &Path) -> Option<DaemonView> {
        let mut daemon = Daemon::connect(path).ok()?;
        let threads = daemon.loaded().ok()?;
        Some(DaemonView { pid: daemon.pid, socket: path.to_owned(), threads })
    }
}

/// Knows at any moment what the daemon holds.
pub struct DaemonWatch {
    view: Arc<Mutex<Option<DaemonView>>>,
    stop: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl DaemonWatch {
    /// Listens to a daemon until it is dropped or the daemon ends; `tell` is called whenever something has changed.
    ///
    /// # Errors
    /// No daemon is there.
    pub fn start(
        path: &Path,
        now: fn() -> Timestamp,
        tell: impl Fn() + Send + 'static,
    ) -> io::Result<DaemonWatch> {
        let mut daemon = Daemon::connect(path)?;
        let threads = daemon.loaded()?;
        let known = DaemonView { pid: daemon.pid, socket: daemon.path.clone(), threads };
        let view = Arc::new(Mutex::new(Some(known)));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (view.clone(), stop.clone());
        let listening = std::thread::Builder::new().name("codex daemon".to_owned()).spawn(move || {
            // It ends with an error when the daemon is stopped or replaced; whoever looks next connects anew.
            let _ = listen(&mut daemon, &shared, &ended, now, &tell);
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tell();
        })?;
        Ok(DaemonWatch { view, stop, listening: Some(listening) })
    }

    /// What it holds; nothing, if it has ended.
    pub fn view(&self) -> Option<DaemonView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for DaemonWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(
    daemon: &mut Daemon,
    view: &Mutex<Option<DaemonView>>,
    stop: &AtomicBool,
    now: fn() -> Timestamp,
    tell: &impl Fn(),
) -> io::Result<()> {
    let mut threads: HashMap<String, HeldThread> = {
        let known = view.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        known.threads.into_iter().map(|thread| (thread.held.id.clone(), thread)).collect()
    };
    while !stop.load(Ordering::Relaxed) {
        let mut messages = std::mem::take(&mut daemon.heard);
        if messages.is_empty() {
            messages.extend(daemon.hear(BREATH)?);
        }
        let mut has_changed = false;
        for message in messages {
            has_changed |= hear(daemon, &mut threads, &message, now())?;
        }
        if has_changed {
            let mut told = view.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(told) = told.as_mut() {
                told.threads = threads.values().cloned().collect();
                told.threads.sort_by(|one, other| one.held.id.cmp(&other.held.id));
            }
            drop(told);
            tell();
        }
    }
    Ok(())
}

/// Takes in what the daemon says; tells whether something is otherwise now.
fn hear(
    daemon: &mut Daemon,
    threads: &mut HashMap<String, HeldThread>,
    message: &Value,
    now: Timestamp,
) -> io::Result<bool> {
    let params = &message["params"];
    let thread = params["threadId"].as_str().unwrap_or_default();
    match message["method"].as_str().unwrap_or_default() {
        "thread/started" => {
            let Some(held) = service::held(&params["thread"]) else { return Ok(false) };
            threads.insert(held.id.clone(), HeldThread { held, since: Some(now), pending: None });
        }
        "thread/closed" => return Ok(threads.remove(thread).is_some()),
        "thread/status/changed" => {
            if !threads.contains_key(thread) {
                // One that is never written down is no thread of a person's.
                let Ok(Some(held)) = daemon.thread(thread) else { return Ok(false) };
                threads.insert(held.id.clone(), HeldThread { held, since: None, pending: None });
            }
            let Some(known) = threads.get_mut(thread) else { return Ok(false) };
            let Some(state) = service::state(&params["status"]) else {
                return Ok(threads.remove(thread).is_some());
            };
            let before = known.held.state.replace(state);
            if before != Some(state) {
                known.since = Some(now);
            }
            if state == LiveState::NeedsApproval && known.pending.is_none() {
                // What it asks comes as a message of its own.
                let _ = daemon.resume(thread);
            } else if state != LiveState::NeedsApproval && known.pending.take().is_some() {
                daemon.leave(thread);
            }
        }
        "thread/settings/updated" => {
            let model = params["threadSettings"]["model"].as_str().map(str::to_owned);
            let Some(known) = threads.get_mut(thread).filter(|_| model.is_some()) else { return Ok(false) };
            known.held.model = model;
        }
        "serverRequest/resolved" => {
            let is_it = |pending: &Pending| pending.request == params["requestId"];
            let Some(known) = threads.get_mut(thread) else { return Ok(false) };
            if !known.pending.as_ref().is_some_and(is_it) {
                return Ok(false);
            }
            known.pending = None;
        }
        _ => {
            let Some(pending) = service::pending(message) else { return Ok(false) };
            let Some(known) = threads.get_mut(&pending.thread) else { return Ok(false) };
            known.pending = Some(pending);
        }
    }
    Ok(true)
}

//! Steering a session through its agent's own daemon. The daemon's word is the proof.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::codex::service::{self, Pending};
use marline_agents::live::LiveMode;
use marline_agents::talk::Decision;
use marline_model::{LiveState, SessionId};
use serde_json::{Value, json};

use super::daemon::Daemon;
use super::evidence::key_about;
use super::steer::{Steered, plain, refused};

/// What was answered has so long to be taken, what was interrupted to end.
const UNTIL_TAKEN: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(30);

/// A session in a daemon.
pub struct Service<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// The daemon's socket.
    pub socket: &'a Path,
}

impl Service<'_> {
    fn thread(&self) -> &str {
        self.session.raw()
    }

    /// Connects; why not, if the daemon is gone or does not hold the session any more.
    fn connect(&self) -> io::Result<Result<Daemon, Steered>> {
        let Ok(mut daemon) = Daemon::connect(self.socket) else {
            return Ok(Err(refused("its daemon is gone")));
        };
        let held = daemon.thread(self.thread())?;
        let is_held = held.is_some_and(|held| held.state.is_some());
        Ok(if is_held { Ok(daemon) } else { Err(refused("its daemon does not hold it any more")) })
    }

    /// Says something. To an agent that works, it is a word to the turn that goes on.
    ///
    /// # Errors
    /// The connection broke before it was said.
    pub fn send(&self, key: &str, text: &str, images: &[PathBuf]) -> io::Result<Steered> {
        let text = plain(text);
        if text.trim().is_empty() && images.is_empty() {
            return Ok(refused("there is nothing to say"));
        }
        let mut daemon = match self.connect()? {
            Ok(daemon) => daemon,
            Err(refused) => return Ok(refused),
        };
        if daemon.thread(self.thread())?.and_then(|held| held.state) == Some(LiveState::NeedsApproval) {
            return Ok(refused("it asks something; answer that first"));
        }
        Ok(match daemon.call("turn/start", service::prompt(self.thread(), key, &text, images)) {
            Ok(told) => {
                let turn = told["turn"]["id"].as_str().unwrap_or_default();
                Steered::Delivered { proof: format!("its daemon took it for turn {turn}") }
            }
            // The daemon's own words; what it refuses, it has not.
            Err(error) if error.kind() == io::ErrorKind::Other => refused(error.to_string()),
            Err(error) => Steered::Unknown { seen: format!("its daemon did not answer: {error}") },
        })
    }

    /// Interrupts the turn that goes on.
    ///
    /// # Errors
    /// The connection broke before it was said.
    pub fn interrupt(&self) -> io::Result<Steered> {
        let mut daemon = match self.connect()? {
            Ok(daemon) => daemon,
            Err(refused) => return Ok(refused),
        };
        let wanted =
            json!({"threadId": self.thread(), "limit": 1, "sortDirection": "desc", "itemsView": "notLoaded"});
        let turns = daemon.call("thread/turns/list", wanted);
        let last = turns.map(|turns| turns["data"][0].clone()).unwrap_or_default();
        let Some(turn) = last["id"].as_str().filter(|_| last["status"] == "inProgress") else {
            return Ok(refused("it does nothing that could be interrupted"));
        };
        daemon.call("turn/interrupt", json!({"threadId": self.thread(), "turnId": turn}))?;
        let began = Instant::now();
        while began.elapsed() < UNTIL_TAKEN {
            if daemon.thread(self.thread())?.and_then(|held| held.state) == Some(LiveState::Idle) {
                return Ok(Steered::Delivered { proof: "its daemon says that it stopped".to_owned() });
            }
            sleep(LOOK);
        }
        Ok(Steered::Unknown { seen: "it still works".to_owned() })
    }

    /// Answers what it asks. `key`: the question that was shown; another one is not answered.
    ///
    /// # Errors
    /// The connection broke before it was said.
    pub fn answer(&self, key: Option<&str>, decision: &Decision) -> io::Result<Steered> {
        let mut daemon = match self.connect()? {
            Ok(daemon) => daemon,
            Err(refused) => return Ok(refused),
        };
        let Some(pending) = daemon.pending(self.thread())? else {
            return Ok(refused("it asks nothing any more"));
        };
        if key.is_some_and(|key| key != key_about(self.session, &pending.about)) {
            return Ok(refused("it asks something else now"));
        }
        daemon.say(&pending.answer(decision))?;
        let is_taken = |message: &Value| {
            let is_it = message["method"] == "serverRequest/resolved"
                && message["params"]["requestId"] == pending.request;
            is_it.then_some(())
        };
        if daemon.until(UNTIL_TAKEN, is_taken)?.is_none() {
            return Ok(Steered::Unknown {
                seen: "its daemon did not say that it took the answer".to_owned(),
            });
        }
        if let Decision::Deny { reason: Some(reason) } = decision {
            return self.word(&mut daemon, reason);
        }
        self.proof(&mut daemon, &pending, decision)
    }

    /// What came of an answer that was taken: somebody else may have been first.
    fn proof(&self, daemon: &mut Daemon, pending: &Pending, decision: &Decision) -> io::Result<Steered> {
        let call = pending.about.split(' ').nth(1).unwrap_or_default().to_owned();
        let ended = |message: &Value| {
            let item = &message["params"]["item"];
            let is_it = message["method"] == "item/completed" && item["id"] == call.as_str();
            is_it.then(|| item["status"].as_str().unwrap_or_default().to_owned())
        };
        // What runs long has not ended by now; that it was taken is all that is known then.
        let status = daemon.until(Duration::from_millis(700), ended)?;
        let is_no = matches!(decision, Decision::Deny { .. });
        Ok(match (status.as_deref(), is_no) {
            (Some("declined"), false) => refused("somebody else had refused it"),
            (Some("completed" | "failed"), true) => refused("somebody else had allowed it"),
            (Some("completed" | "failed"), false) => Steered::Delivered { proof: "it ran".to_owned() },
            _ => Steered::Delivered { proof: "its daemon took the answer".to_owned() },
        })
    }

    /// A word to the turn that was refused something.
    fn word(&self, daemon: &mut Daemon, reason: &str) -> io::Result<Steered> {
        let said = daemon.call("turn/start", service::prompt(self.thread(), "", &plain(reason), &[]));
        Ok(match said {
            Ok(_) => Steered::Delivered { proof: "it was refused, and the reason said".to_owned() },
            Err(error) => {
                Steered::Unknown { seen: format!("it was refused; the reason was not taken: {error}") }
            }
        })
    }

    /// Has it ask for more or for less.
    ///
    /// # Errors
    /// The connection broke before it was said.
    pub fn mode(&self, mode: LiveMode) -> io::Result<Steered> {
        let Some(settings) = service::mode(self.thread(), mode) else {
            return Ok(refused("it has no such setting"));
        };
        let mut daemon = match self.connect()? {
            Ok(daemon) => daemon,
            Err(refused) => return Ok(refused),
        };
        Ok(match daemon.call("thread/settings/update", settings) {
            Ok(_) => Steered::Delivered { proof: "its daemon took it for its next turns".to_owned() },
            Err(error) => refused(error.to_string()),
        })
    }

    /// Has it go on with another model.
    ///
    /// # Errors
    /// The connection broke before it was said.
    pub fn model(&self, model: &str) -> io::Result<Steered> {
        let mut daemon = match self.connect()? {
            Ok(daemon) => daemon,
            Err(refused) => return Ok(refused),
        };
        Ok(match daemon.call("thread/settings/update", json!({"threadId": self.thread(), "model": model})) {
            Ok(_) => Steered::Delivered { proof: format!("its next turn is {model}'s") },
            Err(error) => refused(error.to_string()),
        })
    }
}

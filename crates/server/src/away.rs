//! Questions of agents whose person is away: their hooks wait here until somebody answers on another device.
//!
//! A hook connects, says what its agent asks, and waits. It gets one answer, or none: when the person is back, when the claim
//! ends, when the board does, the connection closes, and the agent asks in its terminal.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use marline_agents::registry;
use marline_agents::talk::{Decision, Question};
use marline_control::live::{Asks, Claims, LiveSession, Now, Steered};
use marline_control::{called, risks};
use marline_model::{Channel, Evidence, LiveState, SessionId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use crate::board::Board;

/// What a hook asks has so long to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// So often it is looked whether the person still is away.
const BREATH: Duration = Duration::from_millis(500);
/// An answer has so long to be taken.
const UNTIL_TAKEN: Duration = Duration::from_secs(4);
/// What an agent tells within this time after its question may be of before it, in milliseconds.
const SETTLES: i64 = 500;
/// No question is longer.
const LONGEST: u64 = 8 << 20;
/// More hooks than this don't wait; their agents ask in their terminals.
const MOST: usize = 200;

/// What a hook says.
#[derive(Deserialize)]
struct Said {
    session: SessionId,
    tool: String,
    input: Value,
    #[serde(default)]
    cwd: Option<String>,
}

/// A hook that waits.
struct Waiting {
    session: SessionId,
    key: String,
    question: Question,
    at: Timestamp,
    answer: oneshot::Sender<(Decision, oneshot::Sender<()>)>,
}

/// Who is away, and what waits for them.
pub struct Away {
    /// Who is away.
    pub claims: Claims,
    waiting: Mutex<Vec<Waiting>>,
}

impl Away {
    /// Names the directory of the board's state.
    pub fn at(state: &Path) -> Self {
        Away { claims: Claims::at(state), waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets hooks wait here until the board stops.
    pub fn start(board: &Board) {
        let path = Claims::socket(&board.config.state_dir);
        let listener = match listen(&path) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, "agents whose person is away ask in their terminals alone");
                return;
            }
        };
        let board = board.clone();
        tokio::spawn(async move {
            let accept = async {
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            let board = board.clone();
                            tokio::spawn(async move { board.away.wait(&board, stream).await });
                        }
                        Err(_) => tokio::time::sleep(BREATH).await,
                    }
                }
            };
            tokio::select! {
                () = accept => {}
                () = board.stop.wait() => {}
            }
        });
    }

    async fn wait(&self, board: &Board, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read.take(LONGEST));
        let mut line = String::new();
        match tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await {
            Ok(Ok(_)) => {}
            _ => return,
        }
        let Ok(said) = serde_json::from_str::<Said>(&line) else { return };
        if !self.claims.holds(&said.session, board.now()) || self.lock().len() >= MOST {
            return;
        }
        let session = said.session.clone();
        let Ok(number) = board.acts.uuid().parse::<String>();
        let question = Question { id: number.clone(), ..called(&said.tool, &said.input.to_string()) };
        let question = Question { cwd: question.cwd.or(said.cwd), ..question };
        let (answer, answered) = oneshot::channel();
        let waiting =
            Waiting { session: session.clone(), key: number.clone(), question, at: board.now(), answer };
        self.lock().push(waiting);
        board.lookout.ring();
        let is_over = async {
            // Whoever is back, or whose agent is gone, waits no longer.
            let mut rest = [0];
            loop {
                tokio::select! {
                    read = read.read(&mut rest) => if matches!(read, Ok(0) | Err(_)) { return },
                    () = tokio::time::sleep(BREATH) => if !self.claims.holds(&session, board.now()) { return },
                }
            }
        };
        let told = tokio::select! {
            told = answered => told.ok(),
            () = is_over => None,
            () = board.stop.wait() => None,
        };
        self.lock().retain(|waiting| waiting.key != number);
        if let Some((decision, taken)) = told {
            let words = registry::agent(session.source()).and_then(|agent| agent.live().decided(&decision));
            let bytes = words.map(|words| words.to_string()).unwrap_or_default();
            let written = async {
                write.write_all(bytes.as_bytes()).await?;
                write.shutdown().await
            };
            if !bytes.is_empty() && written.await.is_ok() {
                let _ = taken.send(());
            }
        }
        board.lookout.ring();
    }

    /// Says of each session what its hook waits for.
    pub fn tell(&self, now: &mut Now, home: &Path) {
        // One that was answered in its terminal, or whose turn is over, waits for nothing: its hook is let go.
        self.lock().retain(|waiting| {
            let live = now.sessions.iter().find(|live| live.id == waiting.session);
            !live.is_some_and(|live| waiting.is_over(live))
        });
        for waiting in self.lock().iter() {
            let Some(live) = now.sessions.iter_mut().find(|live| live.id == waiting.session) else {
                continue;
            };
            waiting.tell(live, home);
        }
    }

    /// Answers the question of that key, if a hook waits with it; nothing: none does.
    pub async fn answer(
        &self,
        session: &SessionId,
        key: Option<&str>,
        decision: Decision,
    ) -> Option<Steered> {
        let waiting = {
            let mut all = self.lock();
            let is_it =
                |waiting: &Waiting| waiting.session == *session && key.is_none_or(|key| key == waiting.key);
            let at = all.iter().position(is_it)?;
            all.remove(at)
        };
        let (taken, was_taken) = oneshot::channel();
        if waiting.answer.send((decision, taken)).is_err() {
            return Some(Steered::Refused { why: "its agent waits for no answer any more".to_owned() });
        }
        Some(match tokio::time::timeout(UNTIL_TAKEN, was_taken).await {
            Ok(Ok(())) => Steered::Delivered { proof: "its hook told it the answer".to_owned() },
            _ => Steered::Unknown { seen: "whether its hook told it the answer is not known".to_owned() },
        })
    }
}

impl Waiting {
    /// Says whether the agent has gone on without the answer: its own registry says so of it, or its turn has ended since.
    fn is_over(&self, live: &LiveSession) -> bool {
        live.evidence.iter().any(|one| {
            let is_later = one.at.is_some_and(|at| at.as_millis() > self.at.as_millis() + SETTLES);
            is_later
                && match one.channel {
                    Channel::Registry => one.state.is_some_and(|state| !state.needs_you()),
                    Channel::Hook | Channel::Transcript => one.state == Some(LiveState::Idle),
                    _ => false,
                }
        })
    }

    fn tell(&self, live: &mut LiveSession, home: &Path) {
        live.state = LiveState::NeedsApproval;
        live.since = Some(self.at);
        live.evidence.push(Evidence {
            channel: Channel::Hook,
            says: "its hook waits for the answer of somebody who is away".to_owned(),
            state: Some(LiveState::NeedsApproval),
            at: Some(self.at),
        });
        let project = live.cwd.as_deref().map_or(home, Path::new);
        live.asks = Some(Asks {
            key: self.key.clone(),
            question: "May it do this?".to_owned(),
            about: Vec::new(),
            replies: Vec::new(),
            is_approval: true,
            takes_words: false,
            for_session: false,
            is_blind: false,
            risks: risks(&self.question, project, home),
            what: Some(self.question.clone()),
        });
    }
}

/// Opens the socket, for its owner alone.
fn listen(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_that_was_answered_in_its_terminal_waits_no_longer() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let waiting = Waiting {
            session: "claude:a".parse().unwrap(),
            key: "1".to_owned(),
            question: called("Bash", "{}"),
            at,
            answer: oneshot::channel().0,
        };
        let is_over = |channel: &str, state: &str, later: i64| {
            let live = json!({
                "id": "claude:a", "source": "claude", "sourceSessionId": "a", "state": state,
                "evidence": [{"channel": channel, "says": "", "state": state,
                    "at": Timestamp::from_millis(at.as_millis() + later)}],
                "control": {"by": "none", "why": "it is a test"}, "pid": 7,
            });
            waiting.is_over(&serde_json::from_value(live).unwrap())
        };
        assert!(is_over("registry", "working", 5_000), "it was allowed at the desk");
        assert!(is_over("hook", "idle", 5_000), "its turn is over");
        assert!(!is_over("registry", "needs_approval", 5_000), "its dialog stands there");
        assert!(!is_over("hook", "working", 5_000), "another tool of the same turn has ended");
        assert!(!is_over("registry", "working", 100), "it was told of the moment before");
    }
}

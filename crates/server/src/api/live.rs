//! Agents that run: how they stand, and steering them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marline_agents::event::hash;
use marline_agents::live::LiveMode;
use marline_agents::talk::Decision;
use marline_control::live::{
    Beginning, Command, Control, LiveSession, MOST_PICTURES, Now, Steered, Stray, Wanted, Windows,
    keep_picture,
};
use marline_control::{Target, find_program};
use marline_index::{Index, Session, Window};
use marline_model::{ItemKind, SessionId, Source, Timestamp};
use marline_store::OpenSession;
use marline_store::work::CommandEnd;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::{Body, body};
use crate::board::{Board, Config};
use crate::guard::Caller;
use crate::params::Id;
use crate::problem::{Problem, sentence};
use crate::scopes::Scope;
use crate::steering::Giver;

/// So many of the last items are looked through for what was said last.
const LAST: usize = 12;
/// A window's name has so many characters at most.
const LONGEST_NAME: usize = 100;
/// So much of it is told, in characters.
const WORDS: usize = 240;
/// Between looks whether a new agent has told its session.
const LOOK: Duration = Duration::from_millis(200);

/// Everything that runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveAnswer {
    /// Sessions, those that need a person first.
    sessions: Vec<LiveEntry>,
    /// Sessions whose agents have ended a short while ago, the last first.
    ended: Vec<LiveEntry>,
    /// Agents whose session is not known.
    strays: Vec<Stray>,
    /// Sessions that were open before Marline, or the machine, was started anew, and are not now.
    lost: Vec<LostSession>,
}

/// A session that was open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LostSession {
    /// The canonical id.
    id: SessionId,
    /// Where it worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cwd: Option<String>,
    /// What its window was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    window_name: Option<String>,
    /// When it was last seen open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seen_at: Option<Timestamp>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<String>,
}

/// What becomes of sessions that were open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LostRequest {
    /// They are opened again; else they stay closed.
    resume: bool,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LostAnswer {
    /// Those that are open again.
    opened: Vec<SessionId>,
    /// Those that could not be opened, with the reason.
    failed: Vec<FailedSession>,
}

/// A session that could not be opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedSession {
    /// The session.
    id: SessionId,
    /// Why.
    why: String,
}

/// A live session with what the index knows of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveEntry {
    /// How it stands.
    live: LiveSession,
    /// What was said in it, and so on; nothing where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    session: Option<Box<Session>>,
    /// The beginning of what was said or done last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_words: Option<String>,
}

/// Something for an agent. The key is the client's own, of 8 to 100 characters: a command that is said again under it is not done again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum CommandRequest {
    /// Says something, as if it was typed.
    Send {
        /// The idempotency key.
        key: String,
        /// What is said.
        text: String,
        /// Pictures that go with it, in base64: four at most, of 10 MB each.
        #[serde(default)]
        images: Vec<String>,
    },
    /// Interrupts what the agent does.
    Interrupt {
        /// The idempotency key.
        key: String,
    },
    /// Allows what the agent asks.
    Approve {
        /// The idempotency key.
        key: String,
        /// The question's key: nothing else is allowed.
        question: String,
        /// Such things are allowed for the rest of the session, where the agent offers that; else this once.
        #[serde(default, rename = "forSession")]
        for_session: bool,
    },
    /// Refuses what the agent asks.
    Deny {
        /// The idempotency key.
        key: String,
        /// The question's key.
        question: String,
        /// A word to the agent.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Chooses among the answers to a question that asks for no leave.
    Choose {
        /// The idempotency key.
        key: String,
        /// The question's key.
        question: String,
        /// The places of the answers among its replies, from 0: one, or of several all that are to be chosen.
        #[serde(default)]
        #[schema(required = false, max_items = 9)]
        places: Vec<usize>,
        /// An answer in words of one's own.
        #[serde(default)]
        words: Option<String>,
    },
    /// Has it go on with another model.
    Model {
        /// The idempotency key.
        key: String,
        /// The model, as the agent calls it.
        model: String,
    },
    /// Has it ask for more or for less.
    Mode {
        /// The idempotency key.
        key: String,
        /// What it may do without asking.
        mode: LiveMode,
    },
    /// Ends the agent; the session stays.
    Stop {
        /// The idempotency key.
        key: String,
        /// What becomes of the reviews of its work that are not ended; by default they stay.
        #[serde(default)]
        reviews: ReviewsFate,
    },
}

/// What becomes of reviews when their session is ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReviewsFate {
    /// They stay as they are.
    #[default]
    Keep,
    /// They are ended, too.
    End,
}

/// What is opened.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenRequest {
    /// The idempotency key, the client's own, of 8 to 100 characters: what is asked again under it is not opened again.
    #[serde(default)]
    key: Option<String>,
    /// The session to be taken up; or a new one of `agent`.
    #[serde(default)]
    session: Option<SessionId>,
    /// The agent of a new one.
    #[serde(default)]
    agent: Option<Source>,
    /// Where a new one works, or one that is there instead of its own directory: one that a session has worked in.
    #[serde(default)]
    cwd: Option<String>,
    /// What a new one is told first.
    #[serde(default)]
    prompt: Option<String>,
    /// The model of a new one.
    #[serde(default)]
    model: Option<String>,
    /// What its window is called.
    #[serde(default)]
    name: Option<String>,
    /// A new one works in a git worktree of its own, on a new branch of this name.
    #[serde(default)]
    worktree: Option<String>,
}

/// What was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAnswer {
    /// The session.
    id: SessionId,
}

impl CommandRequest {
    /// To say something, or to interrupt, is to reply; the rest decides, as the agents' own commands do, what an agent does, or whether it lives.
    fn scope(&self) -> Scope {
        match self {
            CommandRequest::Send { text, .. } if text.trim_start().starts_with('/') => Scope::Approve,
            CommandRequest::Send { .. } | CommandRequest::Interrupt { .. } => Scope::Reply,
            CommandRequest::Approve { .. }
            | CommandRequest::Deny { .. }
            | CommandRequest::Choose { .. }
            | CommandRequest::Model { .. }
            | CommandRequest::Mode { .. }
            | CommandRequest::Stop { .. } => Scope::Approve,
        }
    }

    fn key(&self) -> &str {
        match self {
            CommandRequest::Send { key, .. }
            | CommandRequest::Interrupt { key }
            | CommandRequest::Approve { key, .. }
            | CommandRequest::Deny { key, .. }
            | CommandRequest::Choose { key, .. }
            | CommandRequest::Model { key, .. }
            | CommandRequest::Mode { key, .. }
            | CommandRequest::Stop { key, .. } => key,
        }
    }

    /// The same as control knows it.
    fn command(self, images: Vec<PathBuf>) -> Command {
        match self {
            CommandRequest::Send { text, .. } => Command::Send { text, images },
            CommandRequest::Interrupt { .. } => Command::Interrupt,
            CommandRequest::Approve { question, for_session, .. } => {
                let decision = if for_session { Decision::AllowForSession } else { Decision::Allow };
                Command::Answer { question: Some(question), decision }
            }
            CommandRequest::Deny { question, reason, .. } => {
                Command::Answer { question: Some(question), decision: Decision::Deny { reason } }
            }
            CommandRequest::Choose { question, places, words, .. } => {
                Command::Choose { question: Some(question), places, words }
            }
            CommandRequest::Model { model, .. } => Command::Model { model },
            CommandRequest::Mode { mode, .. } => Command::Mode { mode },
            CommandRequest::Stop { .. } => Command::Stop,
        }
    }
}

/// Lists the sessions that agents have open.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, body = LiveAnswer)))]
pub async fn live(State(board): State<Board>) -> Result<Json<LiveAnswer>, Problem> {
    let now = board.lookout.now();
    let Now { mut sessions, ended, strays } = (*now).clone();
    // Those of reviewers belong to the reviews.
    let reviewers = board.reviewers().await?;
    sessions.retain(|live| !reviewers.contains(&live.id));
    let lost = board.lookout.book(&board, |book| book.lost().to_vec()).unwrap_or_default();
    let answer = board.readers.ask(move |index| {
        let title = |id: &SessionId| index.session_by_id(id).ok().and_then(|session| session.title);
        let was = |one: OpenSession| LostSession {
            title: title(&one.id),
            id: one.id,
            cwd: one.facts.cwd,
            window_name: one.window_name,
            seen_at: one.facts.seen_at,
        };
        let entry = |live: LiveSession| LiveEntry {
            session: index.session_by_id(&live.id).ok().map(Box::new),
            last_words: last_words(index, &live.id),
            live,
        };
        // One in which nothing was said can't be opened again: there is none.
        let lost = lost.into_iter().filter(|one| index.session_by_id(&one.id).is_ok());
        Ok(LiveAnswer {
            sessions: sessions.into_iter().map(entry).collect(),
            ended: ended.into_iter().map(entry).collect(),
            strays,
            lost: lost.map(was).collect(),
        })
    });
    Ok(Json(answer.await?))
}

/// Opens all sessions again that were open before Marline, or the machine, was started anew; or takes it that they stay closed.
#[utoipa::path(post, path = "/api/v1/live/lost", tag = "live", request_body = LostRequest,
    responses((status = 200, body = LostAnswer), (status = 400, body = Problem)))]
pub async fn lost(
    State(board): State<Board>,
    request: Body<LostRequest>,
) -> Result<Json<LostAnswer>, Problem> {
    let LostRequest { resume } = body(request)?;
    let mut answer = LostAnswer { opened: Vec::new(), failed: Vec::new() };
    let now = board.now();
    if !resume {
        let forgotten = board.lookout.book(&board, |book| book.forget(now));
        forgotten.transpose()?;
        return Ok(Json(answer));
    }
    let lost = board.lookout.book(&board, |book| book.lost().to_vec()).unwrap_or_default();
    let said = board.readers.ask(move |index| {
        Ok(lost.into_iter().filter(|one| index.session_by_id(&one.id).is_ok()).collect::<Vec<_>>())
    });
    for one in said.await? {
        let request = OpenRequest { session: Some(one.id.clone()), ..OpenRequest::default() };
        match board.open_agent(request).await {
            Ok(id) => answer.opened.push(id),
            Err(problem) => answer.failed.push(FailedSession { id: one.id, why: problem.words() }),
        }
    }
    Ok(Json(answer))
}

/// The beginning of the last answer, or what else was said last.
fn last_words(index: &Index, id: &SessionId) -> Option<String> {
    let page = index.items(id, Window::End, LAST).ok()?;
    let said = page.items.iter().rev().filter(|item| !item.text.trim().is_empty());
    let kinds = [ItemKind::Answer, ItemKind::Prompt, ItemKind::Error];
    let text = said.into_iter().find(|item| kinds.contains(&item.kind))?.text.trim();
    let end = text.char_indices().nth(WORDS).map_or(text.len(), |(at, _)| at);
    Some(text[..end].to_owned())
}

/// Steers an agent that runs. What came of it is told with its proof; what is not known is never tried again.
#[utoipa::path(post, path = "/api/v1/live/{id}", tag = "live", params(("id" = String, Path)),
    request_body = CommandRequest,
    responses((status = 200, body = Steered), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn command(
    State(board): State<Board>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Body<CommandRequest>,
) -> Result<Json<Steered>, Problem> {
    let mut request = body(request)?;
    caller.may(request.scope())?;
    check_key(request.key())?;
    let live = board.live_session(&id)?;
    let images = board.keep_pictures(&mut request).await?;
    let (key, giver) = (request.key().to_owned(), Giver { by: board.name_of(&caller), rule: None });
    let ends_reviews = matches!(request, CommandRequest::Stop { reviews: ReviewsFate::End, .. });
    let steered = board.do_once(live, &key, request.command(images), giver).await?;
    if ends_reviews && matches!(steered, Steered::Delivered { .. }) {
        board.desk(move |desk| desk.end_reviews_of(&id)).await?;
    }
    Ok(Json(steered))
}

/// Opens an agent in a terminal of Marline's own tmux: a new session, or one that is there.
#[utoipa::path(post, path = "/api/v1/live", tag = "live", request_body = OpenRequest,
    responses((status = 200, body = OpenAnswer), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn open_agent(
    State(board): State<Board>,
    request: Body<OpenRequest>,
) -> Result<Json<OpenAnswer>, Problem> {
    let request = body(request)?;
    if let Some(directory) = &request.cwd {
        board.check_directory(directory.clone()).await?;
    }
    let Some(key) = request.key.clone() else {
        return Ok(Json(OpenAnswer { id: board.open_agent(request).await? }));
    };
    check_key(&key)?;
    Ok(Json(OpenAnswer { id: board.open_once(key, request).await? }))
}

fn check_key(key: &str) -> Result<(), Problem> {
    let fits = (8..=100).contains(&key.len());
    if fits { Ok(()) } else { Err(Problem::INVALID.because("A key has 8 to 100 characters.")) }
}

impl Board {
    /// Opens an agent once: what was asked before under this key is told as it ended then.
    async fn open_once(&self, key: String, request: OpenRequest) -> Result<SessionId, Problem> {
        let (noted, at) = (format!("open {key}"), self.now());
        let (begun, of) = (noted.clone(), format!("{:016x}", hash(&[format!("{request:?}").as_bytes()])));
        let ended = |outcome: &str| {
            let (before, outcome) = outcome.split_once(' ').unwrap_or_default();
            if before != of {
                return Err(Problem::CONFLICT.because("Something else was asked under that key."));
            }
            let id = outcome.parse();
            id.map_err(|_| {
                Problem::CONFLICT.because(format!("It was tried before under that key: {outcome}"))
            })
        };
        match self.desk(move |desk| desk.store().begin_command(&begun, at)).await? {
            None => {}
            Some(CommandEnd::Known(outcome)) => return ended(&outcome),
            Some(CommandEnd::Unknown) => {
                return Err(Problem::CONFLICT
                    .because("It is being done under that key, or was cut off: look at what runs."));
            }
        }
        let board = self.clone();
        // Whoever asked may be gone before it is open.
        let opening = tokio::spawn(async move {
            let opened = board.open_agent(request).await;
            let outcome = match &opened {
                Ok(id) => format!("{of} {id}"),
                Err(problem) => format!("{of} {}", problem.words()),
            };
            board.desk(move |desk| desk.store().end_command(&noted, &outcome)).await?;
            opened
        });
        opening.await.map_err(|error| Problem::FAILED.because(sentence(&error)))?
    }

    async fn open_agent(&self, request: OpenRequest) -> Result<SessionId, Problem> {
        let tmux = self.tmux()?;
        let given = request.name.clone().filter(|name| !name.trim().is_empty());
        if given
            .as_ref()
            .is_some_and(|name| name.chars().count() > LONGEST_NAME || name.contains(char::is_control))
        {
            return Err(Problem::INVALID
                .because(format!("A name has {LONGEST_NAME} characters at most, all of them plain.")));
        }
        let wanted = self.wanted(request).await?;
        let board = self.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let Config { tmux_socket: socket, agent_env: env, .. } = &*board.config;
            wanted.open(&Windows { tmux: &tmux, socket, env }, given, || {
                board.lookout.ring();
                std::thread::sleep(LOOK);
                Ok(board.lookout.now())
            })
        });
        let failed = |why: String| Problem::FAILED.because(format!("The agent could not be opened: {why}."));
        let opened = opened.await.map_err(|error| failed(error.to_string()))?;
        Ok(opened.map_err(|error| failed(error.to_string()))?.id)
    }

    fn tmux(&self) -> Result<PathBuf, Problem> {
        find_program("tmux", &self.config.path)
            .ok_or_else(|| Problem::UNSUPPORTED.because("There is no tmux, and agents are opened in it."))
    }

    pub(super) fn live_session(&self, id: &SessionId) -> Result<LiveSession, Problem> {
        let now = self.lookout.now();
        let found = now.sessions.iter().find(|live| live.id == *id);
        found.cloned().ok_or_else(|| Problem::NOT_FOUND.because(format!("No agent has {id} open.")))
    }

    /// Keeps the pictures of a message where its agent finds them.
    async fn keep_pictures(&self, request: &mut CommandRequest) -> Result<Vec<PathBuf>, Problem> {
        let CommandRequest::Send { images, .. } = request else { return Ok(Vec::new()) };
        if images.len() > MOST_PICTURES {
            return Err(
                Problem::INVALID.because(format!("{MOST_PICTURES} pictures go with a message at most."))
            );
        }
        let (dir, images) = (self.config.data_dir.clone(), std::mem::take(images));
        let kept = tokio::task::spawn_blocking(move || {
            let wrong = |error: &dyn std::error::Error| Problem::INVALID.because(sentence(error));
            let keep = |image: &String| {
                let bytes = STANDARD.decode(image).map_err(|error| wrong(&error))?;
                keep_picture(&dir, &bytes).map_err(|error| match error.kind() {
                    ErrorKind::InvalidInput => wrong(&error),
                    _ => Problem::FAILED.because(sentence(&error)),
                })
            };
            images.iter().map(keep).collect::<Result<Vec<_>, _>>()
        });
        kept.await.map_err(|error| Problem::FAILED.because(sentence(&error)))?
    }

    /// What is to be opened.
    async fn wanted(&self, request: OpenRequest) -> Result<Wanted, Problem> {
        let path = self.config.path.clone();
        let branch = request.worktree.clone().filter(|branch| !branch.trim().is_empty());
        if let Some(id) = request.session.clone() {
            if branch.is_some() {
                return Err(Problem::INVALID
                    .because("A session goes on where it worked; only a new one has a worktree."));
            }
            // What a daemon holds without a terminal is joined by one.
            let is_joined = |live: &LiveSession| matches!(live.control, Control::Service { pane: None, .. });
            if self.live_session(&id).is_ok_and(|live| !is_joined(&live)) {
                return Err(Problem::CONFLICT.because(format!("{id} is open already.")));
            }
            let asked = id.clone();
            let target =
                self.readers.ask(move |index| Ok(Target::of(&index.session_by_id(&asked)?)?)).await?;
            let target = self.acts.as_it_is(target);
            return Ok(Wanted::again(target, request.cwd.as_deref().map(Path::new), &path)?);
        }
        let (Some(source), Some(cwd)) = (request.agent, request.cwd.clone()) else {
            return Err(Problem::INVALID.because("A session, or an agent and its directory."));
        };
        let (acts, worktrees) = (self.acts.clone(), self.config.data_dir.join("worktrees"));
        let wanted = tokio::task::spawn_blocking(move || {
            let (prompt, model) = (request.prompt.as_deref(), request.model.as_deref());
            let (project, branch) = (Path::new(&cwd), branch.as_deref());
            Wanted::anew(&Beginning { source, prompt, model, project, branch }, &acts, &worktrees, &path)
        });
        Ok(wanted.await.map_err(|error| Problem::FAILED.because(sentence(&error)))??)
    }
}

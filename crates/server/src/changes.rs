//! The event stream: one task asks the index what changed and tells all who listen.
//!
//! Positions in the catalogue are the events' ids, so a client that was away, or comes back after a restart, says the
//! last one it has and gets each change since, once; see [`marline_index::Changes`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use marline_index::{Changes, Position};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::board::Board;
use crate::problem::Problem;
use crate::wire::{Indexing, LiveEvent, Phase};

/// Events that a slow client may lag behind before it has to catch up from the catalogue.
const BUFFERED: usize = 1024;
/// Sessions told at once; who missed more reads everything again.
const MOST: usize = 500;
/// Changes within this time are told together.
const TOGETHER: Duration = Duration::from_millis(30);
/// Asking may take this share of the time at most.
const REST_PER_ASK: u32 = 4;

/// An event as it goes over the wire.
#[derive(Debug)]
pub struct Told {
    /// How far its reader has read.
    pub position: Position,
    /// The event's kind.
    pub kind: &'static str,
    /// The event as JSON.
    pub json: String,
}

impl Told {
    fn new(position: Position, kind: &'static str, event: &LiveEvent) -> Arc<Self> {
        Arc::new(Told { position, kind, json: serde_json::to_string(event).unwrap_or_default() })
    }
}

/// Tells what changed.
#[derive(Clone)]
pub struct Feed {
    told: broadcast::Sender<Arc<Told>>,
}

impl Default for Feed {
    fn default() -> Self {
        Feed { told: broadcast::Sender::new(BUFFERED) }
    }
}

/// Asks what changed since a position. Returns the events and the position after them.
async fn ask(board: &Board, since: Position) -> Result<(Vec<Arc<Told>>, Position), Problem> {
    board
        .readers
        .ask(move |index| {
            let now = index.position()?;
            let changed = match index.changes_since(since, MOST)? {
                Changes::Reset => {
                    return Ok((
                        vec![Told::new(now, "reset", &LiveEvent::Reset { id: now.to_string() })],
                        now,
                    ));
                }
                Changes::Sessions(changed) => changed,
            };
            let position = changed.last().map_or(since, |last| last.position);
            let events = changed.into_iter().map(|changed| {
                let event = LiveEvent::Session {
                    id: changed.position.to_string(),
                    session: Box::new(changed.session),
                    items: changed.items,
                    rewritten: changed.is_rewritten,
                };
                Told::new(changed.position, "session", &event)
            });
            Ok((events.collect(), position))
        })
        .await
}

fn progress(position: Position, indexing: Indexing) -> Arc<Told> {
    Told::new(position, "progress", &LiveEvent::Progress { id: position.to_string(), indexing })
}

impl Feed {
    /// Says whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.told.receiver_count() > 0
    }

    /// Tells until the board stops.
    pub async fn run(self, board: Board, start: Option<Position>) {
        let mut ticks = board.indexer.ticks();
        let mut works = board.worker.ticks();
        let mut looks = board.lookout.ticks();
        let mut devices = board.access.changes();
        let mut position = start;
        let mut last: Option<Indexing> = None;
        loop {
            tokio::select! {
                tick = ticks.changed() => if tick.is_err() { return },
                _ = looks.changed() => {
                    let Some(position) = position else { continue };
                    let event = LiveEvent::Live { id: position.to_string() };
                    let _ = self.told.send(Told::new(position, "live", &event));
                    continue;
                }
                _ = works.changed() => {
                    let Some(position) = position else { continue };
                    let event = LiveEvent::Work { id: position.to_string() };
                    let _ = self.told.send(Told::new(position, "work", &event));
                    continue;
                }
                _ = devices.changed() => {
                    let Some(position) = position else { continue };
                    let event = LiveEvent::Access { id: position.to_string() };
                    let _ = self.told.send(Told::new(position, "access", &event));
                    continue;
                }
                () = board.stop.wait() => return,
            }
            let began = Instant::now();
            let since = match position {
                Some(position) => Ok(position),
                None => board.readers.ask(|index| Ok(index.position()?)).await,
            };
            // Nobody listening costs nothing: who comes later catches up on their own.
            let asked = match since {
                Ok(since) => ask(&board, since).await,
                Err(problem) => Err(problem),
            };
            match asked {
                Ok((events, now)) => {
                    position = Some(now);
                    for event in events {
                        let _ = self.told.send(event);
                    }
                    let indexing = board.indexer.state();
                    let is_news = last.as_ref() != Some(&indexing)
                        && (indexing.phase != Phase::Idle
                            || last.is_none_or(|last| {
                                last.phase != Phase::Idle || last.problem != indexing.problem
                            }));
                    if is_news {
                        let _ = self.told.send(progress(now, indexing.clone()));
                    }
                    last = Some(indexing);
                }
                Err(problem) => tracing::warn!(?problem, "changes could not be asked for"),
            }
            tokio::time::sleep(TOGETHER.max(began.elapsed() * REST_PER_ASK)).await;
        }
    }

    /// Listens from a position on, or from now.
    pub async fn listen(&self, board: &Board, after: Option<Position>) -> Result<Listener, Problem> {
        // First listen, then ask: what comes between is heard twice and told once.
        let heard = self.told.subscribe();
        // While somebody listens, agents that come without a word are watched for.
        board.lookout.ring();
        let now = board.readers.ask(|index| Ok(index.position()?)).await?;
        let mut listener =
            Listener { board: board.clone(), heard, position: after.unwrap_or(now), waiting: Vec::new() };
        if after.is_some() {
            listener.catch_up().await?;
        }
        listener.waiting.insert(0, progress(listener.position, board.indexer.state()));
        Ok(listener)
    }
}

/// One client's side of the stream.
pub struct Listener {
    board: Board,
    heard: broadcast::Receiver<Arc<Told>>,
    position: Position,
    /// The next one is the last.
    waiting: Vec<Arc<Told>>,
}

impl Listener {
    /// Waits for the next event. `None`: the board stops.
    pub async fn next(&mut self) -> Option<Arc<Told>> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            let heard = tokio::select! {
                heard = self.heard.recv() => heard,
                () = self.board.stop.wait() => return None,
            };
            match heard {
                Ok(event) if matches!(event.kind, "progress" | "work" | "live" | "access") => {
                    return Some(event);
                }
                Ok(event) if event.kind == "reset" || !self.has_read(event.position) => {
                    self.position = event.position;
                    return Some(event);
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    if let Err(problem) = self.catch_up().await {
                        tracing::warn!(?problem, "a client could not catch up");
                        return None;
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn has_read(&self, position: Position) -> bool {
        position.epoch == self.position.epoch
            && (position.revision, position.session) <= (self.position.revision, self.position.session)
    }

    async fn catch_up(&mut self) -> Result<(), Problem> {
        let (mut events, position) = ask(&self.board, self.position).await?;
        events.reverse();
        self.position = position;
        self.waiting = events;
        Ok(())
    }
}

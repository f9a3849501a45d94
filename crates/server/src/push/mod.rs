//! Telling devices what happens while nobody looks: Web Push, without anything between but the browser's own push service.
//!
//! `world.rs` sees how things stand, `notify.rs` decides what each device is told, `send.rs` encrypts, signs and sends. Nothing
//! is looked at while no device wants to be told.
//!
//! **Promises.** A message can be read by its device alone. A device without access is told nothing. What somebody looks at is
//! told to nobody.

mod notify;
mod presence;
mod quiet;
mod send;
mod subscriptions;
mod vapid;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use notify::Message;
use notify::{Told, World, decide};
pub use presence::Presence;
use send::{Outcome, Post};
pub use subscriptions::{Kind, Subscription, Subscriptions, Target, Wishes};
use vapid::Vapid;

use crate::board::{Board, Config};
use crate::scopes::{Need, Scope};

/// What does not stand for so long is nobody's business: a state that flickers, a question that is answered at the desk.
const SETTLED: Duration = Duration::from_secs(1);
/// Quiet hours end by the clock.
const MINUTE: Duration = Duration::from_secs(60);
/// Who push services may turn to. Some want an address that could be real.
const CONTACT: &str = "mailto:marline@example.com";

/// What is told to whom.
pub struct Push {
    vapid: Arc<Vapid>,
    pub(crate) subscriptions: Arc<Subscriptions>,
    pub(crate) presence: Presence,
    post: Post,
    news: tokio::sync::Notify,
    problems: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Push {
    /// Reads the board's key and who wants to be told.
    ///
    /// # Errors
    /// A file can't be read or written, or is damaged.
    pub fn open(config: &Config) -> io::Result<Self> {
        let named = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        let key = config.state_dir.join("vapid.key");
        let vapid = Arc::new(Vapid::open(&key).map_err(|error| named(&key, error))?);
        let subscriptions = Subscriptions::open(&config.state_dir);
        let file = config.state_dir.join("push.json");
        let subscriptions = Arc::new(subscriptions.map_err(|error| named(&file, error))?);
        let problems: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let (known, told) = (subscriptions.clone(), problems.clone());
        let hear = move |to: &Subscription, outcome: Outcome| {
            let mut problems = told.lock().unwrap_or_else(PoisonError::into_inner);
            problems.remove(&to.device);
            match outcome {
                Outcome::Taken => {}
                Outcome::Gone => {
                    if let Err(error) = known.keep(|one| one.target != to.target) {
                        tracing::warn!(%error, "a subscription that ended could not be removed");
                    }
                }
                Outcome::Failed(why) => {
                    tracing::warn!(why, "a notification was given up");
                    problems.insert(to.device.clone(), why);
                }
            }
        };
        let contact =
            config.ways.first().filter(|way| is_public(way)).map_or(CONTACT, String::as_str).to_owned();
        let post = Post::open(vapid.clone(), contact, config.now, Box::new(hear));
        Ok(Push {
            vapid,
            subscriptions,
            presence: Presence::default(),
            post,
            news: tokio::sync::Notify::new(),
            problems,
        })
    }

    /// The key that browsers subscribe with.
    pub fn key(&self) -> String {
        self.vapid.public()
    }

    /// Why the last message to a device was given up, if it was.
    pub fn problem(&self, device: &str) -> Option<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).get(device).cloned()
    }

    /// Keeps a subscription, and looks soon at how things stand: its device is told of what happens from then on.
    ///
    /// # Errors
    /// It can't be kept; what was before is.
    pub fn subscribe(&self, subscription: Subscription) -> io::Result<()> {
        self.subscriptions.put(subscription)?;
        self.news.notify_one();
        Ok(())
    }

    /// Sends a message to a device.
    pub fn send(&self, to: Subscription, message: Message) {
        self.post.send(to, message);
    }

    /// Tells until the board stops.
    pub async fn run(&self, board: &Board) {
        let (mut looks, mut works) = (board.lookout.ticks(), board.worker.ticks());
        let mut devices = board.access.changes();
        let mut minute = tokio::time::interval(MINUTE);
        let mut before: Option<World> = None;
        let mut told: BTreeMap<String, Told> = BTreeMap::new();
        loop {
            tokio::select! {
                _ = looks.changed() => {}
                _ = works.changed() => {}
                _ = minute.tick() => {}
                () = self.news.notified() => {}
                _ = devices.changed() => self.forget(board),
                () = board.stop.wait() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(SETTLED) => {}
                () = board.stop.wait() => return,
            }
            let may_look = |device: &str| board.access.allows(device, Need::One(Scope::View));
            let all = self.subscriptions.all().into_iter().filter(|one| may_look(&one.device));
            let all: Vec<Subscription> = all.collect();
            if all.is_empty() {
                before = None;
                told.clear();
                continue;
            }
            let is_first = before.is_none();
            let last = before.take().unwrap_or_default();
            let now = match world::look(board, &last).await {
                Ok(now) => now.after(&last),
                Err(problem) => {
                    tracing::warn!(?problem, "what happens could not be looked at for notifications");
                    before = (!is_first).then_some(last);
                    continue;
                }
            };
            let needs = now.needs();
            let news = if is_first { Vec::new() } else { now.news_since(&last) };
            let screens = self.presence.screens();
            told.retain(|device, _| all.iter().any(|one| one.device == *device));
            for one in all {
                // Who comes new is told of what happens from now on.
                let told = told.entry(one.device.clone()).or_insert_with(|| Told::all(&needs));
                let messages = decide(&needs, &news, &screens, &one.wishes, one.closes, board.now(), told);
                for message in messages {
                    self.send(one.clone(), message);
                }
            }
            before = Some(now);
        }
    }

    /// Forgets the subscriptions of devices that have no access any more.
    fn forget(&self, board: &Board) {
        let known: Vec<String> = board.access.devices().into_iter().map(|device| device.id).collect();
        if let Err(error) = self.subscriptions.keep(|one| known.contains(&one.device)) {
            tracing::warn!(%error, "the subscription of a device that left could not be removed");
        }
    }
}

impl Message {
    /// What a person sends to see whether it works.
    pub fn test() -> Self {
        Message {
            kind: Some(Kind::Finished),
            tag: "test".to_owned(),
            title: "Marline can reach you".to_owned(),
            body: "So it looks when something happens.".to_owned(),
            session: None,
            url: "/settings".to_owned(),
            silent: false,
            waiting: 0,
        }
    }
}

/// An address that a push service could turn to.
fn is_public(way: &str) -> bool {
    let host = way.strip_prefix("https://").unwrap_or_default().split(':').next().unwrap_or_default();
    host.contains('.')
        && host.rsplit('.').next().is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

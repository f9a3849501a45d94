//! Sending: encrypted for one device (RFC 8291), signed (RFC 8292), tried again with measure (RFC 8030).

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use marline_control::client;
use marline_model::Timestamp;
use ring::digest::{SHA256, digest};
use ureq::Agent;
use web_push_native::WebPushBuilder;

use super::notify::Message;
use super::subscriptions::{Kind, Subscription};
use super::vapid::Vapid;

/// A push service that takes longer is tried again.
const PATIENCE: Duration = Duration::from_secs(20);
/// One message is tried so often.
const TRIES: u32 = 5;
/// The first pause, which doubles, and the longest, whatever a push service asks for.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Messages that wait; the oldest goes first.
const MOST: usize = 200;
/// A clock that is off by more is not the push service's.
const SKEW_MS: i64 = 60_000;

/// What comes of a message, for whoever looks after subscriptions.
pub enum Outcome {
    /// The push service has it.
    Taken,
    /// The subscription is no more.
    Gone,
    /// It was given up, with why.
    Failed(String),
}

/// Hears what came of a message to an endpoint.
pub type Hear = Box<dyn Fn(&Subscription, Outcome) + Send>;

/// A message on its way.
struct Letter {
    to: Subscription,
    message: Message,
    tries: u32,
    due: Instant,
}

/// The thread that sends.
pub struct Post {
    letters: Sender<Letter>,
}

impl Post {
    /// Starts the thread; it ends with this.
    pub fn open(vapid: Arc<Vapid>, contact: String, now: fn() -> Timestamp, hear: Hear) -> Self {
        let (letters, taken) = channel();
        let carrier = Carrier { vapid, contact, now, hear, agent: client(PATIENCE), skew_ms: 0 };
        std::thread::Builder::new()
            .name("push".to_owned())
            .spawn(move || carrier.work(&taken))
            .expect("the system gives a thread");
        Post { letters }
    }

    /// Sends a message soon.
    pub fn send(&self, to: Subscription, message: Message) {
        let _ = self.letters.send(Letter { to, message, tries: 0, due: Instant::now() });
    }
}

struct Carrier {
    vapid: Arc<Vapid>,
    contact: String,
    now: fn() -> Timestamp,
    hear: Hear,
    agent: Agent,
    /// How far the push services' clock is before ours: they refuse what is signed for another day.
    skew_ms: i64,
}

/// What is done with a letter after a try.
enum Next {
    Done(Outcome),
    Again(Duration),
}

impl Carrier {
    fn work(mut self, taken: &Receiver<Letter>) {
        let mut waiting: Vec<Letter> = Vec::new();
        loop {
            let wait = waiting.iter().map(|letter| letter.due).min();
            let wait =
                wait.map_or(Duration::from_secs(3600), |due| due.saturating_duration_since(Instant::now()));
            match taken.recv_timeout(wait) {
                Ok(letter) => {
                    // What is newer about the same thing takes the place of what did not go out yet.
                    waiting.retain(|old| {
                        old.to.target.endpoint != letter.to.target.endpoint
                            || old.message.tag != letter.message.tag
                    });
                    waiting.push(letter);
                    if waiting.len() > MOST {
                        waiting.remove(0);
                    }
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            waiting.sort_by_key(|letter| Reverse(letter.due));
            let Some(mut letter) = waiting.pop_if(|letter| letter.due <= Instant::now()) else { continue };
            letter.tries += 1;
            match self.carry(&letter) {
                Next::Done(outcome) => (self.hear)(&letter.to, outcome),
                Next::Again(pause) => {
                    letter.due = Instant::now() + pause.min(LONGEST_PAUSE);
                    waiting.push(letter);
                }
            }
        }
    }

    fn carry(&mut self, letter: &Letter) -> Next {
        let failed = |why: String| Next::Done(Outcome::Failed(why));
        let Some(request) = self.request(&letter.to, &letter.message) else {
            return failed("the message could not be encrypted".to_owned());
        };
        let again = |pause: Option<Duration>, why: String| {
            if letter.tries >= TRIES {
                return Next::Done(Outcome::Failed(why));
            }
            Next::Again(pause.unwrap_or(PAUSE * 2u32.pow(letter.tries - 1)))
        };
        let answer = match self.agent.run(request) {
            Ok(answer) => answer,
            Err(error) => return again(None, format!("the push service can't be reached: {error}")),
        };
        let status = answer.status().as_u16();
        match status {
            200..=299 => Next::Done(Outcome::Taken),
            404 | 410 => Next::Done(Outcome::Gone),
            429 | 500..=599 => {
                let pause = retry_after(answer.headers(), (self.now)());
                again(pause, format!("the push service answered {status}"))
            }
            // A signature of another day: by the push service's own clock it may be good.
            400 | 401 | 403 if letter.tries == 1 && self.learns_the_time(answer.headers()) => {
                Next::Again(Duration::ZERO)
            }
            _ => failed(format!("the push service refused it with {status}")),
        }
    }

    fn request(&self, to: &Subscription, message: &Message) -> Option<axum::http::Request<Vec<u8>>> {
        let endpoint: Uri = to.target.endpoint.parse().ok()?;
        let origin = format!("{}://{}", endpoint.scheme_str()?, endpoint.authority()?);
        let builder = WebPushBuilder::new(endpoint, to.target.public()?, to.target.auth()?.into());
        let (life, urgency) = worth(message.kind);
        let mut request = builder.with_valid_duration(life).build(serde_json::to_vec(message).ok()?).ok()?;
        let now = Timestamp::from_millis((self.now)().as_millis() + self.skew_ms);
        let headers = request.headers_mut();
        let signed = self.vapid.authorization(&origin, &self.contact, now)?;
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&signed).ok()?);
        headers.insert("urgency", HeaderValue::from_static(urgency));
        headers.insert("topic", HeaderValue::from_str(&topic(&message.tag)).ok()?);
        Some(request)
    }

    /// Learns from an answer how far our clock is off. `false`: it is not.
    fn learns_the_time(&mut self, headers: &HeaderMap) -> bool {
        let date = headers.get(header::DATE).and_then(|date| at(date.to_str().ok()?));
        let Some(date) = date else { return false };
        let skew = date - (self.now)().as_millis();
        if (skew - self.skew_ms).abs() < SKEW_MS {
            return false;
        }
        tracing::warn!(
            seconds = skew / 1000,
            "this machine's clock is off from the push service's, which counts for it"
        );
        self.skew_ms = skew;
        true
    }
}

/// How long a message is worth keeping, and how much it hurries.
fn worth(kind: Option<Kind>) -> (Duration, &'static str) {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    match kind {
        Some(Kind::NeedsYou) => (hours(4), "high"),
        Some(Kind::Failed | Kind::LimitReached) => (hours(12), "normal"),
        Some(Kind::Finished) => (hours(12), "normal"),
        // It must overtake what it takes away.
        None => (hours(4), "normal"),
    }
}

/// The push service keeps one message of a topic: 32 characters at most, so it is made of the tag.
fn topic(tag: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, tag.as_bytes()).as_ref()[..18])
}

/// How long a push service wants to be left alone: in seconds, or until a time.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(Duration::from_millis(u64::try_from(at(text)? - now.as_millis()).unwrap_or(0)))
}

/// A time as HTTP writes it, in milliseconds.
fn at(text: &str) -> Option<i64> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_service_says_when_to_come_again_in_seconds_or_by_the_clock() {
        let now = Timestamp::from_millis(1_795_608_000_000);
        let after = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Wed, 25 Nov 2026 12:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(after("Wed, 25 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn a_topic_is_short_and_its_tags_own() {
        assert_eq!(topic("needs-you").len(), 24);
        assert_ne!(topic("session a"), topic("session b"));
    }
}

//! What a device is told, decided from what was and what is: no clock, no socket, no store.
//!
//! That somebody is needed is a state: a device is told once of each question, and told otherwise, or that it is over, when it
//! was answered elsewhere. That something came to an end is an event: it is told when it happens, or, in quiet hours, not.

use std::collections::{BTreeMap, BTreeSet};

use marline_model::{LiveState, SessionId, Timestamp};
use serde::Serialize;

use super::presence::Screens;
use super::subscriptions::{Kind, Wishes};

/// Where all that needs somebody is shown, and the tag of the one notification about it.
const NEEDS_TAG: &str = "needs-you";
/// So much of what is said is told, in characters.
const TITLE: usize = 80;
const WORDS: usize = 200;

/// How things stand, as far as anybody is told of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// Sessions that agents have open.
    pub sessions: BTreeMap<SessionId, Live>,
    /// Questions of runs whose session is not among them, by number.
    pub questions: BTreeMap<u64, Question>,
    /// Runs of groups and queues: those that go on, and those that did before.
    pub runs: BTreeMap<String, RunSeen>,
}

/// A session that an agent has open.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// What it is called.
    pub title: String,
    /// How it stands.
    pub state: LiveState,
    /// The question's key, where it asks.
    pub key: Option<String>,
    /// What it asks, or said last.
    pub words: String,
    /// The last thing in it is an error.
    pub has_failed: bool,
    /// Marline works with it: its run tells how it ends.
    pub is_of_run: bool,
}

/// A question of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What the group or queue is called.
    pub title: String,
    /// What is asked.
    pub words: String,
}

/// A run of a group or a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSeen {
    /// What the group or queue is called.
    pub name: String,
    /// It came to its end.
    pub is_over: bool,
    /// A person stopped it.
    pub is_stopped: bool,
    /// Prompts that were answered.
    pub completed: u64,
    /// Prompts that came to nothing.
    pub failed: u64,
    /// Prompts that wait for the end of a limit, with why.
    pub limited: BTreeMap<String, String>,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    kind: Kind,
    /// The same for the same thing.
    key: String,
    title: String,
    words: String,
    session: Option<SessionId>,
    url: String,
}

/// What goes to a device, encrypted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Of what; nothing: the notification with this tag is to be taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// A notification takes the place of the one with the same tag.
    pub tag: String,
    /// Its first line.
    pub title: String,
    /// What is below.
    pub body: String,
    /// The session, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What a tap opens.
    pub url: String,
    /// It is the same as before with less in it: nothing sounds.
    pub silent: bool,
    /// How much needs somebody, for the app's badge.
    pub waiting: usize,
}

/// What a device was told of what needs somebody.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// What it need not be told again.
    known: BTreeSet<String>,
    /// What its notification is about.
    shown: BTreeSet<String>,
}

impl Told {
    /// It knows how things stand.
    pub fn all(needs: &[News]) -> Self {
        Told { known: needs.iter().map(|need| need.key.clone()).collect(), shown: BTreeSet::new() }
    }
}

impl World {
    /// Takes over from before what one look does not tell: a state that is unknown for a moment is the one before.
    pub fn after(mut self, before: &World) -> Self {
        for (id, live) in &mut self.sessions {
            if live.state == LiveState::Unknown
                && let Some(last) = before.sessions.get(id)
            {
                live.state = last.state;
                live.key.clone_from(&last.key);
            }
        }
        self
    }

    /// What needs somebody.
    pub fn needs(&self) -> Vec<News> {
        let sessions = self.sessions.iter().filter(|(_, live)| live.state.needs_you());
        let sessions = sessions.map(|(id, live)| News {
            kind: Kind::NeedsYou,
            key: format!("{id} {}", live.key.as_deref().unwrap_or(live.state.as_str())),
            title: format!("{} needs you", fit(&live.title, TITLE)),
            words: live.words.clone(),
            session: Some(id.clone()),
            url: if live.is_of_run { "/approvals".to_owned() } else { address(id) },
        });
        let questions = self.questions.iter().map(|(number, question)| News {
            kind: Kind::NeedsYou,
            key: format!("question {number}"),
            title: format!("{} needs you", fit(&question.title, TITLE)),
            words: question.words.clone(),
            session: None,
            url: "/approvals".to_owned(),
        });
        sessions.chain(questions).collect()
    }

    /// What came to an end since.
    pub fn news_since(&self, before: &World) -> Vec<News> {
        let mut news = Vec::new();
        for (id, live) in self.sessions.iter().filter(|(_, live)| !live.is_of_run) {
            let worked = before.sessions.get(id).is_some_and(|last| last.state == LiveState::Working);
            if worked && live.state == LiveState::Idle {
                let (kind, what) = match live.has_failed {
                    true if speaks_of_a_limit(&live.words) => (Kind::LimitReached, "reached a limit"),
                    true => (Kind::Failed, "failed"),
                    false => (Kind::Finished, "finished"),
                };
                news.push(News {
                    kind,
                    key: format!("session {id}"),
                    title: format!("{} {what}", fit(&live.title, TITLE)),
                    words: live.words.clone(),
                    session: Some(id.clone()),
                    url: address(id),
                });
            }
        }
        for (id, run) in &self.runs {
            let last = before.runs.get(id);
            let about = |kind, what: &str, words: String| News {
                kind,
                key: format!("run {id}"),
                title: format!("{} {what}", fit(&run.name, TITLE)),
                words,
                session: None,
                url: format!("/runs/{id}"),
            };
            let was_limited = last.map(|last| &last.limited);
            let newly =
                run.limited.iter().find(|(task, _)| was_limited.is_none_or(|was| !was.contains_key(*task)));
            if let Some((_, why)) = newly.filter(|_| last.is_some() && !run.is_over) {
                news.push(about(Kind::LimitReached, "reached a limit", why.clone()));
            }
            // Who stopped it knows.
            if run.is_over && !run.is_stopped && last.is_some_and(|last| !last.is_over) {
                let counts = format!("{} answered, {} failed", run.completed, run.failed);
                news.push(match run.failed {
                    0 => about(Kind::Finished, "finished", format!("{} answered", run.completed)),
                    _ => about(Kind::Failed, "failed", counts),
                });
            }
        }
        news
    }
}

/// Decides what a device is told, and notes in `told` what it knows then.
///
/// Of what is on some screen nobody is told, and what it asks counts as known.
pub fn decide(
    needs: &[News],
    news: &[News],
    screens: &Screens,
    wishes: &Wishes,
    closes: bool,
    now: Timestamp,
    told: &mut Told,
) -> Vec<Message> {
    let is_quiet = wishes.quiet.as_ref().is_some_and(|quiet| quiet.is_now(now));
    let is_seen = |one: &News| screens.show(one.session.as_ref());
    let wants = |kind: Kind| wishes.kinds.contains(&kind);
    let mut messages = Vec::new();

    let open: BTreeSet<&str> = needs.iter().map(|need| need.key.as_str()).collect();
    let had = told.shown.len();
    told.known.retain(|key| open.contains(key.as_str()));
    told.shown.retain(|key| open.contains(key.as_str()));
    let was_answered = told.shown.len() < had;
    let mut has_more = false;
    for need in needs {
        if told.known.contains(&need.key) {
            continue;
        }
        if is_seen(need) {
            told.known.insert(need.key.clone());
        } else if wants(Kind::NeedsYou) && !is_quiet {
            told.known.insert(need.key.clone());
            told.shown.insert(need.key.clone());
            has_more = true;
        }
    }
    let about: Vec<&News> = needs.iter().filter(|need| told.shown.contains(&need.key)).collect();
    if has_more || (was_answered && closes && !about.is_empty()) {
        messages.push(together(NEEDS_TAG, &about, "sessions need you", "/now", !has_more, needs.len()));
    } else if was_answered && closes {
        messages.push(Message {
            kind: None,
            tag: NEEDS_TAG.to_owned(),
            title: String::new(),
            body: String::new(),
            session: None,
            url: "/now".to_owned(),
            silent: true,
            waiting: needs.len(),
        });
    }

    for (kind, many) in
        [(Kind::Finished, "finished"), (Kind::Failed, "failed"), (Kind::LimitReached, "reached a limit")]
    {
        let about: Vec<&News> = news.iter().filter(|one| one.kind == kind && !is_seen(one)).collect();
        if let Some(first) = about.first().filter(|_| wants(kind) && !is_quiet) {
            let tag = if about.len() == 1 { first.key.clone() } else { many.to_owned() };
            messages.push(together(&tag, &about, &format!("sessions {many}"), "/now", false, needs.len()));
        }
    }
    messages
}

/// One notification about all of it.
fn together(tag: &str, about: &[&News], many: &str, url: &str, silent: bool, waiting: usize) -> Message {
    let (title, body, session, url) = match about {
        [one] => (one.title.clone(), fit(&one.words, WORDS), one.session.clone(), one.url.clone()),
        several => {
            let titles: Vec<&str> = several.iter().map(|one| one.title.as_str()).collect();
            (format!("{} {many}", several.len()), fit(&titles.join(" · "), WORDS), None, url.to_owned())
        }
    };
    let kind = about.first().map(|one| one.kind);
    Message { kind, tag: tag.to_owned(), title, body, session, url, silent, waiting }
}

/// The page of a session.
pub fn address(id: &SessionId) -> String {
    let mut out = String::from("/s/");
    for byte in id.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Agents say in words of their own that a limit was reached; those of all five have one of these in them.
fn speaks_of_a_limit(words: &str) -> bool {
    let words = words.to_lowercase();
    ["usage limit", "rate limit", "limit reached", "quota", "hit your limit"]
        .iter()
        .any(|sign| words.contains(sign))
}

/// One line of at most so many characters, without what would move a cursor.
fn fit(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;

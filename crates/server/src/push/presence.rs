//! Which sessions somebody has on a screen right now. A page says it over its event socket; with the socket it is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use marline_model::SessionId;
use serde::Deserialize;

/// What pages show.
#[derive(Clone, Default)]
pub struct Presence(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    last: u64,
    by_page: BTreeMap<u64, Shows>,
}

enum Shows {
    One(SessionId),
    /// A list of all that needs somebody.
    Everything,
}

/// What is on some screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Screens {
    /// Somebody looks at all that needs somebody.
    pub everything: bool,
    /// Sessions that somebody looks at.
    pub sessions: Vec<SessionId>,
}

impl Screens {
    /// Says whether a session is on one of them.
    pub fn show(&self, session: Option<&SessionId>) -> bool {
        self.everything || session.is_some_and(|session| self.sessions.contains(session))
    }
}

/// What a page says of itself.
#[derive(Deserialize)]
struct Said {
    /// The session that is on the screen, if the page is and shows one; `*`: all that needs somebody.
    shows: Option<String>,
}

/// One page.
pub struct Page {
    presence: Presence,
    number: u64,
}

impl Presence {
    /// A page is there; it shows nothing yet.
    pub fn enter(&self) -> Page {
        let mut shown = self.lock();
        shown.last += 1;
        Page { presence: self.clone(), number: shown.last }
    }

    /// What is on some screen.
    pub fn screens(&self) -> Screens {
        let mut screens = Screens::default();
        for shows in self.lock().by_page.values() {
            match shows {
                Shows::One(session) => screens.sessions.push(session.clone()),
                Shows::Everything => screens.everything = true,
            }
        }
        screens
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Hears what the page says; what makes no sense is passed over.
    pub fn hear(&self, text: &str) {
        let Ok(Said { shows }) = serde_json::from_str(text) else { return };
        let mut shown = self.presence.lock();
        let shows = match shows.as_deref() {
            Some("*") => Some(Shows::Everything),
            Some(session) => session.parse().ok().map(Shows::One),
            None => None,
        };
        match shows {
            Some(shows) => shown.by_page.insert(self.number, shows),
            None => shown.by_page.remove(&self.number),
        };
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.presence.lock().by_page.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_on_a_screen_while_a_page_says_so_and_is_there() {
        let presence = Presence::default();
        let (one, two) = (presence.enter(), presence.enter());
        one.hear(r#"{"shows":"claude:a"}"#);
        two.hear(r#"{"shows":"claude:b"}"#);
        two.hear("nonsense");
        assert_eq!(presence.screens().sessions.len(), 2);
        one.hear(r#"{"shows":null}"#);
        assert_eq!(presence.screens().sessions, ["claude:b".parse().unwrap()]);
        one.hear(r#"{"shows":"*"}"#);
        assert!(presence.screens().show(None));
        drop((one, two));
        assert_eq!(presence.screens(), Screens::default());
    }
}

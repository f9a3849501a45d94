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
    by_page: BTreeMap<u64, SessionId>,
}

/// What a page says of itself.
#[derive(Deserialize)]
struct Said {
    /// The session that is on the screen, if the page is and shows one.
    shows: Option<SessionId>,
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

    /// All sessions that somebody looks at.
    pub fn shown(&self) -> Vec<SessionId> {
        self.lock().by_page.values().cloned().collect()
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
        match shows {
            Some(session) => shown.by_page.insert(self.number, session),
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
        assert_eq!(presence.shown().len(), 2);
        one.hear(r#"{"shows":null}"#);
        assert_eq!(presence.shown(), ["claude:b".parse().unwrap()]);
        drop(two);
        assert!(presence.shown().is_empty());
    }
}

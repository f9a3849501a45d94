//! Answering what an agent asks in its terminal.
//!
//! A key that answers a dialog is pressed by tmux itself, in one step with a look whether the dialog still stands there, so that
//! it can't hit another one.

use std::io;
use std::thread::sleep;
use std::time::Instant;

use marline_agents::screen::{Dialog, Means, Screen, is_done_marked};

use super::evidence::key_of;
use super::find::still;
use super::steer::{
    FOR_SHELL, LOOK, Steered, Terminal, UNTIL_GONE, UNTIL_HEARD, is_for_shell, plain, refused,
};
use super::turn::{OpenCalls, Turn, Whose, turn};
use crate::target::agent;

/// A key that was let fall is pressed so many times more.
const PRESSES: u32 = 2;

impl Terminal<'_> {
    /// Waits until a dialog has stood for as long as the agent needs to take keys for answers.
    fn until_heeded(&self) {
        let needed = agent(self.session.source()).live().heeds_after();
        let (began, mut drawn, mut print) = (Instant::now(), Instant::now(), None);
        while drawn.elapsed() < needed && began.elapsed() < UNTIL_GONE {
            let Some(dialog) = self.read().ok().and_then(|screen| screen.dialog) else { break };
            if print.replace(dialog.fingerprint()) != Some(dialog.fingerprint()) {
                drawn = Instant::now();
            }
            sleep(LOOK);
        }
    }

    /// The dialog that is asked about, if it is still the one of `key`, and the calls that wait.
    fn dialog(&self, key: Option<&str>) -> io::Result<Result<(Dialog, Option<OpenCalls>), Steered>> {
        self.until_heeded();
        let now = match self.reach() {
            Ok(now) => now,
            Err(why) => return Ok(Err(refused(why))),
        };
        let Some(dialog) = self.seen(&now.screen).dialog else {
            return Ok(Err(refused(
                "it asks nothing any more, or what it asks can't be read: look at its terminal",
            )));
        };
        let turn = self.turn();
        if key.is_some_and(|key| key != key_of(self.session, &dialog, turn)) {
            return Ok(Err(refused("it asks something else now")));
        }
        Ok(Ok((dialog, turn.and_then(|turn| turn.open))))
    }

    /// The same, where it asks for leave.
    fn dialog_of_leave(&self, key: Option<&str>) -> io::Result<Result<(Dialog, Option<OpenCalls>), Steered>> {
        let no_leave = || refused("it asks no leave, but for an answer: choose one");
        let asked = self.dialog(key)?;
        Ok(asked.and_then(|asked| if asked.0.asks_leave() { Ok(asked) } else { Err(no_leave()) }))
    }

    /// Where its turn stands, by the session's own records at this moment.
    fn turn(&self) -> Option<Turn> {
        let live = agent(self.session.source()).live();
        let turn = turn(self.transcript?, live, Whose::Session).ok().flatten()?;
        Some(turn.seen_from(self.started_at))
    }

    /// The calls that wait.
    fn open_calls(&self) -> Option<OpenCalls> {
        self.turn()?.open
    }

    /// Takes an answer of a dialog by its place, or leaves the dialog, if it still stands there at that moment; waits until it is
    /// gone.
    fn answer(&self, dialog: &Dialog, open: Option<OpenCalls>, place: Option<usize>) -> io::Result<Steered> {
        let marks = marks(dialog);
        if marks.is_empty() {
            return Ok(refused("its dialog can't be told from another one"));
        }
        let pressed = self.press_answer(dialog, open, place, marks);
        // Some end where they are told no; their terminal may be gone before it is looked at again.
        match pressed {
            Err(_) if place.is_none() && still(self.pid, self.started_at).is_none() => {
                Ok(Steered::Delivered { proof: "its agent ended".to_owned() })
            }
            pressed => pressed,
        }
    }

    fn press_answer(
        &self,
        dialog: &Dialog,
        open: Option<OpenCalls>,
        place: Option<usize>,
        mut marks: Vec<String>,
    ) -> io::Result<Steered> {
        let key = match place {
            // Numbers and places of the no differ; Escape is it everywhere.
            None => "Escape".to_owned(),
            Some(place) if dialog.is_numbered => (place + 1).to_string(),
            Some(place) => {
                let Some(marked) = self.mark(dialog, place, &marks)? else {
                    return Ok(refused("its answer can't be chosen"));
                };
                marks.push(marked);
                "Enter".to_owned()
            }
        };
        let (server, pane, print) = (self.server(), self.pane.pane_id.as_str(), dialog.fingerprint());
        let shown = server.screen(pane)?;
        if !server.press_if_shown(pane, &marks, &key)? {
            return Ok(refused("it asks something else now"));
        }
        let is_gone =
            |screen: &Screen| screen.dialog.as_ref().is_none_or(|dialog| dialog.fingerprint() != print);
        let mut has_gone = self.until(UNTIL_HEARD, is_gone)?;
        // A key may be let fall, or not be heard yet. It is pressed again only where, heard twice, it could answer nothing
        // else: one call waits, and waits still; or, of an agent whose records tell nothing, not one character has changed.
        for _ in 0..PRESSES {
            let is_same = match open {
                Some(open) => open.is_one && self.open_calls() == Some(open),
                None => server.screen(pane)? == shown,
            };
            if has_gone || !is_same || !server.press_if_shown(pane, &marks, &key)? {
                break;
            }
            has_gone = self.until(UNTIL_HEARD, is_gone)?;
        }
        let is_gone = has_gone || self.until(UNTIL_GONE, is_gone)?;
        Ok(if is_gone {
            Steered::Delivered { proof: "the dialog is gone".to_owned() }
        } else {
            Steered::Unknown { seen: "the dialog still stands there".to_owned() }
        })
    }

    /// Moves the mark of a dialog to an answer; a piece of that one with its mark, or nothing where it does not come there.
    fn mark(&self, dialog: &Dialog, place: usize, marks: &[String]) -> io::Result<Option<String>> {
        let mut now = dialog.clone();
        for _ in 0..dialog.choices.len() {
            if now.marked == place {
                return Ok(now.marked_as.split(',').next().map(|piece| piece.trim().to_owned()));
            }
            let before = now.marked;
            let key = if before < place { "Down" } else { "Up" };
            if !self.server().press_if_shown(&self.pane.pane_id, marks, key)? {
                return Ok(None);
            }
            let has_moved =
                |screen: &Screen| screen.dialog.as_ref().is_none_or(|dialog| dialog.marked != before);
            let (screen, _) = self.wait(UNTIL_HEARD, has_moved)?;
            match screen.dialog.filter(|after| after.fingerprint() == dialog.fingerprint()) {
                Some(after) => now = after,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Allows what the agent asks, this once or, where its dialog offers that, from now on. `key`: the question that was shown;
    /// another one is not allowed.
    ///
    /// # Errors
    /// What tmux says.
    pub fn approve(&self, key: Option<&str>, means: Means) -> io::Result<Steered> {
        let (dialog, open) = match self.dialog_of_leave(key)? {
            Ok(asked) => asked,
            Err(refused) => return Ok(refused),
        };
        if !dialog.is_whole() && !open.is_some_and(|open| open.is_one) {
            return Ok(refused(
                "what it is about is not to be seen: make its terminal larger, or answer it there",
            ));
        }
        let Some(place) = dialog.place_of(means) else {
            let what = if means == Means::Allow { "this once alone" } else { "for this session alone" };
            let offers: Vec<&str> = dialog.choices.iter().map(|choice| choice.label.as_str()).collect();
            return Ok(refused(format!(
                "it can't be allowed {what}; its dialog offers: {}",
                offers.join(" | ")
            )));
        };
        self.answer(&dialog, open, Some(place))
    }

    /// Answers a question that asks for no leave: by the places of its answers, or in words of one's own. Where others are asked
    /// with it, the next one stands there then.
    ///
    /// # Errors
    /// What tmux says.
    pub fn answer_question(
        &self,
        key: Option<&str>,
        places: &[usize],
        words: Option<&str>,
    ) -> io::Result<Steered> {
        let (dialog, open) = match self.dialog(key)? {
            Ok(asked) => asked,
            Err(refused) => return Ok(refused),
        };
        if dialog.asks_leave() {
            return Ok(refused("it asks for leave: allow it or deny it"));
        }
        if let Some(place) = places.iter().find(|place| **place >= dialog.choices.len()) {
            return Ok(refused(format!("it has no answer {}", place + 1)));
        }
        match (words, places) {
            (Some(_), _) if dialog.takes_several() => {
                Ok(refused("it takes several of its answers, and no words from here"))
            }
            (Some(words), _) => self.answer_in_words(&dialog, places, words),
            (None, []) => Ok(refused("there is no answer to it")),
            (None, _) if dialog.takes_several() => self.choose_several(&dialog, places),
            (None, [place]) => self.answer(&dialog, open, Some(*place)),
            (None, _) => Ok(refused("it takes one answer")),
        }
    }

    /// Presses a key where a dialog still stands, and waits until it shows.
    fn press_there(
        &self,
        marks: &[String],
        key: &str,
        is_heard: impl Fn(&Screen) -> bool,
    ) -> io::Result<Option<Screen>> {
        if !self.server().press_if_shown(&self.pane.pane_id, marks, key)? {
            return Ok(None);
        }
        let (screen, is_heard) = self.wait(UNTIL_HEARD, is_heard)?;
        Ok(Some(screen).filter(|_| is_heard))
    }

    /// Chooses those of several answers that are wanted, no others, and goes on.
    fn choose_several(&self, dialog: &Dialog, places: &[usize]) -> io::Result<Steered> {
        let (marks, print) = (marks(dialog), dialog.fingerprint());
        if marks.is_empty() {
            return Ok(refused("its dialog can't be told from another one"));
        }
        let stands_alone =
            |place: &usize| dialog.choices[*place].is_checked.is_none() || dialog.choices[*place].takes_words;
        if places.iter().any(stands_alone) {
            return Ok(refused("one of these can't be chosen with others"));
        }
        for (place, choice) in dialog.choices.iter().enumerate() {
            let is_wanted = places.contains(&place);
            if choice.takes_words || choice.is_checked.is_none_or(|is_checked| is_checked == is_wanted) {
                continue;
            }
            let is_checked = |screen: &Screen| {
                let now = screen.dialog.as_ref().and_then(|dialog| dialog.choices.get(place));
                now.is_some_and(|now| now.is_checked == Some(is_wanted))
            };
            if self.press_there(&marks, &(place + 1).to_string(), is_checked)?.is_none() {
                return Ok(Steered::Unknown { seen: "its answers could not be chosen".to_owned() });
            }
        }
        let has_gone =
            |screen: &Screen| screen.dialog.as_ref().is_none_or(|dialog| dialog.fingerprint() != print);
        let mut screen = self.press_there(&marks, "Right", has_gone)?;
        if screen.is_none() {
            // A list that stands alone ends with the answer that takes the others: above the first of them, all around.
            for _ in 0..=dialog.choices.len() + 1 {
                if is_done_marked(&self.server().screen(&self.pane.pane_id)?) {
                    screen = self.press_there(&marks, "Enter", has_gone)?;
                    break;
                }
                let before = self.read()?;
                self.press_there(&marks, "Up", |screen| *screen != before)?;
            }
        }
        Ok(match screen {
            Some(screen) => answered(&screen),
            None => Steered::Unknown { seen: "its answers are chosen, and it still asks".to_owned() },
        })
    }

    /// Answers in words: in the field that stands there, or behind the answer that takes them.
    fn answer_in_words(&self, dialog: &Dialog, places: &[usize], words: &str) -> io::Result<Steered> {
        let words = plain(words).replace('\n', " ");
        let words = words.trim();
        if words.is_empty() {
            return Ok(refused("there is nothing to say"));
        }
        let marks = marks(dialog);
        if marks.is_empty() {
            return Ok(refused("its dialog can't be told from another one"));
        }
        let place = dialog.choices.iter().position(|choice| choice.takes_words);
        if places.iter().any(|asked| Some(*asked) != place) {
            return Ok(refused("that answer takes no words"));
        }
        match (&dialog.field, place) {
            (Some(field), _) if !field.is_empty() => return Ok(refused("somebody writes an answer there")),
            (Some(_), _) => {}
            (None, None) => return Ok(refused("it takes one of its answers, and no words")),
            (None, Some(place)) if dialog.marked == place => {}
            (None, Some(place)) => {
                let is_marked =
                    |screen: &Screen| screen.dialog.as_ref().is_some_and(|dialog| dialog.marked == place);
                if self.press_there(&marks, &(place + 1).to_string(), is_marked)?.is_none() {
                    return Ok(Steered::Unknown { seen: "its field for an answer did not open".to_owned() });
                }
            }
        }
        self.server().paste(&self.pane.pane_id, words)?;
        let stands_there = |screen: &Screen| {
            let Some(now) = &screen.dialog else { return false };
            let label = place.and_then(|place| Some(now.choices.get(place)?.label.as_str()));
            // Long words are cut off, or go on in the next line.
            let written = now.field.as_deref().or(label).unwrap_or_default();
            !written.is_empty() && (words.starts_with(written) || written.starts_with(words))
        };
        if !self.until(UNTIL_HEARD, stands_there)? {
            return Ok(Steered::Unknown { seen: "the words did not appear in its field".to_owned() });
        }
        // What was pasted is taken in before Enter is.
        sleep(agent(self.session.source()).live().settles());
        let is_it = |now: &Dialog| {
            (&now.question, &now.about, now.choices.len())
                == (&dialog.question, &dialog.about, dialog.choices.len())
        };
        let has_gone = |screen: &Screen| !screen.dialog.as_ref().is_some_and(is_it);
        Ok(match self.press_there(&marks, "Enter", has_gone)? {
            Some(screen) => answered(&screen),
            None => Steered::Unknown { seen: "the words stand there, and it still asks".to_owned() },
        })
    }

    /// Refuses what the agent asks, and says why.
    ///
    /// # Errors
    /// What tmux says.
    pub fn deny(&self, key: Option<&str>, reason: Option<&str>) -> io::Result<Steered> {
        // A question that asks for no leave is left without an answer.
        let (dialog, open) = match self.dialog(key)? {
            Ok(asked) => asked,
            Err(refused) => return Ok(refused),
        };
        if dialog.choices.is_empty() && dialog.field.is_none() {
            return Ok(refused("it can be answered in its terminal alone"));
        }
        if reason.is_some_and(is_for_shell) {
            return Ok(refused(FOR_SHELL));
        }
        let denied = self.answer(&dialog, open, None)?;
        let Some(reason) = reason.filter(|_| matches!(denied, Steered::Delivered { .. })) else {
            return Ok(denied);
        };
        let is_free = self.until(UNTIL_GONE, |screen| screen.draft.is_some() && !screen.is_busy);
        if still(self.pid, self.started_at).is_none() {
            return Ok(Steered::Delivered {
                proof: "its agent ended, before a reason could be said".to_owned(),
            });
        }
        if !is_free? {
            return Ok(Steered::Unknown { seen: "it was refused; the reason could not be said".to_owned() });
        }
        self.send(reason)
    }
}

/// What shows that a question was answered.
fn answered(screen: &Screen) -> Steered {
    let proof = if screen.dialog.is_some() { "the next question stands there" } else { "the dialog is gone" };
    Steered::Delivered { proof: proof.to_owned() }
}

/// Pieces of a dialog by which tmux tells it from another one.
fn marks(dialog: &Dialog) -> Vec<String> {
    dialog.about.iter().chain(&dialog.lines).filter_map(|line| piece(line)).take(4).collect()
}

/// The longest piece of a line that tmux can look for as it is.
fn piece(line: &str) -> Option<String> {
    // Bytes: one sign is enough in a script that writes a word with it.
    const SHORTEST: usize = 3;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.');
    let pieces = line.split(|c: char| !is_plain(c)).map(str::trim);
    let longest = pieces.max_by_key(|piece| piece.len())?;
    // A long line may be broken in two.
    let end = longest.char_indices().nth(60).map_or(longest.len(), |(at, _)| at);
    (longest.len() >= SHORTEST).then(|| longest[..end].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_holds_nothing_that_tmux_takes_apart() {
        assert_eq!(piece("? Shell  rm -rf ./{a,b} #x").as_deref(), Some("Shell  rm -rf ./"));
        assert_eq!(piece("???"), None);
        assert_eq!(piece("│ 用哪个端口？ #{x}").as_deref(), Some("用哪个端口"));
    }
}

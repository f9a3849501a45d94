//! Typing into an agent's terminal: what is said, chosen and interrupted there, and the proof that it came about.
//!
//! Before every key it is looked whether the agent still runs in that terminal: keys that are sent to a pane whose agent is gone
//! go to the shell beneath.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::live::LiveMode;
use marline_agents::screen::Screen;
use marline_model::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find::still;
use super::tmux::{Glimpse, Pane, Server};
use crate::process::Process;
use crate::target::agent;

/// Between looks at a screen.
pub(super) const LOOK: Duration = Duration::from_millis(25);
/// A text that was pasted has so long to stand in the field.
const UNTIL_PASTED: Duration = Duration::from_secs(3);
/// A field for a prompt has so long to be drawn.
const UNTIL_DRAWN: Duration = Duration::from_secs(5);
/// A text that was sent has so long to leave the field.
const UNTIL_SENT: Duration = Duration::from_secs(3);
/// A dialog that was answered has so long to go, and a turn that was interrupted to end.
pub(super) const UNTIL_GONE: Duration = Duration::from_secs(4);
/// A key shows within this time, unless it was let fall.
pub(super) const UNTIL_HEARD: Duration = Duration::from_millis(1_200);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Steered {
    /// The agent has it.
    Delivered {
        /// What shows it.
        proof: String,
    },
    /// Nothing was done.
    Refused {
        /// Why.
        why: String,
    },
    /// It may have come about or not; it is not tried again.
    Unknown {
        /// What was seen.
        seen: String,
    },
}

/// The terminal of a session's agent.
pub struct Terminal<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// Its agent's process.
    pub pid: u32,
    /// When that began.
    pub started_at: Timestamp,
    /// Where it runs.
    pub pane: &'a Pane,
    /// The `tmux` program.
    pub tmux: &'a Path,
    /// The session's records, where they are a file.
    pub transcript: Option<&'a Path>,
}

pub(super) fn refused(why: impl Into<String>) -> Steered {
    Steered::Refused { why: why.into() }
}

impl Terminal<'_> {
    pub(super) fn server(&self) -> Server {
        Server::new(self.tmux, &self.pane.socket)
    }

    pub(super) fn seen(&self, shown: &str) -> Screen {
        agent(self.session.source()).live().screen(shown)
    }

    pub(super) fn read(&self) -> io::Result<Screen> {
        Ok(self.seen(&self.server().screen(&self.pane.pane_id)?))
    }

    /// What the terminal shows, or why nothing may be typed now.
    pub(super) fn reach(&self) -> Result<Glimpse, String> {
        let now = self.server().glimpse(&self.pane.pane_id).ok();
        let now = now.filter(|now| !now.is_dead && now.pid == self.pane.pid);
        let now = now.ok_or_else(|| "its terminal is gone".to_owned())?;
        if still(self.pid, self.started_at).is_none_or(Process::is_suspended) {
            return Err("its agent is gone or suspended".to_owned());
        }
        if now.is_in_mode {
            // A person scrolls there; keys would not reach the agent.
            let _ = self.server().run(["send-keys", "-t", &self.pane.pane_id, "-X", "cancel"]);
        }
        Ok(now)
    }

    /// Why nothing may be typed now.
    pub(super) fn obstacle(&self) -> Option<String> {
        self.reach().err()
    }

    /// Waits until a screen is as wanted, and returns the last one seen and whether it is.
    pub(super) fn wait(
        &self,
        patience: Duration,
        is_it: impl Fn(&Screen) -> bool,
    ) -> io::Result<(Screen, bool)> {
        let began = Instant::now();
        loop {
            let screen = self.read()?;
            let is_there = is_it(&screen);
            if is_there || began.elapsed() > patience {
                return Ok((screen, is_there));
            }
            sleep(LOOK);
        }
    }

    /// Says whether a screen is as wanted within some time.
    pub(super) fn until(&self, patience: Duration, is_it: impl Fn(&Screen) -> bool) -> io::Result<bool> {
        Ok(self.wait(patience, is_it)?.1)
    }

    /// Says something to the agent. What a person has half typed is put back.
    ///
    /// # Errors
    /// What tmux says; before the last key, nothing was sent.
    pub fn send(&self, text: &str) -> io::Result<Steered> {
        self.send_parts(&[text.to_owned()])
    }

    /// The same in parts, each of them pasted by itself: some agents make a picture of a path that comes alone.
    ///
    /// # Errors
    /// What tmux says; before the last key, nothing was sent.
    pub fn send_parts(&self, parts: &[String]) -> io::Result<Steered> {
        let parts: Vec<String> = parts.iter().map(|part| plain(part)).collect();
        if parts.iter().all(|part| part.trim().is_empty()) {
            return Ok(refused("there is nothing to say"));
        }
        if parts.iter().any(|part| is_for_shell(part)) {
            return Ok(refused(FOR_SHELL));
        }
        let mut now = match self.reach() {
            Ok(now) => now,
            Err(why) => return Ok(refused(why)),
        };
        if now.size.0 < SMALLEST.0 || now.size.1 < SMALLEST.1 {
            let (columns, lines) = SMALLEST;
            return Ok(refused(format!("its terminal has less than {columns} columns or {lines} lines")));
        }
        // One that has just been opened draws its field a little later.
        if !is_ready(&self.seen(&now.screen)) {
            self.until(UNTIL_DRAWN, is_ready)?;
            now = self.server().glimpse(&self.pane.pane_id)?;
        }
        let before = self.seen(&now.screen);
        if before.dialog.is_some() {
            return Ok(refused("it asks something; answer that first"));
        }
        if before.draft_goes_on {
            return Ok(refused("somebody has half typed several lines in it, which can't be put aside"));
        }
        let Some(mut field) = before.draft else {
            return Ok(refused("its field for a prompt is not to be seen: look at its terminal"));
        };
        let (server, pane) = (self.server(), self.pane.pane_id.as_str());
        // Where the cursor stands at the beginning, what is shown behind it is a hint of the agent's own.
        let draft = if now.cursor <= START { String::new() } else { field.clone() };
        if !draft.is_empty() {
            server.press(pane, &["C-e", "C-u"])?;
            let (screen, is_aside) =
                self.wait(UNTIL_PASTED, |screen| screen.draft.as_ref().is_none_or(|now| *now != draft))?;
            if !is_aside {
                return Ok(refused("somebody types in it, and their words can't be put aside"));
            }
            field = screen.draft.unwrap_or_default();
        }
        for part in &parts {
            server.paste(pane, part)?;
            let is_new = |screen: &Screen| screen.draft.as_ref().is_some_and(|now| *now != field);
            let (screen, is_pasted) = self.wait(UNTIL_PASTED, is_new)?;
            if !is_pasted {
                return Ok(Steered::Unknown { seen: "the words did not appear in its field".to_owned() });
            }
            field = screen.draft.unwrap_or_default();
            sleep(agent(self.session.source()).live().settles());
        }
        let pasted = self.read()?.draft;
        server.press(pane, &["Enter"])?;
        // A field that is not to be seen, as while it is drawn anew, says nothing; nor does one that has another width.
        let is_other = |now: &String| {
            let still =
                |pasted: &String| now.starts_with(pasted.as_str()) || pasted.starts_with(now.as_str());
            now.is_empty() || !pasted.as_ref().is_some_and(still)
        };
        let is_gone = |screen: &Screen| {
            screen.dialog.is_some() || screen.is_busy || screen.draft.as_ref().is_some_and(is_other)
        };
        let (screen, mut is_sent) = self.wait(UNTIL_SENT, is_gone)?;
        if !is_sent && screen.draft == pasted {
            // The key was taken for a part of the paste: the words still stand there, so it is pressed once more.
            server.press(pane, &["Enter"])?;
            is_sent = self.until(UNTIL_SENT, is_gone)?;
        }
        // A dialog that comes up at once takes no words: they are put back when it is gone, or told.
        let is_back =
            draft.is_empty() || !is_sent || self.until(UNTIL_GONE, |screen| screen.draft.is_some())?;
        if !draft.is_empty() && is_sent && is_back {
            server.paste(pane, &draft)?;
        }
        Ok(if is_sent && !is_back {
            let lost = format!(
                "the words left its field; it asks something now, and what was half typed there is not put back: {draft}"
            );
            Steered::Delivered { proof: lost }
        } else if is_sent {
            Steered::Delivered { proof: "the words left its field".to_owned() }
        } else {
            Steered::Unknown { seen: "the words still stand in its field".to_owned() }
        })
    }

    /// Chooses something by a word of the agent's own; what it asks about that is for a person.
    ///
    /// # Errors
    /// What tmux says; before the last key, nothing was sent.
    pub fn choose(&self, words: &str) -> io::Result<Steered> {
        let sent = self.send(words)?;
        if matches!(sent, Steered::Delivered { .. })
            && self.until(UNTIL_HEARD, |screen| screen.dialog.is_some())?
        {
            return Ok(Steered::Unknown {
                seen: "it asks about it now: answer that in its terminal".to_owned(),
            });
        }
        Ok(sent)
    }

    /// Interrupts what the agent does.
    ///
    /// # Errors
    /// What tmux says.
    pub fn interrupt(&self) -> io::Result<Steered> {
        let screen = match self.reach() {
            Ok(now) => self.seen(&now.screen),
            Err(why) => return Ok(refused(why)),
        };
        if screen.dialog.is_none() && !screen.is_busy {
            return Ok(refused("it does nothing that could be interrupted"));
        }
        self.server().press(&self.pane.pane_id, &["Escape"])?;
        let is_over = self.until(UNTIL_GONE, |screen| screen.dialog.is_none() && !screen.is_busy)?;
        Ok(if is_over {
            Steered::Delivered { proof: "it stopped".to_owned() }
        } else {
            Steered::Unknown { seen: "it still works".to_owned() }
        })
    }

    /// Has it ask for more or for less, as far as its keys let that be chosen; its own screen says what holds.
    ///
    /// # Errors
    /// What tmux says.
    pub fn mode(&self, wanted: LiveMode) -> io::Result<Steered> {
        /// It has fewer than these, and goes through them in a circle.
        const MODES: usize = 6;
        let now = match self.reach() {
            Ok(now) => now,
            Err(why) => return Ok(refused(why)),
        };
        let live = agent(self.session.source()).live();
        let server = self.server();
        let shown = || Ok::<_, io::Error>(live.mode(&server.screen(&self.pane.pane_id)?));
        if self.seen(&now.screen).dialog.is_some() {
            return Ok(refused("it asks something; answer that first"));
        }
        for _ in 0..MODES {
            let Some((mode, key)) = shown()? else {
                return Ok(refused("its screen does not say what it may do without asking"));
            };
            if mode == wanted {
                return Ok(Steered::Delivered { proof: format!("its screen says so: {}", mode.as_str()) });
            }
            server.press(&self.pane.pane_id, &[key])?;
            let began = Instant::now();
            // While it is drawn anew, nothing is to be seen of it.
            while shown()?.is_none_or(|(now, _)| now == mode) && began.elapsed() < UNTIL_HEARD {
                sleep(LOOK);
            }
        }
        Ok(refused("it has no such setting"))
    }
}

/// Says whether a screen is drawn as far as to be answered or told something.
fn is_ready(screen: &Screen) -> bool {
    screen.dialog.is_some() || screen.draft.is_some()
}

/// In a smaller terminal, words in the field are cut off.
const SMALLEST: (u32, u32) = (30, 10);

pub(super) const FOR_SHELL: &str =
    "an agent runs what begins with ! in a shell, without asking; say it in other words, or in its terminal";

/// Says whether an agent would take words for a command to a shell.
pub(super) fn is_for_shell(text: &str) -> bool {
    text.trim_start().starts_with(['!', '！'])
}

/// Where the cursor stands at most in an empty field: behind a frame, a mark and a blank.
const START: usize = 4;

/// What may be typed: text, its line ends and tabs, nothing that a terminal takes for a command.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_typed() {
        assert_eq!(plain("a\x1b[201~b\r\nc\td\x03\u{9b}x"), "a[201~b\nc\tdx");
    }

    #[test]
    fn what_a_shell_would_run_is_known() {
        assert!(is_for_shell("!ls") && is_for_shell(" \n\t! rm -rf /") && !is_for_shell("Do it!"));
    }
}

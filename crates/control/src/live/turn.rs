//! Where a turn stands, by the end of a transcript.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use marline_agents::event::hash;
use marline_agents::json::Raw;
use marline_agents::live::{Context, Live, Sign, time_of};
use marline_model::{LiveState, Timestamp};

/// So much of the end is read first, and eight times as much where that tells nothing.
const FIRST: u64 = 64 << 10;
/// More is never read: what stands further back is no news.
const MOST: u64 = 32 << 20;

/// What the end of a transcript says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The agent works, or waits for a prompt.
    pub state: LiveState,
    /// When it was last heard of.
    pub at: Option<Timestamp>,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// Tools that were called, and whose output is not there.
    pub open: Option<OpenCalls>,
    /// It ended with a plan, about which the agent's screen asks.
    pub has_plan: bool,
    /// How full the context is, where the records tell.
    pub context: Option<Context>,
}

impl Turn {
    /// Says whether it is of a process before the one that began then.
    pub fn is_before(&self, began: Timestamp) -> bool {
        /// When a process began is known to so much.
        const SLACK: i64 = 1_000;
        self.at.is_some_and(|at| at.as_millis() + SLACK < began.as_millis())
    }

    /// The same for a process that began then: what was cut off before it does not go on, and nothing waits any more.
    pub fn seen_from(self, began: Timestamp) -> Self {
        if self.is_before(began) { Turn { state: LiveState::Idle, open: None, ..self } } else { self }
    }
}

/// Calls without an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCalls {
    /// Tells them from others.
    pub print: u64,
    /// There is one alone.
    pub is_one: bool,
}

impl OpenCalls {
    fn of(calls: &[String]) -> Option<Self> {
        let print = hash(&calls.iter().map(String::as_bytes).collect::<Vec<_>>());
        (!calls.is_empty()).then_some(OpenCalls { print, is_one: calls.len() == 1 })
    }

    /// Says whether a call is the only one.
    pub fn is_alone(&self, call: &str) -> bool {
        OpenCalls::of(&[call.to_owned()]) == Some(*self)
    }
}

/// Whose records a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A session's.
    Session,
    /// A sub-agent's.
    Helper,
}

/// Reads where the last turn stands; nothing where the records do not tell.
///
/// # Errors
/// What the system says of the file.
pub fn turn(file: &Path, live: &dyn Live, whose: Whose) -> io::Result<Option<Turn>> {
    let file = File::open(file)?;
    let length = file.metadata()?.len();
    let mut size = FIRST.min(length);
    loop {
        let mut bytes = vec![0; size as usize];
        let read = file.read_at(&mut bytes, length - size)?;
        bytes.truncate(read);
        // The first line may be cut off, unless it is the file's.
        let whole = if size == length { 0 } else { memchr::memchr(b'\n', &bytes).map_or(read, |at| at + 1) };
        if let Some(turn) = last(&bytes[whole..], live, whose) {
            return Ok(Some(turn));
        }
        if size == length || size >= MOST {
            return Ok(None);
        }
        size = (size * 8).min(length).min(MOST);
    }
}

/// The last turn in whole lines; nothing where its beginning is not among them.
pub(super) fn last(bytes: &[u8], live: &dyn Live, whose: Whose) -> Option<Turn> {
    // A last line without an end is not written yet.
    let end = memchr::memrchr(b'\n', bytes)? + 1;
    let sign = |record| match whose {
        Whose::Session => live.sign(record),
        Whose::Helper => live.sign_of_helper(record),
    };
    let signs = lines(bytes, end).filter_map(|record| Some((sign(record)?, time_of(record))));
    let mut signs = signs.peekable();
    let (newest, at) = signs.peek().cloned()?;
    let (mut returned, mut open) = (Vec::new(), Vec::new());
    let (mut is_begun, mut is_found) = (None, false);
    for (sign, at) in signs.by_ref() {
        match sign {
            Sign::Called { call } if returned.contains(&call) || open.contains(&call) => {}
            Sign::Called { call } => open.push(call),
            Sign::Returned { call } => returned.push(call),
            Sign::Spoke | Sign::Planned => {}
            Sign::Began => is_begun = is_begun.or(Some((at, false))),
            Sign::Announced => {
                is_begun = Some((at, true));
                break;
            }
            Sign::Ended => {
                is_found = true;
                break;
            }
        }
    }
    if !is_found && is_begun.is_none() {
        return None;
    }
    let mut before =
        signs.map(|(sign, _)| sign).take_while(|sign| !matches!(sign, Sign::Began | Sign::Announced));
    let has_plan = newest == Sign::Ended && before.any(|sign| sign == Sign::Planned);
    let context = lines(bytes, end).find_map(|record| live.context(record));
    let is_over = match newest {
        Sign::Ended => true,
        // Of an agent that tells ends, an answer is none.
        Sign::Spoke => !is_begun.is_some_and(|(_, is_announced)| is_announced),
        _ => false,
    };
    let state = if is_over { LiveState::Idle } else { LiveState::Working };
    let since = if is_over { at } else { is_begun.map_or(at, |(since, _)| since) };
    let open = OpenCalls::of(&open).filter(|_| !is_over);
    Some(Turn { state, at, since, open, has_plan, context })
}

/// The records in whole lines, the last first.
fn lines(bytes: &[u8], end: usize) -> impl Iterator<Item = Raw<'_>> {
    let lines = bytes[..end].rsplit(|byte| *byte == b'\n');
    lines.filter_map(|line| Raw::first(line).ok()).map(|(record, _)| record)
}

#[cfg(test)]
mod tests {
    use marline_model::Source;

    use super::*;
    use crate::target::agent;

    fn turn_of(lines: &[&str]) -> Option<Turn> {
        last(lines.join("\n").as_bytes(), agent(Source::Claude).live(), Whose::Session)
    }

    const PROMPT: &str =
        r#"{"type":"user","message":{"role":"user","content":"Do it"},"timestamp":"2026-11-26T01:00:00Z"}"#;
    const ANSWER: &str = r#"{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Done"}],"stop_reason":"end_turn"},"timestamp":"2026-11-26T01:00:05Z"}"#;

    #[test]
    fn a_bad_line_in_the_middle_hides_nothing_behind_it() {
        for bad in ["{\"type\":\"assis", "\u{0}\u{0}", "[", "not json", ""] {
            let turn = turn_of(&[PROMPT, bad, ANSWER, ""]).expect("the end tells");
            assert_eq!(turn.state, LiveState::Idle, "{bad:?}");
            let turn = turn_of(&[PROMPT, ANSWER, bad, PROMPT, bad, ""]).expect("the end tells");
            assert_eq!(turn.state, LiveState::Working, "{bad:?}");
        }
    }

    #[test]
    fn a_last_line_that_is_not_whole_is_not_there_yet() {
        let half = &ANSWER[..ANSWER.len() - 20];
        assert_eq!(turn_of(&[PROMPT, half]).map(|turn| turn.state), Some(LiveState::Working));
        assert_eq!(turn_of(&[half]), None);
    }
}

//! What is handed over: a session's items, as the index knows them.

use std::collections::BTreeMap;

use marline_agents::image::Image;
use marline_agents::said::{Call, Said, What};
use marline_index::{Entry, Index, IndexError, ItemKey, Session, Window};
use marline_model::{ItemKind, SessionId, Timestamp};

use crate::ActError;

/// Items of one page.
const PAGE: usize = 500;
/// A longer output is cut: agents tell their own models no more of it.
const LONGEST_OUTPUT: usize = 32 << 10;
/// A larger picture is left out.
const LARGEST_PICTURE: usize = 5 << 20;
/// No model takes more.
const MOST_BYTES: usize = 64 << 20;

/// Which items are handed over; without limits, all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// The first one's number.
    pub from: Option<u64>,
    /// The last one's number.
    pub to: Option<u64>,
}

impl Range {
    fn holds(self, key: ItemKey) -> bool {
        let is_own = key.back == 0;
        self.from.is_none_or(|from| is_own && key.seq >= from)
            && self.to.is_none_or(|to| !is_own || key.seq <= to)
    }
}

/// How much there is of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub prompts: u64,
    pub answers: u64,
    pub commands: u64,
    /// Calls of other tools, by their names.
    pub calls: BTreeMap<String, u64>,
    pub outputs_cut: u64,
    pub pictures: u64,
    pub pictures_left: u64,
    pub reasoning: u64,
    pub contexts: u64,
    pub compactions: u64,
    pub notices: u64,
    pub errors: u64,
    pub unreadable: u64,
    pub bytes: usize,
}

/// A conversation, or a part of it.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The session.
    pub session: Session,
    /// What was said and done, in order, each with its place.
    pub said: Vec<(ItemKey, Said)>,
    /// The last failure that the agent told of after its last answer.
    pub last_error: Option<String>,
    pub(super) tally: Tally,
}

impl Conversation {
    /// Reads it from the index.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when nothing was said in that range, or too much; [`ActError::Failed`].
    pub fn read(index: &Index, id: &SessionId, range: Range) -> Result<Self, ActError> {
        let failed = |error: IndexError| ActError::failed_to_read(id, error);
        let session = index.session_by_id(id).map_err(failed)?;
        let at = session.started_at.unwrap_or(Timestamp::from_millis(0));
        let mut reading = Reading {
            index,
            at,
            conversation: Conversation {
                session,
                said: Vec::new(),
                last_error: None,
                tally: Tally::default(),
            },
        };
        let mut window = Window::Start;
        loop {
            let page = index.items(id, window, PAGE).map_err(failed)?;
            for entry in page.items.into_iter().filter(|entry| range.holds(entry.key)) {
                reading.entry(entry);
                if reading.conversation.tally.bytes > MOST_BYTES {
                    return Err(ActError::Invalid {
                        message: format!("{id} holds more than {} MB of text", MOST_BYTES >> 20),
                        hint: Some("Say from where on: --from SEQ".to_owned()),
                    });
                }
            }
            match page.next {
                Some(next) => window = Window::After(next),
                None => break,
            }
        }
        if reading.conversation.said.is_empty() {
            return Err(ActError::invalid(format!("nothing was said in {id} in that range")));
        }
        Ok(reading.conversation)
    }

    /// The prompts, each with its place.
    pub fn prompts(&self) -> impl DoubleEndedIterator<Item = (ItemKey, &str)> {
        self.said.iter().filter_map(|(key, said)| match &said.what {
            What::Prompt { text, .. } => Some((*key, text.as_str())),
            _ => None,
        })
    }

    /// The calls, each with its place.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = (ItemKey, &Call)> {
        self.said.iter().filter_map(|(key, said)| match &said.what {
            What::Call(call) => Some((*key, call)),
            _ => None,
        })
    }
}

struct Reading<'a> {
    index: &'a Index,
    /// When the last item with a time happened.
    at: Timestamp,
    conversation: Conversation,
}

impl Reading<'_> {
    fn entry(&mut self, entry: Entry) {
        let key = entry.key;
        self.at = entry.at.unwrap_or(self.at);
        let tally = &mut self.conversation.tally;
        if entry.unreadable && entry.text.is_empty() {
            tally.unreadable += 1;
            return;
        }
        let what = match entry.kind {
            ItemKind::Prompt => {
                let images = self.pictures(&entry);
                let text = if images.is_empty() { entry.text } else { without_marks(&entry.text) };
                if text.trim().is_empty() && images.is_empty() {
                    return;
                }
                self.conversation.tally.prompts += 1;
                What::Prompt { text, images }
            }
            ItemKind::Answer if entry.text.trim().is_empty() => return,
            ItemKind::Answer => {
                tally.answers += 1;
                self.conversation.last_error = None;
                What::Answer { text: entry.text, model: entry.model }
            }
            ItemKind::Tool => What::Call(self.call(entry)),
            // What the calls before it came to: they are handed over themselves.
            ItemKind::FileChange => return,
            kind => {
                let count = match kind {
                    ItemKind::Reasoning => &mut tally.reasoning,
                    ItemKind::Compaction => &mut tally.compactions,
                    ItemKind::Context => &mut tally.contexts,
                    ItemKind::Error => &mut tally.errors,
                    _ => &mut tally.notices,
                };
                *count += 1;
                if kind == ItemKind::Error {
                    self.conversation.last_error = Some(entry.text);
                }
                return;
            }
        };
        self.conversation.tally.bytes += match &what {
            What::Prompt { text, images } => text.len() + images.iter().map(|i| i.bytes.len()).sum::<usize>(),
            What::Answer { text, .. } => text.len(),
            What::Call(call) => call.input.len() + call.output.len(),
        };
        self.conversation.said.push((key, Said { at: self.at, what }));
    }

    fn call(&mut self, entry: Entry) -> Call {
        let tally = &mut self.conversation.tally;
        tally.pictures_left += entry.images as u64;
        let tool = entry.tool.unwrap_or_default();
        let mut output = tool.output.unwrap_or_default();
        if output.len() > LONGEST_OUTPUT {
            let end = output.floor_char_boundary(LONGEST_OUTPUT);
            let left = output.len() - end;
            output.truncate(end);
            output.push_str(&format!("\n[{left} more bytes are left out]"));
            tally.outputs_cut += 1;
        }
        let call =
            Call { tool: tool.name, input: tool.input.unwrap_or(entry.text), output, status: tool.status };
        if call.command().is_some() {
            tally.commands += 1;
        } else {
            *tally.calls.entry(call.tool.clone()).or_default() += 1;
        }
        call
    }

    fn pictures(&mut self, entry: &Entry) -> Vec<Image> {
        let read = |n| self.index.image(&self.conversation.session.id, entry.key, n).ok();
        let found: Vec<Image> =
            (0..entry.images).filter_map(read).filter(|image| image.bytes.len() <= LARGEST_PICTURE).collect();
        let tally = &mut self.conversation.tally;
        tally.pictures += found.len() as u64;
        tally.pictures_left += (entry.images - found.len()) as u64;
        found
    }
}

/// Takes away what readers put in the place of a picture.
fn without_marks(text: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| line.trim() != "[image]").collect();
    kept.join("\n").trim().to_owned()
}

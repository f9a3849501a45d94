//! What the transcript says of a prompt. Whatever a driver reports, this is believed.

use std::path::Path;

use marline_index::{Index, IndexError, Transcript};
use marline_model::{ItemKind, SessionId, Timestamp, Usage};

/// So many items of a turn are looked at.
const MOST: usize = 5_000;
/// So much of a prompt must stand there as it was said.
const ENOUGH: usize = 300;

/// How far a prompt came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its session is not known, or it does not stand there.
    Absent,
    /// It stands there, and its answer does not, or not to its end.
    Half,
    /// It was answered, for so many tokens, at that time.
    Done(String, Usage, Option<Timestamp>),
}

/// Reads transcripts through the index.
pub struct Transcripts(Index);

impl Transcripts {
    /// Opens the index, which somebody else keeps fresh.
    ///
    /// # Errors
    /// [`IndexError`]
    pub fn open(dir: &Path) -> Result<Self, IndexError> {
        Index::open_small(dir).map(Transcripts)
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.0
    }

    /// Looks for a prompt among the items from `from` on; `asides` were said to the agent while it worked at it.
    ///
    /// # Errors
    /// [`IndexError`]
    pub fn verdict(
        &self,
        session: &SessionId,
        from: u64,
        prompt: &str,
        asides: &[String],
    ) -> Result<Verdict, IndexError> {
        let page = match self.0.transcript(&session.to_string(), Transcript::From(from, MOST)) {
            Ok(page) => page,
            Err(IndexError::NotFound(_)) => return Ok(Verdict::Absent),
            Err(error) => return Err(error),
        };
        let wanted = plain(prompt);
        let is_it = |text: &str| {
            let found = plain(text);
            let end = wanted.char_indices().nth(ENOUGH).map_or(wanted.len(), |(at, _)| at);
            found == wanted || (wanted.len() > ENOUGH && found.contains(&wanted[..end]))
        };
        let mut own = page.items.iter().filter(|item| !item.inherited && item.seq >= from).rev();
        // From behind: what came after the prompt that was said last.
        let mut last = None;
        let mut usage = Usage::default();
        for item in own.by_ref() {
            usage += item.usage.unwrap_or_default();
            match item.kind {
                ItemKind::Prompt if is_it(&item.text) => {
                    return Ok(match last {
                        Some((ItemKind::Answer, text, at)) => Verdict::Done(text, usage, at),
                        _ => Verdict::Half,
                    });
                }
                ItemKind::Prompt if asides.iter().any(|aside| plain(aside) == plain(&item.text)) => {}
                // Said by somebody else after it.
                ItemKind::Prompt => (last, usage) = (None, Usage::default()),
                ItemKind::Answer | ItemKind::Tool | ItemKind::FileChange | ItemKind::Error
                    if last.is_none() =>
                {
                    last = Some((item.kind, item.text.clone(), item.at));
                }
                _ => {}
            }
        }
        Ok(Verdict::Absent)
    }
}

/// White space is an agent's own affair.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

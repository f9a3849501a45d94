//! Full-text search: which texts hold which words.
//!
//! Texts go into an [`Inverter`] in memory; when it is full, or at a commit, it is written as one [`Segment`], a
//! file that is never changed again. A [`Segment`] answers with numbers of texts: those with a word, those with
//! any word that begins with, contains or is spelt like another one ([`Segment::numbers_with`]). What a text is about
//! stands in its [`Doc`]; the text itself is not kept, and neither are positions: a phrase is proven by the
//! caller, on the text. [`merge()`] makes one segment of several.
//!
//! **Promises.** A segment file is written whole or not at all: it gets its name when it is complete and on disk.
//! A damaged one gives an error, never a panic. Memory is bounded by [`Inverter::is_full`]; a segment is read by
//! place and never held.
//!
//! **Knows nothing of** sessions, catalogues and commits: which segments belong together, and which of their texts
//! are gone, is for the caller to say.
//!
//! ```
//! use marline_text::{Doc, Inverter, Segment, Wanted};
//!
//! let dir = tempfile::tempdir()?;
//! let mut texts = Inverter::default();
//! texts.add(Doc { session: 1, seq: 0, at: 0, tool: 0, kind: 0 }, "fn getUserToken()");
//! texts.add(Doc { session: 1, seq: 1, at: 0, tool: 0, kind: 0 }, "a token, expired");
//! texts.write(&dir.path().join("1.words"))?;
//!
//! let segment = Segment::open(&dir.path().join("1.words"))?;
//! assert_eq!(segment.numbers_with(&Wanted::Word("token"))?, [0, 1]);
//! assert_eq!(segment.numbers_with(&Wanted::Start("getu"))?, [0]);
//! # Ok::<(), std::io::Error>(())
//! ```

mod dictionary;
mod doc;
mod inverter;
mod merge;
mod numbers;
mod segment;
mod spelling;
mod vocabulary;
mod words;
mod write;

pub use doc::Doc;
pub use inverter::Inverter;
pub use merge::{Deleted, merge};
pub use numbers::{common, either, without};
pub use segment::{Segment, Wanted};
pub use spelling::{forgiven, is_spelt_like};
pub use words::{MAX_WORD, Words, is_cjk, query_words};

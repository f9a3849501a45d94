//! The search index: Tantivy without positions, one document for each text.
//!
//! A document names its item by the session's number and the item's seq; the text itself is not kept. Every
//! document bears the number of the batch that brought it, so that a batch that was committed here but not in
//! the catalogue (a kill in between) can be taken out again.

use std::path::{Path, PathBuf};

use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use crate::terms::Words;

/// Name under which the tokenizer is registered.
const TOKENIZER: &str = "words";
/// What each indexing thread may hold before it writes a segment. Two of them and their column buffers stay
/// below a third of the memory ceiling.
const BUDGET_PER_THREAD: usize = 48 << 20;
/// Segments beyond this many documents are left alone: merging them again costs more than it gives.
const MAX_MERGED_DOCS: usize = 300_000;

/// Why the search index could not be used. What was committed stays.
#[derive(Debug, thiserror::Error)]
#[error("the search index {path} could not be used", path = path.display())]
pub struct TextIndexError {
    /// The index.
    pub path: PathBuf,
    /// What Tantivy said.
    pub source: TantivyError,
}

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The words.
    pub text: Field,
    /// The session's number.
    pub session: Field,
    /// The item's number within the session.
    pub seq: Field,
    /// The item's kind, as its number.
    pub kind: Field,
    /// The tool's number among the names, 0 for none.
    pub tool: Field,
    /// When, in milliseconds; 0 where it is not known.
    pub at: Field,
    /// The batch that brought it.
    pub batch: Field,
}

/// One text to be indexed.
#[derive(Debug, Clone)]
pub struct TextDoc {
    /// The session's number.
    pub session: u64,
    /// The item's number within the session.
    pub seq: u64,
    /// The item's kind, as its number.
    pub kind: u8,
    /// The tool's number among the names, 0 for none.
    pub tool: u64,
    /// When, in milliseconds; 0 where it is not known.
    pub at: i64,
    /// The text.
    pub text: String,
}

/// The index as readers and the writer share it.
#[derive(Clone)]
pub struct TextIndex {
    path: PathBuf,
    index: Index,
    /// The fields.
    pub fields: Fields,
}

impl TextIndex {
    /// Opens the index, making it if there is none.
    ///
    /// # Errors
    /// [`TextIndexError`], also when it is damaged or of another shape: then it is to be made anew.
    pub fn open(path: &Path) -> Result<Self, TextIndexError> {
        let fail = |source| TextIndexError { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(|error| fail(TantivyError::IoError(error.into())))?;
        let directory = MmapDirectory::open(path).map_err(|error| fail(error.into()))?;
        let (schema, fields) = schema();
        let index = Index::open_or_create(directory, schema).map_err(fail)?;
        Ok(Self::with(path, index, fields))
    }

    /// Opens the index for reading; `None` if there is none.
    ///
    /// # Errors
    /// [`TextIndexError`] when it is damaged.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, TextIndexError> {
        if !path.join("meta.json").exists() {
            return Ok(None);
        }
        let index =
            Index::open_in_dir(path).map_err(|source| TextIndexError { path: path.to_owned(), source })?;
        Ok(Some(Self::with(path, index, schema().1)))
    }

    fn with(path: &Path, index: Index, fields: Fields) -> Self {
        index.tokenizers().register(TOKENIZER, Words::default());
        TextIndex { path: path.to_owned(), index, fields }
    }

    fn fail(&self, source: TantivyError) -> TextIndexError {
        TextIndexError { path: self.path.clone(), source }
    }

    /// Returns the number of the batch that was committed last; 0 for none.
    ///
    /// # Errors
    /// [`TextIndexError`] when the index's own list of segments can't be read.
    pub fn last_batch(&self) -> Result<u64, TextIndexError> {
        let metas = self.index.load_metas().map_err(|source| self.fail(source))?;
        Ok(metas.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
    }

    /// Returns a reader of what is committed now.
    ///
    /// # Errors
    /// [`TextIndexError`] when a segment can't be opened.
    pub fn reader(&self) -> Result<IndexReader, TextIndexError> {
        self.index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|source| self.fail(source))
    }

    /// Begins to write, with as many indexing threads as asked for.
    ///
    /// # Errors
    /// [`TextIndexError`] when another writer is at work.
    pub fn writer(&self, threads: usize, bulk: bool) -> Result<TextWriter, TextIndexError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(BUDGET_PER_THREAD)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter =
            self.index.writer_with_options(options).map_err(|source| self.fail(source))?;
        if bulk {
            writer.set_merge_policy(Box::new(NoMergePolicy));
        } else {
            let mut policy = LogMergePolicy::default();
            policy.set_max_docs_before_merge(MAX_MERGED_DOCS);
            writer.set_merge_policy(Box::new(policy));
        }
        Ok(TextWriter { index: self.clone(), writer, batch: 0 })
    }
}

/// Writes to the index.
pub struct TextWriter {
    index: TextIndex,
    writer: IndexWriter,
    /// The number that documents get now.
    pub batch: u64,
}

impl TextWriter {
    /// Adds one text; it becomes visible with the next commit.
    ///
    /// # Errors
    /// [`TextIndexError`] when an indexing thread has died, of a full disk for instance.
    pub fn add(&self, doc: &TextDoc) -> Result<(), TextIndexError> {
        let fields = &self.index.fields;
        let mut document = TantivyDocument::new();
        document.add_u64(fields.session, doc.session);
        document.add_u64(fields.seq, doc.seq);
        document.add_u64(fields.kind, u64::from(doc.kind));
        document.add_u64(fields.tool, doc.tool);
        document.add_i64(fields.at, doc.at);
        document.add_u64(fields.batch, self.batch);
        document.add_text(fields.text, &doc.text);
        self.writer.add_document(document).map(drop).map_err(|source| self.index.fail(source))
    }

    /// Takes all texts of a session out.
    pub fn delete_session(&self, session: u64) {
        self.writer.delete_term(Term::from_field_u64(self.index.fields.session, session));
    }

    /// Takes all texts of a batch out.
    pub fn delete_batch(&self, batch: u64) {
        self.writer.delete_term(Term::from_field_u64(self.index.fields.batch, batch));
    }

    /// Makes what was added visible and durable, under the current batch's number.
    ///
    /// # Errors
    /// [`TextIndexError`]; what was committed before stays.
    pub fn commit(&mut self) -> Result<(), TextIndexError> {
        let batch = self.batch.to_string();
        let fail = |source| TextIndexError { path: self.index.path.clone(), source };
        let mut prepared = self.writer.prepare_commit().map_err(fail)?;
        prepared.set_payload(&batch);
        prepared.commit().map(drop).map_err(fail)
    }

    /// Waits for merges that are under way.
    ///
    /// # Errors
    /// [`TextIndexError`] when a merge failed.
    pub fn finish(self) -> Result<(), TextIndexError> {
        let index = self.index.clone();
        self.writer.wait_merging_threads().map_err(|source| index.fail(source))
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let named = NumericOptions::default() | FAST;
    let fields = Fields {
        text: builder.add_text_field("text", TextOptions::default().set_indexing_options(words)),
        session: builder.add_u64_field("session", named.clone() | INDEXED),
        seq: builder.add_u64_field("seq", named.clone()),
        kind: builder.add_u64_field("kind", named.clone()),
        tool: builder.add_u64_field("tool", named.clone()),
        at: builder.add_i64_field("at", named),
        batch: builder.add_u64_field("batch", INDEXED),
    };
    (builder.build(), fields)
}

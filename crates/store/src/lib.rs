//! The storage boundary: the one careful way in which Marline writes threads.
//!
//! [`ThreadStore`] is the contract. [`LocalThreadStore`] keeps threads as Codex does: rollouts below the agent's home,
//! what lists need in its database where there is one, names in its index. [`InMemoryThreadStore`] keeps them for tests
//! and for programs that embed this crate. Above a store, [`LiveThread`] owns one active thread: it decides what is
//! durable, derives metadata from what is appended, and sends it as patches; [`ThreadManager`] finds the right one of
//! the two for a change. [`work`] keeps what people ask of many agents at once, [`reviews`] what one
//! agent says of another one's work, [`drafts`] what is half written to one.
//!
//! ```text
//! ThreadManager ─► LiveThread ─► ThreadStore ─► rollout, database, name index
//!        └────────── cold ──────────┘
//! ```
//!
//! **Promises.** `append_items` infers nothing. Metadata changes through `update_thread_metadata` alone. A thread has one
//! writer at a time, across processes. What a flush acknowledged survives a crash of the machine; what an append
//! acknowledged survives the drop of its [`LiveThread`]. Records of unknown kinds are carried byte for byte.
//! **Knows nothing of** the index, of HTTP, of agents' programs, of the environment and the clock: times and ids come in.
//!
//! ```
//! use marline_model::{ThreadId, Timestamp};
//! use marline_store::{HistoryItem, InMemoryThreadStore, NewThread, ThreadStore as _};
//!
//! let store = InMemoryThreadStore::default();
//! let id = ThreadId::new(Timestamp::from_millis(1_795_000_000_000), [7; 10]);
//! store.create_thread(NewThread::new(id.clone(), "/projects/shop", "openai"))?;
//! store.append_items(&id, &[HistoryItem::new("event_msg", r#"{"type":"task_started"}"#)?])?;
//! store.persist_thread(&id)?;
//! assert_eq!(store.read_thread(&id)?.metadata.cwd.as_deref(), Some("/projects/shop"));
//! # Ok::<(), marline_store::StoreError>(())
//! ```

mod contract;
mod database;
mod derive;
pub mod drafts;
mod live;
mod local;
mod manager;
mod memory;
mod open;
mod query;
pub mod reviews;
pub mod rows;
mod thread;
pub mod work;

pub use contract::{StoreError, ThreadStore};
pub use derive::{Derived, is_durable};
pub use live::LiveThread;
pub use local::{
    Goal, LISTED, Ledger, LocalThreadStore, Places, Rehomed, RehomedThread, Rehoming, WriterLock,
    open_to_write,
};
pub use manager::ThreadManager;
pub use memory::InMemoryThreadStore;
pub use open::{Imported, OpenFacts, OpenSession, OpenSessions};
pub use query::{Cursor, Direction, Found, ListThreads, PageOf, Relation, SortKey, ThreadPage};
pub use thread::{
    HistoryBase, HistoryItem, ItemPage, Lineage, NewThread, ResumeThread, StoredItem, StoredThread, Turn,
    TurnPage,
};

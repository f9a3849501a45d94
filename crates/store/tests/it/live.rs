//! Live threads and their manager, on the store in memory.

use std::sync::Arc;

use marline_model::{Change, HistoryMode, ThreadMetadataPatch};
use marline_store::{
    InMemoryThreadStore, ListThreads, LiveThread, NewThread, ResumeThread, StoreError, ThreadManager,
    ThreadStore,
};

use crate::homes::{PROVIDER, id, item, now, prompt};

fn store() -> Arc<dyn ThreadStore> {
    Arc::new(InMemoryThreadStore::default())
}

fn new() -> NewThread {
    NewThread { history_mode: HistoryMode::Legacy, ..NewThread::new(id(1), "/work", PROVIDER) }
}

#[test]
fn a_start_that_failed_leaves_no_trace() {
    let store = store();
    let live = LiveThread::create(store.clone(), new()).unwrap();
    live.discard().unwrap();
    assert!(matches!(live.append(&[prompt("late")], now()), Err(StoreError::Conflict { .. })));
    drop(live);
    // Nor does one that was dropped before anything was said.
    drop(LiveThread::create(store.clone(), new()).unwrap());
    assert!(store.list_threads(&ListThreads::all()).unwrap().threads.is_empty());
    LiveThread::create(store, new()).unwrap();
}

#[test]
fn touches_of_the_update_time_are_coalesced() {
    let store = store();
    let live = LiveThread::create(store.clone(), new()).unwrap();
    let start = now();
    let later = |millis: i64| marline_model::Timestamp::from_millis(start.as_millis() + millis);
    live.append(&[prompt("hi")], start).unwrap();
    let told = || store.read_thread(&id(1)).unwrap().metadata.updated_at;
    assert_eq!(told(), Some(start));
    live.append(&[item("response_item", "{}")], later(1000)).unwrap();
    assert_eq!(told(), Some(start), "too soon");
    live.append(&[item("response_item", "{}")], later(6000)).unwrap();
    assert_eq!(told(), Some(later(6000)));
    live.append(&[item("response_item", "{}")], later(7000)).unwrap();
    live.flush().unwrap();
    assert_eq!(told(), Some(later(7000)), "a flush tells everything");
}

#[test]
fn a_change_goes_through_the_live_thread_where_there_is_one() {
    let store = store();
    let manager = ThreadManager::new(store.clone());
    let name = |text: &str| ThreadMetadataPatch { name: Change::Set(text.to_owned()), ..Default::default() };
    let live = manager.start(new()).unwrap();
    // It has no history, so only its live thread can take a name.
    manager.update_thread_metadata(&id(1), name("while it is live"), now()).unwrap();
    live.append(&[prompt("hi")], now()).unwrap();
    assert_eq!(store.read_thread(&id(1)).unwrap().metadata.name.as_deref(), Some("while it is live"));
    let again = manager.resume(&id(1), ResumeThread::default()).unwrap();
    assert!(Arc::ptr_eq(&live, &again), "whoever resumes it joins");
    drop((live, again));
    manager.update_thread_metadata(&id(1), name("cold"), now()).unwrap();
    assert_eq!(store.read_thread(&id(1)).unwrap().metadata.name.as_deref(), Some("cold"));
    let nobody = manager.update_thread_metadata(&id(2), name("x"), now());
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
}

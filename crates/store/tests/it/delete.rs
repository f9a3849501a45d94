//! Threads are deleted with all that Codex' databases have of them, and come back with it.

use std::path::Path;

use marline_model::{HistoryMode, ThreadId};
use marline_store::{LocalThreadStore, NewThread, StoreError, ThreadStore as _};
use rusqlite::Connection;

use crate::homes::{id, kept, local, places, prompt};

/// All rows of all databases that name a thread.
fn rows(home: &Path, thread: &ThreadId) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["state_5", "thread_history_1"] {
        let connection = Connection::open(home.join(format!("{name}.sqlite"))).unwrap();
        let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for table in tables {
            let mut query = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = query.column_count();
            let mut cursor = query.query([]).unwrap();
            while let Some(row) = cursor.next().unwrap() {
                let text: Vec<String> = (0..columns)
                    .map(|at| format!("{:?}", row.get::<_, rusqlite::types::Value>(at).unwrap()))
                    .collect();
                let text = text.join("|");
                found.extend(text.contains(thread.as_str()).then(|| format!("{table}: {text}")));
            }
        }
    }
    found.sort();
    found
}

fn new(n: u8) -> NewThread {
    NewThread { history_mode: HistoryMode::Legacy, ..NewThread::new(id(n), "/p", "lab") }
}

#[test]
fn a_thread_goes_with_its_rows_and_its_sub_agents_and_comes_back_with_them() {
    let home = local(true);
    let dir = home.dir.path();
    let parent = kept(&home.store, new(1), &[prompt("Ask a helper")]);
    let begun = |n: u8, by: &ThreadId| {
        kept(&home.store, NewThread { parent: Some(by.clone()), ..new(n) }, &[prompt("Look around")])
    };
    let child = begun(2, &parent);
    let grandchild = begun(3, &child);
    let other = kept(&home.store, new(4), &[prompt("Another")]);
    let history = Connection::open(dir.join("thread_history_1.sqlite")).unwrap();
    history
        .execute_batch("CREATE TABLE thread_items (thread_id TEXT, item BLOB, n INTEGER, x REAL, void TEXT)")
        .unwrap();
    for thread in [&parent, &child, &grandchild, &other] {
        history
            .execute("INSERT INTO thread_items VALUES (?1, x'00ff', 7, 0.5, NULL)", [thread.as_str()])
            .unwrap();
    }
    let store = LocalThreadStore::new(places(dir));
    let family = store.family(&parent).unwrap();
    assert_eq!(family, [grandchild.clone(), child.clone(), parent.clone()]);
    let before: Vec<Vec<String>> = family.iter().map(|thread| rows(dir, thread)).collect();
    let untouched = rows(dir, &other);
    assert!(before.iter().all(|rows| rows.len() >= 3), "{before:#?}");
    let mut laid = Vec::new();
    for thread in &family {
        let metadata = store.read_thread(thread).unwrap().metadata;
        let file = store.rollout_path(thread).unwrap();
        let (bytes, mut kept) = (std::fs::read(&file).unwrap(), Vec::new());
        store
            .delete_after(thread, &mut |rows| {
                kept = rows.to_vec();
                Ok(())
            })
            .unwrap();
        assert_eq!(rows(dir, thread), Vec::<String>::new());
        laid.push((thread, file, bytes, metadata, kept));
    }
    assert_eq!(rows(dir, &other), untouched);
    for (thread, file, bytes, metadata, kept) in laid.into_iter().rev() {
        std::fs::write(file, bytes).unwrap();
        store.put_back(thread, metadata, Some(&kept)).unwrap();
    }
    let after: Vec<Vec<String>> = family.iter().map(|thread| rows(dir, thread)).collect();
    assert_eq!(after, before);
}

#[test]
fn what_the_database_can_not_be_told_of_is_not_made() {
    let home = local(true);
    let dir = home.dir.path();
    let origin = kept(&home.store, new(1), &[prompt("Hello")]);
    let database = Connection::open(dir.join("state_5.sqlite")).unwrap();
    database
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON threads BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    let before = crate::homes::files(dir);
    let store = LocalThreadStore::new(places(dir));
    let failed = store.fork_thread(&origin, &id(2), None, None);
    assert!(matches!(failed, Err(StoreError::Internal { .. })), "{failed:?}");
    assert_eq!(crate::homes::files(dir), before);
    assert!(store.read_thread(&id(2)).is_err());
}

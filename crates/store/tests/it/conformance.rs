//! What every store promises.

use std::ops::ControlFlow;
use std::sync::Arc;

use marline_model::{Change, HistoryMode, ThreadId, ThreadMetadataPatch, ThreadSource, Timestamp};
use marline_store::{
    Direction, HistoryBase, HistoryItem, ListThreads, LiveThread, NewThread, PageOf, Relation, ResumeThread,
    SortKey, StoreError, StoredItem, ThreadStore,
};

use crate::homes::{Home, PROVIDER, all, answer, id, item, kept, now, prompt};

/// Runs a test on every store.
fn on_all(test: impl Fn(&str, &Home)) {
    for (name, home) in all() {
        test(name, &home);
    }
}

fn new(n: u8) -> NewThread {
    NewThread::new(id(n), "/projects/shop", PROVIDER)
}

fn history(store: &Arc<dyn ThreadStore>, id: &ThreadId) -> Vec<StoredItem> {
    let mut items = Vec::new();
    store
        .load_history(id, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })
        .unwrap();
    items
}

fn payloads(items: &[StoredItem]) -> Vec<String> {
    items.iter().map(|item| item.item.payload.get().to_owned()).collect()
}

#[test]
fn history_comes_back_in_order_and_byte_for_byte() {
    on_all(|name, Home { store, .. }| {
        // Odd spacing, an unknown kind, an unknown field, letters of all sorts, a number no float holds.
        let odd = [
            item("kind_of_tomorrow", r#"{ "b" :1,  "a":[1, 2,3],"n":123456789012345678901234567890 }"#),
            item("response_item", "{\"type\":\"message\",\"text\":\"\u{202e}ß\\u0000\\ud83d\\ude00\"}"),
            HistoryItem {
                metadata: Some(serde_json::value::RawValue::from_string("{ \"x\":1}".into()).unwrap()),
                ..prompt("hi")
            },
        ];
        let id = kept(store, new(1), &odd);
        let items = history(store, &id);
        let wanted: Vec<String> = odd.iter().map(|item| item.payload.get().to_owned()).collect();
        // What a paginated thread says by other records is not kept by LiveThread.
        assert_eq!(payloads(&items), wanted[..2], "{name}");
        store.resume_thread(&id, ResumeThread::default()).unwrap();
        store.append_items(&id, &odd).unwrap();
        store.shutdown_thread(&id).unwrap();
        let items = history(store, &id);
        assert_eq!(payloads(&items)[2..], wanted, "{name}");
        assert_eq!(items[4].item.metadata.as_ref().unwrap().get(), "{ \"x\":1}", "{name}");
        assert_eq!(items.iter().map(|item| item.ordinal).collect::<Vec<_>>(), [1, 2, 3, 4, 5], "{name}");
    });
}

#[test]
fn an_item_is_json_on_one_line() {
    assert!(matches!(HistoryItem::new("x", "no"), Err(StoreError::InvalidRequest { .. })));
    assert!(matches!(HistoryItem::new("x", "{\n}"), Err(StoreError::InvalidRequest { .. })));
}

#[test]
fn a_new_thread_is_nowhere_before_it_is_persisted() {
    on_all(|name, Home { store, dir }| {
        let before = crate::homes::files(dir.path()).len();
        store.create_thread(new(1)).unwrap();
        store.append_items(&id(1), &[prompt("held")]).unwrap();
        assert!(matches!(store.read_thread(&id(1)), Err(StoreError::NotFound { .. })), "{name}");
        assert!(store.list_threads(&ListThreads::all()).unwrap().threads.is_empty(), "{name}");
        store.persist_thread(&id(1)).unwrap();
        assert_eq!(history(store, &id(1)).len(), 1, "{name}: what was held is there");
        store.shutdown_thread(&id(1)).unwrap();
        // Given up before that, nothing is left.
        for give_up in [ThreadStore::discard_thread, ThreadStore::shutdown_thread] {
            store.create_thread(new(2)).unwrap();
            store.append_items(&id(2), &[prompt("never")]).unwrap();
            give_up(&**store, &id(2)).unwrap();
            assert!(matches!(store.read_thread(&id(2)), Err(StoreError::NotFound { .. })), "{name}");
        }
        store.delete_thread(&id(1)).unwrap();
        assert!(
            crate::homes::files(dir.path()).len() <= before + 1,
            "{name}: {:?}",
            crate::homes::files(dir.path())
        );
    });
}

#[test]
fn a_thread_has_one_writer() {
    on_all(|name, Home { store, .. }| {
        let id = kept(store, new(1), &[item("response_item", "{}")]);
        assert!(matches!(store.create_thread(new(1)), Err(StoreError::Conflict { .. })), "{name}");
        assert!(
            matches!(store.append_items(&id, &[prompt("no")]), Err(StoreError::Conflict { .. })),
            "{name}"
        );
        store.resume_thread(&id, ResumeThread::default()).unwrap();
        assert!(
            matches!(store.resume_thread(&id, ResumeThread::default()), Err(StoreError::Conflict { .. })),
            "{name}"
        );
        for refused in [store.archive_thread(&id, now()), store.delete_thread(&id)] {
            assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{name}");
        }
        store.shutdown_thread(&id).unwrap();
        store.resume_thread(&id, ResumeThread::default()).unwrap();
        store.discard_thread(&id).unwrap();
        assert!(matches!(store.flush_thread(&id), Err(StoreError::Conflict { .. })), "{name}");
    });
}

#[test]
fn a_patch_leaves_sets_and_clears() {
    on_all(|name, Home { store, .. }| {
        let mut thread = new(1);
        thread.metadata.git_branch = Some("main".to_owned());
        thread.history_mode = HistoryMode::Legacy;
        let id = kept(store, thread, &[prompt("First words")]);
        let name_it = ThreadMetadataPatch { name: Change::Set("tides".to_owned()), ..Default::default() };
        store.update_thread_metadata(&id, &name_it).unwrap();
        let read = store.read_thread(&id).unwrap();
        assert_eq!(read.metadata.name.as_deref(), Some("tides"), "{name}");
        assert_eq!(read.metadata.git_branch.as_deref(), Some("main"), "{name}: left alone");
        assert_eq!(read.metadata.first_user_message.as_deref(), Some("First words"), "{name}");
        let clear = ThreadMetadataPatch { name: Change::Clear, ..Default::default() };
        assert_eq!(store.update_thread_metadata(&id, &clear).unwrap().metadata.name, None, "{name}");
        assert_eq!(store.read_thread(&id).unwrap().metadata.name, None, "{name}");
        let vain = ThreadMetadataPatch { cwd: Change::Clear, ..Default::default() };
        assert!(
            matches!(store.update_thread_metadata(&id, &vain), Err(StoreError::InvalidRequest { .. })),
            "{name}"
        );
        let nobody = store.update_thread_metadata(&self::id(9), &name_it);
        assert!(matches!(nobody, Err(StoreError::NotFound { .. })), "{name}");
        assert_eq!(
            history(store, &id).iter().filter(|item| &*item.item.kind == "event_msg").count(),
            1,
            "{name}"
        );
    });
}

#[test]
fn a_name_is_one_line_of_letters() {
    on_all(|name, Home { store, .. }| {
        let id = kept(store, new(1), &[item("event_msg", r#"{"type":"task_started"}"#)]);
        let long = "x".repeat(4000);
        for bad in ["two\nlines", "bell\u{7}", "", "  ", &long] {
            let patch = ThreadMetadataPatch { name: Change::Set(bad.to_owned()), ..Default::default() };
            let refused = store.update_thread_metadata(&id, &patch);
            assert!(matches!(refused, Err(StoreError::InvalidRequest { .. })), "{name}: {bad:?}");
        }
        for good in ["émigré 🚢", "a \"quoted\" \\ name", "'; DROP TABLE threads; --"] {
            let patch = ThreadMetadataPatch { name: Change::Set(good.to_owned()), ..Default::default() };
            store.update_thread_metadata(&id, &patch).unwrap();
            assert_eq!(store.read_thread(&id).unwrap().metadata.name.as_deref(), Some(good), "{name}");
        }
    });
}

#[test]
fn archived_threads_come_back_as_they_were() {
    on_all(|name, Home { store, .. }| {
        let id = kept(store, new(1), &[item("response_item", r#"{"type":"message"}"#)]);
        let before = store.read_thread(&id).unwrap();
        assert!(matches!(store.unarchive_thread(&id), Err(StoreError::Conflict { .. })), "{name}");
        store.archive_thread(&id, now()).unwrap();
        assert!(store.read_thread(&id).unwrap().archived_at.is_some(), "{name}");
        assert!(store.list_threads(&ListThreads::all()).unwrap().threads.is_empty(), "{name}");
        let archived = ListThreads { archived: true, ..ListThreads::all() };
        assert_eq!(store.list_threads(&archived).unwrap().threads.len(), 1, "{name}");
        assert!(matches!(store.archive_thread(&id, now()), Err(StoreError::Conflict { .. })), "{name}");
        assert!(
            matches!(store.resume_thread(&id, ResumeThread::default()), Err(StoreError::Conflict { .. })),
            "{name}"
        );
        assert_eq!(history(store, &id).len(), 1, "{name}: it can be read");
        store.unarchive_thread(&id).unwrap();
        let after = store.read_thread(&id).unwrap();
        assert_eq!((after.archived_at, &after.metadata.cwd), (None, &before.metadata.cwd), "{name}");
        store.resume_thread(&id, ResumeThread::default()).unwrap();
        store.discard_thread(&id).unwrap();
        store.archive_thread(&id, now()).unwrap();
        store.resume_thread(&id, ResumeThread { include_archived: true }).unwrap();
        store.shutdown_thread(&id).unwrap();
    });
}

#[test]
fn what_is_deleted_is_gone_unless_somebody_inherits_it() {
    on_all(|name, Home { store, dir }| {
        let origin =
            kept(store, new(1), &[item("response_item", r#"{"n":1}"#), item("response_item", r#"{"n":2}"#)]);
        let length = crate::homes::files(dir.path())
            .iter()
            .find(|(path, _)| path.to_string_lossy().contains(origin.as_str()))
            .map_or(0, |(_, bytes)| bytes.len() as u64);
        let base =
            HistoryBase { thread_id: origin.clone(), end_ordinal_exclusive: 3, end_byte_offset: length };
        let fork = NewThread { history_base: Some(base), forked_from: Some(origin.clone()), ..new(2) };
        let fork = kept(store, fork, &[item("response_item", r#"{"n":3}"#)]);
        let items = history(store, &fork);
        assert_eq!(payloads(&items), [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#], "{name}");
        let inherited: Vec<bool> = items.iter().map(|item| item.is_inherited).collect();
        assert_eq!(inherited, [true, true, false], "{name}");
        assert_eq!(items.iter().map(|item| item.ordinal).collect::<Vec<_>>(), [1, 2, 4], "{name}");
        assert!(matches!(store.delete_thread(&origin), Err(StoreError::Conflict { .. })), "{name}");
        store.delete_thread(&fork).unwrap();
        store.delete_thread(&origin).unwrap();
        assert!(matches!(store.delete_thread(&origin), Err(StoreError::NotFound { .. })), "{name}");
        assert!(store.list_threads(&ListThreads::all()).unwrap().threads.is_empty(), "{name}");
    });
}

/// Threads in three directories, of two providers, one begun by another.
fn some(store: &Arc<dyn ThreadStore>) {
    for n in 1..=6 {
        let mut thread =
            NewThread::new(id(n), &format!("/projects/{}", n % 3), if n == 6 { "gateway" } else { PROVIDER });
        thread.metadata.created_at = Some(Timestamp::from_millis(1_795_000_000_000 + i64::from(n) * 60_000));
        thread.metadata.source = Some(if n == 2 { "exec" } else { "cli" }.to_owned());
        if n == 4 || n == 5 {
            let parent = id(n - 1);
            let source =
                serde_json::json!({"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}});
            (thread.parent, thread.metadata.source) = (Some(parent), Some(source.to_string()));
            thread.metadata.thread_source = Some(ThreadSource::Subagent);
        }
        thread.history_mode = HistoryMode::Legacy;
        kept(
            store,
            thread,
            &[prompt(&format!("Prompt number {n} 100%")), answer(&format!("A sea of {n}_answers"))],
        );
    }
}

fn listed(store: &Arc<dyn ThreadStore>, list: &ListThreads) -> Vec<u8> {
    let threads = store.list_threads(list).unwrap().threads;
    threads.iter().map(|thread| (1..=6).find(|n| id(*n) == thread.id).unwrap_or(0)).collect()
}

#[test]
fn lists_are_filtered() {
    on_all(|name, Home { store, .. }| {
        some(store);
        let created =
            ListThreads { sort: SortKey::Created, direction: Direction::Ascending, ..ListThreads::all() };
        let of = |change: &dyn Fn(&mut ListThreads)| {
            let mut list = created.clone();
            change(&mut list);
            listed(store, &list)
        };
        assert_eq!(of(&|_| {}), [1, 2, 3, 4, 5, 6], "{name}");
        assert_eq!(of(&|list| list.direction = Direction::Descending), [6, 5, 4, 3, 2, 1], "{name}");
        assert_eq!(of(&|list| list.model_providers = None), [1, 2, 3, 4, 5], "{name}: the default one");
        assert_eq!(of(&|list| list.model_providers = Some(vec!["gateway".into()])), [6], "{name}");
        assert_eq!(of(&|list| list.cwds = Some(vec!["/projects/1".into()])), [1, 4], "{name}");
        assert_eq!(of(&|list| list.cwds = Some(Vec::new())), [0; 0], "{name}: none");
        assert_eq!(of(&|list| list.sources = Some(vec!["exec".into()])), [2], "{name}");
        assert_eq!(of(&|list| list.search_term = Some("NUMBER 3".into())), [3], "{name}");
        assert_eq!(
            of(&|list| list.search_term = Some("0%".into())).len(),
            6,
            "{name}: letters, not patterns"
        );
        assert_eq!(of(&|list| list.search_term = Some("_".into())), [0; 0], "{name}");
        assert_eq!(of(&|list| list.relation = Some(Relation::ChildrenOf(id(3)))), [4], "{name}");
        assert_eq!(of(&|list| list.relation = Some(Relation::DescendantsOf(id(3)))), [4, 5], "{name}");
        assert_eq!(of(&|list| list.archived = true), [0; 0], "{name}");
    });
}

#[test]
fn pages_show_everything_once_while_threads_come_and_go() {
    on_all(|name, Home { store, .. }| {
        some(store);
        let mut list = ListThreads { page_size: 2, sort: SortKey::Created, ..ListThreads::all() };
        let mut seen = Vec::new();
        loop {
            let page = store.list_threads(&list).unwrap();
            seen.extend(page.threads.iter().map(|thread| thread.id.clone()));
            // One comes before what was shown, one goes.
            if seen.len() == 2 {
                let mut late = new(40);
                late.metadata.created_at = Some(Timestamp::from_millis(1_795_900_000_000));
                kept(store, late, &[item("response_item", "{}")]);
                store.delete_thread(&id(6)).unwrap();
            }
            match page.next {
                // A cursor is a text for whoever keeps it.
                Some(next) => list.cursor = Some(next.to_string().parse().unwrap()),
                None => break,
            }
        }
        let expected: Vec<ThreadId> = (1..=6).rev().map(id).collect();
        assert_eq!(seen, expected, "{name}");
        let other = ListThreads { sort: SortKey::Updated, cursor: list.cursor, ..ListThreads::all() };
        assert!(matches!(store.list_threads(&other), Err(StoreError::InvalidRequest { .. })), "{name}");
    });
}

#[test]
fn what_was_said_is_found() {
    on_all(|name, Home { store, .. }| {
        some(store);
        let found = store.search_threads("SEA OF 3", 10).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((&found[0].thread.id, found[0].ordinal), (&id(3), 2), "{name}");
        assert!(found[0].snippet.contains("A sea of 3_answers"), "{name}: {}", found[0].snippet);
        assert_eq!(
            store.search_threads("prompt number", 4).unwrap().len(),
            4,
            "{name}: as many as asked for"
        );
        assert!(store.search_threads("nowhere", 4).unwrap().is_empty(), "{name}");
        assert!(matches!(store.search_threads(" ", 4), Err(StoreError::InvalidRequest { .. })), "{name}");
    });
}

#[test]
fn turns_and_items_come_in_pages() {
    on_all(|name, Home { store, .. }| {
        let mut thread = new(1);
        thread.history_mode = HistoryMode::Legacy;
        let mut items = Vec::new();
        for n in 1..=3 {
            items.push(item("event_msg", &format!(r#"{{"type":"task_started","turn_id":"t{n}"}}"#)));
            items.push(prompt(&format!("Prompt {n}")));
            items.push(item("event_msg", &format!(r#"{{"type":"task_complete","turn_id":"t{n}"}}"#)));
        }
        let id = kept(store, thread, &items);
        let page = store.list_turns(&id, PageOf::first(2)).unwrap();
        let told: Vec<_> = page.turns.iter().map(|turn| (turn.id.as_deref(), turn.from, turn.to)).collect();
        assert_eq!(told, [(Some("t1"), 1, 4), (Some("t2"), 4, 7)], "{name}");
        assert_eq!(page.turns[0].prompt.as_deref(), Some("Prompt 1"), "{name}");
        let rest = store.list_turns(&id, PageOf { from: page.next.unwrap(), limit: 2 }).unwrap();
        assert_eq!((rest.turns.len(), rest.next), (1, None), "{name}");
        let mut from = 0;
        let mut seen = Vec::new();
        loop {
            let page = store.list_items(&id, PageOf { from, limit: 4 }).unwrap();
            seen.extend(page.items.iter().map(|item| item.ordinal));
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(seen, (1..=9).collect::<Vec<u64>>(), "{name}");
    });
}

#[test]
fn a_model_is_told_what_follows_the_last_compaction() {
    on_all(|name, Home { store, .. }| {
        for (n, mode) in [(1, HistoryMode::Paginated), (2, HistoryMode::Legacy)] {
            let mut thread = new(n);
            thread.history_mode = mode;
            let items = [r#"{"n":1}"#, r#"{"n":2}"#].map(|payload| item("response_item", payload));
            let id = kept(store, thread, &items);
            assert_eq!(store.load_latest_model_context(&id).unwrap().len(), 2, "{name}");
            store.resume_thread(&id, ResumeThread::default()).unwrap();
            store
                .append_items(
                    &id,
                    &[item("compacted", r#"{"message":"a"}"#), item("response_item", r#"{"n":3}"#)],
                )
                .unwrap();
            store
                .append_items(
                    &id,
                    &[item("compacted", r#"{"message":"b"}"#), item("response_item", r#"{"n":4}"#)],
                )
                .unwrap();
            store.shutdown_thread(&id).unwrap();
            let context = store.load_latest_model_context(&id).unwrap();
            assert_eq!(payloads(&context), [r#"{"message":"b"}"#, r#"{"n":4}"#], "{name} {mode:?}");
            assert_eq!(context[0].ordinal, 5, "{name} {mode:?}");
        }
    });
}

#[test]
fn a_very_long_item_is_an_item() {
    on_all(|name, Home { store, .. }| {
        let long = format!(r#"{{"type":"message","text":"{}"}}"#, "ß".repeat(4_000_000));
        let id = kept(store, new(1), &[item("response_item", "{}"), item("response_item", &long)]);
        let items = history(store, &id);
        assert_eq!(items.len(), 2, "{name}");
        assert_eq!(items[1].item.payload.get().len(), long.len(), "{name}");
    });
}

#[test]
fn what_is_derived_is_told_in_patches() {
    on_all(|name, Home { store, .. }| {
        let mut thread = new(1);
        thread.history_mode = HistoryMode::Legacy;
        let live = LiveThread::create(store.clone(), thread).unwrap();
        let named = ThreadMetadataPatch { name: Change::Set("early".to_owned()), ..Default::default() };
        live.update_metadata(named, now()).unwrap();
        assert!(
            matches!(store.read_thread(&id(1)), Err(StoreError::NotFound { .. })),
            "{name}: no history yet"
        );
        live.append(&[item("event_msg", r#"{"type":"agent_message_delta","delta":"x"}"#)], now()).unwrap();
        assert!(
            matches!(store.read_thread(&id(1)), Err(StoreError::NotFound { .. })),
            "{name}: nothing durable yet"
        );
        live.append(&[prompt("Hello there")], now()).unwrap();
        let thread = live.read().unwrap();
        assert_eq!(thread.metadata.first_user_message.as_deref(), Some("Hello there"), "{name}");
        assert_eq!(thread.metadata.name.as_deref(), Some("early"), "{name}");
        drop(live);
        store.resume_thread(&id(1), ResumeThread::default()).unwrap();
        store.discard_thread(&id(1)).unwrap();
        assert_eq!(history(store, &id(1)).len(), 1, "{name}: dropping it lost nothing");
    });
}

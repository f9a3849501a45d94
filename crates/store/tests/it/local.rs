//! What only the local store has: files that others write, a database, crashes.

use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;

use marline_model::{Change, HistoryMode, ThreadId, ThreadMetadataPatch};
use marline_store::{
    HistoryBase, ListThreads, LocalThreadStore, NewThread, ResumeThread, StoreError, ThreadStore, WriterLock,
};

use crate::homes::{Home, PROVIDER, answer, id, item, kept, local, make_database, now, places, prompt};

fn count(store: &dyn ThreadStore, id: &ThreadId) -> usize {
    let mut count = 0;
    store
        .load_history(id, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    count
}

fn legacy(n: u8) -> NewThread {
    NewThread { history_mode: HistoryMode::Legacy, ..NewThread::new(id(n), "/projects/shop", PROVIDER) }
}

fn rollout(home: &Home, id: &ThreadId) -> std::path::PathBuf {
    LocalThreadStore::new(places(home.dir.path())).rollout_path(id).unwrap()
}

#[test]
fn a_rollout_is_filed_and_written_as_codex_does() {
    let home = local(false);
    let mut thread = NewThread::new(id(1), "/projects/shop", PROVIDER);
    thread.metadata.created_at = Some(marline_model::Timestamp::from_millis(1_795_000_000_000));
    kept(&home.store, thread, &[item("response_item", r#"{"type":"message"}"#)]);
    let path = rollout(&home, &id(1));
    // One hour east of UTC.
    let wanted = format!("sessions/2026/11/18/rollout-2026-11-18T12-06-40-{}.jsonl", id(1));
    assert_eq!(path.strip_prefix(home.dir.path()).unwrap().to_string_lossy(), wanted);
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["type"].as_str(), lines[0]["ordinal"].as_u64()), (Some("session_meta"), Some(0)));
    let payload = &lines[0]["payload"];
    assert_eq!(payload["id"], id(1).as_str());
    assert_eq!((payload["cwd"].as_str(), payload["source"].as_str()), (Some("/projects/shop"), Some("cli")));
    assert_eq!(
        (payload["model_provider"].as_str(), payload["history_mode"].as_str()),
        (Some(PROVIDER), Some("paginated"))
    );
    assert_eq!((lines[1]["type"].as_str(), lines[1]["ordinal"].as_u64()), (Some("response_item"), Some(1)));
}

#[test]
fn another_process_that_writes_the_thread_is_respected() {
    let home = local(true);
    let id = kept(&home.store, legacy(1), &[prompt("hi")]);
    let other = WriterLock::take(home.dir.path(), &id).unwrap();
    let store = &home.store;
    let refused = [
        store.resume_thread(&id, ResumeThread::default()),
        store.archive_thread(&id, now()),
        store.delete_thread(&id),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(count(&**store, &id), 1, "reading goes on");
    drop(other);
    store.resume_thread(&id, ResumeThread::default()).unwrap();
    assert!(WriterLock::is_held(home.dir.path(), &id));
    store.shutdown_thread(&id).unwrap();
    assert!(!WriterLock::is_held(home.dir.path(), &id));
}

#[test]
fn a_crash_after_every_byte_loses_nothing_that_was_written() {
    let home = local(false);
    let id = kept(&home.store, NewThread::new(id(1), "/w", PROVIDER), &[item("response_item", r#"{"n":1}"#)]);
    let path = rollout(&home, &id);
    let whole = fs::read(&path).unwrap();
    let header = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in header..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let store = LocalThreadStore::new(places(home.dir.path()));
        let kept_whole = cut >= whole.len() - 1;
        assert_eq!(count(&store, &id), usize::from(kept_whole), "cut at {cut}");
        store.resume_thread(&id, ResumeThread::default()).unwrap();
        store.append_items(&id, &[item("response_item", r#"{"n":2}"#)]).unwrap();
        store.shutdown_thread(&id).unwrap();
        let text = fs::read(&path).unwrap();
        assert!(text.starts_with(&whole[..cut]), "cut at {cut}: what stood there stands there");
        assert_eq!(count(&store, &id), 1 + usize::from(kept_whole), "cut at {cut}");
    }
}

#[test]
fn a_full_disk_leaves_whole_lines() {
    const HOME: &str = "MARLINE_TEST_HOME";
    if let Some(home) = std::env::var_os(HOME) {
        return on_a_full_disk(std::path::Path::new(&home));
    }
    let home = local(false);
    kept(&home.store, legacy(1), &[prompt("hi")]);
    // A file that may not grow any further is what a full disk looks like to a writer: 512 bytes a block.
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    limited.args(["--exact", "local::a_full_disk_leaves_whole_lines"]).env(HOME, home.dir.path());
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(count(&*home.store, &id(1)), 2, "what was refused is not there, what came later is");
}

fn on_a_full_disk(home: &std::path::Path) {
    let store = LocalThreadStore::new(places(home));
    let path = store.rollout_path(&id(1)).unwrap();
    let before = fs::read(&path).unwrap();
    store.resume_thread(&id(1), ResumeThread::default()).unwrap();
    let long = item("response_item", &format!(r#"{{"text":"{}"}}"#, "x".repeat(10_000)));
    let refused = store.append_items(&id(1), std::slice::from_ref(&long));
    assert!(matches!(refused, Err(StoreError::Internal { .. })), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), before, "nothing of it is there");
    store.append_items(&id(1), &[item("response_item", "{}")]).unwrap();
    store.shutdown_thread(&id(1)).unwrap();
    let new = NewThread { metadata: Default::default(), ..legacy(2) };
    store.create_thread(new).unwrap();
    store.append_items(&id(2), &[long]).unwrap();
    assert!(matches!(store.persist_thread(&id(2)), Err(StoreError::Internal { .. })));
    store.discard_thread(&id(2)).unwrap();
    assert!(
        matches!(store.read_thread(&id(2)), Err(StoreError::NotFound { .. })),
        "no half of a thread is left"
    );
}

#[test]
fn compressed_threads_are_read_and_made_plain_before_they_grow() {
    let home = local(true);
    let id = kept(&home.store, legacy(1), &[prompt("cold words")]);
    let path = rollout(&home, &id);
    let packed = zstd::encode_all(&fs::read(&path).unwrap()[..], 3).unwrap();
    fs::write(path.with_extension("jsonl.zst"), packed).unwrap();
    fs::remove_file(&path).unwrap();
    let store = &home.store;
    assert_eq!(store.read_thread(&id).unwrap().metadata.first_user_message.as_deref(), Some("cold words"));
    assert_eq!(count(&**store, &id), 1);
    assert_eq!(store.search_threads("cold", 5).unwrap().len(), 1);
    store.resume_thread(&id, ResumeThread::default()).unwrap();
    store.append_items(&id, &[answer("warm")]).unwrap();
    store.shutdown_thread(&id).unwrap();
    assert!(path.exists() && !path.with_extension("jsonl.zst").exists());
    assert_eq!(count(&**store, &id), 2);
}

#[test]
fn a_fork_whose_origin_is_gone_says_so_and_one_that_is_its_own_origin_ends() {
    let home = local(false);
    let fork = |n: u8, of: u8| {
        let base = HistoryBase { thread_id: id(of), end_ordinal_exclusive: 5, end_byte_offset: 100_000 };
        let new = NewThread { history_base: Some(base), ..NewThread::new(id(n), "/w", PROVIDER) };
        kept(&home.store, new, &[item("response_item", "{}")]);
    };
    fork(1, 9);
    let lineage = home.store.load_history(&id(1), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(lineage.missing[0].contains("gone"), "{lineage:?}");
    fork(2, 3);
    fork(3, 2);
    let lineage = home.store.load_history(&id(2), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(lineage.missing[0].contains("its own origin"), "{lineage:?}");
}

#[test]
fn damaged_files_are_passed_over_and_told() {
    let home = local(false);
    let good = kept(&home.store, legacy(1), &[prompt("good")]);
    let folder = rollout(&home, &good).parent().unwrap().to_owned();
    let place = |n: u8| folder.join(format!("rollout-2026-11-18T12-00-00-{}.jsonl", id(n)));
    fs::write(place(2), "not json at all\n").unwrap();
    fs::write(place(3), "").unwrap();
    fs::write(place(4), fs::read(rollout(&home, &good)).unwrap()).unwrap();
    let text = fs::read_to_string(rollout(&home, &good)).unwrap();
    let strange = text.replace("\"legacy\"", "\"of_tomorrow\"").replace(good.as_str(), id(5).as_str());
    fs::write(place(5), strange).unwrap();
    let listed = home.store.list_threads(&ListThreads::all()).unwrap().threads;
    assert!(listed.iter().any(|thread| thread.id == good));
    assert!(listed.iter().all(|thread| thread.id != id(2) && thread.id != id(3) && thread.id != id(5)));
    assert!(matches!(home.store.read_thread(&id(2)), Err(StoreError::Conflict { .. })));
    assert!(
        matches!(home.store.read_thread(&id(4)), Err(StoreError::Conflict { .. })),
        "it belongs to another"
    );
    // A torn line in the middle is one record less.
    let mut file = fs::File::options().append(true).open(rollout(&home, &good)).unwrap();
    file.write_all(b"{\"timestamp\":\"2026-11\xff\n").unwrap();
    let lineage = home.store.load_history(&good, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(lineage.skipped, 1);
}

#[test]
fn a_database_that_can_not_be_used_is_passed_over_in_silence_and_told_when_asked() {
    for (break_it, words) in [
        (
            (|path: &std::path::Path| fs::remove_file(path).unwrap()) as fn(&std::path::Path),
            "no state database",
        ),
        (
            |path| {
                fs::write(path, "this is no database, and long enough to be looked at as if it were one")
                    .unwrap()
            },
            "not a database",
        ),
        (
            |path| {
                fs::remove_file(path).unwrap();
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.execute_batch("CREATE TABLE threads (id TEXT, path TEXT)").unwrap();
            },
            "lacks the columns rollout_path",
        ),
    ] {
        let home = local(true);
        let kept = kept(&home.store, legacy(1), &[prompt("hi")]);
        let path = home.dir.path().join("state_5.sqlite");
        for name in ["state_5.sqlite-wal", "state_5.sqlite-shm"] {
            let _ = fs::remove_file(home.dir.path().join(name));
        }
        break_it(&path);
        let store = LocalThreadStore::new(places(home.dir.path()));
        let listed = store.list_threads(&ListThreads::all()).unwrap().threads;
        assert_eq!(listed.len(), 1, "{words}");
        assert_eq!(listed[0].id, kept);
        assert!(store.doubt().unwrap().contains(words), "{:?}", store.doubt());
    }
    let home = local(true);
    assert_eq!(LocalThreadStore::new(places(home.dir.path())).doubt(), None);
    // The newest one is asked.
    make_database(&home.dir.path().join("state_10.sqlite"));
    kept(&home.store, legacy(1), &[prompt("hi")]);
    let old = rusqlite::Connection::open(home.dir.path().join("state_5.sqlite")).unwrap();
    let rows: u32 = old.query_row("SELECT COUNT(*) FROM threads", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_stale_row_does_not_mislead() {
    let home = local(true);
    let first = kept(&home.store, legacy(1), &[prompt("first")]);
    kept(&home.store, legacy(2), &[prompt("second")]);
    let database = rusqlite::Connection::open(home.dir.path().join("state_5.sqlite")).unwrap();
    for path in ["/etc/passwd".to_owned(), rollout(&home, &id(2)).display().to_string(), "gone".to_owned()] {
        database
            .execute("UPDATE threads SET rollout_path = ?1 WHERE id = ?2", [&path, first.as_str()])
            .unwrap();
        let thread = home.store.read_thread(&first).unwrap();
        assert_eq!(thread.metadata.first_user_message.as_deref(), Some("first"), "{path}");
    }
}

#[test]
fn names_stand_in_the_index_and_the_newest_wins() {
    let home = local(false);
    let one = kept(&home.store, legacy(1), &[prompt("one")]);
    let index = home.dir.path().join("session_index.jsonl");
    fs::write(&index, format!("{{\"id\":\"{one}\",\"thread_name\":\"by codex\",\"updated_at\":\"2026-11-21T00:00:00Z\"}}\n{{torn")).unwrap();
    assert_eq!(home.store.read_thread(&one).unwrap().metadata.name.as_deref(), Some("by codex"));
    let patch = ThreadMetadataPatch { name: Change::Set("by us".to_owned()), ..Default::default() };
    home.store.update_thread_metadata(&one, &patch).unwrap();
    assert_eq!(home.store.read_thread(&one).unwrap().metadata.name.as_deref(), Some("by us"));
    let text = fs::read_to_string(&index).unwrap();
    assert!(text.contains("by codex") && text.contains("{torn\n"), "appended, not rewritten: {text}");
    home.store.delete_thread(&one).unwrap();
    assert_eq!(fs::read_to_string(&index).unwrap(), "{torn\n");
}

#[test]
fn the_last_context_of_a_long_rollout_is_read_from_its_end() {
    let home = local(false);
    let id = kept(&home.store, NewThread::new(id(1), "/w", PROVIDER), &[item("response_item", r#"{"n":0}"#)]);
    let path = rollout(&home, &id);
    // What lies before is no record at all: whoever read it would stumble.
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(&vec![b'x'; 3 << 20]).unwrap();
    let compacted = r#"{"timestamp":"2026-11-18T11:06:41.000Z","ordinal":7,"type":"compacted","payload":{"message":"m"}}"#;
    let long = format!(
        r#"{{"timestamp":"2026-11-18T11:06:42.000Z","ordinal":8,"type":"response_item","payload":{{"t":"{}"}}}}"#,
        "y".repeat(3 << 20)
    );
    write!(file, "\n{compacted}\n{long}\n").unwrap();
    let context = home.store.load_latest_model_context(&id).unwrap();
    assert_eq!(context.iter().map(|item| item.ordinal).collect::<Vec<_>>(), [7, 8]);
    home.store.resume_thread(&id, ResumeThread::default()).unwrap();
    home.store.append_items(&id, &[item("response_item", r#"{"n":9}"#)]).unwrap();
    home.store.shutdown_thread(&id).unwrap();
    assert_eq!(
        home.store.load_latest_model_context(&id).unwrap().last().unwrap().ordinal,
        9,
        "numbers go on"
    );
}

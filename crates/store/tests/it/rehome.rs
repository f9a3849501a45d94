//! Other providers, and back: no byte moves, and everything is as it was in the end.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use marline_model::{HistoryMode, ThreadId};
use marline_store::{
    Goal, Ledger, LocalThreadStore, NewThread, Rehomed, RehomedThread, Rehoming, ThreadStore as _, WriterLock,
};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::homes::{Home, answer, id, item, kept, local, places, prompt};

/// A home with threads of two providers in both modes, and forks of them by reference.
fn home(count: u8, with_database: bool) -> Home {
    let home = local(with_database);
    for n in 0..count {
        let mut new = NewThread::new(id(n), "/w", if n % 2 == 0 { "openai" } else { "gateway" });
        new.history_mode = if n % 3 == 0 { HistoryMode::Legacy } else { HistoryMode::Paginated };
        new.more = Some(
            serde_json::value::RawValue::from_string(r#"{"base_instructions":{"text":"long"}}"#.into())
                .unwrap(),
        );
        let words = item("response_item", &format!(r#"{{"type":"message","text":"Prompt {n}"}}"#));
        kept(&home.store, new, &[prompt("hi"), words, answer("ho")]);
    }
    let store = LocalThreadStore::new(places(home.dir.path()));
    for n in (1..count).step_by(2) {
        store.fork_thread(&id(n), &id(100 + n), None, None).unwrap();
    }
    home
}

/// All rollouts with their bytes and times, and all rows.
type State = (Vec<(PathBuf, Vec<u8>, std::time::SystemTime)>, Vec<String>);

fn state(home: &Path) -> State {
    let files = crate::homes::files(&home.join("sessions")).into_iter().map(|(path, bytes)| {
        let at = fs::metadata(&path).unwrap().modified().unwrap();
        (path, bytes, at)
    });
    let mut rows = Vec::new();
    let database = home.join("state_5.sqlite");
    if database.exists() {
        let connection = Connection::open(database).unwrap();
        let mut query = connection.prepare("SELECT * FROM threads ORDER BY id").unwrap();
        let columns = query.column_count();
        let mut cursor = query.query([]).unwrap();
        while let Some(row) = cursor.next().unwrap() {
            rows.push((0..columns).map(|n| format!("{:?}|", row.get_ref(n).unwrap())).collect());
        }
    }
    (files.collect(), rows)
}

fn rehome(home: &Path, goal: Goal<'_>) -> Vec<RehomedThread> {
    let mut ledger = Ledger::open(home).unwrap();
    let open = HashSet::new();
    let all = Rehoming { from: &[], threads: &[], open: &open, dry_run: false };
    let mut told = Vec::new();
    LocalThreadStore::new(places(home)).rehome(&mut ledger, goal, &all, &mut |one| told.push(one)).unwrap();
    told
}

fn count(told: &[RehomedThread], is_meant: impl Fn(&Rehomed) -> bool) -> usize {
    told.iter().filter(|one| is_meant(&one.rehomed)).count()
}

fn provider_of(home: &Path, thread: &ThreadId) -> Option<String> {
    LocalThreadStore::new(places(home)).read_thread(thread).unwrap().metadata.model_provider
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_providers_come_everything_is_as_it_was_when_they_are_gone(
        with_database in any::<bool>(),
        names in proptest::collection::vec(prop_oneof!["[a-z]{1,12}", Just("openai".to_owned()), "[\"ü-]{1,4}", "x{40,60}"], 1..5),
    ) {
        let home = home(5, with_database);
        let dir = home.dir.path();
        let before = state(dir);
        for name in &names {
            let told = rehome(dir, Goal::Provider(name));
            prop_assert_eq!(told.len(), 7);
            for one in &told {
                match &one.rehomed {
                    Rehomed::Updated | Rehomed::AlreadyRight => {
                        prop_assert_eq!(provider_of(dir, &one.thread), Some(name.clone()));
                    }
                    Rehomed::Refused(_) => prop_assert!(name.len() > 30, "{:?}", one),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            let now = state(dir);
            for (one, other) in before.0.iter().zip(&now.0) {
                prop_assert_eq!((&one.0, one.1.len(), one.2), (&other.0, other.1.len(), other.2), "length and time");
                let header = one.1.iter().position(|byte| *byte == b'\n').unwrap();
                prop_assert_eq!(&one.1[header..], &other.1[header..], "what is behind the header");
            }
        }
        rehome(dir, Goal::First);
        prop_assert_eq!(state(dir), before);
        prop_assert_eq!(Ledger::open(dir).unwrap().count().unwrap(), 0);
    }
}

#[test]
fn forks_read_what_they_inherit_under_any_provider() {
    let home = home(4, true);
    let dir = home.dir.path();
    let store = LocalThreadStore::new(places(dir));
    let items = |n: u8| {
        let mut texts = Vec::new();
        store
            .load_history(&id(n), &mut |item| {
                texts.push((item.ordinal, item.item.payload.get().to_owned()));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        texts
    };
    let before = (items(101), items(103));
    for name in ["a", "some-longer-name", "openai"] {
        rehome(dir, Goal::Provider(name));
        assert_eq!((items(101), items(103)), before, "{name}");
    }
}

#[test]
fn a_session_in_use_is_done_later() {
    let home = home(3, true);
    let dir = home.dir.path();
    let lock = WriterLock::take(dir, &id(1)).unwrap();
    let told = rehome(dir, Goal::Provider("other"));
    assert_eq!(count(&told, |fate| matches!(fate, Rehomed::Deferred(_))), 1);
    assert_eq!(provider_of(dir, &id(1)).as_deref(), Some("gateway"));
    drop(lock);
    let told = rehome(dir, Goal::Provider("other"));
    assert_eq!(count(&told, |fate| *fate == Rehomed::Updated), 1, "{told:?}");
    assert_eq!(count(&told, |fate| *fate == Rehomed::AlreadyRight), told.len() - 1);
}

#[test]
fn odd_files_are_handled_or_named_and_never_changed_by_half() {
    let home = home(3, false);
    let dir = home.dir.path();
    let path = |n: u8| LocalThreadStore::new(places(dir)).rollout_path(&id(n)).unwrap();
    // Windows line ends, a line before the header, a second header, and one that can't be read.
    let text = fs::read_to_string(path(0)).unwrap().replace('\n', "\r\n");
    fs::write(path(0), text).unwrap();
    let text = fs::read_to_string(path(1)).unwrap();
    let (header, rest) = text.split_once('\n').unwrap();
    fs::write(path(1), format!("no json\n{header}\n{header}\n{rest}")).unwrap();
    let zst = path(2).with_extension("jsonl.zst");
    fs::write(&zst, zstd::encode_all(&fs::read(path(2)).unwrap()[..], 1).unwrap()).unwrap();
    fs::remove_file(path(2)).unwrap();
    let broken = path(0).with_file_name(format!("rollout-2026-11-21T10-00-00-{}.jsonl", id(9)));
    fs::write(&broken, "torn {").unwrap();
    let before = state(dir);
    let told = rehome(dir, Goal::Provider("x"));
    let fate = |n: u8| told.iter().find(|one| one.thread == id(n)).map(|one| one.rehomed.clone());
    assert_eq!((fate(0), fate(1), fate(9)), (Some(Rehomed::Updated), Some(Rehomed::Updated), None));
    assert!(matches!(fate(2), Some(Rehomed::Refused(why)) if why.contains("compressed")));
    let text = fs::read_to_string(path(1)).unwrap();
    assert_eq!(
        text.matches("\"model_provider\":\"x\"").count(),
        1,
        "the first header is the one that counts"
    );
    assert_eq!(fs::read(&broken).unwrap(), b"torn {");
    rehome(dir, Goal::First);
    assert_eq!(state(dir), before);
}

#[test]
fn a_database_that_can_not_be_written_leaves_all_as_it_was() {
    let home = home(3, true);
    let dir = home.dir.path();
    let before = state(dir);
    let other = Connection::open(dir.join("state_5.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = rehome(dir, Goal::Provider("other"));
    assert_eq!(
        count(&told, |fate| matches!(fate, Rehomed::Deferred(why) if why.contains("database"))),
        told.len()
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(state(dir), before);
    // One of a shape that is not known is never written.
    other.execute_batch("ALTER TABLE threads RENAME COLUMN cwd TO place").unwrap();
    let told = rehome(dir, Goal::Provider("other"));
    assert_eq!(count(&told, |fate| matches!(fate, Rehomed::Refused(why) if why.contains("cwd"))), told.len());
    assert_eq!(state(dir).0, before.0);
}

#[test]
fn a_program_that_sets_it_back_all_the_time_is_not_fought() {
    let home = home(1, false);
    let dir = home.dir.path();
    let path = LocalThreadStore::new(places(dir)).rollout_path(&id(0)).unwrap();
    let first = fs::read(&path).unwrap();
    let mut fates = Vec::new();
    for _ in 0..5 {
        fates.push(rehome(dir, Goal::Provider("other"))[0].rehomed.clone());
        fs::write(&path, &first).unwrap();
    }
    assert_eq!(fates[0], Rehomed::Updated);
    assert!(matches!(&fates[4], Rehomed::Refused(why) if why.contains("another program")), "{fates:?}");
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn a_kill_at_any_moment_leaves_each_as_before_or_as_after() {
    const HOME: &str = "MARLINE_TEST_REHOME";
    if let Some(dir) = std::env::var_os(HOME) {
        let dir = PathBuf::from(dir);
        for n in 0.. {
            rehome(&dir, Goal::Provider(["other", "a-third-one", "openai"][n % 3]));
        }
    }
    let home = home(60, true);
    let dir = home.dir.path();
    let before = state(dir);
    for wait in [20, 35, 60, 90, 140, 200, 55, 75] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "rehome::a_kill_at_any_moment_leaves_each_as_before_or_as_after"])
            .env(HOME, dir)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        // The next one brings back what stands half-way, and header and row agree.
        let told = rehome(dir, Goal::Provider("after"));
        assert_eq!(count(&told, |fate| matches!(fate, Rehomed::Updated | Rehomed::AlreadyRight)), told.len());
    }
    rehome(dir, Goal::First);
    assert_eq!(state(dir), before);
}

#[test]
fn two_at_once_leave_header_and_row_of_one_mind() {
    let home = home(40, true);
    let dir = home.dir.path();
    let before = state(dir);
    std::thread::scope(|scope| {
        for name in ["one", "another", "third"] {
            scope.spawn(move || (0..3).for_each(|_| drop(rehome(dir, Goal::Provider(name)))));
        }
    });
    let rows = Connection::open(dir.join("state_5.sqlite")).unwrap();
    for n in 0..40 {
        let row: String = rows
            .query_row("SELECT model_provider FROM threads WHERE id = ?1", [id(n).as_str()], |row| row.get(0))
            .unwrap();
        let path = LocalThreadStore::new(places(dir)).rollout_path(&id(n)).unwrap();
        let header = fs::read_to_string(path).unwrap();
        assert!(header.contains(&format!("\"model_provider\":\"{row}\"")), "{row}: {}", &header[..400]);
    }
    rehome(dir, Goal::First);
    assert_eq!(state(dir), before);
}

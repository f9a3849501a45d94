//! The database and the files, side by side: whatever is asked for, both give the same list.

use std::fs::{self, File, FileTimes};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use marline_model::{Change, HistoryMode, ThreadId, ThreadMetadataPatch, Timestamp};
use marline_store::{
    Direction, ListThreads, LocalThreadStore, NewThread, Places, Relation, SortKey, ThreadStore,
};
use proptest::prelude::*;

use crate::homes::{answer, id, kept, local, places, prompt};

const PROVIDERS: [&str; 3] = ["openai", "lab", "a \"b\""];
const SOURCES: [&str; 3] = ["cli", "exec", "vscode"];
const CWDS: [&str; 3] = ["/w/shop", "/w/rope", "/w/shop/deep"];
const WORDS: [&str; 4] = ["Tune the rope", "100% sure", "under_score", "ÜBER alles"];

/// A thread to be.
#[derive(Debug, Clone)]
struct Thread {
    provider: usize,
    source: usize,
    cwd: usize,
    words: usize,
    name: Option<usize>,
    parent: Option<usize>,
    minutes: i64,
    is_archived: bool,
}

fn thread() -> impl Strategy<Value = Thread> {
    let facts = (0..3usize, 0..3usize, 0..3usize, 0..4usize);
    let more = (
        proptest::option::of(0..4usize),
        proptest::option::of(0..6usize),
        0..5i64,
        proptest::bool::weighted(0.3),
    );
    (facts, more).prop_map(|((provider, source, cwd, words), (name, parent, minutes, is_archived))| Thread {
        provider,
        source,
        cwd,
        words,
        name,
        parent,
        minutes,
        is_archived,
    })
}

fn some(list: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
    let few = proptest::sample::subsequence(list, 0..=list.len());
    proptest::option::of(few.prop_map(|few| few.into_iter().map(str::to_owned).collect()))
}

fn list() -> impl Strategy<Value = ListThreads> {
    let order = (prop_oneof![Just(SortKey::Created), Just(SortKey::Updated)], any::<bool>(), 1..4usize);
    let which = (some(&SOURCES), some(&PROVIDERS), some(&CWDS), any::<bool>());
    let term =
        proptest::option::of(prop_oneof![Just("rope"), Just("%"), Just("_"), Just("THE"), Just("über")]);
    let relation = proptest::option::of((0..6u8, any::<bool>()));
    (order, which, term, relation).prop_map(|((sort, is_up, page_size), which, term, relation)| {
        let (sources, model_providers, cwds, archived) = which;
        ListThreads {
            page_size,
            cursor: None,
            sort,
            direction: if is_up { Direction::Ascending } else { Direction::Descending },
            sources,
            model_providers,
            cwds,
            archived,
            search_term: term.map(str::to_owned),
            relation: relation.map(|(n, is_deep)| match is_deep {
                true => Relation::DescendantsOf(id(n)),
                false => Relation::ChildrenOf(id(n)),
            }),
        }
    })
}

/// Everything that a list gives, page after page.
fn all(store: &LocalThreadStore, mut list: ListThreads) -> Vec<(ThreadId, Option<String>)> {
    let mut found = Vec::new();
    loop {
        let page = store.list_threads(&list).unwrap();
        assert!(page.threads.len() <= list.page_size);
        found.extend(page.threads.into_iter().map(|thread| (thread.id, thread.metadata.name)));
        list.cursor = page.next;
        if list.cursor.is_none() {
            return found;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_database_and_the_files_give_the_same_lists(
        threads in proptest::collection::vec(thread(), 1..7),
        lists in proptest::collection::vec(list(), 12),
    ) {
        let home = local(true);
        for (n, thread) in threads.iter().enumerate() {
            let mut new = NewThread::new(id(n as u8), CWDS[thread.cwd], PROVIDERS[thread.provider]);
            new.history_mode = HistoryMode::Legacy;
            new.metadata.source = Some(SOURCES[thread.source].to_owned());
            // Threads come after their parents.
            new.parent = thread.parent.filter(|parent| *parent < n).map(|parent| id(parent as u8));
            let at = Timestamp::from_millis(1_795_000_000_000 + thread.minutes * 60_000);
            new.metadata.created_at = Some(at);
            let id = kept(&home.store, new, &[prompt(WORDS[thread.words]).at(at), answer("Yes").at(at)]);
            if let Some(name) = thread.name {
                let name = Change::Set(WORDS[name].to_owned());
                home.store.update_thread_metadata(&id, &ThreadMetadataPatch { name, ..Default::default() }).unwrap();
            }
            if thread.is_archived {
                home.store.archive_thread(&id, at).unwrap();
            }
        }
        // Files change when their threads do: what the test wrote in haste is told as it would have been.
        let database = Arc::new(LocalThreadStore::new(places(home.dir.path())));
        for n in 0..threads.len() {
            let thread = database.read_thread(&id(n as u8)).unwrap();
            let at = thread.metadata.updated_at.unwrap().as_millis().unsigned_abs();
            let path = database.rollout_path(&thread.id).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at);
            File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(at)).unwrap();
        }
        let nowhere = home.dir.path().join("nowhere");
        fs::create_dir(&nowhere).unwrap();
        let files = LocalThreadStore::new(Places { databases: nowhere, ..places(home.dir.path()) });
        prop_assert!(database.doubt().is_none() && files.doubt().is_some());
        for list in lists {
            prop_assert_eq!(all(&database, list.clone()), all(&files, list.clone()), "{:?} of {:?}", list, threads);
        }
    }
}
